//! Where a path really leads: under the root directory, through symbolic links, never out of it.
//!
//! In: the paths that a configuration writes (`/etc/kubernetes/pki/ca.crt`). Out: [`Resolved`], the physical
//! place. kubeadm's `--rootfs` chroots; this does not, but follows an absolute link from the root as a chroot would;
//! `..` out of the root is refused. It opens files, and changes nothing.
//!
//! Looking and opening are two moments. [`Root::open`] therefore asks the kernel (openat2,
//! `RESOLVE_NO_SYMLINKS`) to fail should a component have become a link in between.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::StoreError;
use super::looks::Looks;
use super::snapshot::{Found, Snapshot};
use super::trust::{is_firm_link, mode_of};

/// As many links as Linux follows (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// The directory that `/` means.
#[derive(Clone, Debug)]
pub(super) struct Root {
    /// Physical: absolute and without symbolic links.
    path: PathBuf,
    confined: bool,
    /// The files, where they are on no disk.
    snapshot: Option<Arc<Snapshot>>,
    /// What was seen so far, where each place is looked at once.
    looks: Option<Arc<Looks>>,
}

/// What is at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
    /// Only where the last link was not to be followed.
    Symlink,
    /// A device, pipe or socket: what it is.
    Other(&'static str),
}

/// What [`Root::find_directly`] finds.
pub(super) enum Direct {
    File(File),
    Missing,
    /// A link, a folder, a device, no permission: the path is to be walked.
    Unknown,
}

/// A path with every symbolic link followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The physical path of the last component that exists.
    pub(super) existing: PathBuf,
    /// What that is; a directory if anything is missing.
    pub(super) kind: Kind,
    /// The components below it that do not exist.
    pub(super) missing: Vec<OsString>,
}

impl Root {
    /// # Errors
    /// [`StoreError::RootNotADirectory`] when `rootfs` cannot be entered.
    pub(super) fn new(rootfs: Option<PathBuf>) -> Result<Self, StoreError> {
        let Some(path) = rootfs else {
            return Ok(Self { path: "/".into(), confined: false, snapshot: None, looks: None });
        };
        match path.canonicalize() {
            Ok(physical) if physical.is_dir() => {
                Ok(Self { path: physical, confined: true, snapshot: None, looks: None })
            }
            _ => Err(StoreError::RootNotADirectory { path }),
        }
    }

    /// The root of files that are on no disk.
    pub(super) fn of(snapshot: Snapshot) -> Self {
        Self { path: "/".into(), confined: true, snapshot: Some(Arc::new(snapshot)), looks: None }
    }

    /// The same, with each place looked at once.
    pub(super) fn looked_at_once(self) -> Self {
        Self { looks: Some(Arc::default()), ..self }
    }

    /// What the disk says of a physical path, with no link followed.
    pub(super) fn stat(&self, physical: &Path) -> Result<Stat, Errno> {
        self.looks.as_ref().map_or_else(|| rustix::fs::lstat(physical), |looks| looks.stat(physical))
    }

    /// The files, where they are on no disk.
    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_deref()
    }

    /// `logical` with the root in front: absolute, links not followed.
    ///
    /// # Errors
    /// [`StoreError::Io`] when a relative path is given without a root and the working directory is gone.
    pub(super) fn prefixed(&self, logical: &Path) -> Result<PathBuf, StoreError> {
        if logical.as_os_str().is_empty() {
            return Err(StoreError::InvalidPath { path: logical.to_owned(), reason: "it is empty" });
        }
        if self.confined {
            let below = logical.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
            return Ok(self.path.join(below.collect::<PathBuf>()));
        }
        std::path::absolute(logical).map_err(|error| StoreError::io("find", logical, error))
    }

    /// The path as a backup notes it: absolute, without the root in front, links not followed.
    pub(super) fn logical(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let shown = self.prefixed(path)?;
        Ok(if self.confined { Path::new("/").join(shown.strip_prefix(&self.path).unwrap_or(&shown)) } else { shown })
    }

    /// Whether it is another directory than this machine's own `/`.
    pub(super) fn is_confined(&self) -> bool {
        self.confined
    }

    /// Whether the root directory is, under whatever name, that of this process or of the machine's first one.
    pub(super) fn is_of_this_machine(&self) -> bool {
        let place = |path: &Path| rustix::fs::stat(path).ok().map(|stat| (stat.st_dev, stat.st_ino));
        let own = place(&self.path);
        self.snapshot.is_none() && own.is_some() && ["/", "/proc/1/root"].iter().any(|root| place(root.as_ref()) == own)
    }

    /// The root directory itself.
    pub(super) fn directory(&self) -> &Path {
        &self.path
    }

    /// A physical path within the root as the node has it.
    pub(super) fn logical_of(&self, physical: &Path) -> PathBuf {
        Path::new("/").join(physical.strip_prefix(&self.path).unwrap_or(physical))
    }

    /// Whether the physical `path` is within the root.
    pub(super) fn contains(&self, path: &Path) -> bool {
        path.starts_with(&self.path)
    }

    /// Follows `logical` to its physical place; the last component's link only if `follow_last`.
    pub(super) fn resolve(&self, logical: &Path, follow_last: bool) -> Result<Resolved, StoreError> {
        self.walk(logical, follow_last, false)
    }

    /// As [`Root::resolve`], for a place that will be written to: a link that others can set is not followed.
    ///
    /// # Errors
    /// [`StoreError::UntrustedLink`] besides.
    pub(super) fn resolve_for_change(&self, logical: &Path, follow_last: bool) -> Result<Resolved, StoreError> {
        self.walk(logical, follow_last, true)
    }

    fn walk(&self, logical: &Path, follow_last: bool, firm: bool) -> Result<Resolved, StoreError> {
        let shown = self.prefixed(logical)?;
        if firm && self.snapshot.is_some() {
            return Err(StoreError::InvalidPath { path: shown, reason: "the files of an archive are not changed" });
        }
        let pending = components(if self.confined { logical } else { &shown });
        Walk { root: self, shown, pending, at: self.path.clone(), missing: Vec::new(), links: Vec::new(), firm }
            .run(follow_last)
    }

    /// The owner of a root directory that is not the machine's: the tree is theirs, and no link leads out of it.
    pub(super) fn owner(&self) -> Option<u32> {
        let is_on_disk = self.confined && self.snapshot.is_none();
        let directory = rustix::fs::stat(&self.path).ok().filter(|_| is_on_disk)?;
        Some(directory.st_uid)
    }

    /// The logical path of a physical one within the root.
    pub(super) fn unprefixed(&self, physical: &Path) -> PathBuf {
        Path::new("/").join(physical.strip_prefix(&self.path).unwrap_or(physical))
    }

    /// The root directory, if it is not that of the machine.
    pub(super) fn confinement(&self) -> Option<&Path> {
        (self.confined && self.snapshot.is_none()).then_some(&self.path)
    }

    /// What is at a physical path, with no link followed, and what the disk says of it.
    fn look(&self, here: &Path) -> Result<(Kind, Option<Stat>), Errno> {
        if let Some(snapshot) = &self.snapshot {
            let kind = match snapshot.found(here).ok_or(Errno::NOENT)? {
                Found::Directory => Kind::Directory,
                Found::File => Kind::File,
                Found::Link => Kind::Symlink,
            };
            return Ok((kind, None));
        }
        let stat = self.stat(here)?;
        Ok((kind(FileType::from_raw_mode(stat.st_mode)), Some(stat)))
    }

    fn link_target(&self, link: &Path) -> Result<PathBuf, StoreError> {
        match &self.snapshot {
            Some(snapshot) => Ok(snapshot.target(link).unwrap_or(link).to_owned()),
            None => read_link(link),
        }
    }

    /// Looks for a regular file where no link leads: most are found so, with a third of the steps of [`Root::resolve`].
    pub(super) fn find_directly(&self, logical: &Path) -> Direct {
        let is_plain = logical.components().all(|part| matches!(part, Component::Normal(_) | Component::RootDir));
        let Some(physical) = self.prefixed(logical).ok().filter(|_| is_plain && self.snapshot.is_none()) else {
            return Direct::Unknown;
        };
        // This follows links of folders, and opens nothing: opening does not.
        match self.stat(&physical) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                self.open(&physical, OFlags::RDONLY | OFlags::NONBLOCK).map_or(Direct::Unknown, Direct::File)
            }
            Err(Errno::NOENT)
                // Where each place is looked at once, to walk takes less.
                if self.looks.is_none() && self.open(&physical, OFlags::PATH).err() == Some(Errno::NOENT) =>
            {
                Direct::Missing
            }
            _ => Direct::Unknown,
        }
    }

    /// Opens a physical path, as [`Root::resolve`] gave it, if no component has become a link since.
    pub(super) fn open(&self, physical: &Path, flags: OFlags) -> Result<File, Errno> {
        debug_assert!(self.contains(physical));
        if self.snapshot.is_some() {
            return Err(Errno::NOENT);
        }
        // openat2 takes no flag beside PATH that it has no meaning with.
        let more = if flags.contains(OFlags::PATH) { OFlags::empty() } else { OFlags::NOCTTY };
        open_without_links(physical, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | more).map(File::from)
    }
}

/// A path on its way to the physical place.
struct Walk<'r> {
    root: &'r Root,
    /// The path as messages show it.
    shown: PathBuf,
    /// What is still to be walked, the next component last.
    pending: Vec<OsString>,
    /// The physical directory that was reached.
    at: PathBuf,
    missing: Vec<OsString>,
    /// The links whose own components are being walked, the innermost last.
    links: Vec<Link>,
    /// Whether only links are followed that nobody else can set.
    firm: bool,
}

struct Link {
    path: PathBuf,
    target: PathBuf,
    /// How many components were pending when it was met.
    pending_below: usize,
}

impl Walk<'_> {
    fn run(mut self, follow_last: bool) -> Result<Resolved, StoreError> {
        let mut followed = 0;
        while let Some(part) = self.pending.pop() {
            while self.links.pop_if(|link| self.pending.len() < link.pending_below).is_some() {}
            if part == ".." {
                self.ascend()?;
                continue;
            }
            if !self.missing.is_empty() {
                self.missing.push(part);
                continue;
            }
            let here = self.at.join(&part);
            let (kind, stat) = match self.root.look(&here) {
                Ok(found) => found,
                Err(Errno::NOENT) => {
                    self.note_missing(part)?;
                    continue;
                }
                Err(errno) => return Err(StoreError::os("look at", &here, errno)),
            };
            let is_last = self.pending.is_empty();
            match kind {
                Kind::Directory => self.at = here,
                Kind::Symlink if !is_last || follow_last => {
                    followed += 1;
                    if followed > MAX_LINKS {
                        return Err(StoreError::SymlinkLoop { path: self.shown });
                    }
                    if let (true, Some(stat)) = (self.firm, &stat) {
                        self.refuse_loose_link(&here, stat)?;
                    }
                    self.follow(here)?;
                }
                _ if !is_last => return Err(StoreError::NotADirectory { path: self.shown, component: here }),
                kind => return Ok(Resolved { existing: here, kind, missing: self.missing }),
            }
        }
        Ok(Resolved { existing: self.at, kind: Kind::Directory, missing: self.missing })
    }

    fn ascend(&mut self) -> Result<(), StoreError> {
        if !self.missing.is_empty() {
            let reason = "`..` behind a name that does not exist";
            return Err(StoreError::InvalidPath { path: self.shown.clone(), reason });
        }
        if self.at == self.root.path && self.root.confined {
            let link = self.links.pop().map_or_else(|| self.shown.clone(), |link| link.path);
            return Err(self.escape(link));
        }
        self.at.pop();
        Ok(())
    }

    fn note_missing(&mut self, part: OsString) -> Result<(), StoreError> {
        if let Some(Link { path: link, target, .. }) = self.links.pop() {
            return Err(StoreError::DanglingSymlink { path: self.shown.clone(), link, target });
        }
        self.missing.push(part);
        Ok(())
    }

    fn follow(&mut self, link: PathBuf) -> Result<(), StoreError> {
        let target = self.root.link_target(&link)?;
        let pending_below = self.pending.len();
        if target.is_absolute() {
            // As in a chroot, `/` is the root directory: the kubelet's own links are absolute, and on a mounted disk they
            // mean that disk. A link that names the directory's place on this machine is understood as well.
            let below = target.strip_prefix(&self.root.path).unwrap_or(&target);
            self.at.clone_from(&self.root.path);
            self.pending.extend(components(below));
        } else {
            self.pending.extend(components(&target));
        }
        self.links.push(Link { path: link, target, pending_below });
        Ok(())
    }

    /// The kernel has the same idea for sticky directories alone (`fs.protected_symlinks`).
    fn refuse_loose_link(&self, link: &Path, stat: &Stat) -> Result<(), StoreError> {
        let directory = rustix::fs::lstat(&self.at).map_err(|errno| StoreError::os("look at", &self.at, errno))?;
        let is_trees_owner = |uid: u32| self.root.owner() == Some(uid);
        let is_of_the_tree = is_trees_owner(directory.st_uid) && mode_of(&directory) & 0o022 == 0;
        if is_firm_link(stat, &directory) || is_of_the_tree {
            return Ok(());
        }
        Err(StoreError::UntrustedLink { path: self.shown.clone(), link: link.to_owned() })
    }

    fn escape(&self, link: PathBuf) -> StoreError {
        StoreError::SymlinkEscapes { path: self.shown.clone(), link, root: self.root.path.clone() }
    }
}

#[cfg(target_os = "linux")]
fn open_without_links(path: &Path, flags: OFlags) -> Result<std::os::fd::OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    match rustix::fs::openat2(rustix::fs::CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // Kernels before 5.6 do not know openat2, and some container sandboxes answer EPERM to what they do not know.
        Err(Errno::NOSYS | Errno::PERM) => open_by_steps(path, flags),
        answer => answer,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_without_links(path: &Path, flags: OFlags) -> Result<std::os::fd::OwnedFd, Errno> {
    open_by_steps(path, flags)
}

/// Opens one component after the other, so that none of them can be a link.
fn open_by_steps(path: &Path, flags: OFlags) -> Result<std::os::fd::OwnedFd, Errno> {
    let way = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // What may be entered need not be readable.
    #[cfg(target_os = "linux")]
    let way = way.union(OFlags::PATH);
    let mut parts = components(path);
    let mut at = rustix::fs::open("/", way, Mode::empty())?;
    while let Some(part) = parts.pop() {
        if parts.is_empty() {
            return rustix::fs::openat(&at, &part, flags, Mode::empty());
        }
        at = rustix::fs::openat(&at, &part, way, Mode::empty())?;
    }
    rustix::fs::open("/", flags, Mode::empty())
}

fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Other("named pipe"),
        FileType::Socket => Kind::Other("socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Kind::Other("device"),
        FileType::Unknown => Kind::Other("special file"),
    }
}

fn read_link(path: &Path) -> Result<PathBuf, StoreError> {
    use std::os::unix::ffi::OsStringExt;
    let target =
        rustix::fs::readlink(path, Vec::new()).map_err(|errno| StoreError::os("read the link", path, errno))?;
    Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
}

/// The parts of a path that lead somewhere, last first, so that the next one can be popped.
fn components(path: &Path) -> Vec<OsString> {
    let leading = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().rev().filter(leading).map(|part| part.as_os_str().to_owned()).collect()
}
