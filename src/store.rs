//! Files: the only module that reads, lists, writes and removes them.
//!
//! In: the paths that a configuration names, below an optional root directory. Out: a [`Tree`] of what is there, a
//! [`Listing`], and, through a [`Session`], changes of many files at once of which all or none come about, at
//! whatever instant the process is killed. It knows nothing of certificates, and never logs or reports content.
//!
//! | part | what it holds |
//! |---|---|
//! | `root` | where a path leads, and that it leads not out of the root |
//! | `read` `list` `listings` `exposure` `looks` | looking |
//! | `snapshot` `archive` | files that are on no disk; tar archives |
//! | `disk` `attributes` `lock` `holder` `directory` `acquire` | single steps |
//! | `reserve` | one run at a time works from a file |
//! | `stream` | a new file that is larger than memory |
//! | `trust` | whose names and records are believed |
//! | `journal` `record` `exchange` `recovery` `interrupted` | what survives a crash, what of it is believed, and what is made of it |
//! | `session` `begin` `change` `transaction` | the order of the steps |
//! | `backup` | files as they were before a change, kept for later |
//!
//! Guarantees and their limits, for operators: `docs/reference/store.md`.

// This is the module that the ban on file functions elsewhere exists for.
#![allow(clippy::disallowed_methods)]

mod acquire;
mod archive;
mod attributes;
pub mod backup;
mod begin;
mod change;
mod directory;
mod disk;
mod error;
mod exchange;
mod exposure;
mod holder;
mod interrupted;
mod journal;
mod list;
mod listings;
mod lock;
mod looks;
mod read;
mod record;
mod recovery;
mod rehearsal;
mod reserve;
mod root;
mod session;
mod snapshot;
mod stream;
mod transaction;
mod trust;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod hostile_tests;

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use archive::{Archive, Member, MemberKind};
pub use attributes::Attributes;
pub use backup::BackupOrder;
use begin::Order;
pub use change::{Action, Applied, Change, Expected};
pub use error::StoreError;
pub use exposure::{Exposure, OpenFolder, Standing};
pub use holder::Holder;
pub use interrupted::Interrupted;
pub use list::{EntryKind, Listing};
pub use reserve::Reserved;
pub use session::{Keep, Outcome, Recovery, Session};
pub use snapshot::{Entry, Snapshot};
pub use stream::Draft;

use crate::tree::Tree;
use crate::workers::StopSignal;
use directory::Directory;
use disk::Disk;
use root::{Kind, Root};

/// The largest file that is read unless told otherwise, in bytes: 1 MiB, the limit of a Kubernetes Secret.
pub const DEFAULT_FILE_LIMIT: u64 = 1 << 20;

/// Where backups are kept unless told otherwise.
pub const DEFAULT_BACKUP_DIR: &str = "/var/lib/kubepki/backups";

/// How long a lock is waited for unless told otherwise.
pub const DEFAULT_LOCK_WAIT: Duration = Duration::from_secs(10);

/// The pause between two attempts to get a lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The most entries that are listed below one directory.
const LIST_LIMIT: usize = 10_000;

/// The files of one machine, or of a root file system that is mounted on it.
///
/// ```
/// use kubepki::store::{Change, Expected, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let place = tempfile::tempdir()?;
/// let store = Store::new(Some(place.path().to_owned()))?;
/// let mut session = store.lock(&["/etc/kubernetes/pki"])?;
/// let applied = session.apply(&[Change::Write {
///     path: "/etc/kubernetes/pki/sa.pub".into(),
///     content: b"a public key".to_vec().into(),
///     mode: 0o600,
///     expected: Expected::Absent,
/// }])?;
/// assert_eq!(applied.directories.len(), 3);
/// let tree = store.read(["/etc/kubernetes/pki/sa.pub"]);
/// assert_eq!(tree.content("/etc/kubernetes/pki/sa.pub".as_ref()), Some(&b"a public key"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Store {
    root: Root,
    disk: Disk,
    file_limit: u64,
    lock_wait: Duration,
}

impl Store {
    /// The files below `rootfs`, or of the machine itself.
    ///
    /// # Errors
    /// [`StoreError::RootNotADirectory`] when `rootfs` is not a directory that can be entered.
    pub fn new(rootfs: Option<PathBuf>) -> Result<Self, StoreError> {
        Ok(Self {
            root: Root::new(rootfs)?,
            disk: Disk::default(),
            file_limit: DEFAULT_FILE_LIMIT,
            lock_wait: DEFAULT_LOCK_WAIT,
        })
    }

    /// Files that are on no disk. They are never changed: to lock them is an error.
    #[must_use]
    pub fn of(snapshot: Snapshot) -> Self {
        Self {
            root: Root::of(snapshot),
            disk: Disk::default(),
            file_limit: DEFAULT_FILE_LIMIT,
            lock_wait: DEFAULT_LOCK_WAIT,
        }
    }

    /// Whether these are the files of the machine itself: without a root directory, with `/` as one, or with that of the
    /// machine's first process, as a container sees it that has the machine's processes.
    #[must_use]
    pub fn is_of_this_machine(&self) -> bool {
        !self.root.is_confined() || self.root.is_of_this_machine()
    }

    /// The same, for a report on files as they are at one moment: each place is looked at once, and what comes after that is not seen.
    #[must_use]
    pub fn at_one_moment(mut self) -> Self {
        self.root = self.root.looked_at_once();
        self
    }

    /// Waits at most `wait` for each lock; zero means not at all.
    #[must_use]
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Reads files of at most `limit` bytes.
    #[must_use]
    pub fn with_file_limit(mut self, limit: u64) -> Self {
        self.file_limit = limit;
        self
    }

    /// Where `logical` is on this machine: with the root directory in front and, without one, made absolute.
    /// Symbolic links are checked, and stay in the answer as they are.
    ///
    /// # Errors
    /// [`StoreError::SymlinkEscapes`] when it leads out of the root directory; the errors of a path that leads
    /// nowhere ([`StoreError::DanglingSymlink`], [`StoreError::SymlinkLoop`], [`StoreError::NotADirectory`],
    /// [`StoreError::NoPermission`], [`StoreError::NameTooLong`]). That nothing is there is no error.
    pub fn locate(&self, logical: &Path) -> Result<PathBuf, StoreError> {
        self.root.resolve(logical, true)?;
        self.root.prefixed(logical)
    }

    /// The same for a message: the root directory in front, and nothing looked at.
    #[must_use]
    pub fn place(&self, logical: &Path) -> PathBuf {
        self.root.prefixed(logical).unwrap_or_else(|_| logical.to_owned())
    }

    /// Reads files. The tree names them as `paths` does; what cannot be read is an entry that says why.
    #[must_use]
    pub fn read<P: Into<PathBuf>>(&self, paths: impl IntoIterator<Item = P>) -> Tree {
        let mut tree = Tree::default();
        for path in paths {
            let path = path.into();
            let observed = read::observe(&self.root, &path, self.file_limit);
            tree.insert(path, observed);
        }
        tree
    }

    /// Opens a regular file that is read piece by piece, whatever its size, until `stop` comes.
    ///
    /// # Errors
    /// It is missing, no regular file, or cannot be opened.
    pub fn stream(&self, path: &Path, stop: &StopSignal) -> Result<impl Read + use<>, StoreError> {
        read::open(&self.root, path).map(|file| stop.heard_by(file))
    }

    /// Reads a file that holds no secret and may be large.
    ///
    /// # Errors
    /// As [`Self::stream`]; it is larger than `limit`.
    pub fn read_large(&self, path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
        read::large(&self.root, path, limit)
    }

    /// What a failure to read on from a [`Self::stream`] is.
    #[must_use]
    pub fn unread(path: &Path, error: std::io::Error) -> StoreError {
        StoreError::io("read", path, error)
    }

    /// Whether `path` itself is a symbolic link.
    #[must_use]
    pub fn is_link(&self, path: &Path) -> bool {
        list::is_link(&self.root, path)
    }

    /// The file that the link at `path` leads to, and when the link was made; `None` for what is no link to a file.
    #[must_use]
    pub fn behind(&self, path: &Path) -> Option<(PathBuf, DateTime<Utc>)> {
        read::behind(&self.root, path)
    }

    /// Whether both paths lead to one file, or to one place where none is.
    #[must_use]
    pub fn are_one(&self, one: &Path, other: &Path) -> bool {
        one == other || read::are_one(&self.root, one, other)
    }

    /// When the file at `path` changed last, whatever it was that changed of it, or a link that leads to it; `None` when
    /// no regular file can be seen there.
    #[must_use]
    pub fn changed_at(&self, path: &Path) -> Option<DateTime<Utc>> {
        read::changed_at(&self.root, path)
    }

    /// Mode, owner, group and extended attributes of the regular file at `path`, for a file that takes its place.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when nothing is there; those of a path that leads nowhere.
    pub fn attributes(&self, path: &Path) -> Result<Attributes, StoreError> {
        read::attributes(&self.root, path)
    }

    /// Who besides the right owners has the file at `path` in hand; of a file that is not there, its folder.
    #[must_use]
    pub fn exposure(&self, path: &Path) -> Exposure {
        exposure::exposure(&self.root, path)
    }

    /// Mode and owner of the file or folder at `path`; `None` when nothing is there, or nobody may look.
    #[must_use]
    pub fn standing(&self, path: &Path) -> Option<Standing> {
        exposure::standing(&self.root, path)
    }

    /// Where the root directory is on this machine: absolute, links followed.
    #[must_use]
    pub fn root_directory(&self) -> &Path {
        self.root.directory()
    }

    /// Whether the process runs as root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Removes those of `folders` that are empty, one after the other. One that is a link stays.
    ///
    /// # Errors
    /// Those of the system; that one is not there or not empty is none.
    pub fn remove_empty(&self, folders: &[PathBuf]) -> Result<(), StoreError> {
        for folder in folders {
            let found = self.root.resolve_for_change(folder, false)?;
            let is_there = found.kind == Kind::Directory && found.missing.is_empty();
            if let (true, Some(above), Some(name)) = (is_there, found.existing.parent(), found.existing.file_name()) {
                Directory::open(&self.root, &self.disk, above)?.remove_directory(name)?;
            }
        }
        Ok(())
    }

    /// Lists the files below `directory`, at any depth.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::NotADirectory`], [`StoreError::NoPermission`] for `directory`
    /// itself; [`StoreError::TooManyEntries`] beyond 10 000 entries or 16 levels. What is wrong further down is in
    /// [`Listing::problems`].
    pub fn list(&self, directory: &Path) -> Result<Listing, StoreError> {
        list::list(&self.root, directory, LIST_LIMIT, true)
    }

    /// The names in `directory` in byte order, and what each is; links are what they lead to.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn entries(&self, directory: &Path) -> Result<Vec<(OsString, EntryKind)>, StoreError> {
        list::entries(&self.root, directory)
    }

    /// Whether there is a directory at `path`.
    #[must_use]
    pub fn is_directory(&self, path: &Path) -> bool {
        self.root.resolve(path, true).is_ok_and(|found| found.kind == Kind::Directory && found.missing.is_empty())
    }

    /// As [`Store::list`], with no link to a directory followed: for a directory that somebody else has filled.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn list_without_links(&self, directory: &Path) -> Result<Listing, StoreError> {
        list::list(&self.root, directory, LIST_LIMIT, false)
    }

    /// Locks `directories` against other runs, and recovers the changes that were interrupted in them, in the
    /// directories below them, or while one of them was made.
    ///
    /// A directory need not exist. The locks end with the session, or with the process. A dry run needs no lock.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has one of them for longer than the lock wait;
    /// [`StoreError::JournalCorrupt`], [`StoreError::JournalUnreachable`], [`StoreError::RecoveryConflict`] when
    /// an interrupted change can be neither completed nor taken back: then nothing was touched.
    pub fn lock<P: AsRef<Path>>(&self, directories: &[P]) -> Result<Session, StoreError> {
        self.lock_with_outputs::<P, &Path>(directories, &[])
    }

    /// As [`Store::lock`], with directories besides that somebody named for the output: what looks like an interrupted
    /// change there is recovered if it is one of ours, and otherwise is in nobody's way. A file there that belongs to
    /// another user is not replaced.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub fn lock_with_outputs<P: AsRef<Path>, Q: AsRef<Path>>(
        &self,
        directories: &[P],
        outputs: &[Q],
    ) -> Result<Session, StoreError> {
        let order = Order { own: owned(directories), outputs: owned(outputs), keep: None };
        Session::begin(self, &order)
    }

    /// Ends the changes that were interrupted in `directories`, and says what was made of them. `keep` decides about one
    /// that can neither be completed nor taken back.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub fn recover<P: AsRef<Path>>(&self, directories: &[P], keep: Option<Keep>) -> Result<Vec<Recovery>, StoreError> {
        let order = Order { own: owned(directories), outputs: Vec::new(), keep };
        Ok(Session::begin(self, &order)?.recovered().to_vec())
    }
}

/// The user and group id that this process makes files as.
#[must_use]
pub fn running_user() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

fn owned<P: AsRef<Path>>(directories: &[P]) -> Vec<PathBuf> {
    directories.iter().map(|directory| directory.as_ref().to_owned()).collect()
}

/// The command that ends the interrupted changes of a directory, between backquotes; with `more` at its end.
fn recover_command(root: Option<&Path>, directory: &Path, more: &[&str]) -> String {
    use std::ffi::OsStr;
    let rootfs = root.into_iter().flat_map(|root| [OsStr::new("--rootfs"), root.as_os_str()]);
    let words = ["kubepki", "recover"].map(OsStr::new).into_iter().chain(rootfs).chain([directory.as_os_str()]);
    crate::remedy::command(words.chain(more.iter().map(OsStr::new)))
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("root", &self.root)
            .field("file_limit", &self.file_limit)
            .field("lock_wait", &self.lock_wait)
            .finish_non_exhaustive()
    }
}
