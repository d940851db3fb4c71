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
    use crate::store::Store;

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

    #[test]
    fn what_is_looked_at_once_is_read_as_it_is_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("etc/pki/etcd")).unwrap();
        std::fs::write(at("etc/pki/ca.crt"), b"1").unwrap();
        for (target, link) in [
            ("pki", "etc/folder"),
            ("pki/ca.crt", "etc/file"),
            ("nowhere", "etc/dangling"),
            ("loop", "etc/loop"),
            ("../../..", "etc/out"),
            ("/etc/pki", "etc/absolute"),
        ] {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
        }
        let names = ["", "pki", "folder", "file", "dangling", "loop", "out", "absolute", "none", "none/below"];
        let below = ["", "/ca.crt", "/none", "/etcd", "/etcd/../ca.crt", "/ca.crt/below"];
        let plain = Store::new(Some(folder.path().to_owned())).unwrap();
        let once = plain.clone().at_one_moment();
        // What was seen before is no other.
        for _ in 0..2 {
            for path in names.iter().flat_map(|name| below.map(|below| PathBuf::from(format!("/etc/{name}{below}")))) {
                assert_eq!(once.read([&path]), plain.read([&path]), "{}", path.display());
                assert_eq!(once.standing(&path), plain.standing(&path), "{}", path.display());
                assert_eq!(once.exposure(&path), plain.exposure(&path), "{}", path.display());
                assert_eq!(once.changed_at(&path), plain.changed_at(&path), "{}", path.display());
                assert_eq!(once.is_directory(&path), plain.is_directory(&path), "{}", path.display());
            }
        }
    }
}
