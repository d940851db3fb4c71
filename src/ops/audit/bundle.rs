//! The nodes in an archive, one after the other; nothing of it is unpacked.
//!
//! In: an open archive. Out: [`Packed`] trees, as their members have come by. As many as [`MOST_OPEN`] are gathered at once,
//! each bounded in files and bytes, and [`MOST_TREES`] are looked at: an archive of any length takes no more memory and time than that.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::error::AuditError;
use super::shape::{Placed, Shape, place};
use crate::digest::Digest;
use crate::error::{Diagnostic as _, Fault};
use crate::store::{Archive, DEFAULT_FILE_LIMIT, Entry, Member, MemberKind, Snapshot, Store, StoreError};
use crate::workers::StopSignal;

/// As many trees are gathered at once: members of one are seldom among those of another.
const MOST_OPEN: usize = 64;

/// As many trees are looked at in one archive: more than any fleet has nodes.
const MOST_TREES: usize = 100_000;

/// What is kept of one tree.
const MOST_FILES: usize = 2000;
const MOST_BYTES: u64 = 16 << 20;

/// What is kept of all that are being gathered.
const MOST_HELD: u64 = 128 << 20;

/// A tree of an archive.
pub(super) struct Packed {
    /// Its folder in the archive.
    pub(super) member: PathBuf,
    pub(super) shape: Shape,
    pub(super) files: Snapshot,
    /// Why it is not whole.
    pub(super) problem: Option<Fault>,
}

/// One that is being gathered.
#[derive(Default)]
struct Gathered {
    files: Snapshot,
    bytes: u64,
    problem: Option<Fault>,
    /// When its last member came.
    last: usize,
}

/// An archive that is being read.
pub(super) struct Bundle {
    path: PathBuf,
    archive: Option<Archive>,
    open: BTreeMap<(PathBuf, Shape), Gathered>,
    /// Those that were handed over, by their folders.
    done: HashSet<Digest>,
    /// How many there were so far, and how many may be.
    trees: usize,
    most_trees: usize,
    members: usize,
    /// What remains to be said.
    faults: Vec<Fault>,
}

impl Bundle {
    pub(super) fn open(store: &Store, path: &Path, stop: &StopSignal) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            archive: Some(store.open_archive(path, stop)?),
            open: BTreeMap::new(),
            done: HashSet::new(),
            trees: 0,
            most_trees: MOST_TREES,
            members: 0,
            faults: Vec::new(),
        })
    }

    /// The next tree, or what is wrong with the archive as a whole; none at its end.
    pub(super) fn next_tree(&mut self) -> Option<Result<Packed, Fault>> {
        while let Some(archive) = &mut self.archive {
            match archive.next_member() {
                Ok(Some(member)) => {
                    self.members += 1;
                    if let Some(placed) = place(&member.path)
                        && let Some(tree) = self.take(&member, placed)
                    {
                        return Some(Ok(tree));
                    }
                }
                Ok(None) => {
                    self.archive = None;
                    if self.trees == 0 {
                        self.faults.push(AuditError::NothingThere { path: self.path.clone() }.fault());
                    }
                }
                // What came before is looked at all the same.
                Err(error) => {
                    self.archive = None;
                    self.faults.push(error.fault());
                }
            }
        }
        if let Some((key, gathered)) = self.open.pop_first() {
            return Some(Ok(packed(key, gathered)));
        }
        self.faults.pop().map(Err)
    }

    /// Takes a member; the oldest tree where there are too many.
    fn take(&mut self, member: &Member, placed: Placed) -> Option<Packed> {
        let Some(archive) = &mut self.archive else { return None };
        if member.kind == MemberKind::Other {
            return None;
        }
        if self.done.contains(&folder(&placed.tree)) {
            let member = placed.tree.display().to_string();
            let fault = AuditError::Scattered { path: self.path.clone(), member }.fault();
            if !self.faults.iter().any(|known| known.message == fault.message) && self.faults.len() < MOST_OPEN {
                self.faults.push(fault);
            }
            return None;
        }
        let key = (placed.tree, placed.shape);
        if !self.open.contains_key(&key) {
            if self.trees >= self.most_trees {
                let limit = self.most_trees;
                self.faults.push(AuditError::TooManyTrees { path: self.path.clone(), limit }.fault());
                self.archive = None;
                return None;
            }
            self.trees += 1;
        }
        let gathered = self.open.entry(key).or_default();
        gathered.last = self.members;
        // What is longer than any file of a node is not taken anyway.
        let size = if member.size > DEFAULT_FILE_LIMIT { 0 } else { member.size };
        if gathered.files.len() >= MOST_FILES || gathered.bytes.saturating_add(size) > MOST_BYTES {
            gathered.problem = Some(AuditError::TreeTooLarge { path: self.path.clone() }.fault());
        } else {
            let entry = match &member.kind {
                MemberKind::Link(target) => Some(Entry::Link(target.clone())),
                MemberKind::Same(other) => place(other).and_then(|other| gathered.files.entry(&other.path).cloned()),
                MemberKind::File => Some(match archive.content(&member.path, DEFAULT_FILE_LIMIT) {
                    Ok(content) => Entry::File { content, mode: member.mode },
                    Err(error) => Entry::Refused(error.fault()),
                }),
                MemberKind::Other => None,
            };
            if let Some(entry) = entry {
                // Another name of a file is a copy of its content.
                let taken = match &entry {
                    Entry::File { content, .. } => content.expose().len(),
                    Entry::Link(target) => target.as_os_str().len(),
                    Entry::Refused(_) => 0,
                };
                let taken = taken + placed.path.as_os_str().len();
                gathered.bytes = gathered.bytes.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
                gathered.files.insert(placed.path, entry);
            }
        }
        let held: u64 = self.open.values().map(|gathered| gathered.bytes).sum();
        if self.open.len() <= MOST_OPEN && held <= MOST_HELD {
            return None;
        }
        let oldest = self.open.iter().min_by_key(|(_, gathered)| gathered.last).map(|(key, _)| key.clone())?;
        let gathered = self.open.remove(&oldest)?;
        self.done.insert(folder(&oldest.0));
        Some(packed(oldest, gathered))
    }
}

fn folder(tree: &Path) -> Digest {
    Digest::of(tree.as_os_str().as_bytes())
}

fn packed((member, shape): (PathBuf, Shape), gathered: Gathered) -> Packed {
    Packed { member, shape, files: gathered.files, problem: gathered.problem }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs::File;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// An archive with a file of each of so many nodes.
    fn archive(folder: &Path, nodes: usize) -> PathBuf {
        let path = folder.join("nodes.tar.gz");
        let mut tar = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
        for node in 0..nodes {
            append(&mut tar, &format!("node-{node:06}/etc/kubernetes/pki/sa.pub"), b"no key");
        }
        tar.into_inner().unwrap().finish().unwrap();
        path
    }

    fn append(tar: &mut tar::Builder<impl std::io::Write>, name: &str, content: &[u8]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        tar.append_data(&mut header, name, content).unwrap();
    }

    fn read(path: &Path, most: usize, stop: &StopSignal) -> (usize, Vec<Fault>) {
        let mut bundle = Bundle::open(&Store::new(None).unwrap(), path, stop).unwrap();
        bundle.most_trees = most;
        let (mut trees, mut faults) = (0, Vec::new());
        while let Some(next) = bundle.next_tree() {
            match next {
                Ok(_) => trees += 1,
                Err(fault) => faults.push(fault),
            }
        }
        (trees, faults)
    }

    #[test]
    fn no_more_trees_than_the_limit_are_read_and_it_is_said_what_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), 300);
        assert_eq!(read(&path, 300, &StopSignal::default()), (300, Vec::new()));
        let (trees, faults) = read(&path, 299, &StopSignal::default());
        assert_eq!(trees, 299);
        let [fault] = faults.as_slice() else { panic!("{faults:?}") };
        assert_eq!(fault.code, "audit.too_many_trees");
        assert!(fault.message.contains("299") && fault.hint.contains("divide"), "{fault:?}");
    }

    #[test]
    fn within_an_archive_the_signal_to_stop_is_heard() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.tar.gz");
        let mut tar = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::none()));
        append(&mut tar, "var/log/messages", &vec![0; 16 << 20]);
        append(&mut tar, "etc/kubernetes/pki/sa.pub", b"no key");
        tar.into_inner().unwrap().finish().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let stop = StopSignal::new(move || counted.fetch_add(1, Ordering::Relaxed) >= 10);
        let (trees, faults) = read(&path, 10, &stop);
        assert_eq!((trees, faults.len(), asked.load(Ordering::Relaxed)), (0, 1, 11));
        assert_eq!(read(&path, 10, &StopSignal::default()), (1, Vec::new()));
    }
}
