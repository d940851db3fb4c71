//! The lock of a directory: an exclusive `flock` on `.kubepki.lock` in it, held for as long as [`Lock`] lives. A file that is
//! reserved ([`super::reserve`]) has one of its own beside it.
//!
//! The file goes with the lock; one that a killed process left is used again. How a lock is had is `acquire`'s.
//!
//! One thread never waits for itself: work that reserves a directory for what comes afterwards, and then changes what is
//! in it, has the same lock twice. Another thread, as another process, waits.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Weak};

use rustix::fs::AtFlags;

/// The file that is locked.
pub(super) const LOCK: &str = ".kubepki.lock";

thread_local! {
    /// What this thread has locked, by device and inode of the lock's file.
    static HELD: RefCell<BTreeMap<(u64, u64), Weak<File>>> = const { RefCell::new(BTreeMap::new()) };
}

/// A lock that is held, for as long as this lives, or another of the same thread for the same directory.
pub(super) struct Lock {
    file: Arc<File>,
    name: OsString,
}

impl Lock {
    /// The lock of a file that has just been locked, by its name.
    pub(super) fn of(file: File, name: &OsStr) -> Self {
        let file = Arc::new(file);
        if let Some(key) = key(&file) {
            HELD.with_borrow_mut(|held| {
                held.retain(|_, file| file.strong_count() > 0);
                held.insert(key, Arc::downgrade(&file));
            });
        }
        Self { file, name: name.to_owned() }
    }

    /// The lock that this thread already has on the same file.
    pub(super) fn held_here(file: &File, name: &OsStr) -> Option<Self> {
        let key = key(file)?;
        HELD.with_borrow(|held| held.get(&key)?.upgrade()).map(|file| Self { file, name: name.to_owned() })
    }

    /// Whether nobody else of this thread has it too.
    pub(super) fn is_the_last(&self) -> bool {
        Arc::strong_count(&self.file) == 1
    }

    /// Removes the file from `directory`, if it is still the one that is locked. Another process that has opened it
    /// sees that it has no name any more, and makes its own.
    pub(super) fn remove_file(&self, directory: &File) {
        if is_named(&self.file, directory, &self.name) {
            // It is of no use to say that a lock file stays: the next run uses it again, and removes it.
            let _ = rustix::fs::unlinkat(directory, &self.name, AtFlags::empty());
        }
    }
}

fn key(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Whether `name` in `directory` leads to this file.
pub(super) fn is_named(file: &File, directory: &File, name: &OsStr) -> bool {
    let there = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    match (rustix::fs::fstat(file), there) {
        (Ok(mine), Ok(there)) => (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino),
        _ => false,
    }
}
