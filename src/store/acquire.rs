//! Getting the lock of a directory, or saying who holds it.
//!
//! In: a directory, and the lock's name in it. Out: the same, locked (by a file of mode 0600: whoever can open a file can lock it, and a
//! directory can be opened by all). The lock ends with the process, however that ends, and is never waited for longer than
//! was asked.
//!
//! Where this process cannot write, it changes nothing and needs no lock. In a directory of others, a file of theirs in
//! the lock's place is passed over: they could keep it locked for ever.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::LOCK_PAUSE;
use super::directory::Directory;
use super::disk::Disk;
use super::error::StoreError;
use super::holder::Holder;
use super::lock::{LOCK, Lock, is_named};
use super::root::Root;
use super::trust::is_ours;

impl Holder {
    /// The process that `/proc/locks` names for the lock of a directory; Linux alone tells. No lock is taken.
    pub(super) fn of(directory: &Directory) -> Option<Self> {
        Self::of_lock(directory, OsStr::new(LOCK))
    }

    /// The same for a lock of another name.
    fn of_lock(directory: &Directory, lock: &OsStr) -> Option<Self> {
        let stat = directory.stat(lock).ok()??;
        let (major, minor) = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
        let wanted = format!("{major:02x}:{minor:02x}:{}", stat.st_ino);
        let pid = holder_in(&std::fs::read_to_string("/proc/locks").ok()?, &wanted)?;
        let command = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok();
        Some(Self { pid, command: command.map(|name| name.trim_end().to_owned()) })
    }
}

/// The process id in the line of `/proc/locks` for the file `wanted` (`major:minor:inode`); see `proc_locks(5)`.
fn holder_in(locks: &str, wanted: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let fields = line.split_whitespace().collect::<Vec<_>>();
        match fields.as_slice() {
            [_, "FLOCK", _, "WRITE", pid, file, ..] if *file == wanted => pid.parse().ok(),
            _ => None,
        }
    })
}

/// What came of one attempt.
enum Attempt {
    Held(Lock),
    /// No lock can be had here, and none is needed.
    Without,
    Busy,
    /// The file or the directory has just been removed.
    Again,
}

/// Opens and locks the physical directory `path`, waiting at most `wait`.
///
/// # Errors
/// [`StoreError::Missing`] when it is not (or no longer) there; [`StoreError::Locked`] when another holds it;
/// [`StoreError::LockUnsupported`]; those of the system when the file cannot be made.
pub(super) fn acquire(root: &Root, disk: &Disk, path: &Path, wait: Duration) -> Result<Directory, StoreError> {
    acquire_as(OsStr::new(LOCK), root, disk, path, wait)
}

/// The same with a lock of another name.
///
/// # Errors
/// As [`acquire`].
pub(super) fn acquire_as(
    name: &OsStr,
    root: &Root,
    disk: &Disk,
    path: &Path,
    wait: Duration,
) -> Result<Directory, StoreError> {
    let start = Instant::now();
    loop {
        let directory = Directory::open(root, disk, path)?;
        let attempt = attempt(&directory, name)?;
        // It may have been removed, and made anew, before the lock was had: then this lock is worth nothing.
        match attempt {
            Attempt::Held(lock) => {
                let directory = directory.with_lock(lock);
                if directory.is_in_place() {
                    return Ok(directory);
                }
            }
            Attempt::Without if directory.is_in_place() => return Ok(directory),
            Attempt::Without | Attempt::Again => {}
            Attempt::Busy if start.elapsed() >= wait => {
                let holder = Holder::of_lock(&directory, name);
                return Err(StoreError::Locked { path: path.to_owned(), holder, waited: wait });
            }
            Attempt::Busy => std::thread::sleep(LOCK_PAUSE.min(wait)),
        }
    }
}

fn attempt(directory: &Directory, name: &OsStr) -> Result<Attempt, StoreError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(directory.handle(), name, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(Attempt::Again),
        Err(Errno::ROFS) => return Ok(Attempt::Without),
        Err(errno @ (Errno::ACCESS | Errno::PERM | Errno::LOOP | Errno::ISDIR | Errno::NXIO)) => {
            return Ok(match directory.stat(name)? {
                // What cannot be written to is not changed, and what else is wrong comes up at the first change.
                None if matches!(errno, Errno::ACCESS | Errno::PERM) => Attempt::Without,
                None => Attempt::Again,
                // A file of root's, which this user may not open.
                Some(stat) if is_ours(stat.st_uid) && is_regular(stat.st_mode) => Attempt::Busy,
                Some(_) => set_aside(directory, name)?,
            });
        }
        Err(errno) => return Err(StoreError::os("lock", directory.path(), errno)),
    };
    let metadata = file.metadata().map_err(|error| StoreError::io("lock", directory.path(), error))?;
    // One with another name may be any file of ours, where others can make names.
    let is_lock = metadata.is_file() && metadata.nlink() < 2;
    if !is_lock || !is_ours(metadata.uid()) || metadata.mode() & 0o077 != 0 {
        return set_aside(directory, name);
    }
    match file.try_lock() {
        Ok(()) if is_named(&file, directory.handle(), name) => Ok(Attempt::Held(Lock::of(file, name))),
        Ok(()) => Ok(Attempt::Again),
        Err(TryLockError::WouldBlock) => Ok(Lock::held_here(&file, name).map_or(Attempt::Busy, Attempt::Held)),
        Err(TryLockError::Error(source)) => {
            Err(StoreError::LockUnsupported { path: directory.path().to_owned(), os_error: source })
        }
    }
}

fn is_regular(mode: rustix::fs::RawMode) -> bool {
    FileType::from_raw_mode(mode) == FileType::RegularFile
}

/// Deals with something in the lock's place that others can open, and so hold.
fn set_aside(directory: &Directory, name: &OsStr) -> Result<Attempt, StoreError> {
    if !directory.is_closed() {
        log::warn!("{}: others can write here, and no lock is taken", directory.path().display());
        return Ok(Attempt::Without);
    }
    rustix::fs::unlinkat(directory.handle(), name, AtFlags::empty())
        .map_err(|errno| StoreError::os("lock", &directory.path().join(name), errno))?;
    Ok(Attempt::Again)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKS: &str = "1: POSIX  ADVISORY  WRITE 11 fe:00:99 0 EOF\n\
                         2: FLOCK  ADVISORY  WRITE 4242 fe:00:99 0 EOF\n\
                         2: -> FLOCK  ADVISORY  WRITE 7 fe:00:99 0 EOF\n";

    #[test]
    fn the_holder_is_the_one_with_the_flock_on_that_file() {
        assert_eq!(holder_in(LOCKS, "fe:00:99"), Some(4242));
        assert_eq!(holder_in(LOCKS, "fe:00:9"), None);
    }

    #[test]
    fn a_held_lock_is_refused_and_names_its_holder() {
        let place = tempfile::tempdir().unwrap();
        let root = Root::new(None).unwrap();
        let path = place.path().canonicalize().unwrap();
        let held = acquire(&root, &Disk::default(), &path, Duration::ZERO).unwrap();
        let by_another = || acquire(&root, &Disk::default(), &path, Duration::ZERO).map(drop);
        let refused = std::thread::scope(|scope| scope.spawn(by_another).join().unwrap());
        let Err(StoreError::Locked { holder, .. }) = refused else { panic!("locked twice") };
        // Some sandboxes show no /proc/locks; where it is shown, the holder is this process.
        assert!(holder.is_none_or(|holder| holder.pid == std::process::id()));
        drop(held);
        assert!(acquire(&root, &Disk::default(), &path, Duration::ZERO).is_ok());
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0, "and nothing stays behind");
    }

    #[test]
    fn a_thread_does_not_wait_for_itself_and_others_wait_until_it_has_let_go_of_all() {
        let place = tempfile::tempdir().unwrap();
        let root = Root::new(None).unwrap();
        let path = place.path().canonicalize().unwrap();
        let lock = || acquire(&root, &Disk::default(), &path, Duration::ZERO);
        let is_free = || std::thread::scope(|scope| scope.spawn(|| lock().is_ok()).join().unwrap());
        let first = lock().unwrap();
        let second = lock().unwrap();
        assert!(!is_free());
        drop(first);
        assert!(!is_free(), "the second is still held");
        assert!(path.join(LOCK).exists());
        drop(second);
        assert!(is_free());
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_that_a_killed_process_left_is_used_again_and_one_that_others_could_open_is_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let root = Root::new(None).unwrap();
        let path = place.path().canonicalize().unwrap();
        for mode in [0o600, 0o644] {
            std::fs::write(path.join(LOCK), "").unwrap();
            std::fs::set_permissions(path.join(LOCK), PermissionsExt::from_mode(mode)).unwrap();
            let theirs = File::open(path.join(LOCK)).unwrap();
            if mode == 0o644 {
                theirs.lock().unwrap();
            }
            let held = acquire(&root, &Disk::default(), &path, Duration::ZERO).unwrap();
            assert_eq!(std::fs::metadata(path.join(LOCK)).unwrap().permissions().mode() & 0o777, 0o600);
            drop(held);
            assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
        }
    }

    #[test]
    fn two_never_hold_the_lock_at_once_though_its_file_comes_and_goes() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let place = tempfile::tempdir().unwrap();
        let path = place.path().canonicalize().unwrap();
        let (inside, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let root = Root::new(None).unwrap();
                    for _ in 0..50 {
                        let held = acquire(&root, &Disk::default(), &path, Duration::from_secs(60)).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        seen.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
        assert_eq!(seen.into_inner(), 200);
    }
}
