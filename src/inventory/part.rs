//! One thing that was looked for: there, missing, or there and unusable.
//!
//! In: a [`Tree`], a path, a parser. Out: [`Part`]. It never judges.

use std::path::Path;

use crate::error::{Diagnostic, Fault};
use crate::tree::{Observed, Tree};

/// What was found of a certificate, a key, a request or a kubeconfig.
#[derive(Clone, Debug)]
pub enum Part<T> {
    /// Nothing is there.
    Missing,
    /// It was read and parsed.
    Present(T),
    /// Something is there that cannot be used.
    Broken(Fault),
}

impl<T> Part<T> {
    /// What was parsed, if it was.
    #[must_use]
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Missing | Self::Broken(_) => None,
        }
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// A part of what was parsed.
    pub fn and_then<U>(self, part: impl FnOnce(T) -> Part<U>) -> Part<U> {
        match self {
            Self::Missing => Part::Missing,
            Self::Present(value) => part(value),
            Self::Broken(fault) => Part::Broken(fault),
        }
    }

    /// The same by reference.
    pub fn as_ref(&self) -> Part<&T> {
        match self {
            Self::Missing => Part::Missing,
            Self::Present(value) => Part::Present(value),
            Self::Broken(fault) => Part::Broken(fault.clone()),
        }
    }

    /// What there is to say of a file without its content: missing, or why it cannot be read.
    #[must_use]
    pub fn of_file(observed: &Observed) -> Self {
        match observed {
            Observed::Missing | Observed::File { .. } => Self::Missing,
            Observed::Unreadable(fault) => Self::Broken(fault.clone()),
        }
    }

    /// What the parser's error says.
    pub fn of_error(error: &dyn Diagnostic) -> Self {
        Self::Broken(error.fault())
    }

    /// What a parser said of a text that is in no file of its own.
    pub(super) fn of_result<E: Diagnostic>(result: Result<T, E>) -> Self {
        result.map_or_else(|error| Self::of_error(&error), Self::Present)
    }

    /// Parses what was found at `path`.
    pub fn read<E: Diagnostic>(tree: &Tree, path: &Path, parse: impl FnOnce(&[u8]) -> Result<T, E>) -> Self {
        match tree.get(path) {
            other @ (Observed::Missing | Observed::Unreadable(_)) => Self::of_file(other),
            Observed::File { content, .. } => Self::of_content(path, content.expose(), parse),
        }
    }

    /// Parses the content of the file at `path`.
    pub(super) fn of_content<E: Diagnostic>(
        path: &Path,
        content: &[u8],
        parse: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Self {
        match parse(content) {
            Ok(value) => Self::Present(value),
            Err(error) if content.is_empty() => {
                Self::Broken(Fault { message: "the file is empty".to_owned(), ..error.fault_at(path) })
            }
            Err(error) => Self::Broken(error.fault_at(path)),
        }
    }
}
