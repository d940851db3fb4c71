//! A new file that is larger than memory: written piece by piece, and there only when it is whole.
//!
//! In: a path, what fills the file. Out: the file with mode 0600, durable. Nothing that exists is overwritten, and a link in its
//! place is not followed. Until it is whole it has no name: what breaks off leaves nothing, a process that is killed too. A file
//! system without nameless files (`O_TMPFILE`) has it under a name of its own until then.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Store;
use super::directory::Directory;
use super::disk::{Disk, Step};
use super::error::StoreError;

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
const DIRECTORY_MODE: u32 = 0o700;

/// A file in the making.
pub struct Draft {
    file: File,
    /// As it will be called.
    path: PathBuf,
    disk: Disk,
}

impl Draft {
    /// Writes the next piece.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], and others of the system.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        let mut rest = piece;
        while !rest.is_empty() {
            let call = || rustix::io::retry_on_intr(|| rustix::io::write(&self.file, rest));
            let written = self.step(Step::Write, call)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Refuses what the disk has no room for, before it is full.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`].
    pub fn refuse_beyond(&self, size: u64) -> Result<(), StoreError> {
        match rustix::fs::fstatvfs(&self.file) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < size => {
                Err(StoreError::os(Step::Write.verb(), &self.path, Errno::NOSPC))
            }
            // A file system that does not say how full it is says so when it is.
            _ => Ok(()),
        }
    }

    fn step<T>(&self, step: Step, call: impl FnOnce() -> Result<T, Errno>) -> Result<T, StoreError> {
        self.disk.run(step, &self.path, call).map_err(|errno| StoreError::os(step.verb(), &self.path, errno))
    }
}

impl Store {
    /// Makes the file `path`, which must not exist, and the directories above it that are missing; `fill` writes it.
    ///
    /// # Errors
    /// [`StoreError::Exists`]; those of the system; what `fill` says. Then nothing is there that was not there before.
    pub fn write_new<T, E: From<StoreError>>(
        &self,
        path: &Path,
        fill: impl FnOnce(&mut Draft) -> Result<T, E>,
    ) -> Result<T, E> {
        let found = self.root.resolve_for_change(path, false)?;
        let physical = found.missing.iter().fold(found.existing.clone(), |path, part| path.join(part));
        let Some((name, folders)) = found.missing.split_last() else {
            return Err(StoreError::Exists { path: physical }.into());
        };
        let mut levels = vec![Directory::open(&self.root, &self.disk, &found.existing)?];
        let mut made = Vec::new();
        let outcome = self
            .descend(&mut levels, folders, &mut made)
            .map_err(E::from)
            .and_then(|()| fill_and_name(last(&levels, path)?, name, &self.disk, fill));
        if outcome.is_err() {
            for (above, folder) in levels.iter().zip(folders).rev().filter(|(_, folder)| made.contains(folder)) {
                if let Err(error) = above.remove_directory(folder) {
                    log::warn!("{}: {error}", above.path().join(folder).display());
                }
            }
        }
        outcome
    }

    /// Makes and enters directories; those that were not there are noted.
    fn descend<'f>(
        &self,
        levels: &mut Vec<Directory>,
        folders: &'f [OsString],
        made: &mut Vec<&'f OsString>,
    ) -> Result<(), StoreError> {
        for folder in folders {
            let above = last(levels, Path::new(folder))?;
            if above.make_directory(folder, DIRECTORY_MODE)? {
                made.push(folder);
            }
            above.sync()?;
            let below = Directory::open(&self.root, &self.disk, &above.path().join(folder))?;
            levels.push(below);
        }
        Ok(())
    }
}

fn last<'d>(levels: &'d [Directory], path: &Path) -> Result<&'d Directory, StoreError> {
    levels.last().ok_or_else(|| StoreError::Missing { path: path.to_owned() })
}

fn fill_and_name<T, E: From<StoreError>>(
    place: &Directory,
    name: &OsStr,
    disk: &Disk,
    fill: impl FnOnce(&mut Draft) -> Result<T, E>,
) -> Result<T, E> {
    let path = place.path().join(name);
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let handle = place.handle();
    let failed = |step: Step| move |errno| StoreError::os(step.verb(), &place.path().join(name), errno);
    let nameless =
        disk.run(Step::CreateFile, &path, || rustix::fs::openat(handle, ".", flags | OFlags::TMPFILE, FILE_MODE));
    let (opened, interim) = match nameless {
        Ok(opened) => (opened, None),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
            let interim: OsString = [OsStr::new("."), name, OsStr::new(".partial")].into_iter().collect();
            let new = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
            let opened = rustix::fs::openat(handle, interim.as_os_str(), new, FILE_MODE);
            (opened.map_err(failed(Step::CreateFile))?, Some(interim))
        }
        Err(errno) => return Err(failed(Step::CreateFile)(errno).into()),
    };
    let mut draft = Draft { file: File::from(opened), path: path.clone(), disk: disk.clone() };
    let outcome = fill(&mut draft).and_then(|answer| {
        let sync = || draft.file.sync_all().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
        draft.step(Step::SyncFile, sync)?;
        let named = disk.run(Step::Rename, &path, || match &interim {
            None => {
                let own = format!("/proc/self/fd/{}", draft.file.as_raw_fd());
                rustix::fs::linkat(CWD, own, handle, name, AtFlags::SYMLINK_FOLLOW)
            }
            Some(interim) => {
                rustix::fs::renameat_with(handle, interim.as_os_str(), handle, name, RenameFlags::NOREPLACE)
            }
        });
        match named {
            Err(Errno::EXIST) => return Err(StoreError::Exists { path: path.clone() }.into()),
            other => other.map_err(failed(Step::Rename))?,
        }
        match place.sync() {
            Ok(()) => Ok(answer),
            Err(error) => {
                let _ = place.remove(name);
                Err(error.into())
            }
        }
    });
    if let (Err(_), Some(interim)) = (&outcome, &interim) {
        // The reason is said already.
        let _ = place.remove(interim);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::super::disk::faults::{Fault, Faults};
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        all.sort();
        all
    }

    #[test]
    fn a_file_is_there_when_it_is_whole_and_nothing_is_overwritten() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::new(Some(place.path().to_owned())).unwrap();
        let write = |draft: &mut Draft| {
            draft.write(b"one ")?;
            assert!(names(&place.path().join("var/deep")).is_empty(), "it has no name yet");
            draft.write(b"two")?;
            Ok::<_, StoreError>(7)
        };
        assert_eq!(store.write_new(Path::new("/var/deep/file"), write).unwrap(), 7);
        let file = place.path().join("var/deep/file");
        assert_eq!(std::fs::read(&file).unwrap(), b"one two");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&place.path().join("var/deep"))), (0o600, 0o700));

        symlink("nothing", place.path().join("var/link")).unwrap();
        for taken in ["/var/deep/file", "/var/link"] {
            let again = store.write_new(Path::new(taken), |_| Ok::<_, StoreError>(()));
            assert!(matches!(again, Err(StoreError::Exists { .. })), "{taken}: {again:?}");
        }
        // One that comes while it is written stays.
        let late = store.write_new(Path::new("/var/late"), |draft| {
            std::fs::write(place.path().join("var/late"), "theirs").unwrap();
            draft.write(b"ours")
        });
        assert!(matches!(late, Err(StoreError::Exists { .. })), "{late:?}");
        assert_eq!(std::fs::read(place.path().join("var/late")).unwrap(), b"theirs");
    }

    #[test]
    fn what_breaks_off_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::new(Some(place.path().to_owned())).unwrap();
        let broken = store.write_new(Path::new("/var/deep/file"), |draft| {
            draft.write(b"half")?;
            Err::<(), _>(StoreError::Missing { path: "it".into() })
        });
        assert!(matches!(broken, Err(StoreError::Missing { .. })));
        assert!(names(place.path()).is_empty());

        for step in 0..12 {
            let mut store = store.clone();
            store.disk = Faults::new([(step, Fault::Fail(Errno::NOSPC))]).disk();
            let outcome = store.write_new(Path::new("/var/deep/file"), |draft| draft.write(b"all"));
            if outcome.is_err() {
                assert!(matches!(outcome, Err(StoreError::DiskFull { .. })), "{step}: {outcome:?}");
            }
            assert_eq!(names(place.path()).is_empty(), outcome.is_err(), "{step}");
            let _ = std::fs::remove_dir_all(place.path().join("var"));
        }
    }

    #[test]
    fn what_the_disk_has_no_room_for_is_refused_at_once() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::new(Some(place.path().to_owned())).unwrap();
        let refused = store.write_new(Path::new("/file"), |draft| draft.refuse_beyond(u64::MAX));
        assert!(matches!(refused, Err(StoreError::DiskFull { .. })), "{refused:?}");
        assert!(store.write_new(Path::new("/file"), |draft| draft.refuse_beyond(1)).is_ok());
    }
}
