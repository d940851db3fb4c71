//! Beginning a session: locks, and every interrupted change behind them completed or taken back.
//!
//! In: directories. Out: a [`Session`] that may change what is in them; a transaction secures further ones as it finds
//! where its files really are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Store;
use super::error::StoreError;
use super::exchange::Locks;
use super::recovery::recover;
use super::root::{Kind, Root};
use super::session::{Keep, Own, Session};

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
        let mut session = Self {
            store: store.clone(),
            locks: Locks::new(),
            keep: order.keep,
            own: Own::of(&store.root, &order.own)?,
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
}
