//! What was read from disk, as data: the input of every judgement and every plan.
//!
//! In: nothing (`store` fills it). Out: [`Tree`], a map from path to [`Observed`]. It never reads,
//! parses or judges; a file that could not be read is an entry like any other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Code, Fault};
use crate::secret::Secret;

/// How one path was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Nothing is there.
    Missing,
    /// A regular file (perhaps through a symbolic link).
    File {
        /// Its content: PEM, YAML or anything else; possibly a private key.
        content: Secret,
        /// Its permission bits (`0o600`), without the file type.
        mode: u32,
    },
    /// Something is there that cannot be used: no permission, a directory, a dangling link, too large.
    Unreadable(Fault),
}

impl Observed {
    /// Why it cannot be used, where `code` says that.
    #[must_use]
    pub fn failing_with(&self, code: Code) -> Option<&Fault> {
        match self {
            Self::Unreadable(fault) if fault.code == code => Some(fault),
            _ => None,
        }
    }
}

/// A set of observed files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<PathBuf, Observed>,
    /// Keys that a passphrase has opened, in the clear, or why it has not.
    opened: BTreeMap<PathBuf, Result<Secret, Fault>>,
}

impl Tree {
    /// Records how `path` was found; a later record replaces an earlier one.
    pub fn insert(&mut self, path: PathBuf, observed: Observed) {
        self.files.insert(path, observed);
    }

    /// Records all that another set has.
    pub fn add(&mut self, more: Self) {
        self.files.extend(more.files);
        self.opened.extend(more.opened);
    }

    /// Records what a passphrase made of the key at `path`, whose file stays as it is.
    pub fn open(&mut self, path: PathBuf, key: Result<Secret, Fault>) {
        self.opened.insert(path, key);
    }

    /// What a passphrase made of the key at `path`; `None` where none was tried.
    #[must_use]
    pub fn opened(&self, path: &Path) -> Option<&Result<Secret, Fault>> {
        self.opened.get(path)
    }

    /// How `path` was found; a path that was never looked at counts as missing.
    #[must_use]
    pub fn get(&self, path: &Path) -> &Observed {
        self.files.get(path).unwrap_or(&Observed::Missing)
    }

    /// Whether there is anything at `path`, even if it cannot be read.
    #[must_use]
    pub fn is_there(&self, path: &Path) -> bool {
        !matches!(self.get(path), Observed::Missing)
    }

    /// The content of `path`, if it is a readable file.
    #[must_use]
    pub fn content(&self, path: &Path) -> Option<&[u8]> {
        match self.get(path) {
            Observed::File { content, .. } => Some(content.expose()),
            Observed::Missing | Observed::Unreadable(_) => None,
        }
    }

    /// Every path that was looked at, in byte order, with how it was found.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Observed)> {
        self.files.iter().map(|(path, observed)| (path.as_path(), observed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_looked_at_is_missing() {
        let mut tree = Tree::default();
        let path = Path::new("/pki/ca.crt");
        assert_eq!(tree.get(path), &Observed::Missing);
        tree.insert(path.into(), Observed::File { content: Secret::new(b"x".to_vec()), mode: 0o644 });
        assert_eq!(tree.content(path), Some(&b"x"[..]));
    }
}
