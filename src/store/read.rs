//! Reading files into a [`Tree`].
//!
//! In: paths. Out: for each, its content and mode, that nothing is there, or why it cannot be used. What is not a
//! regular file is never opened (a pipe would hang, a tape would rewind), and no more than the limit is read.
//! Symbolic links are followed, for many keep their PKI on another disk.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::fs::OFlags;
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::attributes::Attributes;
use super::error::StoreError;
use super::root::{Direct, Kind, Resolved, Root};
use crate::error::Diagnostic;
use crate::secret::Secret;
use crate::tree::Observed;

/// How `path` is found; never fails, for what is wrong with a file is an observation too.
pub(super) fn observe(root: &Root, path: &Path, limit: u64) -> Observed {
    if let Some(snapshot) = root.snapshot() {
        return match root.resolve(path, true) {
            Ok(Resolved { existing, kind: Kind::File, .. }) => snapshot.observed(&existing),
            Ok(Resolved { missing, .. }) if !missing.is_empty() => Observed::Missing,
            Ok(_) => Observed::Unreadable(StoreError::IsADirectory { path: path.to_owned() }.fault()),
            Err(error) => Observed::Unreadable(error.fault()),
        };
    }
    match read(root, path, limit) {
        Ok(Some((content, mode))) => Observed::File { content, mode },
        Ok(None) => Observed::Missing,
        Err(error) => Observed::Unreadable(error.fault()),
    }
}

/// The file that the link at `path` leads to, and when the link was made; `None` for what is no link to a file.
pub(super) fn behind(root: &Root, path: &Path) -> Option<(PathBuf, DateTime<Utc>)> {
    let link = root.resolve(path, false).ok().filter(|link| link.kind == Kind::Symlink)?;
    let target = root.resolve(path, true).ok().filter(|target| target.kind == Kind::File)?;
    Some((root.logical_of(&target.existing), changed(root, &link.existing)?))
}

/// Whether both paths, links followed, are one.
pub(super) fn are_one(root: &Root, one: &Path, other: &Path) -> bool {
    match (root.resolve(one, true), root.resolve(other, true)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn changed(root: &Root, physical: &Path) -> Option<DateTime<Utc>> {
    if root.snapshot().is_some() {
        return None;
    }
    let stat = root.stat(physical).ok()?;
    DateTime::from_timestamp(stat.st_ctime, u32::try_from(stat.st_ctime_nsec).ok()?)
}

/// When the regular file at `path` changed last: its content, its attributes, or a link that leads to it. The kernel
/// keeps this time, and nobody can set it back, as times of modification can be. `None` if no such file can be seen.
pub(super) fn changed_at(root: &Root, path: &Path) -> Option<DateTime<Utc>> {
    let resolved = root.resolve(path, true).ok().filter(|resolved| resolved.kind == Kind::File)?;
    let link = root.resolve(path, false).ok()?;
    [resolved, link].into_iter().filter_map(|place| changed(root, &place.existing)).max()
}

/// What a file that takes the place of the one at `path` shall have of it.
pub(super) fn attributes(root: &Root, path: &Path) -> Result<Attributes, StoreError> {
    let shown = root.prefixed(path)?;
    let resolved = root.resolve(path, true)?;
    if resolved.kind != Kind::File {
        return Err(StoreError::Missing { path: shown });
    }
    let file = root.open(&resolved.existing, OFlags::RDONLY | OFlags::NONBLOCK);
    let file = file.map_err(|errno| StoreError::os("read", &shown, errno))?;
    Attributes::of(&file, &shown)
}

/// A regular file that is read piece by piece.
pub(super) fn open(root: &Root, path: &Path) -> Result<File, StoreError> {
    let found = regular(root, path)?.ok_or_else(|| StoreError::Missing { path: path.to_owned() })?;
    Ok(found.0)
}

/// The content of a file that holds no secret.
pub(super) fn large(root: &Root, path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let failed = |error| StoreError::io("read", path, error);
    let file = open(root, path)?;
    let too_large = |size| StoreError::TooLarge { path: path.to_owned(), size, limit };
    let size = file.metadata().map_err(failed)?.len();
    if size > limit {
        return Err(too_large(size));
    }
    // It may have grown since.
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default().saturating_add(1));
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(failed)?;
    let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if size > limit { Err(too_large(size)) } else { Ok(content) }
}

fn read(root: &Root, path: &Path, limit: u64) -> Result<Option<(Secret, u32)>, StoreError> {
    let shown = root.prefixed(path)?;
    let Some((file, metadata)) = regular(root, path)? else { return Ok(None) };
    if metadata.len() > limit {
        return Err(StoreError::TooLarge { path: shown, size: metadata.len(), limit });
    }
    let content = read_all(file, metadata.len(), &shown)?;
    Ok(Some((content, metadata.mode() & 0o7777)))
}

/// Opens what is a regular file, perhaps through links; `None` where nothing is.
fn regular(root: &Root, path: &Path) -> Result<Option<(File, Metadata)>, StoreError> {
    let shown = root.prefixed(path)?;
    let is_file = |file: File| {
        let metadata = file.metadata().map_err(|error| StoreError::io("look at", &shown, error))?;
        if metadata.is_file() {
            Ok(Some((file, metadata)))
        } else {
            Err(StoreError::NotARegularFile { path: shown.clone(), found: "special file" })
        }
    };
    match root.find_directly(path) {
        Direct::File(file) => return is_file(file),
        Direct::Missing => return Ok(None),
        Direct::Unknown => {}
    }
    let resolved = root.resolve(path, true)?;
    match resolved.kind {
        Kind::Directory if !resolved.missing.is_empty() => return Ok(None),
        Kind::Directory => return Err(StoreError::IsADirectory { path: shown }),
        Kind::File => {}
        Kind::Symlink => return Err(StoreError::SymlinkLoop { path: shown }),
        Kind::Other(found) => return Err(StoreError::NotARegularFile { path: shown, found }),
    }
    // Should it have become a pipe since, NONBLOCK keeps the opening from hanging, and the type is checked again.
    match root.open(&resolved.existing, OFlags::RDONLY | OFlags::NONBLOCK) {
        Ok(file) => is_file(file),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(StoreError::os("read", &shown, errno)),
    }
}

/// Reads a file of `size` bytes into memory that is wiped afterwards, and that never moves on the way.
pub(super) fn read_all(mut file: File, size: u64, shown: &Path) -> Result<Secret, StoreError> {
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    let mut buffer = Zeroizing::new(vec![0; length.saturating_add(1)]);
    let mut filled = 0;
    // A file that has grown fills the place behind its end; one that has not is not asked again whether it has.
    while let Some(rest) = buffer.get_mut(filled..).filter(|_| filled < length) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(StoreError::io("read", shown, error)),
        }
    }
    if filled != length {
        return Err(StoreError::Changed {
            path: shown.to_owned(),
            expected: format!("{length} bytes"),
            found: "another length while it was being read".into(),
        });
    }
    buffer.truncate(filled);
    Ok(Secret::new(std::mem::take(&mut *buffer)))
}
