//! Interrupted changes, looked at and not touched.
//!
//! In: directories. Out: [`Interrupted`], one for each change that waits in them, above them or below them for the next
//! run that changes files. It takes no lock, writes nothing, and passes over a change that another process is making
//! just now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Store;
use super::directory::Directory;
use super::error::StoreError;
use super::holder::Holder;
use super::journal::{Journal, Pointer, Role, TransactionId, absolute, parse_name};
use super::listings::Listings;
use super::record;
use super::recovery::concerning;
use super::trust::is_record;

/// A change that was interrupted, and waits to be ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupted {
    /// The change's identity: sixteen hex digits, part of the names of its temporary files.
    pub transaction: String,
    /// The directory of its record, as a logical path.
    pub directory: PathBuf,
    /// The files of the change, links resolved, as logical paths; as far as they can be told.
    pub paths: Vec<PathBuf>,
    /// Whether files may be of both generations.
    pub is_committed: bool,
    /// The command that ends it, between backquotes.
    pub command: String,
}

impl Interrupted {
    /// Whether the file at `path`, or its certificate or key, is one of the change's.
    #[must_use]
    pub fn concerns(&self, store: &Store, path: &Path) -> bool {
        let Ok(found) = store.root.resolve(path, true) else { return false };
        let physical = found.missing.iter().fold(found.existing, |path, part| path.join(part));
        let logical = store.root.unprefixed(&physical);
        let pair = ["crt", "key", "pub"].map(|end| logical.with_extension(end));
        let is_pair = logical.extension().is_some_and(|end| end != "conf");
        self.paths.iter().any(|one| *one == logical || (is_pair && pair.contains(one)))
    }
}

/// What is known of a change so far.
#[derive(Default)]
struct Seen {
    directory: Option<PathBuf>,
    has_journal: bool,
    is_committed: bool,
    is_alive: bool,
    paths: BTreeSet<PathBuf>,
}

impl Store {
    /// The interrupted changes that wait in `directories`, above them or below them.
    #[must_use]
    pub fn interrupted<P: AsRef<Path>>(&self, directories: &[P]) -> Vec<Interrupted> {
        let mut seen = BTreeMap::new();
        let mut listings = Listings::new(&self.root, &self.disk);
        for directory in directories {
            let Ok(found) = self.root.resolve(directory.as_ref(), true) else { continue };
            let path = found.existing;
            for above in path.ancestors().skip(1).filter(|above| self.root.contains(above)) {
                if !listings.has_records(above) {
                    continue;
                }
                let concerned = concerning(&self.root, &self.disk, above, &path);
                if !concerned.is_empty() {
                    self.look(above, Some(&concerned), &mut seen);
                }
            }
            if listings.has_records(&path) {
                self.look(&path, None, &mut seen);
            }
            if found.missing.is_empty() {
                for below in listings.interrupted_below(&path).0 {
                    self.look(&below, None, &mut seen);
                }
            }
        }
        let waiting = seen.into_iter().filter(|(_, one): &(TransactionId, Seen)| !one.is_alive);
        let interrupted = waiting.filter_map(|(transaction, one)| {
            let directory = self.root.unprefixed(&one.directory?);
            Some(Interrupted {
                transaction: transaction.as_str().to_owned(),
                command: super::recover_command(self.root.confinement(), &directory, &[]),
                directory,
                paths: one.paths.iter().map(|path| self.root.unprefixed(path)).collect(),
                is_committed: one.is_committed,
            })
        });
        interrupted.collect()
    }

    fn look(&self, path: &Path, only: Option<&BTreeSet<TransactionId>>, seen: &mut BTreeMap<TransactionId, Seen>) {
        let Ok(directory) = Directory::open(&self.root, &self.disk, path) else { return };
        if !directory.is_closed() {
            return;
        }
        let is_alive = Holder::of(&directory).is_some();
        for name in directory.names().unwrap_or_default() {
            let Some((transaction, role)) = parse_name(&name) else { continue };
            if only.is_some_and(|only| !only.contains(&transaction)) {
                continue;
            }
            let one = seen.entry(transaction.clone()).or_default();
            one.is_alive |= is_alive;
            match role {
                Role::New(file) | Role::Old(file) => {
                    one.paths.insert(path.join(file));
                }
                _ if !directory.stat(&name).is_ok_and(|stat| stat.is_some_and(|stat| is_record(&stat))) => {}
                Role::Pointer => {
                    let home = self.home(&directory, &transaction);
                    one.is_alive |= home.as_ref().is_some_and(|home| Holder::of(home).is_some());
                    // The journal, which may lie in a directory that nobody named, knows all files.
                    if let Some(home) = home
                        && !one.has_journal
                    {
                        for state in Role::JOURNALS {
                            one.learn(&home, &transaction, &state);
                        }
                    }
                    one.directory.get_or_insert_with(|| path.to_owned());
                }
                state => one.learn(&directory, &transaction, &state),
            }
        }
    }

    /// The directory of the journal that a pointer in `directory` names, if it is that.
    fn home(&self, directory: &Directory, transaction: &TransactionId) -> Option<Directory> {
        let bytes = record::read(directory, &transaction.name(&Role::Pointer)).ok()??;
        let pointer = Pointer::decode(&bytes).ok()?;
        let path = absolute(directory.path(), &pointer.home).filter(|path| self.root.contains(path))?;
        let home = Directory::open(&self.root, &self.disk, &path).ok()?;
        home.inode().is_ok_and(|inode| inode == pointer.inode).then_some(home)
    }
}

impl Seen {
    fn learn(&mut self, home: &Directory, transaction: &TransactionId, state: &Role) {
        let name = transaction.name(state);
        if !home.stat(&name).is_ok_and(|stat| stat.is_some()) {
            return;
        }
        (self.has_journal, self.directory) = (true, Some(home.path().to_owned()));
        self.is_committed = *state == Role::Committed;
        let journal = match record::read(home, &name) {
            Ok(Some(bytes)) => Journal::decode(&bytes, transaction),
            Ok(None) | Err(StoreError::NoPermission { .. }) => return,
            Err(error) => return log::warn!("{error}"),
        };
        match journal {
            Ok(journal) => {
                let paths = journal.files.iter().filter_map(|file| journal.path_of(home.path(), file));
                self.paths.extend(paths);
            }
            Err(reason) => log::debug!("{}: {reason}", home.path().join(name).display()),
        }
    }
}
