//! What is done about a change that was interrupted: killed, or cut off from power.
//!
//! In: a session and a directory that it has locked. Out: [`Recovery`], one for each interrupted change that was
//! found there, above it or below it. A change whose journal says "committed" is completed; any other is taken
//! back. Where the disk does not hold all that is needed, it refuses and touches nothing.
//!
//! Whose records count, and how far they reach, is decided in `record`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::acquire::acquire;
use super::directory::Directory;
use super::disk::Disk;
use super::error::StoreError;
use super::exchange::{Exchange, Verdict};
use super::journal::{Journal, PREFIX, Pointer, Role, TransactionId, absolute, parse_name};
use super::listings::Listings;
use super::lock::LOCK;
use super::record::{self, Reach};
use super::root::Root;
use super::session::{Keep, Outcome, Recovery, Session};
use super::trust::is_record;

/// The files that one transaction left in one directory.
type Leftovers = BTreeMap<TransactionId, Vec<Role>>;

/// Recovers what is found in the locked directory `path`, in those above it and, if `deep`, below it.
pub(super) fn recover(session: &mut Session, path: &Path, deep: bool) -> Result<Vec<Recovery>, StoreError> {
    let mut recovered = Vec::new();
    // A change that was interrupted while it made this directory has its journal further up.
    for above in path.ancestors().skip(1).filter(|above| session.store.root.contains(above)).collect::<Vec<_>>() {
        sweep(session, above);
        let concerned = concerning(&session.store.root, &session.store.disk, above, path);
        if concerned.is_empty() {
            continue;
        }
        match session.lock(above, Duration::ZERO) {
            Ok(()) => recover_in(session, above, Some(&concerned), &mut recovered)?,
            // Its owner is alive, and what it works on is locked by it: if that is ours too, we shall meet there.
            Err(StoreError::Locked { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    recover_in(session, path, None, &mut recovered)?;
    if deep {
        let (interrupted, locked) = Listings::new(&session.store.root, &session.store.disk).interrupted_below(path);
        for below in locked {
            sweep(session, &below);
        }
        for below in interrupted {
            match session.lock(&below, session.store.lock_wait) {
                Ok(()) => recover_in(session, &below, None, &mut recovered)?,
                Err(StoreError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(recovered)
}

/// The changes whose journals lie in the directory `above`, and that have to do with `path` below it. Another's journal up
/// there, or one that nobody can read, is no concern of a run down here.
pub(super) fn concerning(root: &Root, disk: &Disk, above: &Path, path: &Path) -> BTreeSet<TransactionId> {
    let mut concerned = BTreeSet::new();
    let Ok(directory) = Directory::open(root, disk, above) else { return concerned };
    if !directory.is_closed() {
        return concerned;
    }
    for name in directory.names().unwrap_or_default() {
        let Some((transaction, role)) = parse_name(&name) else { continue };
        if !Role::JOURNALS.contains(&role) {
            continue;
        }
        let Ok(Some(bytes)) = record::read(&directory, &name) else { continue };
        let Ok(journal) = Journal::decode(&bytes, &transaction) else { continue };
        let touches = |one: PathBuf| one != above && (path.starts_with(&one) || one.starts_with(path));
        if journal.directories.iter().filter_map(|one| absolute(above, &one.path)).any(touches) {
            concerned.insert(transaction);
        }
    }
    concerned
}

/// Removes a lock file that a killed process left in a directory that this run itself does not work in.
fn sweep(session: &Session, path: &Path) {
    let Ok(directory) = Directory::open(&session.store.root, &session.store.disk, path) else { return };
    if directory.is_closed() && directory.stat(OsStr::new(LOCK)).is_ok_and(|found| found.is_some()) {
        drop(acquire(&session.store.root, &session.store.disk, path, Duration::ZERO));
    }
}

/// Recovers what is left in `path`, or of the transactions `only`. Where the session's own directories end, what cannot
/// be recovered stands in nobody's way.
fn recover_in(
    session: &mut Session,
    path: &Path,
    only: Option<&BTreeSet<TransactionId>>,
    recovered: &mut Vec<Recovery>,
) -> Result<(), StoreError> {
    let found = leftovers(session, path)?;
    for (transaction, roles) in found.into_iter().filter(|(one, _)| only.is_none_or(|only| only.contains(one))) {
        // The change that made this directory may just have been taken back.
        if !locked(session, path)?.is_in_place() {
            break;
        }
        let recovery = match recover_one(session, path, &transaction, &roles) {
            Err(
                error @ (StoreError::JournalCorrupt { .. }
                | StoreError::JournalUnreachable { .. }
                | StoreError::RecoveryConflict { .. }),
            ) if !session.own.holds(path) => {
                log::warn!("{}: an interrupted change is left as it is: {error}", path.display());
                continue;
            }
            answer => answer?,
        };
        if let Some(recovery) = recovery {
            let done = match recovery.outcome {
                Outcome::Completed => "completed",
                Outcome::TakenBack => "taken back",
                Outcome::LeftAsFound => "ended, with all files as they were found",
            };
            log::warn!(
                "{}: the interrupted change {} of {} was {done}",
                path.display(),
                recovery.transaction,
                crate::text::counted(recovery.paths.len(), "file")
            );
            recovered.push(recovery);
        }
    }
    Ok(())
}

fn recover_one(
    session: &mut Session,
    path: &Path,
    transaction: &TransactionId,
    roles: &[Role],
) -> Result<Option<Recovery>, StoreError> {
    let recovery = if let Some(state) = Role::JOURNALS.iter().find(|state| roles.contains(state)) {
        recover_journal(session, path, transaction, state)
    } else if roles.contains(&Role::Pointer) {
        recover_pointer(session, path, transaction, roles)
    } else {
        // Without pointer and journal the change had not begun, or was all but done.
        return clear(session, path, transaction, roles, Outcome::TakenBack);
    };
    match recovery {
        Err(StoreError::JournalCorrupt { .. } | StoreError::JournalUnreachable { .. })
            if session.keep == Some(Keep::Present) =>
        {
            clear(session, path, transaction, roles, Outcome::LeftAsFound)
        }
        answer => answer,
    }
}

/// What was left in a locked directory; nothing counts where others could have put it.
fn leftovers(session: &Session, path: &Path) -> Result<Leftovers, StoreError> {
    let mut leftovers = Leftovers::new();
    let directory = locked(session, path)?;
    if !directory.is_in_place() {
        return Ok(leftovers);
    }
    for name in directory.names()? {
        if let Some((transaction, role)) = parse_name(&name) {
            leftovers.entry(transaction).or_default().push(role);
        }
    }
    if !directory.is_closed() {
        leftovers.retain(|transaction, roles| !is_discarded(directory, transaction, roles));
    }
    if !leftovers.is_empty() && !directory.is_closed() {
        log::warn!(
            "{}: others can write here, so what looks like an interrupted change is left as it is",
            path.display()
        );
        leftovers.clear();
    }
    Ok(leftovers)
}

/// Where others can write, a change that had not been committed leaves a new file, with a key perhaps, that nobody will
/// put into place. If it is ours, its name goes; nothing else is done on such a record's word.
fn is_discarded(directory: &Directory, transaction: &TransactionId, roles: &[Role]) -> bool {
    let is_early = |role: &Role| matches!(role, Role::Prepared | Role::New(_) | Role::Old(_));
    if !directory.is_locked() || !roles.iter().all(is_early) {
        return false;
    }
    roles.iter().fold(true, |all, role| {
        let name = transaction.name(role);
        let is_ours = directory.stat(&name).is_ok_and(|found| found.is_some_and(|stat| is_record(&stat)));
        all & (is_ours && directory.remove(&name).is_ok())
    })
}

/// Recovers the change whose journal is in `home`, in the state that its name tells.
fn recover_journal(
    session: &mut Session,
    home: &Path,
    transaction: &TransactionId,
    state: &Role,
) -> Result<Option<Recovery>, StoreError> {
    let name = transaction.name(state);
    let path = home.join(&name);
    let root = session.store.root.confinement().map(Path::to_owned);
    let Some(bytes) = record::read(locked(session, home)?, &name)? else { return Ok(None) };
    let journal = match Journal::decode(&bytes, transaction) {
        Ok(journal) => journal,
        // A journal is complete on disk before anything else is made: one that is not has nothing to take back.
        Err(_) if *state == Role::Prepared => {
            let roles = leftovers(session, home)?.remove(transaction).unwrap_or_default();
            return clear(session, home, transaction, &roles, Outcome::TakenBack);
        }
        Err(reason) => return Err(StoreError::JournalCorrupt { path, reason, root }),
    };
    let reaches = lock_all(session, home, &journal)?;
    let exchange = Exchange::within(&journal, home, &session.store.root, &session.locks, &reaches);
    let outcome = match state {
        Role::Committed if session.keep == Some(Keep::Present) => {
            exchange.mark(&Role::Committed, &Role::Done)?;
            Outcome::LeftAsFound
        }
        Role::Committed => {
            if let Some(wanted) = exchange.unreached() {
                return Err(StoreError::JournalUnreachable { path, wanted, root });
            }
            let verdict = match session.keep {
                Some(Keep::New) => exchange.insist(Verdict::Publish)?,
                Some(Keep::Old) => exchange.insist(Verdict::Restore)?,
                _ => exchange.verdict()?,
            };
            match verdict {
                Verdict::Publish => {
                    exchange.publish()?;
                    exchange.mark(&Role::Committed, &Role::Done)?;
                    Outcome::Completed
                }
                Verdict::Restore => {
                    exchange.restore()?;
                    exchange.mark(&Role::Committed, &Role::Prepared)?;
                    Outcome::TakenBack
                }
            }
        }
        Role::Done => Outcome::Completed,
        // Without commitment no file was touched.
        _ => Outcome::TakenBack,
    };
    exchange.discard(outcome == Outcome::TakenBack)?;
    Ok(Some(Recovery { transaction: transaction.as_str().to_owned(), outcome, paths: exchange.paths() }))
}

/// Locks the directories into which the change of a journal reaches, and says how far, as it is under the lock.
fn lock_all(session: &mut Session, home: &Path, journal: &Journal) -> Result<Vec<Reach>, StoreError> {
    let found = reaches(session, home, journal)?;
    for (directory, reach) in journal.directories.iter().zip(&found) {
        let Some(wanted) = absolute(home, &directory.path) else { continue };
        if matches!(reach, Reach::Whole | Reach::Shell) {
            match session.lock(&wanted, session.store.lock_wait) {
                Ok(()) | Err(StoreError::Missing { .. } | StoreError::NotADirectory { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    reaches(session, home, journal)
}

fn reaches(session: &Session, home: &Path, journal: &Journal) -> Result<Vec<Reach>, StoreError> {
    record::reaches(&session.store.root, &session.store.disk, locked(session, home)?, journal)
}

/// Recovers the change that `path` took part in, and whose journal is elsewhere.
fn recover_pointer(
    session: &mut Session,
    path: &Path,
    transaction: &TransactionId,
    roles: &[Role],
) -> Result<Option<Recovery>, StoreError> {
    let name = transaction.name(&Role::Pointer);
    let root = session.store.root.confinement().map(Path::to_owned);
    let Some(bytes) = record::read(locked(session, path)?, &name)? else { return Ok(None) };
    let pointer = match Pointer::decode(&bytes) {
        Ok(pointer) => pointer,
        // A pointer is complete on disk before anything is made beside it.
        Err(_) if roles == [Role::Pointer] => {
            return clear(session, path, transaction, roles, Outcome::TakenBack);
        }
        Err(reason) => return Err(StoreError::JournalCorrupt { path: path.join(name), reason, root }),
    };
    let unreachable = |wanted| StoreError::JournalUnreachable { path: path.join(&name), wanted, root: root.clone() };
    let Some(home) = absolute(path, &pointer.home).filter(|home| session.store.root.contains(home)) else {
        return Err(unreachable(path.join(&pointer.home)));
    };
    // It is the very directory that the journal was in, or none: another one at its place says nothing.
    let is_home = |open: &Directory| open.is_closed() && open.inode().is_ok_and(|inode| inode == pointer.inode);
    if !Directory::open(&session.store.root, &session.store.disk, &home).is_ok_and(|open| is_home(&open)) {
        return Err(unreachable(home));
    }
    session.lock(&home, session.store.lock_wait)?;
    // Another process may have recovered the change while the lock was waited for.
    if locked(session, path)?.stat(&name)?.is_none() {
        return Ok(None);
    }
    if !is_home(locked(session, &home)?) {
        return Err(unreachable(home));
    }
    for state in &Role::JOURNALS {
        if locked(session, &home)?.stat(&transaction.name(state))?.is_some() {
            return recover_journal(session, &home, transaction, state);
        }
    }
    // The journal goes last, and before this pointer only where this directory was out of reach and no longer
    // needed.
    clear(session, path, transaction, roles, Outcome::TakenBack)
}

/// Removes what a change without journal left in one directory.
fn clear(
    session: &Session,
    path: &Path,
    transaction: &TransactionId,
    roles: &[Role],
    outcome: Outcome,
) -> Result<Option<Recovery>, StoreError> {
    let directory = locked(session, path)?;
    // The record goes last: what is beside it is explained by it.
    let is_record = |role: &&Role| !matches!(role, Role::New(_) | Role::Old(_));
    for role in roles.iter().filter(|role| !is_record(role)).chain(roles.iter().filter(is_record)) {
        directory.remove(&transaction.name(role))?;
    }
    directory.sync()?;
    let transaction = transaction.as_str().to_owned();
    Ok(Some(Recovery { transaction, outcome, paths: Vec::new() }))
}

fn locked<'s>(session: &'s Session, path: &Path) -> Result<&'s Directory, StoreError> {
    session.locks.get(path).ok_or_else(|| StoreError::Missing { path: path.to_owned() })
}

/// Whether a name is one that a transaction keeps for itself, or the lock's.
pub(super) fn is_reserved(name: &OsStr) -> bool {
    name == LOCK || name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}
