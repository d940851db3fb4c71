//! The lock of a directory, and who holds it.
//!
//! In: an open directory. Out: an exclusive `flock` on the directory itself, so that no lock file stays behind; it
//! ends with the process, however that ends. It never waits longer than it was told to.

use std::fmt;
use std::fs::TryLockError;
use std::path::Path;
use std::time::{Duration, Instant};

use super::directory::Directory;
use super::disk::Disk;
use super::error::StoreError;
use super::root::Root;

/// The pause between two attempts to get a lock.
const PAUSE: Duration = Duration::from_millis(20);

/// The process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id, as this process sees it.
    pub pid: u32,
    /// Its name (`/proc/PID/comm`), if it can be read.
    pub command: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            Some(command) => write!(f, "process {} ({command})", self.pid),
            None => write!(f, "process {}", self.pid),
        }
    }
}

impl Holder {
    pub(super) fn or_unknown(holder: Option<&Self>) -> String {
        holder.map_or_else(|| "another process".into(), ToString::to_string)
    }

    /// The process that `/proc/locks` names for a directory; Linux alone tells.
    fn of(directory: &Directory) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = directory.handle().metadata().ok()?;
        let (major, minor) = (rustix::fs::major(metadata.dev()), rustix::fs::minor(metadata.dev()));
        let wanted = format!("{major:02x}:{minor:02x}:{}", metadata.ino());
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

/// Opens and locks the physical directory `path`, waiting at most `wait`.
///
/// # Errors
/// [`StoreError::Missing`] when it is not (or no longer) there; [`StoreError::Locked`] when another holds it;
/// [`StoreError::LockUnsupported`].
pub(super) fn acquire(root: &Root, disk: &Disk, path: &Path, wait: Duration) -> Result<Directory, StoreError> {
    let start = Instant::now();
    loop {
        let directory = Directory::open(root, disk, path)?;
        match directory.handle().try_lock() {
            // It may have been removed, and made anew, before the lock was had: then this lock is worth nothing.
            Ok(()) if directory.is_in_place() => return Ok(directory),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if start.elapsed() >= wait => {
                let holder = Holder::of(&directory);
                return Err(StoreError::Locked { path: path.to_owned(), holder, waited: wait });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE.min(wait)),
            Err(TryLockError::Error(source)) => {
                return Err(StoreError::LockUnsupported { path: path.to_owned(), source });
            }
        }
    }
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
        let Err(StoreError::Locked { holder, .. }) = acquire(&root, &Disk::default(), &path, Duration::ZERO) else {
            panic!("locked twice")
        };
        // Some sandboxes show no /proc/locks; where it is shown, the holder is this process.
        assert!(holder.is_none_or(|holder| holder.pid == std::process::id()));
        drop(held);
        assert!(acquire(&root, &Disk::default(), &path, Duration::ZERO).is_ok());
    }
}
