//! YAML as Kubernetes reads and writes it: the one reader, resolver and writer of kubepki.
//!
//! In: text. Out: a tree of nodes that knows the place of every value and loses nothing that a program can see;
//! and text again; or a struct, by [`from_str`] and `from_clients`. The order of keys and items, unknown fields and the
//! letters of every plain scalar (`010` is a number, `"010"` is a string) are kept; comments, anchors and flow style are
//! not. Work and memory are bounded. It knows no kind of file, and its errors never quote a value, which may be a private
//! key.
//!
//! Source: `sigs.k8s.io/yaml` over go-yaml v2 (YAML 1.1), which every part of Kubernetes reads its files with. The events
//! come from granit-parser; what go-yaml does otherwise is decided here. `tests/yaml` has the tables that hold reader and
//! writer to it.

mod build;
mod document;
mod edit;
mod error;
mod node;
mod parse;
mod places;
mod resolve;
mod scalar;
mod set_aside;
mod source;
mod typed;
mod write;

pub use document::to_yaml;
pub(crate) use edit::{EditError, Step, insert, remove, set};
pub(crate) use error::{Construct, ParseError, Reason};
pub(crate) use node::{Entry, Mapping, Mark, Node, Scalar, Value};
pub(crate) use parse::{parse, parse_as_clients, read};
pub(crate) use resolve::Kind;
pub(crate) use source::{control_character, text_of};
pub use typed::{TypedError, from_str};
pub(crate) use typed::{from_clients, from_own, own};
pub(crate) use write::write;

#[cfg(test)]
mod tests;
