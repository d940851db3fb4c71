//! A key as it was found, parsed when it is first asked for: to check an RSA key's numbers takes longer than everything
//! else that a report on certificates does.
//!
//! In: the text of a key, or a [`Tree`] and a path. Out: a [`Part`]. It never judges.

use std::cell::OnceCell;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use super::Part;
use crate::error::Fault;
use crate::key::PrivateKey;
use crate::secret::Secret;
use crate::tree::{Observed, Tree};

/// A key that was found, or what is in its place.
#[derive(Debug)]
pub struct FoundKey {
    text: Option<Secret>,
    file: Option<PathBuf>,
    part: OnceCell<Part<PrivateKey>>,
}

impl FoundKey {
    /// No key at all.
    pub(super) fn none() -> Self {
        Self { text: None, file: None, part: OnceCell::from(Part::Missing) }
    }

    /// The key within a kubeconfig.
    pub(super) fn embedded(text: Secret) -> Self {
        Self { text: Some(text), file: None, part: OnceCell::new() }
    }

    /// The key in a file.
    pub(super) fn in_file(tree: &Tree, path: &Path) -> Self {
        let broken = |fault: &Fault| Self { part: OnceCell::from(Part::Broken(fault.clone())), ..Self::none() };
        match tree.opened(path) {
            Some(Ok(text)) => return Self { file: Some(path.to_owned()), ..Self::embedded(text.clone()) },
            Some(Err(fault)) => return broken(fault),
            None => {}
        }
        match tree.get(path) {
            Observed::File { content, .. } => {
                Self { text: Some(content.clone()), file: Some(path.to_owned()), part: OnceCell::new() }
            }
            other => Self { part: OnceCell::from(Part::of_file(other)), ..Self::none() },
        }
    }

    /// Whether nothing is there. It does not parse the key.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.text.is_none() && self.part.get().is_some_and(Part::is_missing)
    }

    /// The key's text, where it cannot be used.
    pub(crate) fn unusable_text(&self) -> Option<&Secret> {
        self.text.as_ref().filter(|_| self.present().is_none())
    }

    /// The key itself.
    #[must_use]
    pub fn into_part(self) -> Part<PrivateKey> {
        self.part.get_or_init(|| self.parsed());
        self.part.into_inner().unwrap_or(Part::Missing)
    }

    fn parsed(&self) -> Part<PrivateKey> {
        let Some(text) = &self.text else { return Part::Missing };
        match &self.file {
            Some(file) => Part::of_content(file, text.expose(), PrivateKey::from_pem),
            None => Part::of_result(PrivateKey::from_pem(text.expose())),
        }
    }
}

impl Deref for FoundKey {
    type Target = Part<PrivateKey>;

    fn deref(&self) -> &Self::Target {
        self.part.get_or_init(|| self.parsed())
    }
}
