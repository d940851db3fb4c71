//! What lies in directories of what this program leaves there, each listed once: three directories of a node are within each other.
//!
//! In: physical directories. Out: in which of them, and in which below them, something of an interrupted change or of a lock lies. Of what
//! is listed, nothing is kept but that and the names of the directories in it. A directory that cannot be listed has nothing.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::disk::Disk;
use super::journal::parse_name;
use super::lock::LOCK;
use super::root::Root;

/// How many directories below another one are looked into.
const MAX_DIRECTORIES: usize = 4096;

/// The directories that were listed so far.
pub(super) struct Listings<'r> {
    root: &'r Root,
    disk: &'r Disk,
    known: HashMap<PathBuf, Listed>,
}

#[derive(Default)]
struct Listed {
    has_records: bool,
    has_lock: bool,
    directories: Vec<OsString>,
}

impl<'r> Listings<'r> {
    pub(super) fn new(root: &'r Root, disk: &'r Disk) -> Self {
        Self { root, disk, known: HashMap::new() }
    }

    fn of(&mut self, path: &Path) -> &Listed {
        let (root, disk) = (self.root, self.disk);
        self.known.entry(path.to_owned()).or_insert_with(|| {
            let mut listed = Listed::default();
            let Ok(directory) = Directory::open(root, disk, path) else { return listed };
            for (name, is_directory) in directory.entries().unwrap_or_default() {
                if name == LOCK {
                    listed.has_lock = true;
                } else if parse_name(&name).is_some() {
                    listed.has_records = true;
                } else if is_directory {
                    listed.directories.push(name);
                }
            }
            listed
        })
    }

    /// Whether a transaction of ours left something in it.
    pub(super) fn has_records(&mut self, path: &Path) -> bool {
        self.of(path).has_records
    }

    /// The directories from `path` downwards in which a transaction of ours left something, and those below it with a lock.
    pub(super) fn interrupted_below(&mut self, path: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (mut interrupted, mut locked) = (Vec::new(), Vec::new());
        let mut pending = VecDeque::from([path.to_owned()]);
        let mut seen = 0;
        while let Some(at) = pending.pop_front() {
            seen += 1;
            if seen > MAX_DIRECTORIES {
                log::warn!("{}: too many directories to look for interrupted changes in all", at.display());
                break;
            }
            let listed = self.of(&at);
            pending.extend(listed.directories.iter().map(|name| at.join(name)));
            if listed.has_lock && at != path {
                locked.push(at.clone());
            }
            if listed.has_records {
                interrupted.push(at);
            }
        }
        (interrupted, locked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_listed_once_and_what_lies_in_it_and_below_is_told() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        std::fs::create_dir_all(at("pki/etcd")).unwrap();
        std::fs::create_dir(at("other")).unwrap();
        std::os::unix::fs::symlink("pki", at("link")).unwrap();
        let record = ".kubepki-0123456789abcdef.prepared";
        assert!(parse_name(record.as_ref()).is_some());
        std::fs::write(at("pki/etcd").join(record), "").unwrap();
        for name in [LOCK, &format!("other/{LOCK}"), "pki/file"] {
            std::fs::write(at(name), "").unwrap();
        }
        let root = Root::new(Some(place.path().to_owned())).unwrap();
        let disk = Disk::default();
        let mut listings = Listings::new(&root, &disk);
        let path = place.path().canonicalize().unwrap();
        for _ in 0..2 {
            assert!(listings.has_records(&path.join("pki/etcd")) && !listings.has_records(&path.join("pki")));
            assert!(!listings.has_records(&path.join("none")));
            let found = listings.interrupted_below(&path);
            assert_eq!(found, (vec![path.join("pki/etcd")], vec![path.join("other")]));
            assert_eq!(listings.known.len(), 5);
            // What comes later is not seen.
            std::fs::write(path.join("pki").join(record), "").unwrap();
        }
        assert!(Listings::new(&root, &disk).has_records(&path.join("pki")));
    }
}
