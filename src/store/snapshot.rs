//! Files that are not on a disk: what an archive holds of a node, looked at through the same paths.
//!
//! In: files and links by the paths that they have on the node. Out: what [`super::root`] and [`super::read`] ask a disk
//! for. Nothing in it is ever changed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use crate::error::Fault;
use crate::secret::Secret;
use crate::tree::Observed;

/// The files of a node as an archive has them.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// By absolute path; the folders are those that lead to one.
    entries: BTreeMap<PathBuf, Entry>,
}

/// One member of an archive.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A regular file.
    File {
        /// Its content.
        content: Secret,
        /// Its permission bits.
        mode: u32,
    },
    /// A symbolic link, and what it names.
    Link(PathBuf),
    /// A file whose content was not taken, and why.
    Refused(Fault),
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Directory,
    File,
    Link,
}

impl Snapshot {
    /// Notes what is at an absolute path; a later note replaces an earlier one, as unpacking would.
    pub fn insert(&mut self, path: PathBuf, entry: Entry) {
        self.entries.insert(path, entry);
    }

    /// What was noted of an absolute path.
    #[must_use]
    pub fn entry(&self, path: &Path) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is at a path, with no link followed.
    pub(super) fn found(&self, path: &Path) -> Option<Found> {
        match self.entries.get(path) {
            Some(Entry::File { .. } | Entry::Refused(_)) => Some(Found::File),
            Some(Entry::Link(_)) => Some(Found::Link),
            None => self.below(path).next().map(|_| Found::Directory),
        }
    }

    /// What a link names.
    pub(super) fn target(&self, path: &Path) -> Option<&Path> {
        match self.entries.get(path) {
            Some(Entry::Link(target)) => Some(target),
            _ => None,
        }
    }

    /// What is read of a file.
    pub(super) fn observed(&self, path: &Path) -> Observed {
        match self.entries.get(path) {
            Some(Entry::File { content, mode }) => Observed::File { content: content.clone(), mode: *mode },
            Some(Entry::Refused(fault)) => Observed::Unreadable(fault.clone()),
            Some(Entry::Link(_)) | None => Observed::Missing,
        }
    }

    /// A file's permission bits.
    pub(super) fn mode(&self, path: &Path) -> Option<u32> {
        match self.entries.get(path) {
            Some(Entry::File { mode, .. }) => Some(*mode),
            _ => None,
        }
    }

    /// The names in a folder.
    pub(super) fn names(&self, folder: &Path) -> Vec<OsString> {
        let name = |path: &PathBuf| Some(path.strip_prefix(folder).ok()?.iter().next()?.to_owned());
        let mut names: Vec<_> = self.below(folder).filter_map(name).collect();
        names.dedup();
        names
    }

    /// Paths are ordered by their parts, so that those below a folder follow it.
    fn below<'s>(&'s self, folder: &'s Path) -> impl Iterator<Item = &'s PathBuf> {
        let after = (Bound::Excluded(folder), Bound::Unbounded);
        self.entries.range::<Path, _>(after).map(|(path, _)| path).take_while(move |path| path.starts_with(folder))
    }
}
