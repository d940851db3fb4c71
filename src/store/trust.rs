//! Whom this process believes.
//!
//! In: what the system says of a directory or a file. Out: whether only root and the running user can have put it
//! there. A file's owner is not enough: whoever can write to a directory can rename files in it, move files into it
//! and keep old ones for later. So a name is believed in a directory that nobody else can write to, and a file if it
//! belongs to root or to the running user. It is never asked whether a file has further names: in such a directory nobody
//! else can have put it under this one.

use std::os::unix::fs::MetadataExt;

use rustix::fs::{FileType, Stat};

/// Whether `uid` is root or the running user.
pub(super) fn is_ours(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// Whether nobody but root and the running user can change the names in a directory with this owner and mode.
///
/// Distributions give a user a group of their own and the umask 002, so to a user their own group is no stranger. To
/// root every group is: its members are other users.
fn is_closed(mode: u32, uid: u32, gid: u32) -> bool {
    let user = rustix::process::geteuid().as_raw();
    let own_group = user != 0 && gid == rustix::process::getegid().as_raw();
    is_ours(uid) && mode & 0o002 == 0 && (mode & 0o020 == 0 || own_group)
}

/// [`is_closed`] for an open directory.
pub(super) fn is_closed_directory(metadata: &std::fs::Metadata) -> bool {
    metadata.is_dir() && is_closed(metadata.mode(), metadata.uid(), metadata.gid())
}

/// Whether others can replace a symbolic link: not in a closed directory, and not where the sticky bit protects a link
/// of ours.
pub(super) fn is_firm_link(link: &Stat, directory: &Stat) -> bool {
    let mode = mode_of(directory);
    is_closed(mode, directory.st_uid, directory.st_gid)
        || (is_ours(directory.st_uid) && mode & 0o1000 != 0 && is_ours(link.st_uid))
}

/// The mode in as many bits as everywhere.
#[allow(clippy::useless_conversion)] // it has 16 bits on some systems
pub(super) fn mode_of(stat: &Stat) -> u32 {
    u32::from(stat.st_mode)
}

/// Whether a record is a regular file of ours that nobody else can write to.
pub(super) fn is_record(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && is_ours(stat.st_uid) && mode_of(stat) & 0o022 == 0
}
