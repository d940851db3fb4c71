//! One thing that is wrong, as a value.
//!
//! In: what a module's own error says of itself. Out: [`Fault`], which is kept, cloned, compared and handed on after the
//! error is gone: in what was read from disk, in findings, in [`Error`](super::Error).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Category, Code};
use crate::text;

/// What went wrong, and what to do about it. A report has its code, its message and its hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which error it is.
    pub code: Code,
    /// The kind of failure.
    #[serde(skip, default = "judged")]
    pub category: Category,
    /// What is wrong: one sentence.
    #[serde(serialize_with = "text::serialize")]
    pub message: String,
    /// What the user can do about it: one sentence.
    #[serde(serialize_with = "text::serialize")]
    pub hint: String,
    /// The evidence as data (paths, names, numbers; never key material).
    #[serde(skip)]
    pub context: Value,
}

/// The category of a fault that is read back, of which only code, message and hint are kept.
const fn judged() -> Category {
    Category::Finding
}

impl Fault {
    /// A fault that is found in judging, without an error of its own.
    #[must_use]
    pub fn new(code: impl Into<Code>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            category: Category::Finding,
            message: message.into(),
            hint: hint.into(),
            context: Value::Object(Map::new()),
        }
    }
}
