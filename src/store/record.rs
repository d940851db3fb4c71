//! Which records of an interrupted change count, and where they may have something done.
//!
//! In: a directory, a journal. Out: the content of a record that is believed, and for each directory of a journal how
//! far the change reaches into it ([`Reach`]). A journal commands its own directory. Into any other it reaches only
//! where that very directory holds this change's pointer, which names the journal's directory by way and inode: what
//! a journal says of other directories proves nothing. It changes nothing.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;

use super::directory::Directory;
use super::disk::Disk;
use super::error::StoreError;
use super::journal::{Journal, Pointer, Role, TransactionId, absolute};
use super::root::Root;
use super::trust::is_record;

/// No record is larger, in bytes.
const MAX_RECORD: u64 = 4 << 20;

/// How far a change reaches into one of its directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It holds the change's journal or pointer: its files are the change's.
    Whole,
    /// The change has just made it, below a directory that it reaches into: it may be removed if it is empty.
    Shell,
    /// Others can write to it, so nothing in it is believed: what the change has there stays as it is.
    Others,
    /// It is not there, or is another directory.
    Nowhere,
}

/// The content of the journal or pointer `name`; `None` if it is gone, or somebody else may have put it there.
pub(super) fn read(directory: &Directory, name: &OsStr) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(stat) = directory.stat(name)? else { return Ok(None) };
    let path = directory.path().join(name);
    if !directory.is_closed() || !is_record(&stat) {
        log::warn!("{} may be somebody else's, and is ignored", path.display());
        return Ok(None);
    }
    let Some(file) = directory.open_file(name)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = file.take(MAX_RECORD).read_to_end(&mut bytes);
    read.map_err(|error| StoreError::io("read", &path, error))?;
    Ok(Some(bytes))
}

/// Whether `directory` holds the pointer of `transaction` to the directory `home` with this inode number.
pub(super) fn is_vouched(directory: &Directory, transaction: &TransactionId, home: &Path, inode: u64) -> bool {
    let Ok(Some(bytes)) = read(directory, &transaction.name(&Role::Pointer)) else { return false };
    Pointer::decode(&bytes).is_ok_and(|pointer| {
        pointer.inode == inode && absolute(directory.path(), &pointer.home).as_deref() == Some(home)
    })
}

/// How far the change of `journal`, which lies in `home`, reaches into each of its directories.
///
/// # Errors
/// The journal does not begin with its own directory; `home` cannot be looked at.
pub(super) fn reaches(root: &Root, disk: &Disk, home: &Directory, journal: &Journal) -> Result<Vec<Reach>, StoreError> {
    let inode = home.inode()?;
    let mut reached: Vec<(std::path::PathBuf, Reach)> = Vec::new();
    for directory in &journal.directories {
        let Some(path) = absolute(home.path(), &directory.path).filter(|path| root.contains(path)) else {
            reached.push((home.path().join(&directory.path), Reach::Nowhere));
            continue;
        };
        let is_below_reached = || {
            let is_parent = |(parent, reach): &(_, Reach)| {
                Some(parent) == path.parent().map(Path::to_owned).as_ref() && *reach != Reach::Nowhere
            };
            reached.iter().any(is_parent)
        };
        let reach = match Directory::open(root, disk, &path) {
            _ if reached.is_empty() && path == home.path() => Reach::Whole,
            Ok(open) if !open.is_closed() => Reach::Others,
            Ok(open) if is_vouched(&open, &journal.transaction, home.path(), inode) => Reach::Whole,
            Ok(_) if directory.made && is_below_reached() => Reach::Shell,
            _ => Reach::Nowhere,
        };
        reached.push((path, reach));
    }
    Ok(reached.into_iter().map(|(_, reach)| reach).collect())
}
