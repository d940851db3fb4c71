//! The lock of a directory: an exclusive `flock` on `.kubepki.lock` in it, held for as long as [`Lock`] lives.
//!
//! The file goes with the lock; one that a killed process left is used again. How a lock is had is `acquire`'s.

use std::fs::File;

use rustix::fs::AtFlags;

/// The file that is locked.
pub(super) const LOCK: &str = ".kubepki.lock";

/// A lock that is held, for as long as this lives.
pub(super) struct Lock(pub(super) File);

impl Lock {
    /// Removes the file from `directory`, if it is still the one that is locked. Another process that has opened it
    /// sees that it has no name any more, and makes its own.
    pub(super) fn remove_file(&self, directory: &File) {
        if is_named(&self.0, directory) {
            // It is of no use to say that a lock file stays: the next run uses it again, and removes it.
            let _ = rustix::fs::unlinkat(directory, LOCK, AtFlags::empty());
        }
    }
}

/// Whether the lock's name in `directory` leads to this file.
pub(super) fn is_named(file: &File, directory: &File) -> bool {
    let there = rustix::fs::statat(directory, LOCK, AtFlags::SYMLINK_NOFOLLOW);
    match (rustix::fs::fstat(file), there) {
        (Ok(mine), Ok(there)) => (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino),
        _ => false,
    }
}
