//! A change rehearsed: what the system would refuse, found before anything is made.
//!
//! In: the directories that would be locked; the files that would be written or removed, with the owner that one would get where
//! that is asked for. Out: the error that the change would end
//! with. Nothing is written: a lock is taken for a moment, and only where its file is there.
//!
//! What happens between the rehearsal and the change (a disk that is full, a lock that somebody takes) is found by the change alone.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Instant;

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags};

use super::directory::Directory;
use super::error::StoreError;
use super::holder::Holder;
use super::lock::LOCK;
use super::root::{Kind, Resolved};
use super::session::Own;
use super::transaction::refuse_foreign;
use super::{LOCK_PAUSE, Store};

impl Store {
    /// Refuses what a change of `files`, with `directories` locked, would be refused for.
    ///
    /// # Errors
    /// Those of [`Store::lock`] and of writing: [`StoreError::Locked`], [`StoreError::NoPermission`], [`StoreError::ReadOnly`],
    /// [`StoreError::NotADirectory`], [`StoreError::ForeignFile`] and those of a path that leads nowhere.
    pub fn rehearse<P: AsRef<Path>>(&self, directories: &[P], files: &[(P, Option<u32>)]) -> Result<(), StoreError> {
        let mut folders = BTreeSet::new();
        let mut places = Vec::new();
        for (file, wanted) in files {
            let file = file.as_ref();
            // First, so that an error names the file, as that of the change does.
            places.push((file, self.root.resolve_for_change(file, true)?, *wanted));
            folders.insert(self.existing(file.parent().unwrap_or(file))?);
        }
        for folder in &folders {
            rustix::fs::accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
                .map_err(|errno| StoreError::os("write to", folder, errno))?;
        }
        self.refuse_foreign_files(directories, &places)?;
        let locked = directories.iter().map(|directory| self.existing(directory.as_ref()));
        locked.collect::<Result<BTreeSet<_>, _>>()?.union(&folders).try_for_each(|folder| self.refuse_locked(folder))
    }

    /// The directory, or the nearest above it that is there.
    fn existing(&self, directory: &Path) -> Result<std::path::PathBuf, StoreError> {
        let Resolved { existing, kind, .. } = self.root.resolve_for_change(directory, true)?;
        if kind == Kind::Directory {
            return Ok(existing);
        }
        Err(StoreError::NotADirectory { path: self.root.prefixed(directory)?, component: existing })
    }

    fn refuse_foreign_files<P: AsRef<Path>>(
        &self,
        directories: &[P],
        places: &[(&Path, Resolved, Option<u32>)],
    ) -> Result<(), StoreError> {
        let mut own = Own::of(&self.root, directories)?;
        let mut there = Vec::new();
        for (file, Resolved { existing, kind, .. }, wanted) in places {
            if *kind == Kind::File
                && let (Some(folder), Some(name)) = (existing.parent(), existing.file_name())
            {
                own.note_place(&self.root, file, folder)?;
                there.push((folder, name, *wanted));
            }
        }
        for (folder, name, wanted) in there {
            let directory = Directory::open(&self.root, &self.disk, folder)?;
            if let Some(found) = directory.stat(name)? {
                refuse_foreign(&self.root, &own, &directory, name, (found.st_uid, wanted))?;
            }
        }
        Ok(())
    }

    fn refuse_locked(&self, folder: &Path) -> Result<(), StoreError> {
        let directory = Directory::open(&self.root, &self.disk, folder)?;
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let start = Instant::now();
        // Without the file nobody holds the lock; what cannot be opened comes up where it is written to.
        while let Ok(file) = rustix::fs::openat(directory.handle(), LOCK, flags, Mode::empty()) {
            match File::from(file).try_lock() {
                Err(TryLockError::WouldBlock) if start.elapsed() >= self.lock_wait => {
                    let holder = Holder::of(&directory);
                    return Err(StoreError::Locked { path: folder.to_owned(), holder, waited: self.lock_wait });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE.min(self.lock_wait)),
                _ => break,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;
    use crate::error::Diagnostic as _;

    #[test]
    fn a_rehearsal_finds_a_lock_that_is_held_and_what_is_no_directory_and_writes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::new(Some(place.path().to_owned())).unwrap().with_lock_wait(Duration::from_millis(30));
        assert!(store.rehearse(&["/etc/pki"], &[("/etc/pki/ca.crt", None)]).is_ok());
        let session = store.lock(&["/etc"]).unwrap();
        let error = store.rehearse(&["/etc/pki"], &[("/etc/pki/ca.crt", None)]).unwrap_err();
        assert_eq!(error.code(), "store.locked");
        drop(session);
        assert!(store.rehearse(&["/etc/pki"], &[("/etc/pki/ca.crt", None)]).is_ok());
        std::fs::write(place.path().join("etc"), "").unwrap();
        assert_eq!(
            store.rehearse(&["/etc/pki"], &[("/etc/pki/ca.crt", None)]).unwrap_err().code(),
            "store.not_a_directory"
        );
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_rehearsal_finds_a_folder_that_cannot_be_written_to() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::new(Some(place.path().to_owned())).unwrap();
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o500)).unwrap();
        let outcome = store.rehearse(&[], &[("/jane.conf", None)]);
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o700)).unwrap();
        // Root may write everywhere.
        assert!(store.is_root() || outcome.is_err_and(|error| error.code() == StoreError::NO_PERMISSION));
    }
}
