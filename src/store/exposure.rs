//! Who else has a secret file in hand: its owner, its mode, and who may write in its folder.
//!
//! In: a path. Out: [`Exposure`]. Right owners are root, the user that runs, and the owner of the root directory (of a
//! tree in somebody's home, say). An access list needs no look of its own: its mask is the group's part of the mode.

use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::root::{Kind, Root};
use super::trust::mode_of;

/// What the system says of a file and of the folder that it is in, or would be in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// The file's permission bits; none when there is no file.
    pub mode: Option<u32>,
    /// The file's owner, when that is none of the right ones.
    pub other_owner: Option<u32>,
    /// The folder, when others can put another file in the place of this one.
    pub folder: Option<OpenFolder>,
    /// `uid:gid` that the file should have.
    pub right_owner: (u32, u32),
}

/// A folder in which others can replace files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFolder {
    /// Where it is, without the root directory in front.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
    /// Its owner, when that is none of the right ones.
    pub other_owner: Option<u32>,
}

/// Mode and owner of a file or folder, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The permission bits.
    pub mode: u32,
    /// Who owns it: user and group. What an archive holds is owned by nobody.
    pub owner: Option<(u32, u32)>,
    /// Whether the user is one of the right ones.
    pub is_right_user: bool,
    /// Who should own it.
    pub right_owner: (u32, u32),
    /// Whether it is a folder.
    pub is_folder: bool,
}

pub(super) fn standing(root: &Root, path: &Path) -> Option<Standing> {
    let resolved = root.resolve(path, true).ok()?;
    if let Some(snapshot) = root.snapshot() {
        let mode = snapshot.mode(&resolved.existing)?;
        return Some(Standing { mode, owner: None, is_right_user: true, right_owner: (0, 0), is_folder: false });
    }
    let owner = root.stat(root.directory()).ok()?;
    if !resolved.missing.is_empty() {
        return None;
    }
    let stat = root.stat(&resolved.existing).ok()?;
    Some(Standing {
        mode: mode_of(&stat) & 0o7777,
        owner: Some((stat.st_uid, stat.st_gid)),
        is_right_user: is_right(stat.st_uid, owner.st_uid),
        right_owner: (owner.st_uid, owner.st_gid),
        is_folder: FileType::from_raw_mode(stat.st_mode) == FileType::Directory,
    })
}

/// Root, the user that runs, and the owner of the root directory.
fn is_right(uid: u32, owner_of_root: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw() || uid == owner_of_root
}

pub(super) fn exposure(root: &Root, path: &Path) -> Exposure {
    if let Some(snapshot) = root.snapshot() {
        // Who owns the members of an archive says who made it.
        let mode = root.resolve(path, true).ok().and_then(|found| snapshot.mode(&found.existing));
        return Exposure { mode, ..Exposure::default() };
    }
    let Ok(owner) = root.stat(root.directory()) else { return Exposure::default() };
    let is_right = |uid: u32| is_right(uid, owner.st_uid);
    let mut exposure = Exposure { right_owner: (owner.st_uid, owner.st_gid), ..Exposure::default() };
    let Ok(resolved) = root.resolve(path, true) else { return exposure };
    let folder = match resolved.kind {
        Kind::File if resolved.missing.is_empty() => resolved.existing.parent(),
        Kind::Directory if !resolved.missing.is_empty() => Some(resolved.existing.as_path()),
        _ => None,
    };
    if let (Kind::File, Ok(stat)) = (resolved.kind, root.stat(&resolved.existing)) {
        exposure.mode = Some(mode_of(&stat) & 0o7777);
        exposure.other_owner = Some(stat.st_uid).filter(|uid| !is_right(*uid));
    }
    if let Some((folder, stat)) = folder.and_then(|folder| Some((folder, root.stat(folder).ok()?))) {
        let (mode, other_owner) = (mode_of(&stat) & 0o7777, Some(stat.st_uid).filter(|uid| !is_right(*uid)));
        // In a sticky folder files belong to who made them; a group of the owner's own number is its alone.
        let is_sticky = mode & 0o1000 != 0;
        let for_group = mode & 0o020 != 0 && stat.st_gid != stat.st_uid;
        let is_open = !is_sticky && (mode & 0o002 != 0 || for_group);
        if is_open || other_owner.is_some() {
            let path = root.logical_of(folder);
            exposure.folder = Some(OpenFolder { path, mode, other_owner });
        }
    }
    exposure
}
