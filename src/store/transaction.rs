//! One change of many files, all or none.
//!
//! In: a session and the wanted [`Change`]s. Out: [`Applied`], or an error after which every file is as it was.
//!
//! Order, each line durable before the next: a backup, where one is wanted · the journal, marked "prepared" ·
//! directories that are missing · in every directory a pointer to the journal · new contents under temporary names ·
//! second names for the old files · the journal, renamed to "committed" · renames into place · the journal, renamed to
//! "done" · removal of the temporary names and the pointers, last of the journal. `docs/reference/store.md` says why.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::backup::{BackupOrder, Keeping};
use super::begin::Wanted;
use super::change::{Action, Applied, Change, Expected, Target};
use super::directory::{Directory, Like};
use super::error::StoreError;
use super::exchange::Exchange;
use super::journal::{Journal, JournalDirectory, JournalFile, Pointer, Role, TransactionId, relative};
use super::recovery::is_reserved;
use super::root::{Kind, Root};
use super::session::{Own, Session};
use crate::digest::Digest;

impl Session {
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
}

/// A transaction under way. Dropped before it is done, it is taken back.
struct Transaction<'s> {
    session: &'s mut Session,
    home: PathBuf,
    journal: Journal,
    committed: bool,
    done: bool,
}

impl<'s> Transaction<'s> {
    /// Makes all `changes`, or none; first the `backup` of what they replace and remove.
    fn run(
        session: &'s mut Session,
        changes: &[Change],
        backup: Option<&BackupOrder<'_>>,
    ) -> Result<Applied, StoreError> {
        for change in changes {
            let found = place(&session.store.root, change)?;
            let directory = found.missing.iter().fold(found.existing, |path, part| path.join(part));
            session.own.note_place(&session.store.root, change.path(), &directory)?;
        }
        session.secure(|root| {
            let places = changes.iter().map(|change| Ok((place(root, change)?.existing, false)));
            places.collect::<Result<Wanted, StoreError>>()
        })?;
        let targets = targets(session, changes)?;
        let files = targets.iter().map(|target| (target.change.path().to_owned(), target.action())).collect();
        let work = targets.iter().filter(|target| target.action() != Action::Unchanged).collect::<Vec<_>>();
        let mut applied = Applied { files, ..Applied::default() };
        if work.is_empty() {
            return Ok(applied);
        }
        let kept = backup.map(|order| Keeping::make(session, order, &work)).transpose()?.flatten();
        applied.directories = match Self::change(session, &work) {
            Ok(made) => made,
            // The next run goes on with it either way: what was before is worth keeping until then.
            Err(error @ StoreError::RollbackIncomplete { .. }) => return Err(error),
            Err(error) => {
                kept.into_iter().for_each(Keeping::take_away);
                return Err(error);
            }
        };
        applied.backup = kept.map(Keeping::finish);
        for (path, action) in applied.files.iter().filter(|(_, action)| *action != Action::Unchanged) {
            log::info!("{}: {action}", path.display());
        }
        Ok(applied)
    }

    /// Does the work, and says which directories were made.
    fn change(session: &mut Session, work: &[&Target<'_>]) -> Result<Vec<PathBuf>, StoreError> {
        let first = make_first(session, work)?;
        match Transaction::all(session, work) {
            Ok(made) => Ok(first.into_iter().chain(made).collect()),
            Err(error) => {
                if let (Some(first), false) = (first, matches!(error, StoreError::RollbackIncomplete { .. })) {
                    remove_first(session, &first);
                }
                Err(error)
            }
        }
    }

    fn all(session: &'s mut Session, work: &[&Target<'_>]) -> Result<Vec<PathBuf>, StoreError> {
        let mut transaction = Self::new(session, work)?;
        if let Err(cause) = transaction.prepare(work).and_then(|()| transaction.commit()) {
            return Err(transaction.take_back(cause));
        }
        transaction.done = true;
        let exchange = transaction.exchange();
        // Should the mark fail, the second names stay: without it they tell recovery that all new files are in place.
        if let Err(error) = exchange.mark(&Role::Committed, &Role::Done).and_then(|()| exchange.discard(false)) {
            log::warn!("all files are in place, but temporary files are left for the next run to remove: {error}");
        }
        Ok(transaction.made().collect())
    }

    /// Decides on the journal: which directories take part, and which is its home.
    fn new(session: &'s mut Session, work: &[&Target<'_>]) -> Result<Self, StoreError> {
        let mut directories = BTreeMap::new();
        for target in work {
            let mut path = target.directory.as_path();
            // Up to the first directory that exists, which takes part too: it is where the others are made.
            loop {
                let exists = session.locks.contains_key(path);
                directories.insert(path, !exists);
                match path.parent() {
                    Some(parent) if !exists => path = parent,
                    _ => break,
                }
            }
        }
        let is_closed = |path: &Path| session.locks.get(path).is_some_and(Directory::is_closed);
        let mut there = directories.iter().filter(|(_, made)| !**made).map(|(path, _)| *path);
        // In a directory that others can write to, no later run would believe the journal.
        let home = there.clone().find(|path| is_closed(path)).or_else(|| there.next()).map(Path::to_owned);
        let Some(home) = home else {
            let path = work.first().map(|target| target.path()).unwrap_or_default();
            return Err(StoreError::Missing { path });
        };
        // The home comes first; the others are in byte order, so parents come before children.
        let others = directories.iter().filter(|(path, _)| **path != home);
        let order = std::iter::once((home.as_path(), false)).chain(others.map(|(path, made)| (*path, *made)));
        let order = order.collect::<Vec<_>>();
        let journal_directories = order.iter().map(|(path, made)| {
            Ok(JournalDirectory { path: text(relative(&home, path).as_os_str(), path)?, made: *made })
        });
        let files = work.iter().map(|target| {
            Ok(JournalFile {
                directory: order.iter().position(|(path, _)| *path == target.directory).unwrap_or_default(),
                name: text(&target.name, &target.path())?,
                old: target.old.as_ref().map(|old| old.digest),
                new: target.digest,
            })
        });
        let directories = journal_directories.collect::<Result<_, StoreError>>()?;
        let journal = Journal::new(TransactionId::new(), directories, files.collect::<Result<_, StoreError>>()?);
        Ok(Self { session, home, journal, committed: false, done: false })
    }

    /// Writes everything that is needed, beside what is there.
    fn prepare(&mut self, work: &[&Target<'_>]) -> Result<(), StoreError> {
        let home = self.directory(&self.home)?;
        home.create(&self.name(&Role::Prepared), &self.journal.encode(), Like::Mode(0o600))?;
        home.sync()?;
        let inode = home.inode()?;
        for path in self.made().collect::<Vec<_>>() {
            if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
                let parent = self.directory(parent)?;
                parent.make_directory(name, 0o755)?;
                parent.sync()?;
            }
            self.session.lock(&path, self.session.store.lock_wait)?;
        }
        for path in self.paths().skip(1) {
            let directory = self.directory(&path)?;
            let pointer = Pointer::new(text(relative(&path, &self.home).as_os_str(), &path)?, inode);
            directory.create(&self.name(&Role::Pointer), &pointer.encode(), Like::Mode(0o600))?;
            directory.sync()?;
        }
        for target in work {
            let name = self.name(&Role::New(target.name.clone()));
            let directory = self.directory(&target.directory)?;
            if let Some((content, like)) = target.content() {
                directory.create(&name, content.expose(), like)?;
            } else if let Change::Link { target, .. } = target.change {
                directory.create_link(&name, target)?;
            }
        }
        for target in work.iter().filter(|target| target.old.is_some()) {
            let name = self.name(&Role::Old(target.name.clone()));
            self.directory(&target.directory)?.keep(&target.name, &name)?;
        }
        self.exchange().sync()
    }

    /// From here on a crash leads forward.
    fn commit(&mut self) -> Result<(), StoreError> {
        self.exchange().mark(&Role::Prepared, &Role::Committed)?;
        self.committed = true;
        self.exchange().publish()
    }

    /// Undoes everything because of `cause`, and gives the error to return.
    fn take_back(mut self, cause: StoreError) -> StoreError {
        match self.undo() {
            Ok(()) => cause,
            Err(rollback) => {
                let role = if self.committed { Role::Committed } else { Role::Prepared };
                let journal = self.home.join(self.name(&role));
                StoreError::RollbackIncomplete { cause: Box::new(cause), rollback: Box::new(rollback), journal }
            }
        }
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.done = true;
        let exchange = self.exchange();
        // The journal may have its new name though giving it that failed. Nothing is taken away while it says "committed".
        if exchange.is_marked(&Role::Committed)? {
            exchange.restore()?;
            exchange.mark(&Role::Committed, &Role::Prepared)?;
        }
        exchange.discard(true)
    }

    fn exchange(&self) -> Exchange<'_> {
        Exchange::new(&self.journal, &self.home, &self.session.store.root, &self.session.locks)
    }

    fn directory(&self, path: &Path) -> Result<&Directory, StoreError> {
        self.session.locks.get(path).ok_or_else(|| StoreError::Missing { path: path.to_owned() })
    }

    fn name(&self, role: &Role) -> OsString {
        self.journal.transaction.name(role)
    }

    /// The physical directories that take part, the home first.
    fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.journal.directories.iter().filter_map(|directory| super::journal::absolute(&self.home, &directory.path))
    }

    /// Those that the transaction makes, parents first.
    fn made(&self) -> impl Iterator<Item = PathBuf> {
        self.paths().zip(&self.journal.directories).filter(|(_, directory)| directory.made).map(|(path, _)| path)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.done
            && let Err(error) = self.undo()
        {
            log::error!("an interrupted change could not be taken back; the next run will: {error}");
        }
    }
}

/// Makes the first missing directory where all that exist can be written to by others: the journal then lies in it, and
/// is believed.
fn make_first(session: &mut Session, work: &[&Target<'_>]) -> Result<Option<PathBuf>, StoreError> {
    let mut first = None;
    for target in work {
        let missing = |path: &&Path| !session.locks.contains_key(*path);
        let highest = target.directory.ancestors().take_while(missing).last();
        let there = target.directory.ancestors().find(|path| session.locks.contains_key(*path));
        if there.and_then(|path| session.locks.get(path)).is_some_and(Directory::is_closed) {
            return Ok(None);
        }
        first = first.or(highest.zip(there));
    }
    let Some((path, parent)) = first else { return Ok(None) };
    let (Some(parent), Some(name)) = (session.locks.get(parent), path.file_name()) else { return Ok(None) };
    parent.make_directory(name, 0o755)?;
    parent.sync()?;
    session.lock(path, session.store.lock_wait)?;
    Ok(Some(path.to_owned()))
}

/// Takes that directory away again, if nothing is in it.
fn remove_first(session: &mut Session, path: &Path) {
    drop(session.locks.remove(path));
    if let (Some(parent), Some(name)) = (path.parent().and_then(|parent| session.locks.get(parent)), path.file_name())
        && let Err(error) = parent.remove_directory(name)
    {
        log::warn!("{}: made for a change that failed, and not removed: {error}", path.display());
    }
}

/// The directory, or the nearest one that exists, in which a change takes place, and what is missing below it.
struct Place {
    existing: PathBuf,
    missing: Vec<OsString>,
    name: OsString,
}

fn place(root: &Root, change: &Change) -> Result<Place, StoreError> {
    let path = root.prefixed(change.path())?;
    if matches!(change, Change::Remove { .. }) && root.resolve_for_change(change.path(), false)?.kind == Kind::Symlink {
        return Err(StoreError::IsASymlink { path });
    }
    let is_link = matches!(change, Change::Link { .. });
    let mut found = root.resolve_for_change(change.path(), !is_link)?;
    let (existing, name) = match found.kind {
        Kind::Directory => match found.missing.pop() {
            Some(name) => (found.existing, name),
            None => return Err(StoreError::IsADirectory { path }),
        },
        Kind::Symlink if !is_link => return Err(StoreError::SymlinkLoop { path }),
        Kind::File | Kind::Symlink => match (found.existing.parent(), found.existing.file_name()) {
            (Some(parent), Some(name)) => (parent.to_owned(), name.to_owned()),
            _ => return Err(StoreError::IsADirectory { path }),
        },
        Kind::Other(found) => return Err(StoreError::NotARegularFile { path, found }),
    };
    if is_reserved(&name) {
        return Err(StoreError::InvalidPath { path, reason: "names that begin with `.kubepki-` are reserved" });
    }
    Ok(Place { existing, missing: found.missing, name })
}

/// Looks at every file under the lock, and compares it with what the changes expect.
fn targets<'c>(session: &Session, changes: &'c [Change]) -> Result<Vec<Target<'c>>, StoreError> {
    let mut seen = BTreeSet::new();
    let mut targets = Vec::new();
    for change in changes {
        let Place { existing, missing, name } = place(&session.store.root, change)?;
        let wanted = match change {
            Change::Restore { attributes, .. } => Some(attributes.uid),
            _ => None,
        };
        let refuse_foreign = |directory: &Directory, owner| {
            refuse_foreign(&session.store.root, &session.own, directory, &name, (owner, wanted))
        };
        let old = match session.locks.get(&existing) {
            Some(directory) if missing.is_empty() => {
                // Before it is read: another user's file may be without end.
                if let Some(stat) = directory.stat(&name)? {
                    refuse_foreign(directory, stat.st_uid)?;
                }
                match change {
                    Change::Link { .. } => directory.find_file_or_link(&name)?,
                    Change::Write { .. } | Change::Restore { .. } | Change::Remove { .. } => {
                        let old = directory.find(&name)?;
                        if let Some(old) = &old {
                            refuse_foreign(directory, old.attributes.uid)?;
                        }
                        old
                    }
                }
            }
            Some(_) => None,
            // It vanished after it was locked.
            None => return Err(StoreError::Missing { path: existing }),
        };
        let directory = missing.iter().fold(existing, |path, part| path.join(part));
        check_expected(change, old.as_ref().map(|old| old.digest))?;
        let target = Target { change, directory, name, digest: change.digest(), old };
        if !seen.insert(target.path()) {
            return Err(StoreError::DuplicateTarget { path: target.path() });
        }
        targets.push(target);
    }
    Ok(targets)
}

/// In the node's own directories, where nobody else can write, a file keeps its owner. Anywhere else another user's file is
/// not replaced, unless the new one is to be theirs.
///
/// # Errors
/// [`StoreError::ForeignFile`].
pub(super) fn refuse_foreign(
    root: &Root,
    own: &Own,
    directory: &Directory,
    name: &OsStr,
    (owner, wanted): (u32, Option<u32>),
) -> Result<(), StoreError> {
    let is_mine = owner == rustix::process::geteuid().as_raw();
    let is_trees = root.owner() == Some(owner);
    if is_mine || is_trees || wanted == Some(owner) || (directory.is_closed() && own.holds(directory.path())) {
        return Ok(());
    }
    Err(StoreError::ForeignFile { path: directory.path().join(name), uid: owner })
}

fn check_expected(change: &Change, found: Option<Digest>) -> Result<(), StoreError> {
    let expected = match change.expected() {
        Expected::Any => return Ok(()),
        Expected::Absent => None,
        Expected::Digest(digest) => Some(digest),
    };
    if expected == found {
        return Ok(());
    }
    let describe = |digest: Option<Digest>| {
        digest.map_or_else(|| "no file".to_owned(), |digest| format!("a file with SHA-256 {digest}"))
    };
    Err(StoreError::Changed { path: change.path().to_owned(), expected: describe(expected), found: describe(found) })
}

/// A path or name as the journal can hold it.
fn text(part: &OsStr, path: &Path) -> Result<String, StoreError> {
    let reason = "only UTF-8 names can be changed";
    part.to_str().map(str::to_owned).ok_or_else(|| StoreError::InvalidPath { path: path.to_owned(), reason })
}
