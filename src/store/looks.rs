//! What was seen at places on disk, each looked at once.
//!
//! In: physical paths. Out: what the system says of them, with no link followed, as it was when it was asked first. This is for reports on
//! files as they are at one moment, which come back to the same folders and files again and again. What is opened is opened by the kernel's
//! own look, so that nothing is read where a link has come since.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::Stat;
use rustix::io::Errno;

/// More than any node has; then everything is forgotten, so that a walk through a large folder takes no more memory.
const MOST: usize = 4096;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Looks {
    known: Mutex<HashMap<PathBuf, Result<Stat, Errno>>>,
}

impl Looks {
    /// What the disk says of a place.
    pub(super) fn stat(&self, physical: &Path) -> Result<Stat, Errno> {
        let Ok(mut known) = self.known.lock() else { return rustix::fs::lstat(physical) };
        if let Some(seen) = known.get(physical) {
            return *seen;
        }
        let seen = rustix::fs::lstat(physical);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(physical.to_owned(), seen);
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_looked_at_once_and_no_more_are_kept_than_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let looks = Looks::default();
        let file = folder.path().join("file");
        assert_eq!(looks.stat(&file).err(), Some(Errno::NOENT));
        std::fs::write(&file, b"1").unwrap();
        assert_eq!(looks.stat(&file).err(), Some(Errno::NOENT));
        for other in 0..MOST {
            let _ = looks.stat(&folder.path().join(other.to_string()));
            assert!(looks.known.lock().unwrap().len() <= MOST);
        }
        assert_eq!(looks.stat(&file).unwrap().st_size, 1);
    }
}
