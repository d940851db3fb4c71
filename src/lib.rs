//! kubepki: the certificates of kubeadm clusters, made, checked, renewed, signed and embedded.
//!
//! The crate is built in floors; a module uses only floors below its own:
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`clock`] [`digest`] [`entropy`] [`error`] [`remedy`] [`remembered`] [`secret`] [`text`] [`tree`] [`workers`] |
//! | 1 | [`certificate_key`] [`edge`] [`key`] [`store`] [`yaml`] |
//! | 2 | [`config`] [`x509`] |
//! | 3 | [`catalogue`] [`component`] [`kubeconfig`] |
//! | 4 | [`inventory`] |
//! | 5 | [`audit`] [`bundle`] [`plan`] [`policy`] |
//! | 6 | [`request`] |
//! | 7 | [`ops`] |
//! | 8 | [`report`] |
//! | 9 | [`cli`] |

// Unit tests may unwrap: a panic there is a failed test.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::as_conversions))]

pub mod audit;
pub mod bundle;
pub mod catalogue;
pub mod certificate_key;
pub mod cli;
pub mod clock;
pub mod component;
pub mod config;
pub mod digest;
pub mod edge;
pub mod entropy;
pub mod error;
pub mod inventory;
pub mod key;
pub mod kubeconfig;
pub mod objects;
pub mod ops;
pub mod plan;
pub mod policy;
#[cfg(feature = "python")]
mod python;
pub mod remedy;
pub mod remembered;
pub mod report;
pub mod request;
pub mod secret;
pub mod store;
pub mod text;
pub mod tree;
pub mod workers;
pub mod x509;
pub mod yaml;
