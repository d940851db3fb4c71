//! What can go wrong between this crate and the disk.
//!
//! In: paths, numbers and the operating system's error numbers. Out: [`StoreError`], one variant for each
//! thing that a user would do something different about. It never holds file content.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use serde_json::json;

use super::holder::Holder;
use crate::error::{evidence, faults};

faults! {
    /// A failure to read, list, lock or change files.
    pub enum StoreError {
        /// `--rootfs` is no folder that can be entered.
        #[error("the root directory {} is not a directory that can be entered", path.display())]
        #[fault("store.rootfs_not_a_directory", Usage, "name the directory where the node's file system is mounted")]
        RootNotADirectory {
            /// The root as it was given.
            path: PathBuf,
        },
        /// The path cannot name a file.
        #[error("{} is not a usable path: {reason}", path.display())]
        #[fault("store.invalid_path", Usage, "give a plain path to a file")]
        InvalidPath {
            /// The path.
            path: PathBuf,
            /// What is wrong with it.
            reason: &'static str,
        },
        /// Two names of one change lead to the same file: look at the configured folders and the links in them.
        #[error("two changes are for the same file, {}", path.display())]
        #[fault("store.duplicate_target", Usage,
            "check the configured directories and the symbolic links in them: two names lead to one file")]
        DuplicateTarget {
            /// The file, with every symbolic link resolved.
            path: PathBuf,
        },
        /// The system refused access; run it with sudo, or as the owner. For `check`, when nothing worse is found, the
        /// state is then unknown (3).
        #[error("cannot {action} {}: permission denied", path.display())]
        #[fault("store.no_permission" as NO_PERMISSION, Environment,
            format!(
                "{}; or check the permissions of {} and its directories",
                if rustix::process::geteuid().is_root() {
                    "root itself was refused (a container, a network share, an immutable file)"
                } else {
                    "run it as root, with sudo, or as the owner"
                },
                path.display()
            ))]
        NoPermission {
            /// What was tried, as a verb.
            action: &'static str,
            /// On what.
            path: PathBuf,
        },
        /// A folder is where a file should be; move it away.
        #[error("{} is a directory, not a file", path.display())]
        #[fault("store.is_a_directory" as IS_A_DIRECTORY, Environment,
            format!("name a file, or move the directory {} away", path.display()))]
        IsADirectory {
            /// The path.
            path: PathBuf,
        },
        /// A file is where a folder should be; move it away.
        #[error("{}: {} is not a directory", path.display(), component.display())]
        #[fault("store.not_a_directory", Environment,
            format!("move the file {} away, or configure another path", component.display()))]
        NotADirectory {
            /// The path that was looked for.
            path: PathBuf,
            /// The component that is in the way.
            component: PathBuf,
        },
        /// A device, pipe or socket is where a file should be.
        #[error("{} is a {found}, not a file", path.display())]
        #[fault("store.not_a_regular_file" as NOT_A_REGULAR_FILE, Environment,
            format!("put a regular file at {}, or configure another path", path.display()))]
        NotARegularFile {
            /// The path.
            path: PathBuf,
            /// What is there.
            found: &'static str,
        },
        /// The file or folder does not exist.
        #[error("{} does not exist", path.display())]
        #[fault("store.missing", Environment, "correct the path")]
        Missing {
            /// The path.
            path: PathBuf,
        },
        /// A new file shall not take the place of another; name one that does not exist.
        #[error("{} exists already", path.display())]
        #[fault("store.exists", Refused, "name a file that does not exist yet, or move this one away")]
        Exists {
            /// The path.
            path: PathBuf,
        },
        /// A symbolic link points to nothing; mount what it points to, or remove it.
        #[error("{}: the symbolic link {} points to {}, which does not exist", path.display(), link.display(), target.display())]
        #[fault("store.dangling_symlink" as DANGLING_SYMLINK, Environment,
            format!(
                "mount or create {}, or remove the link {} so that a file can be made in its place",
                target.display(),
                link.display()
            ))]
        DanglingSymlink {
            /// The path that was looked for.
            path: PathBuf,
            /// The link.
            link: PathBuf,
            /// What it says.
            target: PathBuf,
        },
        /// Symbolic links lead back to themselves; `namei -l PATH` shows where.
        #[error("{}: too many symbolic links, or one that leads back to itself", path.display())]
        #[fault("store.symlink_loop" as SYMLINK_LOOP, Environment,
            "list the path's components with `namei -l` and remove the circular link")]
        SymlinkLoop {
            /// The path that was looked for.
            path: PathBuf,
        },
        /// A link, or `..`, leads out of `--rootfs`; make the link relative, or run in a chroot.
        #[error("{} leads out of the root directory {} (at {})", path.display(), root.display(), link.display())]
        #[fault("store.symlink_escapes", Refused,
            format!(
                "make {} a relative link that stays within {}, or run inside a chroot of it",
                link.display(),
                root.display()
            ))]
        SymlinkEscapes {
            /// The path that was looked for.
            path: PathBuf,
            /// The link, or the path itself if its own `..` leads out.
            link: PathBuf,
            /// The root directory.
            root: PathBuf,
        },
        /// A symbolic link on the way to a file that is to be written lies in a folder that others can write to, and is
        /// not followed. Name the file itself, or remove the link.
        #[error("{}: the symbolic link {} is in a directory that others can write to, and is not followed", path.display(), link.display())]
        #[fault("store.untrusted_link", Refused,
            format!(
                "name the file itself instead of {}, or remove the link {}, or make its directory writable for its owner, root or you, alone",
                path.display(),
                link.display()
            ))]
        UntrustedLink {
            /// The path that was to be written.
            path: PathBuf,
            /// The link.
            link: PathBuf,
        },
        /// A file of another user is in the place of one that is to be written; name another, or run as that user.
        #[error("{} belongs to user {uid}, and is not overwritten", path.display())]
        #[fault("store.foreign_file", Refused,
            format!("name another file, or remove {}, or run as the user that it belongs to", path.display()))]
        ForeignFile {
            /// The file.
            path: PathBuf,
            /// Its owner's user id.
            uid: u32,
        },
        /// A symbolic link was to be removed; only files are. Remove it by hand.
        #[error("{} is a symbolic link, and only files are removed", path.display())]
        #[fault("store.is_a_symlink", Refused,
            format!("remove the link {} by hand, and the file it points to if nothing else uses it", path.display()))]
        IsASymlink {
            /// The link.
            path: PathBuf,
        },
        /// A name is longer than the file system can hold; about 200 bytes are safe.
        #[error("{}: the name is too long", path.display())]
        #[fault("store.name_too_long", Environment, "use a shorter name; a file name may have about 200 bytes")]
        NameTooLong {
            /// The path.
            path: PathBuf,
        },
        /// The file is larger than 1 MiB, more than any file of a PKI, and was not read.
        #[error("{} is {size} bytes long, and at most {limit} are read", path.display())]
        #[fault("store.too_large" as TOO_LARGE, Environment,
            "no certificate, key, kubeconfig or configuration is that long: put the right file there, or name another")]
        TooLarge {
            /// The file.
            path: PathBuf,
            /// Its size in bytes.
            size: u64,
            /// The limit in bytes.
            limit: u64,
        },
        /// The file is no tar archive (plain, or compressed by gzip), or a part of it cannot be read.
        #[error("{} cannot be read as a tar archive: {reason}", path.display())]
        #[fault("store.bad_archive", Environment, "make the archive again, or unpack it and name the folder")]
        BadArchive {
            /// The archive.
            path: PathBuf,
            /// What is wrong with it.
            reason: &'static str,
        },
        /// The folder holds more than 10 000 entries or 16 levels; name one that holds certificates only.
        #[error("{} holds more than {limit} files and directories, or is nested too deep", path.display())]
        #[fault("store.too_many_entries", Environment, "name a directory that holds certificates only")]
        TooManyEntries {
            /// The directory.
            path: PathBuf,
            /// How many entries are listed at most.
            limit: usize,
        },
        /// No space or quota is left; everything is as it was.
        #[error("cannot {action} {}: no space left", path.display())]
        #[fault("store.disk_full", Environment,
            format!("free some space or inodes where {} is, and run again; nothing was changed", path.display()))]
        DiskFull {
            /// What was tried, as a verb.
            action: &'static str,
            /// On what.
            path: PathBuf,
        },
        /// The file system is mounted read-only.
        #[error("cannot {action} {}: the file system is read-only", path.display())]
        #[fault("store.read_only", Environment,
            format!(
                "remount the file system of {} writable, and check the kernel log (dmesg) for the reason",
                path.display()
            ))]
        ReadOnly {
            /// What was tried, as a verb.
            action: &'static str,
            /// On what.
            path: PathBuf,
        },
        /// Another process works on the same tree; the message names it.
        #[error("{} is locked by {}", path.display(), Holder::or_unknown(holder.as_ref()))]
        #[fault("store.locked", Environment,
            "wait until the other run has ended, and run again",
            context = json!({
                    "path": path.to_string_lossy(),
                    "pid": holder.as_ref().map(|holder| holder.pid),
                    "command": holder.as_ref().and_then(|holder| holder.command.as_deref()),
                    "waited_seconds": waited.as_secs_f64(),
                }))]
        Locked {
            /// The directory whose lock could not be had.
            path: PathBuf,
            /// Who holds it, where the system tells.
            holder: Option<Holder>,
            /// How long the lock was waited for.
            waited: Duration,
        },
        /// The file system cannot lock folders (some network file systems); put the tree on a local one.
        #[error("cannot lock {}: {os_error}", path.display())]
        #[fault("store.lock_unsupported", Environment,
            "put the tree on a local file system; this one cannot lock a directory")]
        LockUnsupported {
            /// The directory.
            path: PathBuf,
            /// The system's answer.
            os_error: std::io::Error,
        },
        /// A file became another one between the plan and the change, and nothing was changed; run again.
        #[error("{} has changed since the change was planned: expected {expected}, found {found}", path.display())]
        #[fault("store.changed", Environment, "run again: the new run plans for the files as they are now")]
        Changed {
            /// The file.
            path: PathBuf,
            /// What the plan was made for.
            expected: String,
            /// What is there.
            found: String,
        },
        /// The new file cannot be given the old one's owner; run as root.
        #[error("cannot keep the owner {uid}:{gid} of {}", path.display())]
        #[fault("store.owner_not_kept", Environment,
            format!("run it as root, with sudo; or give the file to yourself: its owner {uid}:{gid} would be lost"))]
        OwnerNotKept {
            /// The file.
            path: PathBuf,
            /// The owner's user id.
            uid: u32,
            /// The owner's group id.
            gid: u32,
        },
        /// The new file cannot be given the old one's access list; run as root, or remove the list with `setfacl -b`.
        #[error("cannot keep the access list of {}", path.display())]
        #[fault("store.access_list_not_kept", Environment,
            format!("remove the access list with `setfacl -b {}` if it is not wanted", path.display()))]
        AccessListNotKept {
            /// The file.
            path: PathBuf,
        },
        /// Backups were to be kept among the certificates or in a folder of static pod manifests, where the kubelet would
        /// run them, or a CA key's copy in a folder of the node's own; name another folder.
        #[error("backups cannot be kept in {}: it is {reason}", path.display())]
        #[fault("store.backup_place", Usage,
            if reason.contains("node's") {
                "name a folder that is not the node's: another disk, or a mounted vault".to_owned()
            } else {
                format!("name another directory, as {}", super::DEFAULT_BACKUP_DIR)
            })]
        BackupPlace {
            /// The directory.
            path: PathBuf,
            /// What it is.
            reason: &'static str,
        },
        /// The journal of an unfinished change cannot be read. Nothing was touched; the hint has the command that [ends
        /// it](store.md#when-recovery-refuses).
        #[error("the journal {} of an unfinished change cannot be used: {reason}", path.display())]
        #[fault("store.journal_corrupt", Environment,
            format!("keep all files as they are now: {}", keeping(root.as_deref(), path, "present")))]
        JournalCorrupt {
            /// The journal.
            path: PathBuf,
            /// What is wrong with it.
            reason: String,
            /// The root directory, if it is not that of the machine.
            root: Option<PathBuf>,
        },
        /// A part of an unfinished change is in a folder that is not there now; mount it. If it is gone for good, the
        /// hint has the command that [ends the change](store.md#when-recovery-refuses).
        #[error("{} belongs to an unfinished change whose other part, {}, is not there", path.display(), wanted.display())]
        #[fault("store.journal_unreachable", Environment,
            format!(
                "mount {} where it was when the change was interrupted, and run again; or, if it is gone for good, keep all \
                 files as they are now: {}",
                wanted.display(),
                keeping(root.as_deref(), path, "present")
            ))]
        JournalUnreachable {
            /// The journal or pointer that was found.
            path: PathBuf,
            /// The directory or journal that is needed.
            wanted: PathBuf,
            /// The root directory, if it is not that of the machine.
            root: Option<PathBuf>,
        },
        /// A file was changed by somebody else after a change was interrupted. Nothing was touched; the hint has the
        /// commands that [end it](store.md#when-recovery-refuses).
        #[error("{} was changed after the unfinished change of {}", path.display(), journal.display())]
        #[fault("store.recovery_conflict", Refused,
            ways_out(root.as_deref(), journal, *possible), context = evidence!(path, journal, root))]
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
        /// A change failed and could not be taken back at once; `kubepki recover` completes it or takes it back, and so
        /// does the next run that changes files.
        #[error("{cause}; and taking the change back failed too: {rollback}")]
        #[fault("store.rollback_incomplete", Partial,
            format!(
                "{}; then complete the change or take it back: {}",
                cause.hint(),
                super::recover_command(None, journal.parent().unwrap_or(journal), &[])
            ))]
        RollbackIncomplete {
            /// Why the change failed.
            cause: Box<StoreError>,
            /// Why it could not be taken back.
            rollback: Box<StoreError>,
            /// Where the journal of the change is.
            journal: PathBuf,
        },
        /// Any other answer of the operating system; look into the kernel log for errors of the disk.
        #[error("cannot {action} {}: {os_error}", path.display())]
        #[fault("store.io", Environment,
            format!("check the kernel log (dmesg) for errors of the disk that holds {}", path.display()))]
        Io {
            /// What was tried, as a verb.
            action: &'static str,
            /// On what.
            path: PathBuf,
            /// The system's answer.
            os_error: std::io::Error,
        },
    }
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
            errno => Self::Io { action, path, os_error: errno.into() },
        }
    }

    /// [`StoreError::os`] for an error that std wrapped.
    pub(super) fn io(action: &'static str, path: &Path, error: std::io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(errno) => Self::os(action, path, errno),
            None => Self::Io { action, path: path.to_owned(), os_error: error },
        }
    }
}
