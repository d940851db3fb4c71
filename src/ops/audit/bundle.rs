//! The nodes in an archive, one after the other; nothing of it is unpacked.
//!
//! In: an open archive. Out: [`Packed`] trees, as their members have come by. As many as [`MOST_OPEN`] are gathered at once,
//! each bounded in files and bytes: an archive of any length takes no more memory than that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::error::AuditError;
use super::shape::{Placed, Shape, place};
use crate::error::{Diagnostic as _, Fault};
use crate::store::{Archive, DEFAULT_FILE_LIMIT, Entry, Member, MemberKind, Snapshot, Store, StoreError};

/// As many trees are gathered at once: members of one are seldom among those of another.
const MOST_OPEN: usize = 64;

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
    /// Those that were handed over.
    done: BTreeSet<PathBuf>,
    has_any: bool,
    members: usize,
    /// What remains to be said.
    faults: Vec<Fault>,
}

impl Bundle {
    pub(super) fn open(store: &Store, path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            archive: Some(store.open_archive(path)?),
            open: BTreeMap::new(),
            done: BTreeSet::new(),
            has_any: false,
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
                    if !self.has_any {
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
        self.has_any = true;
        if self.done.contains(&placed.tree) {
            let member = placed.tree.display().to_string();
            let fault = AuditError::Scattered { path: self.path.clone(), member }.fault();
            if !self.faults.iter().any(|known| known.message == fault.message) && self.faults.len() < MOST_OPEN {
                self.faults.push(fault);
            }
            return None;
        }
        let key = (placed.tree, placed.shape);
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
        self.done.insert(oldest.0.clone());
        Some(packed(oldest, gathered))
    }
}

fn packed((member, shape): (PathBuf, Shape), gathered: Gathered) -> Packed {
    Packed { member, shape, files: gathered.files, problem: gathered.problem }
}
