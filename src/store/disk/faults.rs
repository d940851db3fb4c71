//! Injected faults: failing system calls, a killed process, a power cut.
//!
//! In: which step shall fail, and how. Out: a [`Disk`] that does so, and a record of all steps.
//!
//! The power cut is the worst that POSIX allows: content that was not flushed is lost, and each directory may
//! show either what it shows now or what it showed when it was last flushed, independently of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use super::{Disk, Step};

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Fault {
    /// The step has no effect and fails; later steps work.
    Fail(Errno),
    /// The step has its effect and yet reports failure; later steps work.
    FailAfter(Errno),
    /// The step and all later ones fail: a disk that went away.
    FailFrom(Errno),
    /// The process is dead: from this step on nothing reaches the disk.
    Die,
    /// `Die`, and the directories whose bit is set fall back to when they were last flushed.
    PowerCut(u32),
}

/// Faults by the number of the step they happen at, counted from 0.
pub(in crate::store) struct Faults {
    faults: Vec<(usize, Fault)>,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    steps: Vec<(Step, PathBuf)>,
    is_dead: bool,
    unflushed: BTreeSet<PathBuf>,
    durable: BTreeMap<PathBuf, Snapshot>,
}

/// What a directory holds.
type Snapshot = BTreeMap<OsString, Entry>;

/// Content and mode of a file, the target of a link.
enum Entry {
    Directory,
    File(Vec<u8>, u32),
    Link(PathBuf),
}

impl Faults {
    pub(in crate::store) fn new(faults: impl IntoIterator<Item = (usize, Fault)>) -> Arc<Self> {
        Arc::new(Self { faults: faults.into_iter().collect(), watched: Mutex::default() })
    }

    /// The way to the disk on which these faults lie.
    pub(in crate::store) fn disk(self: &Arc<Self>) -> Disk {
        Disk { faults: Some(Arc::clone(self)) }
    }

    /// What was tried so far.
    pub(in crate::store) fn steps(&self) -> Vec<(Step, PathBuf)> {
        self.watched.lock().unwrap().steps.clone()
    }

    pub(super) fn run<T>(&self, step: Step, path: &Path, call: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        let mut watched = self.watched.lock().unwrap();
        let now = watched.steps.len();
        watched.steps.push((step, path.to_owned()));
        if watched.is_dead {
            return Err(Errno::IO);
        }
        for (at, fault) in &self.faults {
            match *fault {
                Fault::Fail(errno) if *at == now => return Err(errno),
                Fault::FailAfter(errno) if *at == now => return watched.call(step, path, call).and(Err(errno)),
                Fault::FailFrom(errno) if *at <= now => return Err(errno),
                Fault::Die | Fault::PowerCut(_) if *at == now => {
                    watched.is_dead = true;
                    if let Fault::PowerCut(lost) = *fault {
                        watched.cut_power(lost);
                    }
                    return Err(Errno::IO);
                }
                _ => {}
            }
        }
        watched.call(step, path, call)
    }
}

impl Watched {
    fn call<T>(&mut self, step: Step, path: &Path, call: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        let directory = if step == Step::SyncDirectory { path } else { path.parent().unwrap() };
        if !self.durable.contains_key(directory) {
            let snapshot = self.snapshot(directory);
            self.durable.insert(directory.to_owned(), snapshot);
        }
        let answer = call()?;
        match step {
            Step::CreateFile | Step::Write => drop(self.unflushed.insert(path.to_owned())),
            Step::SyncFile => drop(self.unflushed.remove(path)),
            Step::SyncDirectory => {
                let snapshot = self.snapshot(path);
                self.durable.insert(path.to_owned(), snapshot);
            }
            _ => {}
        }
        Ok(answer)
    }

    /// The directory as it would be found if only flushed content survived.
    fn snapshot(&self, directory: &Path) -> Snapshot {
        let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
        let survives =
            |path: &Path| if self.unflushed.contains(path) { Vec::new() } else { std::fs::read(path).unwrap() };
        entries
            .map(|entry| {
                let (path, metadata) = (entry.path(), entry.metadata().unwrap());
                let kept = if metadata.is_dir() {
                    Entry::Directory
                } else if metadata.is_symlink() {
                    Entry::Link(std::fs::read_link(&path).unwrap())
                } else {
                    Entry::File(survives(&path), metadata.mode() & 0o7777)
                };
                (entry.file_name(), kept)
            })
            .collect()
    }

    fn cut_power(&self, lost: u32) {
        for path in self.unflushed.iter().filter(|path| path.exists()) {
            std::fs::write(path, b"").unwrap();
        }
        // Parents come first: what they lose is lost with everything below.
        for (index, (directory, snapshot)) in self.durable.iter().enumerate() {
            if lost & (1 << index) != 0 && directory.exists() {
                fall_back(directory, snapshot);
            }
        }
    }
}

fn fall_back(directory: &Path, snapshot: &Snapshot) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        match (snapshot.get(&entry.file_name()), entry.file_type().unwrap().is_dir()) {
            (Some(Entry::Directory), true) => {}
            (_, true) => std::fs::remove_dir_all(entry.path()).unwrap(),
            (_, false) => std::fs::remove_file(entry.path()).unwrap(),
        }
    }
    for (name, file) in snapshot {
        let path = directory.join(name);
        match file {
            Entry::File(content, mode) => {
                std::fs::write(&path, content).unwrap();
                std::fs::set_permissions(&path, PermissionsExt::from_mode(*mode)).unwrap();
            }
            Entry::Link(target) => std::os::unix::fs::symlink(target, &path).unwrap(),
            Entry::Directory => std::fs::create_dir_all(&path).unwrap(),
        }
    }
}
