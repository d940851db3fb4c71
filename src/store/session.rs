//! The right to change files: the locks, and the certainty that no half-done change is left.
//!
//! In: directories. Out: [`Session`], which holds their locks until it is dropped. Before it is handed out,
//! every interrupted change that touches them is completed or taken back. It makes no plan of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::backup::BackupOrder;
use super::error::StoreError;
use super::exchange::Locks;
use super::recovery::{Recovery, recover};
use super::root::{Kind, Root};
use super::transaction::{Applied, Change, Transaction};
use super::{Store, lock};

/// Exclusive access to directories, given by [`Store::lock`].
pub struct Session {
    pub(super) store: Store,
    pub(super) locks: Locks,
    recovered: Vec<Recovery>,
}

/// Physical directories to lock; `true` for those below which interrupted changes are looked for too.
pub(super) type Wanted = BTreeMap<PathBuf, bool>;

impl Session {
    /// Locks `directories`; of one that does not exist, the nearest directory above it that does.
    pub(super) fn begin(store: &Store, directories: &[PathBuf]) -> Result<Self, StoreError> {
        let mut session = Self { store: store.clone(), locks: Locks::new(), recovered: Vec::new() };
        session.secure(|root| {
            let mut wanted = Wanted::new();
            for directory in directories {
                let found = root.resolve(directory, true)?;
                if found.kind != Kind::Directory {
                    return Err(StoreError::NotADirectory {
                        path: root.prefixed(directory)?,
                        component: found.existing,
                    });
                }
                *wanted.entry(found.existing).or_default() |= found.missing.is_empty();
            }
            Ok(wanted)
        })?;
        Ok(session)
    }

    /// The interrupted changes that were found, and what was made of them.
    #[must_use]
    pub fn recovered(&self) -> &[Recovery] {
        &self.recovered
    }

    /// Makes all `changes`, or none.
    ///
    /// Directories that do not exist are created with mode 0755 less the umask. A file that exists keeps its
    /// owner, group, mode, access list and `SELinux` label; one that is a symbolic link stays a link, and the
    /// file it points to is replaced. A file that has the wanted content already is not touched.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when a file is not as a change expects; [`StoreError::DiskFull`],
    /// [`StoreError::ReadOnly`], [`StoreError::NoPermission`] and others from the system. After any of
    /// them every file is as it was. The one exception is [`StoreError::RollbackIncomplete`]: the disk failed
    /// also while the change was taken back, and the next session will do that first.
    pub fn apply(&mut self, changes: &[Change]) -> Result<Applied, StoreError> {
        Transaction::run(self, changes, None)
    }

    /// As [`Session::apply`], but first every file that will be replaced or removed is kept, as it is, in a backup.
    ///
    /// The backup is complete and durable before the first file changes. When the changes fail and were taken back,
    /// the backup is taken away again; after [`StoreError::RollbackIncomplete`] it stays. Where nothing is replaced or
    /// removed, none is made.
    ///
    /// # Errors
    /// As [`Session::apply`]; [`StoreError::BackupPlace`] for a directory in which no backup may be.
    pub fn apply_with_backup(&mut self, changes: &[Change], order: &BackupOrder<'_>) -> Result<Applied, StoreError> {
        Transaction::run(self, changes, Some(order))
    }

    /// Locks what `wanted` asks for, recovers what was interrupted there, and asks again until nothing is new:
    /// directories can appear, vanish or be recovered away while a lock is waited for.
    pub(super) fn secure(&mut self, wanted: impl Fn(&Root) -> Result<Wanted, StoreError>) -> Result<(), StoreError> {
        let mut searched = BTreeSet::new();
        loop {
            self.locks.retain(|_, directory| directory.is_in_place());
            let missing = wanted(&self.store.root)?
                .into_iter()
                .filter(|(path, _)| !self.locks.contains_key(path) || !searched.contains(path))
                .collect::<Vec<_>>();
            if missing.is_empty() {
                return Ok(());
            }
            let held = missing.iter().try_for_each(|(path, _)| self.lock(path, self.store.lock_wait));
            match held {
                // Removed between looking and locking: look again.
                Err(StoreError::Missing { path }) => log::debug!("{} has just been removed", path.display()),
                Err(error) => return Err(error),
                Ok(()) => {
                    for (path, deep) in missing {
                        let mut recovered = recover(self, &path, deep)?;
                        self.recovered.append(&mut recovered);
                        searched.insert(path);
                    }
                }
            }
        }
    }

    /// Locks one physical directory if it is not locked by this session.
    pub(super) fn lock(&mut self, path: &Path, wait: Duration) -> Result<(), StoreError> {
        if !self.locks.contains_key(path) {
            let directory = lock::acquire(&self.store.root, &self.store.disk, path, wait)?;
            self.locks.insert(path.to_owned(), directory);
        }
        Ok(())
    }
}
