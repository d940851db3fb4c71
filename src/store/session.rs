//! The right to change files: the locks, and the certainty that no half-done change is left.
//!
//! In: directories (`begin`). Out: [`Session`], which holds their locks until it is dropped, and what was made of the
//! interrupted changes that touched them. It makes no plan of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Store;
use super::acquire::acquire;
use super::error::StoreError;
use super::exchange::Locks;
use super::root::Root;

/// What was made of an interrupted change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All its files are the new ones.
    Completed,
    /// All its files are the old ones.
    TakenBack,
    /// Its files are as they were found, and its records are gone.
    LeftAsFound,
}

/// Which files to keep of an interrupted change that cannot be completed or taken back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The new ones, in the place of what is there.
    New,
    /// The old ones, in the place of what is there.
    Old,
    /// What is there now.
    Present,
}

/// An interrupted change that was found and dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The change's identity: sixteen hex digits, part of the names of its temporary files.
    pub transaction: String,
    /// What was made of it.
    pub outcome: Outcome,
    /// The files of the change, with links resolved; empty when it was interrupted before it got to any.
    pub paths: Vec<PathBuf>,
}

/// Exclusive access to directories, given by [`Store::lock`].
pub struct Session {
    pub(super) store: Store,
    pub(super) locks: Locks,
    /// What is kept of an interrupted change, where somebody decided that.
    pub(super) keep: Option<Keep>,
    /// The directories that were named as the node's own, as they were named and, physically, where they are.
    pub(super) own: Own,
    pub(super) recovered: Vec<Recovery>,
}

#[derive(Default)]
pub(super) struct Own {
    pub(super) named: Vec<PathBuf>,
    pub(super) physical: BTreeSet<PathBuf>,
}

impl Own {
    pub(super) fn of<P: AsRef<Path>>(root: &Root, directories: &[P]) -> Result<Self, StoreError> {
        let mut own = Self::default();
        for directory in directories.iter().map(AsRef::as_ref) {
            own.named.push(root.prefixed(directory)?);
            let found = root.resolve_for_change(directory, true)?;
            own.physical.insert(found.missing.iter().fold(found.existing, |path, part| path.join(part)));
        }
        Ok(own)
    }

    /// Whether a physical directory is within the node's own, or on the way to them. Any other holds what somebody
    /// asked for by name.
    pub(super) fn holds(&self, path: &Path) -> bool {
        self.physical.iter().any(|own| path.starts_with(own) || own.starts_with(path))
    }

    /// Notes that the physical `directory` is where a file of the node's own directories really is.
    pub(super) fn note_place(&mut self, root: &Root, logical: &Path, directory: &Path) -> Result<(), StoreError> {
        let named = root.prefixed(logical)?;
        if self.named.iter().any(|own| named.starts_with(own)) {
            self.physical.insert(directory.to_owned());
        }
        Ok(())
    }
}

impl Session {
    /// The interrupted changes that were found, and what was made of them.
    #[must_use]
    pub fn recovered(&self) -> &[Recovery] {
        &self.recovered
    }

    /// Locks one physical directory if it is not locked by this session.
    pub(super) fn lock(&mut self, path: &Path, wait: Duration) -> Result<(), StoreError> {
        if !self.locks.contains_key(path) {
            let directory = acquire(&self.store.root, &self.store.disk, path, wait)?;
            self.locks.insert(path.to_owned(), directory);
        }
        Ok(())
    }
}
