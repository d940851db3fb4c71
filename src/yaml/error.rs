//! Why a text is not usable YAML. No message holds any of the text but keys and tags.

use std::fmt;

use super::node::Mark;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    /// The place.
    pub(crate) mark: Mark,
    /// What is there.
    pub(crate) reason: Reason,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is not YAML, in the parser's words.
    Syntax(String),
    /// More collections are nested than this.
    TooDeep(usize),
    /// Its aliases multiply it.
    TooLarge,
    /// It is YAML that Kubernetes does not read, or that would not survive an edit.
    Unsupported(Construct),
    /// A tag that does not fit its value; or a tag that Kubernetes passes over.
    Tag(String),
    /// A key appears twice in one mapping; this is the second.
    DuplicateKey(String),
    /// The document is a list or a single value.
    NotAMapping,
}

/// YAML that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Construct {
    /// `&a [*a]`
    AliasToItself,
    /// `!!binary` without base64.
    Binary,
    /// `.inf` or `.nan` as a value: JSON has neither.
    Infinite,
    /// A `%` line that go-yaml does not know.
    Directive,
    /// An escape of YAML 1.2 or JSON that go-yaml does not know.
    Escape,
    /// `? [a]`
    KeyCollection,
    /// A number of more than 63 bits as a key.
    KeyTooLarge,
    /// `~: a`
    KeyNull,
    /// `<<: a`
    Merge,
    /// What stands behind the first document.
    SecondDocument,
}

impl Construct {
    /// The construct, in words.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AliasToItself => "an alias to itself",
            Self::Binary => "binary data that is not base64",
            Self::Infinite => "a number that JSON does not have (.inf or .nan)",
            Self::Directive => "a directive that Kubernetes does not know",
            Self::Escape => "an escape that Kubernetes does not read (\\/ or half a character)",
            Self::KeyCollection => "a key that is a list or a mapping",
            Self::KeyTooLarge => "a key that is too large a number",
            Self::KeyNull => "a key that is null",
            Self::Merge => "a merge key whose value is not a mapping",
            Self::SecondDocument => "a second document",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(problem) => f.write_str(problem),
            Self::TooDeep(_) | Self::TooLarge => f.write_str("it is nested too deeply"),
            Self::Unsupported(construct) => write!(f, "it holds {}", construct.as_str()),
            Self::Tag(tag) => write!(f, "it holds the tag {tag:?}, which does not fit its value"),
            Self::DuplicateKey(key) => write!(f, "the key {key:?} appears twice"),
            Self::NotAMapping => f.write_str("it is not a mapping"),
        }
    }
}
