//! What shall become of files, and what became of them.
//!
//! In: wishes ([`Change`]) with what they were planned for ([`Expected`]). Out: the same with the places where they end
//! ([`Target`]), and what was done ([`Applied`]). It changes nothing.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::directory::{Found, Like, digest_of_link};
use crate::digest::Digest;
use crate::secret::Secret;
use crate::tree::Observed;

/// What a file must be at the moment of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing is there.
    Absent,
    /// A file with this SHA-256.
    Digest(Digest),
    /// Whatever is there.
    Any,
}

impl Expected {
    /// What was read: a file with this content, or nothing.
    #[must_use]
    pub fn of(read: Option<&[u8]>) -> Self {
        read.map_or(Self::Absent, |content| Self::Digest(Digest::of(content)))
    }
}

/// A wanted change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file shall have this content.
    Write {
        /// The file.
        path: PathBuf,
        /// Its whole new content.
        content: Secret,
        /// The permission bits of a file that did not exist, before the umask. One that exists keeps its own.
        mode: u32,
        /// What the change was planned for.
        expected: Expected,
    },
    /// The file shall be again what a backup says, with its mode, owner and group.
    Restore {
        /// The file.
        path: PathBuf,
        /// Its whole content.
        content: Secret,
        /// Mode, owner, group and extended attributes, also of a file that exists.
        attributes: Attributes,
        /// What the change was planned for.
        expected: Expected,
    },
    /// There shall be a symbolic link with this target, in the place of a file or of another link.
    Link {
        /// The link itself: if it is one already, it is not followed.
        path: PathBuf,
        /// Where it leads, word for word.
        target: PathBuf,
    },
    /// The file shall not be there.
    Remove {
        /// The file.
        path: PathBuf,
        /// What the change was planned for.
        expected: Expected,
    },
}

impl Change {
    /// The file it is for, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Write { path, .. }
            | Self::Restore { path, .. }
            | Self::Link { path, .. }
            | Self::Remove { path, .. } => path,
        }
    }

    /// How its file will be found, as far as that is said here.
    #[must_use]
    pub fn into_observed(self) -> Option<(PathBuf, Observed)> {
        match self {
            Self::Write { path, content, mode, .. } => Some((path, Observed::File { content, mode })),
            Self::Remove { path, .. } => Some((path, Observed::Missing)),
            Self::Restore { .. } | Self::Link { .. } => None,
        }
    }

    pub(super) const fn expected(&self) -> Expected {
        match self {
            Self::Write { expected, .. } | Self::Restore { expected, .. } | Self::Remove { expected, .. } => *expected,
            Self::Link { .. } => Expected::Any,
        }
    }

    pub(super) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Write { content, .. } | Self::Restore { content, .. } => Some(Digest::of(content.expose())),
            Self::Link { target, .. } => Some(digest_of_link(target)),
            Self::Remove { .. } => None,
        }
    }
}

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It did not exist.
    Created,
    /// It had another content.
    Replaced,
    /// It is gone.
    Removed,
    /// It was as wanted, and was not touched.
    Unchanged,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
        })
    }
}

/// A transaction that is done and durable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Every file, as the changes named it and in their order, with what was done.
    pub files: Vec<(PathBuf, Action)>,
    /// The directories that were created, with links resolved; parents first.
    pub directories: Vec<PathBuf>,
    /// The backup of the files that were replaced or removed, as a logical path; none if none was wanted or needed.
    pub backup: Option<PathBuf>,
}

/// A change with the physical place it ends at.
pub(super) struct Target<'c> {
    pub(super) change: &'c Change,
    pub(super) directory: PathBuf,
    pub(super) name: OsString,
    pub(super) digest: Option<Digest>,
    pub(super) old: Option<Found>,
}

impl Target<'_> {
    pub(super) fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// The new content, and what the new file is made like.
    pub(super) fn content(&self) -> Option<(&Secret, Like<'_>)> {
        match self.change {
            Change::Write { content, mode, .. } => {
                Some((content, self.old.as_ref().map_or(Like::Mode(*mode), |old| Like::Old(&old.attributes))))
            }
            Change::Restore { content, attributes, .. } => Some((content, Like::Old(attributes))),
            Change::Link { .. } | Change::Remove { .. } => None,
        }
    }

    fn keeps_attributes(&self) -> bool {
        match (self.change, &self.old) {
            (Change::Restore { attributes, .. }, Some(old)) => attributes.is_like(&old.attributes),
            _ => true,
        }
    }

    pub(super) fn action(&self) -> Action {
        match (&self.old, &self.digest) {
            (old, new) if old.as_ref().map(|old| old.digest) == *new && self.keeps_attributes() => Action::Unchanged,
            (None, _) => Action::Created,
            (Some(_), None) => Action::Removed,
            (Some(_), Some(_)) => Action::Replaced,
        }
    }
}
