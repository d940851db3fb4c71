//! What is done about a change that was interrupted: killed, or cut off from power.
//!
//! In: a session and a directory that it has locked. Out: [`Recovery`], one for each interrupted change that was
//! found there, above it or below it. A change whose journal says "committed" is completed; any other is taken
//! back. Where the disk does not hold all that is needed, it refuses and touches nothing.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::FileType;
use serde::Serialize;

use super::directory::Directory;
use super::error::StoreError;
use super::exchange::{Exchange, Verdict};
use super::journal::{Journal, PREFIX, Pointer, Role, TransactionId, absolute, parse_name};
use super::session::Session;

/// No journal is larger, in bytes.
const MAX_JOURNAL: u64 = 4 << 20;

/// How many directories below a locked one are looked into.
const MAX_DIRECTORIES: usize = 4096;

/// What was made of an interrupted change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All its files are the new ones.
    Completed,
    /// All its files are the old ones.
    TakenBack,
}

/// An interrupted change that was found and dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// The change's identity: sixteen hex digits, part of the names of its temporary files.
    pub transaction: String,
    /// What was made of it.
    pub outcome: Outcome,
    /// The files of the change, with links resolved; empty when it was interrupted before it got to any.
    pub paths: Vec<PathBuf>,
}

/// The files that one transaction left in one directory.
type Leftovers = BTreeMap<TransactionId, Vec<Role>>;

/// Recovers what is found in the locked directory `path`, in those above it and, if `deep`, below it.
pub(super) fn recover(session: &mut Session, path: &Path, deep: bool) -> Result<Vec<Recovery>, StoreError> {
    let mut recovered = Vec::new();
    // A change that was interrupted while it made this directory has its journal further up.
    for above in path.ancestors().skip(1) {
        if !session.store.root.contains(above) || !has_journal(session, above) {
            continue;
        }
        match session.lock(above, Duration::ZERO) {
            Ok(()) => recover_in(session, above, &mut recovered)?,
            // Its owner is alive, and what it works on is locked by it: if that is ours too, we shall meet there.
            Err(StoreError::Locked { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    recover_in(session, path, &mut recovered)?;
    if deep {
        for below in interrupted_below(session, path) {
            match session.lock(&below, session.store.lock_wait) {
                Ok(()) => recover_in(session, &below, &mut recovered)?,
                Err(StoreError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(recovered)
}

/// Whether a journal that can be trusted lies in `path`; a directory that cannot be read has none that concerns us.
fn has_journal(session: &Session, path: &Path) -> bool {
    let Ok(directory) = Directory::open(&session.store.root, &session.store.disk, path) else { return false };
    directory.names().is_ok_and(|names| {
        names.iter().any(|name| {
            parse_name(name).is_some_and(|(_, role)| Role::JOURNALS.contains(&role)) && is_trusted(&directory, name)
        })
    })
}

/// The directories below `path` in which a transaction left something.
fn interrupted_below(session: &Session, path: &Path) -> Vec<PathBuf> {
    let mut interrupted = Vec::new();
    let mut pending = VecDeque::from([path.to_owned()]);
    let mut seen = 0;
    while let Some(path) = pending.pop_front() {
        seen += 1;
        if seen > MAX_DIRECTORIES {
            log::warn!("{}: too many directories to look for interrupted changes in all", path.display());
            break;
        }
        let Ok(directory) = Directory::open(&session.store.root, &session.store.disk, &path) else { continue };
        for name in directory.names().unwrap_or_default() {
            if parse_name(&name).is_some() {
                interrupted.push(path.clone());
            } else if let Ok(Some(stat)) = directory.stat(&name)
                && FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            {
                pending.push_back(path.join(name));
            }
        }
    }
    interrupted.dedup();
    interrupted
}

fn recover_in(session: &mut Session, path: &Path, recovered: &mut Vec<Recovery>) -> Result<(), StoreError> {
    for (transaction, roles) in leftovers(session, path)? {
        // The change that made this directory may just have been taken back.
        if !locked(session, path)?.is_in_place() {
            break;
        }
        let recovery = if let Some(state) = Role::JOURNALS.iter().find(|state| roles.contains(state)) {
            recover_journal(session, path, &transaction, state)?
        } else if roles.contains(&Role::Pointer) {
            recover_pointer(session, path, &transaction, &roles)?
        } else {
            // Without pointer and journal the change had not begun, or was all but done.
            clear(session, path, &transaction, &roles)?
        };
        if let Some(recovery) = recovery {
            let done = match recovery.outcome {
                Outcome::Completed => "completed",
                Outcome::TakenBack => "taken back",
            };
            log::warn!(
                "{}: the interrupted change {} of {} files was {done}",
                path.display(),
                recovery.transaction,
                recovery.paths.len()
            );
            recovered.push(recovery);
        }
    }
    Ok(())
}

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
    Ok(leftovers)
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
    let Some(bytes) = record(session, home, &name)? else { return Ok(None) };
    let journal = match Journal::decode(&bytes, transaction) {
        Ok(journal) => journal,
        // A journal is complete on disk before anything else is made: one that is not has nothing to take back.
        Err(_) if *state == Role::Prepared => {
            let roles = leftovers(session, home)?.remove(transaction).unwrap_or_default();
            return clear(session, home, transaction, &roles);
        }
        Err(reason) => return Err(StoreError::JournalCorrupt { path, reason }),
    };
    lock_all(session, home, &path, &journal, *state == Role::Committed)?;
    let exchange = Exchange::new(&journal, home, &session.locks);
    let outcome = match state {
        Role::Committed => match exchange.verdict()? {
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
        },
        Role::Done => Outcome::Completed,
        // Without commitment no file was touched.
        _ => Outcome::TakenBack,
    };
    exchange.discard(outcome == Outcome::TakenBack)?;
    Ok(Some(Recovery { transaction: transaction.as_str().to_owned(), outcome, paths: exchange.paths() }))
}

/// Locks the directories of a journal; only if `all` are needed it is an error that one is not there.
fn lock_all(session: &mut Session, home: &Path, path: &Path, journal: &Journal, all: bool) -> Result<(), StoreError> {
    for directory in &journal.directories {
        let unreachable = |wanted| StoreError::JournalUnreachable { path: path.to_owned(), wanted };
        let wanted = absolute(home, &directory.path).filter(|wanted| session.store.root.contains(wanted));
        let Some(wanted) = wanted else { return Err(unreachable(home.join(&directory.path))) };
        match session.lock(&wanted, session.store.lock_wait) {
            Err(StoreError::Missing { .. } | StoreError::NotADirectory { .. }) if all => {
                return Err(unreachable(wanted));
            }
            Ok(()) | Err(StoreError::Missing { .. } | StoreError::NotADirectory { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Recovers the change that `path` took part in, and whose journal is elsewhere.
fn recover_pointer(
    session: &mut Session,
    path: &Path,
    transaction: &TransactionId,
    roles: &[Role],
) -> Result<Option<Recovery>, StoreError> {
    let name = transaction.name(&Role::Pointer);
    let Some(bytes) = record(session, path, &name)? else { return Ok(None) };
    let pointer = match Pointer::decode(&bytes) {
        Ok(pointer) => pointer,
        // A pointer is complete on disk before anything is made beside it.
        Err(_) if roles == [Role::Pointer] => return clear(session, path, transaction, roles),
        Err(reason) => return Err(StoreError::JournalCorrupt { path: path.join(name), reason }),
    };
    let unreachable = |wanted| StoreError::JournalUnreachable { path: path.join(&name), wanted };
    let Some(home) = absolute(path, &pointer.home).filter(|home| session.store.root.contains(home)) else {
        return Err(unreachable(path.join(&pointer.home)));
    };
    match session.lock(&home, session.store.lock_wait) {
        Ok(()) => {}
        Err(StoreError::Missing { .. } | StoreError::NotADirectory { .. }) => return Err(unreachable(home)),
        Err(error) => return Err(error),
    }
    // Another process may have recovered the change while the lock was waited for.
    if locked(session, path)?.stat(&name)?.is_none() {
        return Ok(None);
    }
    for state in &Role::JOURNALS {
        if locked(session, &home)?.stat(&transaction.name(state))?.is_some() {
            return recover_journal(session, &home, transaction, state);
        }
    }
    // The journal goes last, and before this pointer only where this directory was out of reach and no longer
    // needed. That holds for the very directory the journal was in; another one at its place says nothing.
    if locked(session, &home)?.inode()? != pointer.inode {
        return Err(unreachable(home));
    }
    clear(session, path, transaction, roles)
}

/// Removes what a change without journal left in one directory.
fn clear(
    session: &Session,
    path: &Path,
    transaction: &TransactionId,
    roles: &[Role],
) -> Result<Option<Recovery>, StoreError> {
    let directory = locked(session, path)?;
    // The record goes last: what is beside it is explained by it.
    let is_record = |role: &&Role| !matches!(role, Role::New(_) | Role::Old(_));
    for role in roles.iter().filter(|role| !is_record(role)).chain(roles.iter().filter(is_record)) {
        directory.remove(&transaction.name(role))?;
    }
    directory.sync()?;
    let transaction = transaction.as_str().to_owned();
    Ok(Some(Recovery { transaction, outcome: Outcome::TakenBack, paths: Vec::new() }))
}

/// The content of a journal or pointer; `None` if it is gone, or someone else put it there.
fn record(session: &Session, path: &Path, name: &OsStr) -> Result<Option<Vec<u8>>, StoreError> {
    let directory = locked(session, path)?;
    if !is_trusted(directory, name) {
        log::warn!("{} is not from kubepki, and is ignored", path.join(name).display());
        return Ok(None);
    }
    let Some(file) = directory.open_file(name)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = file.take(MAX_JOURNAL).read_to_end(&mut bytes);
    read.map_err(|error| StoreError::io("read", &path.join(name), error))?;
    Ok(Some(bytes))
}

/// Whether a record is a file that only root, this process or the directory's owner can have written.
///
/// In a directory that anyone may write to (`/tmp`), anyone could otherwise have files renamed by root.
fn is_trusted(directory: &Directory, name: &OsStr) -> bool {
    let (Ok(Some(stat)), Ok(owner)) = (directory.stat(name), directory.handle().metadata()) else { return false };
    let writers = [0, rustix::process::geteuid().as_raw(), owner.uid()];
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && writers.contains(&stat.st_uid)
        && stat.st_mode & 0o022 == 0
}

fn locked<'s>(session: &'s Session, path: &Path) -> Result<&'s Directory, StoreError> {
    session.locks.get(path).ok_or_else(|| StoreError::Missing { path: path.to_owned() })
}

/// Whether a name is one that a transaction keeps for itself.
pub(super) fn is_reserved(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}
