//! The three movements of a transaction, used alike while it runs and when it is recovered.
//!
//! In: a journal and the locked directories. Out: all new files in place ([`Exchange::publish`]), all old files in
//! place ([`Exchange::restore`]), or everything that the transaction made for itself gone
//! ([`Exchange::discard`]), with the journal's name to say which is due ([`Exchange::mark`]). Each can be interrupted and begun again. Which one is due is decided elsewhere.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::error::StoreError;
use super::journal::{Journal, JournalFile, Role, absolute};
use super::record::Reach;
use super::root::Root;
use crate::digest::Digest;

/// Directories that this process has locked, by physical path.
pub(super) type Locks = BTreeMap<PathBuf, Directory>;

/// The files of a journal, with the directories they are in.
pub(super) struct Exchange<'a> {
    journal: &'a Journal,
    home: &'a Path,
    root: &'a Root,
    /// As in the journal; none for a directory that is not there, or that the change does not reach into.
    directories: Vec<Option<&'a Directory>>,
    /// As in the journal; those of which nothing but a directory that the change made may be removed.
    shells: Vec<Option<&'a Directory>>,
    /// As in the journal; those whose files are left as they are.
    others: Vec<bool>,
}

/// Which generation of all files can be had from what is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The new files are complete.
    Publish,
    /// The old files are complete, the new ones are not.
    Restore,
}

impl<'a> Exchange<'a> {
    /// Of a change of this process. `home` is the physical path of the journal's directory.
    pub(super) fn new(journal: &'a Journal, home: &'a Path, root: &'a Root, locks: &'a Locks) -> Self {
        Self::within(journal, home, root, locks, &vec![Reach::Whole; journal.directories.len()])
    }

    /// Of a change that was found, as far as it reaches.
    pub(super) fn within(
        journal: &'a Journal,
        home: &'a Path,
        root: &'a Root,
        locks: &'a Locks,
        reaches: &[Reach],
    ) -> Self {
        let find = |wanted: Reach| {
            let found = journal.directories.iter().zip(reaches).map(move |(directory, reach)| {
                let path = absolute(home, &directory.path).filter(|_| *reach == wanted)?;
                locks.get(&path)
            });
            found.collect::<Vec<_>>()
        };
        let others = reaches.iter().map(|reach| *reach == Reach::Others).collect();
        Self { journal, home, root, directories: find(Reach::Whole), shells: find(Reach::Shell), others }
    }

    /// What can still be completed.
    ///
    /// # Errors
    /// [`StoreError::RecoveryConflict`] when a file is neither the old nor the new one;
    /// [`StoreError::JournalCorrupt`] when neither generation is complete.
    pub(super) fn verdict(&self) -> Result<Verdict, StoreError> {
        for file in self.files() {
            let directory = self.directory(file)?;
            let [old, new] = digests(file);
            let there = directory.digest(OsStr::new(&file.name))?;
            // A file that somebody removed is nobody's newer work: the old or the new one can still be put there.
            if there.is_some() && there != old && there != new {
                return Err(self.conflict(file));
            }
        }
        match self.possible()? {
            (true, _) => Ok(Verdict::Publish),
            (false, true) => Ok(Verdict::Restore),
            (false, false) => Err(StoreError::JournalCorrupt {
                path: self.journal_path(&Role::Committed),
                reason: "neither the old nor the new files are complete".into(),
                root: self.root.confinement().map(Path::to_owned),
            }),
        }
    }

    /// The verdict that was asked for, whatever is in the files' places now.
    ///
    /// # Errors
    /// [`StoreError::RecoveryConflict`] with the first file that the wanted generation lacks.
    pub(super) fn insist(&self, wanted: Verdict) -> Result<Verdict, StoreError> {
        for file in self.files() {
            let (can_publish, can_restore) = self.possible_for(file)?;
            if !(if wanted == Verdict::Publish { can_publish } else { can_restore }) {
                return Err(self.conflict(file));
            }
        }
        Ok(wanted)
    }

    /// Whether all new files, and whether all old ones, can be put into place.
    fn possible(&self) -> Result<(bool, bool), StoreError> {
        let mut all = (true, true);
        for file in self.files() {
            let (can_publish, can_restore) = self.possible_for(file)?;
            all = (all.0 && can_publish, all.1 && can_restore);
        }
        Ok(all)
    }

    fn possible_for(&self, file: &JournalFile) -> Result<(bool, bool), StoreError> {
        let directory = self.directory(file)?;
        let [old, new] = digests(file);
        let there = directory.digest(OsStr::new(&file.name))?;
        if old == new {
            // The content does not tell which of the two is in place. The second names do: putting the new file
            // there uses up its own, putting the old one back uses up the other.
            let has = |name: OsString| Ok::<_, StoreError>(directory.stat(&name)?.is_some());
            let (has_new, has_old) = (has(self.new_name(file))?, has(self.old_name(file))?);
            return Ok((has_new || (has_old && there == new), has_old || there == old));
        }
        let can_publish = there == new || new.is_none() || directory.digest(&self.new_name(file))? == new;
        let can_restore = there == old || old.is_none() || directory.digest(&self.old_name(file))? == old;
        Ok((can_publish, can_restore))
    }

    fn conflict(&self, file: &JournalFile) -> StoreError {
        StoreError::RecoveryConflict {
            path: self.path(file).unwrap_or_default(),
            journal: self.journal_path(&Role::Committed),
            root: self.root.confinement().map(Path::to_owned),
            possible: self.possible().unwrap_or_default(),
        }
    }

    /// The files that the change reaches.
    fn files(&self) -> impl DoubleEndedIterator<Item = &'a JournalFile> {
        let is_left = |file: &&JournalFile| self.others.get(file.directory).copied().unwrap_or_default();
        self.journal.files.iter().filter(move |file| !is_left(file))
    }

    /// Whether the change has files in a directory that it does not reach into; then where.
    pub(super) fn unreached(&self) -> Option<PathBuf> {
        let found = self.files().find(|file| self.directories.get(file.directory).copied().flatten().is_none());
        found.and_then(|file| self.path(file)?.parent().map(Path::to_owned))
    }

    /// Puts every new file into place.
    pub(super) fn publish(&self) -> Result<(), StoreError> {
        for file in self.files() {
            let (directory, name) = (self.directory(file)?, OsStr::new(&file.name));
            let staged = self.new_name(file);
            if file.new.is_none() {
                directory.remove(name)?;
            } else if directory.stat(&staged)?.is_some() {
                directory.rename(&staged, name)?;
            } else if directory.digest(name)? != file.new {
                return Err(StoreError::Missing { path: directory.path().join(staged) });
            }
        }
        self.sync()
    }

    /// Puts every old file back into place.
    pub(super) fn restore(&self) -> Result<(), StoreError> {
        for file in self.files().rev() {
            let (directory, name) = (self.directory(file)?, OsStr::new(&file.name));
            let [old, new] = digests(file);
            let there = directory.digest(name)?;
            // Two generations with one content differ in mode or owner: the old one's second name tells.
            let is_told = there != old || (old == new && directory.stat(&self.old_name(file))?.is_some());
            if !is_told {
                continue;
            }
            if old.is_some() {
                directory.rename(&self.old_name(file), name)?;
            } else if there == new {
                directory.remove(name)?;
            }
        }
        self.sync()
    }

    /// Removes what the transaction made for itself, the journal last; with `taken_back` its directories too.
    ///
    /// It goes on after a failure, so that as little as possible of a key stays behind, but then keeps the
    /// journal, so that the next run tries again.
    ///
    /// # Errors
    /// The first failure.
    pub(super) fn discard(&self, taken_back: bool) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        let mut note = |answer: Result<bool, StoreError>, changed: &mut bool| match answer {
            Ok(removed) => *changed |= removed,
            Err(error) => outcome = std::mem::replace(&mut outcome, Ok(())).and(Err(error)),
        };
        for (index, directory) in self.directories.iter().enumerate() {
            let Some(directory) = directory else { continue };
            let mut changed = false;
            for file in self.journal.files.iter().filter(|file| file.directory == index) {
                note(directory.remove(&self.new_name(file)), &mut changed);
                note(directory.remove(&self.old_name(file)), &mut changed);
            }
            note(directory.remove(&self.name(&Role::Pointer)), &mut changed);
            if changed {
                note(directory.sync().map(|()| false), &mut changed);
            }
        }
        // The pointer of a directory that has just been made may not be whole yet.
        for shell in self.shells.iter().flatten() {
            note(shell.remove(&self.name(&Role::Pointer)), &mut false);
        }
        outcome?;
        if taken_back {
            self.remove_made_directories()?;
        }
        let Some(Some(home)) = self.directories.first() else { return Ok(()) };
        let mut changed = false;
        for journal in &Role::JOURNALS {
            changed |= home.remove(&self.name(journal))?;
        }
        if changed { home.sync() } else { Ok(()) }
    }

    /// Notes in the journal's name how far the transaction has come.
    pub(super) fn mark(&self, from: &Role, to: &Role) -> Result<(), StoreError> {
        let Some(Some(home)) = self.directories.first() else { return Ok(()) };
        home.rename(&self.name(from), &self.name(to))?;
        home.sync()
    }

    /// Whether the journal's name says so.
    pub(super) fn is_marked(&self, role: &Role) -> Result<bool, StoreError> {
        let Some(Some(home)) = self.directories.first() else { return Ok(false) };
        Ok(home.stat(&self.name(role))?.is_some())
    }

    /// Makes the names in all directories durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.directories.iter().flatten().try_for_each(|directory| directory.sync())
    }

    /// The physical paths of the files.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.journal.files.iter().filter_map(|file| self.path(file)).collect()
    }

    fn path(&self, file: &JournalFile) -> Option<PathBuf> {
        self.journal.path_of(self.home, file)
    }

    fn remove_made_directories(&self) -> Result<(), StoreError> {
        for made in self.journal.directories.iter().rev().filter(|directory| directory.made) {
            let Some(path) = absolute(self.home, &made.path) else { continue };
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let reached = || self.directories.iter().chain(&self.shells).flatten();
            if let Some(made) = reached().find(|one| one.path() == path) {
                made.remove_lock_file();
            }
            if let Some(parent) = reached().find(|one| one.path() == parent)
                && parent.remove_directory(name)?
            {
                parent.sync()?;
            }
        }
        Ok(())
    }

    fn directory(&self, file: &JournalFile) -> Result<&'a Directory, StoreError> {
        self.directories.get(file.directory).copied().flatten().ok_or_else(|| StoreError::JournalUnreachable {
            path: self.journal_path(&Role::Committed),
            wanted: self.path(file).unwrap_or_default(),
            root: self.root.confinement().map(Path::to_owned),
        })
    }

    fn journal_path(&self, role: &Role) -> PathBuf {
        self.home.join(self.name(role))
    }

    fn name(&self, role: &Role) -> OsString {
        self.journal.transaction.name(role)
    }

    fn new_name(&self, file: &JournalFile) -> OsString {
        self.name(&Role::New(OsString::from(&file.name)))
    }

    fn old_name(&self, file: &JournalFile) -> OsString {
        self.name(&Role::Old(OsString::from(&file.name)))
    }
}

/// The digests of a file before and after.
fn digests(file: &JournalFile) -> [Option<Digest>; 2] {
    [file.old, file.new]
}
