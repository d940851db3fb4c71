//! One open directory, and the files in it by name.
//!
//! In: a physical directory and plain file names. Out: what is there, and each single step of a change. All work
//! is relative to the open directory, so a directory that is moved or replaced during the work is never mixed up
//! with another. It decides nothing about the order of steps (that is `transaction` and `recovery`).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::attributes::{Attributes, mode};
use super::disk::{Disk, Step};
use super::error::StoreError;
use super::lock::Lock;
use super::read::read_all;
use super::root::Root;
use super::trust::is_closed_directory;
use crate::digest::{Digest, Hasher};
use crate::secret::Secret;

/// What stands for a symbolic link where files are compared by their digests: no file's content is likely to be this.
pub(super) fn digest_of_link(target: &Path) -> Digest {
    Digest::of(&[b"kubepki: a symbolic link\0", target.as_os_str().as_bytes()].concat())
}

/// A regular file, or a symbolic link, as it is now.
pub(super) struct Found {
    pub(super) digest: Digest,
    /// Of a link none that count.
    pub(super) attributes: Attributes,
}

/// What a new file is made like.
#[derive(Clone, Copy)]
pub(super) enum Like<'a> {
    /// These permission bits, less the process's umask.
    Mode(u32),
    /// Owner, mode and attributes of the file that it takes the place of.
    Old(&'a Attributes),
}

/// An open directory.
pub(super) struct Directory {
    handle: File,
    path: PathBuf,
    disk: Disk,
    lock: Option<Lock>,
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.lock.as_ref().is_some_and(Lock::is_the_last) {
            self.remove_lock_file();
        }
    }
}

impl Directory {
    /// Opens the physical `path`.
    pub(super) fn open(root: &Root, disk: &Disk, path: &Path) -> Result<Self, StoreError> {
        let handle = root.open(path, OFlags::RDONLY | OFlags::DIRECTORY).map_err(|errno| match errno {
            Errno::NOENT => StoreError::Missing { path: path.to_owned() },
            errno => StoreError::os("open the directory", path, errno),
        })?;
        Ok(Self { handle, path: path.to_owned(), disk: disk.clone(), lock: None })
    }

    /// The physical path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The open handle, for the lock.
    pub(super) fn handle(&self) -> &File {
        &self.handle
    }

    /// The same with its lock, which ends with it.
    pub(super) fn with_lock(mut self, lock: Lock) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Whether a lock is held in it.
    pub(super) const fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Takes away the name of the lock that is held, so that the directory itself can be removed.
    pub(super) fn remove_lock_file(&self) {
        if let Some(lock) = &self.lock {
            lock.remove_file(&self.handle);
        }
    }

    /// Whether nobody but root and the running user can change what is in it.
    pub(super) fn is_closed(&self) -> bool {
        self.handle.metadata().is_ok_and(|metadata| is_closed_directory(&metadata))
    }

    /// The inode number, which stays when a file system is mounted elsewhere.
    pub(super) fn inode(&self) -> Result<u64, StoreError> {
        Ok(self.handle.metadata().map_err(|error| StoreError::io("look at", &self.path, error))?.ino())
    }

    /// Whether the path still leads to this directory (it may have been removed or replaced).
    pub(super) fn is_in_place(&self) -> bool {
        match (self.handle.metadata(), self.path.symlink_metadata()) {
            (Ok(mine), Ok(there)) => mine.dev() == there.dev() && mine.ino() == there.ino(),
            _ => false,
        }
    }

    /// Every name in the directory, in byte order.
    pub(super) fn names(&self) -> Result<Vec<OsString>, StoreError> {
        let mut names: Vec<_> = self.listed()?.into_iter().map(|(name, _)| name).collect();
        names.sort();
        Ok(names)
    }

    /// The same, each with whether it is a directory, links not followed.
    pub(super) fn entries(&self) -> Result<Vec<(OsString, bool)>, StoreError> {
        let is_directory = |(name, kind): (OsString, FileType)| {
            let kind = match kind {
                // Not every file system tells.
                FileType::Unknown => self.stat(&name).ok().flatten().map(|stat| FileType::from_raw_mode(stat.st_mode)),
                known => Some(known),
            };
            (name, kind == Some(FileType::Directory))
        };
        let mut entries: Vec<_> = self.listed()?.into_iter().map(is_directory).collect();
        entries.sort();
        Ok(entries)
    }

    fn listed(&self) -> Result<Vec<(OsString, FileType)>, StoreError> {
        let failed = |errno| StoreError::os("list", &self.path, errno);
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(self.handle.as_fd()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push((name.to_owned(), entry.file_type()));
            }
        }
        Ok(names)
    }

    /// What `name` is, links not followed; `None` if there is nothing.
    pub(super) fn stat(&self, name: &OsStr) -> Result<Option<Stat>, StoreError> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(StoreError::os("look at", &self.path.join(name), errno)),
        }
    }

    /// The regular file `name`, opened; `None` if there is nothing. Devices and pipes are never opened.
    pub(super) fn open_file(&self, name: &OsStr) -> Result<Option<File>, StoreError> {
        let path = self.path.join(name);
        match self.stat(name)?.map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            None => return Ok(None),
            Some(FileType::RegularFile) => {}
            Some(FileType::Directory) => return Err(StoreError::IsADirectory { path }),
            Some(FileType::Symlink) => return Err(StoreError::IsASymlink { path }),
            Some(_) => return Err(StoreError::NotARegularFile { path, found: "special file" }),
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(file) => Ok(Some(File::from(file))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(StoreError::os("read", &path, errno)),
        }
    }

    /// The digest and attributes of the regular file `name`; `None` if there is nothing.
    pub(super) fn find(&self, name: &OsStr) -> Result<Option<Found>, StoreError> {
        let Some(mut file) = self.open_file(name)? else { return Ok(None) };
        let path = self.path.join(name);
        let mut buffer = Zeroizing::new([0; 8192]);
        let mut hasher = Hasher::default();
        loop {
            match file.read(&mut *buffer) {
                Ok(0) => break,
                Ok(length) => hasher.update(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(StoreError::io("read", &path, error)),
            }
        }
        Ok(Some(Found { digest: hasher.finish(), attributes: Attributes::of(&file, &path)? }))
    }

    /// As [`Self::find`], where `name` may be a symbolic link: then it stands for itself, and is not followed.
    pub(super) fn find_file_or_link(&self, name: &OsStr) -> Result<Option<Found>, StoreError> {
        match self.link_target(name)? {
            Some(target) => {
                let attributes = Attributes::from_hex(0o777, 0, 0, []);
                Ok(Some(Found { digest: digest_of_link(&target), attributes }))
            }
            None => self.find(name),
        }
    }

    /// The digest of the file or symbolic link `name`; `None` if there is nothing.
    pub(super) fn digest(&self, name: &OsStr) -> Result<Option<Digest>, StoreError> {
        Ok(self.find_file_or_link(name)?.map(|found| found.digest))
    }

    /// Where the symbolic link `name` leads; `None` if it is none.
    pub(super) fn link_target(&self, name: &OsStr) -> Result<Option<PathBuf>, StoreError> {
        let Some(stat) = self.stat(name)? else { return Ok(None) };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            return Ok(None);
        }
        let target = rustix::fs::readlinkat(&self.handle, name, Vec::new())
            .map_err(|errno| StoreError::os("read the link", &self.path.join(name), errno))?;
        Ok(Some(PathBuf::from(OsStr::from_bytes(target.to_bytes()))))
    }

    /// Makes the symbolic link `name`, which must not exist.
    pub(super) fn create_link(&self, name: &OsStr, target: &Path) -> Result<(), StoreError> {
        self.step(Step::CreateLink, name, || rustix::fs::symlinkat(target, &self.handle, name))
    }

    /// Makes the file `name`, which must not exist, writes it and flushes it to disk.
    ///
    /// It is never open to more people than it will be at the end, nor than 0600 before its owner is set.
    pub(super) fn create(&self, name: &OsStr, content: &[u8], like: Like<'_>) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let mode = match like {
            Like::Mode(bits) => mode(bits & 0o777),
            Like::Old(old) => mode(old.mode & 0o600),
        };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            File::from(self.step(Step::CreateFile, name, || rustix::fs::openat(&self.handle, name, flags, mode))?);
        let mut rest = content;
        while !rest.is_empty() {
            let written =
                self.step(Step::Write, name, || rustix::io::retry_on_intr(|| rustix::io::write(&file, rest)))?;
            rest = rest.get(written..).unwrap_or_default();
        }
        if let Like::Old(old) = like {
            old.apply(&file, &path, &self.disk)?;
        }
        self.step(Step::SyncFile, name, || sync(&file))
    }

    /// Gives the file `from` the second name `to`; where the file system has no hard links, copies it.
    pub(super) fn keep(&self, from: &OsStr, to: &OsStr) -> Result<(), StoreError> {
        let linked = self.disk.run(Step::Link, &self.path.join(to), || {
            rustix::fs::linkat(&self.handle, from, &self.handle, to, AtFlags::empty())
        });
        match linked {
            Ok(()) => Ok(()),
            // No hard links here, no more links to this file, or (fs.protected_hardlinks) not to another's file.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK | Errno::ACCESS) => self.copy(from, to),
            Err(errno) => Err(StoreError::os(Step::Link.verb(), &self.path.join(from), errno)),
        }
    }

    fn copy(&self, from: &OsStr, to: &OsStr) -> Result<(), StoreError> {
        if let Some(target) = self.link_target(from)? {
            return self.create_link(to, &target);
        }
        let path = self.path.join(from);
        let Some((content, attributes)) = self.content(from)? else { return Err(StoreError::Missing { path }) };
        self.create(to, content.expose(), Like::Old(&attributes))
    }

    /// The content and attributes of the regular file `name`; `None` if there is nothing.
    pub(super) fn content(&self, name: &OsStr) -> Result<Option<(Secret, Attributes)>, StoreError> {
        let Some(file) = self.open_file(name)? else { return Ok(None) };
        let path = self.path.join(name);
        let attributes = Attributes::of(&file, &path)?;
        let size = file.metadata().map_err(|error| StoreError::io("look at", &path, error))?.len();
        Ok(Some((read_all(file, size, &path)?, attributes)))
    }

    /// Puts the file `from` in the place of `to`, in one instant.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> Result<(), StoreError> {
        self.step(Step::Rename, to, || rustix::fs::renameat(&self.handle, from, &self.handle, to))
    }

    /// Removes the file `name` and says whether it was there.
    ///
    /// It looks first: a read-only file system refuses to remove even what does not exist.
    pub(super) fn remove(&self, name: &OsStr) -> Result<bool, StoreError> {
        if self.stat(name)?.is_none() {
            return Ok(false);
        }
        self.step(Step::Unlink, name, || rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()))?;
        Ok(true)
    }

    /// Makes the subdirectory `name` with these permission bits less the umask, and says whether it did; that it
    /// exists is no error.
    pub(super) fn make_directory(&self, name: &OsStr, bits: u32) -> Result<bool, StoreError> {
        self.step(Step::CreateDirectory, name, || match rustix::fs::mkdirat(&self.handle, name, mode(bits)) {
            Err(Errno::EXIST) => Ok(false),
            answer => answer.map(|()| true),
        })
    }

    /// Removes the subdirectory `name` and says whether it did; one that is not empty stays, and is no error.
    pub(super) fn remove_directory(&self, name: &OsStr) -> Result<bool, StoreError> {
        if self.stat(name)?.is_none() {
            return Ok(false);
        }
        self.step(Step::RemoveDirectory, name, || match rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
            answer => answer.map(|()| true),
        })
    }

    /// Makes all changes of names in this directory durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.disk
            .run(Step::SyncDirectory, &self.path, || match sync(&self.handle) {
                // Some network and FUSE file systems have nothing to flush for a directory.
                Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
                answer => answer,
            })
            .map_err(|errno| StoreError::os(Step::SyncDirectory.verb(), &self.path, errno))
    }

    fn step<T>(&self, step: Step, name: &OsStr, call: impl FnOnce() -> Result<T, Errno>) -> Result<T, StoreError> {
        let path = self.path.join(name);
        self.disk.run(step, &path, call).map_err(|errno| StoreError::os(step.verb(), &path, errno))
    }
}

/// std's flush, which on macOS is stronger than `fsync`.
fn sync(file: &File) -> Result<(), Errno> {
    file.sync_all().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
