//! YAML as the Kubernetes tools read and write it, as a tree that loses nothing a program can see.
//!
//! In: text. Out: [`Node`] and back. Order of keys and items, unknown fields and the type of every plain
//! scalar (`010` is a number, `"010"` is a string) are kept; comments, anchors and flow style are not.
//! It knows nothing about kubeconfigs, and its errors never quote a value, which may be a private key.
//!
//! Source: the text layout is that of `sigs.k8s.io/yaml` (go-yaml v2's emitter, YAML 1.1 resolution), learnt
//! from its rules and held to `kubectl config` by the tables in `tests/yaml`. Reading is
//! the event parser under serde-saphyr: serde's own data model does not say whether a scalar was quoted.

mod document;
mod node;
mod parse;
mod resolve;
mod scalar;
mod set_aside;
mod source;
mod write;

pub use document::to_yaml;
pub(crate) use node::{Mapping, Node, Scalar};
pub(crate) use parse::{ParseError, parse, parse_as_clients};
pub(crate) use resolve::Json;
pub(crate) use write::write;

#[cfg(test)]
mod tests;
