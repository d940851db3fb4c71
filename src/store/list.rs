//! Listing the files of a directory that kubepki does not know by name.
//!
//! In: a directory. Out: [`Listing`], every file below it in byte order. Links to directories are followed, each
//! directory once, so circular links end. The number of entries and the depth are limited. It reads no file.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::disk::Disk;
use super::error::StoreError;
use super::journal::parse_name;
use super::lock::LOCK;
use super::root::{Kind, Root};

/// No PKI is nested deeper.
const MAX_DEPTH: usize = 16;

/// What is below a directory.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files, links to files and anything that is no directory, as paths below the directory that was named;
    /// in byte order.
    pub files: Vec<PathBuf>,
    /// What could not be looked into, and why.
    pub problems: Vec<StoreError>,
}

/// What a name in a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory, and not a link to one.
    Directory,
    /// A regular file, or a link to one.
    File,
    /// A link to a directory, a device, what leads nowhere.
    Other,
}

/// The names in one directory, and what each is.
pub(super) fn entries(root: &Root, directory: &Path) -> Result<Vec<(OsString, EntryKind)>, StoreError> {
    let names = enter(root, directory, &mut Visited::default())?.unwrap_or_default();
    let kind = |name: &OsString| {
        let path = directory.join(name);
        match root.resolve(&path, false).map(|found| found.kind) {
            Ok(Kind::Directory) => EntryKind::Directory,
            Ok(Kind::File) => EntryKind::File,
            Ok(Kind::Symlink) if root.resolve(&path, true).is_ok_and(|found| found.kind == Kind::File) => {
                EntryKind::File
            }
            _ => EntryKind::Other,
        }
    };
    Ok(names.into_iter().map(|name| (kind(&name), name)).map(|(kind, name)| (name, kind)).collect())
}

/// Lists what is below `directory`, with links to directories followed if `follow`; at most `limit` entries.
pub(super) fn list(root: &Root, directory: &Path, limit: usize, follow: bool) -> Result<Listing, StoreError> {
    let mut listing = Listing::default();
    let mut visited = Visited::default();
    let mut pending = VecDeque::from([(directory.to_owned(), 0)]);
    let mut entries = 0;
    while let Some((logical, depth)) = pending.pop_front() {
        match enter(root, &logical, &mut visited) {
            Ok(Some(names)) => {
                for name in names.into_iter().filter(|name| name != LOCK && parse_name(name).is_none()) {
                    entries += 1;
                    if entries > limit || depth > MAX_DEPTH {
                        return Err(StoreError::TooManyEntries { path: root.prefixed(directory)?, limit });
                    }
                    let path = logical.join(name);
                    match root.resolve(&path, true) {
                        Ok(found) if found.kind != Kind::Directory => listing.files.push(path),
                        Ok(_) if !follow && is_link(root, &path) => {
                            log::warn!("{}: a link to a folder, which is not followed", path.display());
                        }
                        Ok(found) if found.missing.is_empty() => pending.push_back((path, depth + 1)),
                        // Removed since the directory was read.
                        Ok(_) => {}
                        Err(error) => listing.problems.push(error),
                    }
                }
            }
            Ok(None) => {}
            Err(error) if depth == 0 => return Err(error),
            Err(error) => listing.problems.push(error),
        }
    }
    listing.files.sort();
    Ok(listing)
}

/// Whether `path` itself is a symbolic link.
pub(super) fn is_link(root: &Root, path: &Path) -> bool {
    root.resolve(path, false).is_ok_and(|found| found.kind == Kind::Symlink)
}

/// Directories that were entered: on a disk by their inodes, in an archive by their paths.
#[derive(Default)]
struct Visited {
    inodes: BTreeSet<(u64, u64)>,
    paths: BTreeSet<PathBuf>,
}

/// The names in a directory that was not visited yet.
fn enter(root: &Root, logical: &Path, visited: &mut Visited) -> Result<Option<Vec<OsString>>, StoreError> {
    let shown = root.prefixed(logical)?;
    let found = root.resolve(logical, true)?;
    if !found.missing.is_empty() {
        return Err(StoreError::Missing { path: shown });
    }
    if found.kind != Kind::Directory {
        return Err(StoreError::NotADirectory { component: shown.clone(), path: shown });
    }
    if let Some(snapshot) = root.snapshot() {
        let is_new = visited.paths.insert(found.existing.clone());
        return Ok(is_new.then(|| snapshot.names(&found.existing)));
    }
    let open = Directory::open(root, &Disk::default(), &found.existing)?;
    let metadata = open.handle().metadata().map_err(|error| StoreError::io("look at", &shown, error))?;
    if visited.inodes.insert((metadata.dev(), metadata.ino())) { open.names().map(Some) } else { Ok(None) }
}
