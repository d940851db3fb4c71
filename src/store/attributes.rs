//! Owner, mode and extended attributes of a file, carried over to the file that takes its place.
//!
//! In: an open file. Out: [`Attributes`]. Carried over are the owner and group, the permission bits, and the
//! extended attributes `security.selinux`, `system.posix_acl_access` and `user.*`. Never carried over:
//! set-id bits, times, and attributes that vouch for the old content (`security.ima`, `security.evm`, `security.capability`).

use std::ffi::CString;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, RawMode};

use super::disk::{Disk, Step};
use super::error::StoreError;
use crate::digest::unhex;

const ACCESS_LIST: &[u8] = b"system.posix_acl_access";

/// What a replaced file keeps, and a restored one gets back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The permission bits, never a set-id bit: a file of a PKI runs nothing.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) extended: Vec<(CString, Vec<u8>)>,
}

impl Attributes {
    /// Those that a backup noted, the values of the extended ones in hexadecimal. Extended attributes that this store
    /// does not carry over are passed over.
    #[must_use]
    pub fn from_hex<'a>(mode: u32, uid: u32, gid: u32, extended: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let carried = extended.into_iter().filter(|(name, _)| is_carried_over(name.as_bytes()));
        let extended =
            carried.filter_map(|(name, value)| Some((CString::new(name).ok()?, unhex(value.as_bytes())?))).collect();
        Self { mode: mode & 0o777, uid, gid, extended }
    }

    /// Whether mode, owner and group are the same.
    pub(super) const fn is_like(&self, other: &Self) -> bool {
        self.mode == other.mode && self.uid == other.uid && self.gid == other.gid
    }

    /// The attributes of an open file.
    pub(super) fn of(file: &File, path: &Path) -> Result<Self, StoreError> {
        let metadata = file.metadata().map_err(|error| StoreError::io("look at", path, error))?;
        Ok(Self {
            mode: metadata.mode() & 0o777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            extended: extended::of(file),
        })
    }

    /// Gives them to `file`, which is being made; `path` is its name.
    ///
    /// The mode comes last, for an access list changes the group's bits.
    ///
    /// # Errors
    /// [`StoreError::OwnerNotKept`], [`StoreError::AccessListNotKept`] when the process may not.
    pub(super) fn apply(&self, file: &File, path: &Path, disk: &Disk) -> Result<(), StoreError> {
        let now = file.metadata().map_err(|error| StoreError::io("look at", path, error))?;
        if (now.uid(), now.gid()) != (self.uid, self.gid) {
            disk.run(Step::SetOwner, path, || {
                let owner = (now.uid() != self.uid).then(|| rustix::fs::Uid::from_raw(self.uid));
                let group = (now.gid() != self.gid).then(|| rustix::fs::Gid::from_raw(self.gid));
                rustix::fs::fchown(file, owner, group)
            })
            .map_err(|errno| match errno {
                rustix::io::Errno::PERM => {
                    StoreError::OwnerNotKept { path: path.to_owned(), uid: self.uid, gid: self.gid }
                }
                errno => StoreError::os(Step::SetOwner.verb(), path, errno),
            })?;
        }
        let has = extended::of(file);
        for (name, value) in self.extended.iter().filter(|attribute| !has.contains(attribute)) {
            if let Err(errno) = disk.run(Step::SetAttribute, path, || extended::set(file, name, value)) {
                // Without its access list a file's group bits would mean something else; a label is a lesser loss.
                if name.as_bytes() == ACCESS_LIST {
                    return Err(StoreError::AccessListNotKept { path: path.to_owned() });
                }
                log::warn!("{}: the attribute {} is not kept: {errno}", path.display(), name.to_string_lossy());
            }
        }
        disk.run(Step::SetMode, path, || rustix::fs::fchmod(file, mode(self.mode)))
            .map_err(|errno| StoreError::os(Step::SetMode.verb(), path, errno))
    }
}

fn is_carried_over(name: &[u8]) -> bool {
    name == b"security.selinux" || name == ACCESS_LIST || name.starts_with(b"user.")
}

#[cfg(target_os = "linux")]
mod extended {
    use std::ffi::CString;
    use std::fs::File;

    use rustix::fs::XattrFlags;
    use rustix::io::Errno;

    /// The attributes to carry over; none where the file system has none.
    pub(super) fn of(file: &File) -> Vec<(CString, Vec<u8>)> {
        let names = sized(|buffer| rustix::fs::flistxattr(file, buffer));
        names
            .split(|byte| *byte == 0)
            .filter(|name| super::is_carried_over(name))
            .filter_map(|name| CString::new(name).ok())
            .map(|name| {
                let value = sized(|buffer| rustix::fs::fgetxattr(file, name.as_c_str(), buffer));
                (name, value)
            })
            .collect()
    }

    /// Sets one attribute.
    pub(super) fn set(file: &File, name: &CString, value: &[u8]) -> Result<(), Errno> {
        rustix::fs::fsetxattr(file, name.as_c_str(), value, XattrFlags::empty())
    }

    /// What `read` puts into a buffer as large as Linux allows lists and values to be (`XATTR_SIZE_MAX`).
    fn sized(read: impl FnOnce(&mut [u8]) -> Result<usize, Errno>) -> Vec<u8> {
        let mut buffer = vec![0; 65_536];
        let length = read(&mut buffer).unwrap_or(0);
        buffer.truncate(length);
        buffer
    }
}

#[cfg(not(target_os = "linux"))]
mod extended {
    use std::ffi::CString;
    use std::fs::File;

    pub(super) fn of(_: &File) -> Vec<(CString, Vec<u8>)> {
        Vec::new()
    }

    pub(super) fn set(_: &File, _: &CString, _: &[u8]) -> Result<(), rustix::io::Errno> {
        Ok(())
    }
}

/// Permission bits as the system takes them.
#[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion)] // `RawMode` is u16 on some systems
pub(super) fn mode(bits: u32) -> Mode {
    RawMode::try_from(bits & 0o7777).map_or(Mode::RUSR, Mode::from_raw_mode)
}
