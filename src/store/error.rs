//! What can go wrong between this crate and the disk.
//!
//! In: paths, numbers and the operating system's error numbers. Out: [`StoreError`], one variant for each
//! thing that a user would do something different about. It never holds file content.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use serde_json::{Value, json};

use super::lock::Holder;
use crate::error::{Category, Diagnostic};

/// A failure to read, list, lock or change files.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The `rootfs` of the store is not a directory.
    #[error("the root directory {} is not a directory that can be entered", path.display())]
    RootNotADirectory {
        /// The root as it was given.
        path: PathBuf,
    },
    /// A path that cannot name a file of a tree.
    #[error("{} is not a usable path: {reason}", path.display())]
    InvalidPath {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two changes of one transaction end at the same file.
    #[error("two changes are for the same file, {}", path.display())]
    DuplicateTarget {
        /// The file, with every symbolic link resolved.
        path: PathBuf,
    },
    /// The operating system refused access.
    #[error("cannot {action} {}: permission denied", path.display())]
    NoPermission {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// A directory is where a file belongs.
    #[error("{} is a directory, not a file", path.display())]
    IsADirectory {
        /// The path.
        path: PathBuf,
    },
    /// A component of the path is a file, or a file is where a directory belongs.
    #[error("{}: {} is not a directory", path.display(), component.display())]
    NotADirectory {
        /// The path that was looked for.
        path: PathBuf,
        /// The component that is in the way.
        component: PathBuf,
    },
    /// A device, pipe or socket.
    #[error("{} is a {found}, not a file", path.display())]
    NotARegularFile {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// Nothing is where a directory was expected.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// A symbolic link on the way points to nothing.
    #[error("{}: the symbolic link {} points to {}, which does not exist", path.display(), link.display(), target.display())]
    DanglingSymlink {
        /// The path that was looked for.
        path: PathBuf,
        /// The link.
        link: PathBuf,
        /// What it says.
        target: PathBuf,
    },
    /// Symbolic links that point to one another, or a link that appeared during the work.
    #[error("{}: too many symbolic links, or one that leads back to itself", path.display())]
    SymlinkLoop {
        /// The path that was looked for.
        path: PathBuf,
    },
    /// A symbolic link, or `..`, leads out of the root directory.
    #[error("{} leads out of the root directory {} (at {})", path.display(), root.display(), link.display())]
    SymlinkEscapes {
        /// The path that was looked for.
        path: PathBuf,
        /// The link, or the path itself if its own `..` leads out.
        link: PathBuf,
        /// The root directory.
        root: PathBuf,
    },
    /// A symbolic link, on the way to a file that is to be written, that another user can replace.
    #[error("{}: the symbolic link {} is in a directory that others can write to, and is not followed", path.display(), link.display())]
    UntrustedLink {
        /// The path that was to be written.
        path: PathBuf,
        /// The link.
        link: PathBuf,
    },
    /// A file of another user, in the place of one that is to be written.
    #[error("{} belongs to user {uid}, and is not overwritten", path.display())]
    ForeignFile {
        /// The file.
        path: PathBuf,
        /// Its owner's user id.
        uid: u32,
    },
    /// A symbolic link was to be removed.
    #[error("{} is a symbolic link, and only files are removed", path.display())]
    IsASymlink {
        /// The link.
        path: PathBuf,
    },
    /// A name or path exceeds what the file system can hold.
    #[error("{}: the name is too long", path.display())]
    NameTooLong {
        /// The path.
        path: PathBuf,
    },
    /// A file larger than any file of a PKI.
    #[error("{} is {size} bytes long, and at most {limit} are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A directory with more entries than any PKI has.
    #[error("{} holds more than {limit} files and directories, or is nested too deep", path.display())]
    TooManyEntries {
        /// The directory.
        path: PathBuf,
        /// How many entries are listed at most.
        limit: usize,
    },
    /// No space or no quota left.
    #[error("cannot {action} {}: no space left", path.display())]
    DiskFull {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// The file system is mounted read-only.
    #[error("cannot {action} {}: the file system is read-only", path.display())]
    ReadOnly {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// Another process works on the same tree.
    #[error("{} is locked by {}", path.display(), Holder::or_unknown(holder.as_ref()))]
    Locked {
        /// The directory whose lock could not be had.
        path: PathBuf,
        /// Who holds it, where the system tells.
        holder: Option<Holder>,
        /// How long the lock was waited for.
        waited: Duration,
    },
    /// The file system cannot lock directories.
    #[error("cannot lock {}: {source}", path.display())]
    LockUnsupported {
        /// The directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A file has changed since the change was planned.
    #[error("{} has changed since the change was planned: expected {expected}, found {found}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What the plan was made for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The new file cannot be given the old one's owner.
    #[error("cannot keep the owner {uid}:{gid} of {}", path.display())]
    OwnerNotKept {
        /// The file.
        path: PathBuf,
        /// The owner's user id.
        uid: u32,
        /// The owner's group id.
        gid: u32,
    },
    /// The new file cannot be given the old one's POSIX access list.
    #[error("cannot keep the access list of {}", path.display())]
    AccessListNotKept {
        /// The file.
        path: PathBuf,
    },
    /// A directory in which no backup may be.
    #[error("backups cannot be kept in {}: it is {reason}", path.display())]
    BackupPlace {
        /// The directory.
        path: PathBuf,
        /// What it is.
        reason: &'static str,
    },
    /// A journal cannot be read.
    #[error("the journal {} of an unfinished change cannot be used: {reason}", path.display())]
    JournalCorrupt {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// The root directory, if it is not that of the machine.
        root: Option<PathBuf>,
    },
    /// A part of an unfinished change is in a directory that is not there now.
    #[error("{} belongs to an unfinished change whose other part, {}, is not there", path.display(), wanted.display())]
    JournalUnreachable {
        /// The journal or pointer that was found.
        path: PathBuf,
        /// The directory or journal that is needed.
        wanted: PathBuf,
        /// The root directory, if it is not that of the machine.
        root: Option<PathBuf>,
    },
    /// A file of an unfinished change is neither the old nor the new one.
    #[error("{} was changed after the unfinished change of {}", path.display(), journal.display())]
    RecoveryConflict {
        /// The file.
        path: PathBuf,
        /// The journal.
        journal: PathBuf,
        /// The root directory, if it is not that of the machine.
        root: Option<PathBuf>,
        /// Whether all new files, and whether all old ones, are still there.
        possible: (bool, bool),
    },
    /// A change failed and could not be taken back at once.
    #[error("{cause}; and taking the change back failed too: {rollback}")]
    RollbackIncomplete {
        /// Why the change failed.
        cause: Box<StoreError>,
        /// Why it could not be taken back.
        rollback: Box<StoreError>,
        /// Where the journal of the change is.
        journal: PathBuf,
    },
    /// Any other answer of the operating system.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// The command that deals with the change whose `record` was found, and says which files to keep.
fn keeping(root: Option<&Path>, record: &Path, keep: &str) -> String {
    let folder = record.parent().unwrap_or(record);
    let below = root.and_then(|root| folder.strip_prefix(root).ok()).map(|below| Path::new("/").join(below));
    super::recover_command(root, below.as_deref().unwrap_or(folder), &["--keep", keep])
}

/// The commands that end the change of a journal, for all new or all old files as far as that is possible.
fn ways_out(root: Option<&Path>, journal: &Path, (can_publish, can_restore): (bool, bool)) -> String {
    let ways = [
        (true, "keep all files as they are now", "present"),
        (can_publish, "complete the change", "new"),
        (can_restore, "take it back", "old"),
    ];
    let open = ways.into_iter().filter(|(is_possible, ..)| *is_possible);
    open.map(|(_, way, keep)| format!("{way}: {}", keeping(root, journal, keep))).collect::<Vec<_>>().join("; or ")
}

impl StoreError {
    /// The error for an answer of the operating system.
    pub(super) fn os(action: &'static str, path: &Path, errno: Errno) -> Self {
        let path = path.to_owned();
        match errno {
            Errno::ACCESS | Errno::PERM => Self::NoPermission { action, path },
            Errno::NOSPC | Errno::DQUOT => Self::DiskFull { action, path },
            Errno::ROFS => Self::ReadOnly { action, path },
            Errno::ISDIR => Self::IsADirectory { path },
            Errno::NOTDIR => Self::NotADirectory { component: path.clone(), path },
            Errno::NAMETOOLONG => Self::NameTooLong { path },
            Errno::LOOP => Self::SymlinkLoop { path },
            errno => Self::Io { action, path, source: errno.into() },
        }
    }

    /// [`StoreError::os`] for an error that std wrapped.
    pub(super) fn io(action: &'static str, path: &Path, error: std::io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(errno) => Self::os(action, path, errno),
            None => Self::Io { action, path: path.to_owned(), source: error },
        }
    }
}

impl Diagnostic for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::RootNotADirectory { .. } => "store.rootfs_not_a_directory",
            Self::InvalidPath { .. } => "store.invalid_path",
            Self::DuplicateTarget { .. } => "store.duplicate_target",
            Self::NoPermission { .. } => "store.no_permission",
            Self::IsADirectory { .. } => "store.is_a_directory",
            Self::NotADirectory { .. } => "store.not_a_directory",
            Self::NotARegularFile { .. } => "store.not_a_regular_file",
            Self::Missing { .. } => "store.missing",
            Self::DanglingSymlink { .. } => "store.dangling_symlink",
            Self::SymlinkLoop { .. } => "store.symlink_loop",
            Self::SymlinkEscapes { .. } => "store.symlink_escapes",
            Self::IsASymlink { .. } => "store.is_a_symlink",
            Self::UntrustedLink { .. } => "store.untrusted_link",
            Self::ForeignFile { .. } => "store.foreign_file",
            Self::NameTooLong { .. } => "store.name_too_long",
            Self::TooLarge { .. } => "store.too_large",
            Self::TooManyEntries { .. } => "store.too_many_entries",
            Self::DiskFull { .. } => "store.disk_full",
            Self::ReadOnly { .. } => "store.read_only",
            Self::Locked { .. } => "store.locked",
            Self::LockUnsupported { .. } => "store.lock_unsupported",
            Self::Changed { .. } => "store.changed",
            Self::OwnerNotKept { .. } => "store.owner_not_kept",
            Self::AccessListNotKept { .. } => "store.access_list_not_kept",
            Self::BackupPlace { .. } => "store.backup_place",
            Self::JournalCorrupt { .. } => "store.journal_corrupt",
            Self::JournalUnreachable { .. } => "store.journal_unreachable",
            Self::RecoveryConflict { .. } => "store.recovery_conflict",
            Self::RollbackIncomplete { .. } => "store.rollback_incomplete",
            Self::Io { .. } => "store.io",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::RootNotADirectory { .. } => "name the directory where the node's file system is mounted".into(),
            Self::InvalidPath { .. } => "give a plain path to a file".into(),
            Self::DuplicateTarget { .. } => {
                "check the configured directories and the symbolic links in them: two names lead to one file".into()
            }
            Self::NoPermission { path, .. } => {
                let other = if rustix::process::geteuid().is_root() {
                    "root itself was refused (a container, a network share, an immutable file)"
                } else {
                    "run it as root, with sudo, or as the owner"
                };
                format!("{other}; or check the permissions of {} and its directories", path.display())
            }
            Self::IsADirectory { path } => {
                format!("name a file, or move the directory {} away", path.display())
            }
            Self::NotADirectory { component, .. } => {
                format!("move the file {} away, or configure another path", component.display())
            }
            Self::NotARegularFile { path, .. } => {
                format!("put a regular file at {}, or configure another path", path.display())
            }
            Self::Missing { .. } => "correct the path, or create it".into(),
            Self::DanglingSymlink { link, target, .. } => format!(
                "mount or create {}, or remove the link {} so that a file can be made in its place",
                target.display(),
                link.display()
            ),
            Self::SymlinkLoop { .. } => {
                "list the path's components with `namei -l` and remove the circular link".into()
            }
            Self::SymlinkEscapes { link, root, .. } => format!(
                "make {} a relative link that stays within {}, or run inside a chroot of it",
                link.display(),
                root.display()
            ),
            Self::IsASymlink { path } => {
                format!("remove the link {} by hand, and the file it points to if nothing else uses it", path.display())
            }
            Self::UntrustedLink { path, link } => format!(
                "name the file itself instead of {}, or remove the link {}, or make its directory writable for its owner, root or you, alone",
                path.display(),
                link.display()
            ),
            Self::ForeignFile { path, .. } => {
                format!("name another file, or remove {}, or run as the user that it belongs to", path.display())
            }
            Self::NameTooLong { .. } => "use a shorter name; a file name may have about 200 bytes".into(),
            Self::TooLarge { path, .. } => {
                format!("{} is not a certificate, key or kubeconfig; configure another path", path.display())
            }
            Self::TooManyEntries { .. } => "name a directory that holds certificates only".into(),
            Self::DiskFull { path, .. } => {
                format!("free some space or inodes where {} is, and run again; nothing was changed", path.display())
            }
            Self::ReadOnly { path, .. } => {
                format!(
                    "remount the file system of {} writable, and check the kernel log (dmesg) for the reason",
                    path.display()
                )
            }
            Self::Locked { .. } => "wait until the other run has ended, and run again".into(),
            Self::LockUnsupported { .. } => {
                "put the tree on a local file system; this one cannot lock a directory".into()
            }
            Self::Changed { .. } => "run again: the new run plans for the files as they are now".into(),
            Self::OwnerNotKept { uid, gid, .. } => {
                format!("run it as root, with sudo; or give the file to yourself: its owner {uid}:{gid} would be lost")
            }
            Self::AccessListNotKept { path } => {
                format!("remove the access list with `setfacl -b {}` if it is not wanted", path.display())
            }
            Self::BackupPlace { reason, .. } if reason.contains("node's") => {
                "name a folder that is not the node's: another disk, or a mounted vault".into()
            }
            Self::BackupPlace { .. } => format!("name another directory, as {}", super::DEFAULT_BACKUP_DIR),
            Self::JournalCorrupt { path, root, .. } => {
                format!("keep all files as they are now: {}", keeping(root.as_deref(), path, "present"))
            }
            Self::JournalUnreachable { path, wanted, root } => format!(
                "mount {} where it was when the change was interrupted, and run again; or, if it is gone for good, keep all \
                 files as they are now: {}",
                wanted.display(),
                keeping(root.as_deref(), path, "present")
            ),
            Self::RecoveryConflict { journal, root, possible, .. } => ways_out(root.as_deref(), journal, *possible),
            Self::RollbackIncomplete { cause, journal, .. } => {
                let command = super::recover_command(None, journal.parent().unwrap_or(journal), &[]);
                format!("{}; then complete the change or take it back: {command}", cause.hint())
            }
            Self::Io { path, .. } => {
                format!("check the kernel log (dmesg) for errors of the disk that holds {}", path.display())
            }
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::RootNotADirectory { .. }
            | Self::InvalidPath { .. }
            | Self::DuplicateTarget { .. }
            | Self::BackupPlace { .. } => Category::Usage,
            Self::SymlinkEscapes { .. }
            | Self::RecoveryConflict { .. }
            | Self::IsASymlink { .. }
            | Self::UntrustedLink { .. }
            | Self::ForeignFile { .. } => Category::Refused,
            Self::RollbackIncomplete { .. } => Category::Partial,
            _ => Category::Environment,
        }
    }

    fn context(&self) -> Value {
        match self {
            Self::RootNotADirectory { path }
            | Self::DuplicateTarget { path }
            | Self::IsADirectory { path }
            | Self::Missing { path }
            | Self::SymlinkLoop { path }
            | Self::IsASymlink { path }
            | Self::NameTooLong { path }
            | Self::AccessListNotKept { path } => json!({ "path": path.to_string_lossy() }),
            Self::InvalidPath { path, reason } | Self::BackupPlace { path, reason } => {
                json!({ "path": path.to_string_lossy(), "reason": reason })
            }
            Self::NoPermission { action, path } | Self::DiskFull { action, path } | Self::ReadOnly { action, path } => {
                json!({ "path": path.to_string_lossy(), "action": action })
            }
            Self::UntrustedLink { path, link } => {
                json!({ "path": path.to_string_lossy(), "link": link.to_string_lossy() })
            }
            Self::ForeignFile { path, uid } => json!({ "path": path.to_string_lossy(), "uid": uid }),
            Self::NotADirectory { path, component } => {
                json!({ "path": path.to_string_lossy(), "component": component.to_string_lossy() })
            }
            Self::NotARegularFile { path, found } => json!({ "path": path.to_string_lossy(), "found": found }),
            Self::DanglingSymlink { path, link, target } => json!({
                "path": path.to_string_lossy(), "link": link.to_string_lossy(), "target": target.to_string_lossy()
            }),
            Self::SymlinkEscapes { path, link, root } => json!({
                "path": path.to_string_lossy(), "link": link.to_string_lossy(), "root": root.to_string_lossy()
            }),
            Self::TooLarge { path, size, limit } => {
                json!({ "path": path.to_string_lossy(), "size": size, "limit": limit })
            }
            Self::TooManyEntries { path, limit } => json!({ "path": path.to_string_lossy(), "limit": limit }),
            Self::Locked { path, holder, waited } => json!({
                "path": path.to_string_lossy(),
                "pid": holder.as_ref().map(|holder| holder.pid),
                "command": holder.as_ref().and_then(|holder| holder.command.as_deref()),
                "waited_seconds": waited.as_secs_f64(),
            }),
            Self::Changed { path, expected, found } => {
                json!({ "path": path.to_string_lossy(), "expected": expected, "found": found })
            }
            Self::OwnerNotKept { path, uid, gid } => json!({ "path": path.to_string_lossy(), "uid": uid, "gid": gid }),
            Self::JournalCorrupt { path, reason, .. } => json!({ "path": path.to_string_lossy(), "reason": reason }),
            Self::JournalUnreachable { path, wanted, .. } => {
                json!({ "path": path.to_string_lossy(), "wanted": wanted.to_string_lossy() })
            }
            Self::RecoveryConflict { path, journal, .. } => {
                json!({ "path": path.to_string_lossy(), "journal": journal.to_string_lossy() })
            }
            Self::RollbackIncomplete { cause, rollback, journal } => json!({
                "cause": { "code": cause.code(), "context": cause.context() },
                "rollback": { "code": rollback.code(), "context": rollback.context() },
                "journal": journal.to_string_lossy(),
            }),
            Self::LockUnsupported { path, source } => {
                json!({ "path": path.to_string_lossy(), "os_error": source.raw_os_error() })
            }
            Self::Io { action, path, source } => {
                json!({ "path": path.to_string_lossy(), "action": action, "os_error": source.raw_os_error() })
            }
        }
    }
}
