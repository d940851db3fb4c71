//! What there is to say about the certificates of a node: judgements over what was read, never the reading.
//!
//! In: a [`Tree`](crate::tree::Tree), what the catalogue expects, now. Out: findings, expirations. All pure.

pub mod access;
pub mod advice;
pub mod authority;
pub mod certificate;
pub mod chain;
pub mod content;
pub mod expiration;
pub mod exposure;
mod files;
mod finding;
pub mod flags;
pub mod fleet;
mod identifier;
pub mod incoming;
pub mod item;
pub mod key_strength;
pub mod kubeconfig;
mod misplaced;
pub mod node;
pub mod profile;
pub mod rotation;
mod seen;
pub mod served;
pub mod service_account;
pub mod signers;
pub mod signing;
pub mod subject;
mod succession;
pub mod unreadable;

pub(crate) use finding::Settled;
pub use finding::{Finding, FindingCode, Findings, Remedy, RequestFault, Severity, complete_remedies};
pub use seen::SeenCertificate;
