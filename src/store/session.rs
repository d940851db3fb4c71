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
use super::recovery::{Keep, Recovery, recover};
use super::root::{Kind, Root};
use super::transaction::{Applied, Change, Transaction};
use super::{Store, lock};

/// Exclusive access to directories, given by [`Store::lock`].
pub struct Session {
    pub(super) store: Store,
    pub(super) locks: Locks,
    /// What is kept of an interrupted change, where somebody decided that.
    pub(super) keep: Option<Keep>,
    /// The directories that were named as the node's own, as they were named and, physically, where they are.
    own: Own,
    recovered: Vec<Recovery>,
}

#[derive(Default)]
struct Own {
    named: Vec<PathBuf>,
    physical: BTreeSet<PathBuf>,
}

/// What a session is begun for.
#[derive(Default)]
pub(super) struct Order {
    /// The node's own directories, with all below them.
    pub(super) own: Vec<PathBuf>,
    /// Directories that somebody named for the output.
    pub(super) outputs: Vec<PathBuf>,
    pub(super) keep: Option<Keep>,
}

/// Physical directories to lock; `true` for those below which interrupted changes are looked for too.
pub(super) type Wanted = BTreeMap<PathBuf, bool>;

impl Session {
    /// Locks directories; of one that does not exist, the nearest directory above it that does.
    pub(super) fn begin(store: &Store, order: &Order) -> Result<Self, StoreError> {
        let named = order.own.iter().map(|directory| store.root.prefixed(directory)).collect::<Result<Vec<_>, _>>()?;
        let mut physical = BTreeSet::new();
        for directory in &order.own {
            let found = store.root.resolve_for_change(directory, true)?;
            physical.insert(found.missing.iter().fold(found.existing, |path, part| path.join(part)));
        }
        let mut session = Self {
            store: store.clone(),
            locks: Locks::new(),
            keep: order.keep,
            own: Own { named, physical },
            recovered: Vec::new(),
        };
        session.secure(|root| {
            let mut wanted = Wanted::new();
            let own = order.own.iter().map(|directory| (directory, true));
            for (directory, is_own) in own.chain(order.outputs.iter().map(|directory| (directory, false))) {
                let found = root.resolve_for_change(directory, true)?;
                if found.kind != Kind::Directory {
                    return Err(StoreError::NotADirectory {
                        path: root.prefixed(directory)?,
                        component: found.existing,
                    });
                }
                *wanted.entry(found.existing).or_default() |= is_own && found.missing.is_empty();
            }
            Ok(wanted)
        })?;
        Ok(session)
    }

    /// Whether a physical directory is within the node's own, or on the way to them. Any other holds what somebody
    /// asked for by name.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        self.own.physical.iter().any(|own| path.starts_with(own) || own.starts_with(path))
    }

    /// Notes that the physical `directory` is where a file of the node's own directories really is.
    pub(super) fn note_place(&mut self, logical: &Path, directory: &Path) -> Result<(), StoreError> {
        let named = self.store.root.prefixed(logical)?;
        if self.own.named.iter().any(|own| named.starts_with(own)) {
            self.own.physical.insert(directory.to_owned());
        }
        Ok(())
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
