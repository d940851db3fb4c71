//! Keeping files as they are, before a transaction changes them; taking a backup away again.
//!
//! In: a session with its locks, what is wanted, the transaction's targets. Out: [`Keeping`], a backup that is complete
//! and durable. Nothing that exists is overwritten. A failure leaves nothing behind that this file made.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::super::attributes::Attributes;
use super::super::change::Target;
use super::super::directory::{Directory, Like};
use super::super::error::StoreError;
use super::super::root::{Kind, Root};
use super::super::session::Session;
use super::manifest::{BackupFile, BackupName, Manifest, file_name};
use super::{BackupOrder, MANIFEST, MANIFEST_DRAFT, refuse_place};
use crate::digest::Digest;
use crate::secret::Secret;
use crate::text::counted;

/// Who may look into a backup: its owner.
const DIRECTORY_MODE: u32 = 0o700;
/// Those above the directory of backups hold no secrets.
const PARENT_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o600;

/// A backup that has just been made, and may have to go again.
pub(in crate::store) struct Keeping {
    /// The backup as a logical path.
    path: PathBuf,
    /// The way to it: from a directory that was there to the backup itself.
    levels: Vec<Directory>,
    /// The directories that were made for it, each with the level that it is in.
    made: Vec<(usize, OsString)>,
    is_begun: bool,
}

impl Keeping {
    /// Keeps the files of `work` that are there; `None` if there are none.
    pub(in crate::store) fn make(
        session: &Session,
        order: &BackupOrder<'_>,
        work: &[&Target<'_>],
    ) -> Result<Option<Self>, StoreError> {
        if work.iter().all(|target| target.old.is_none()) {
            return Ok(None);
        }
        let mut keeping = Self { path: PathBuf::new(), levels: Vec::new(), made: Vec::new(), is_begun: false };
        match keeping.begin(session, order).and_then(|()| keeping.fill(session, order, work)) {
            Ok(()) => {
                log::info!("{}: {} kept", keeping.path.display(), counted(work.len(), "file"));
                Ok(Some(keeping))
            }
            Err(error) => {
                keeping.take_away();
                Err(error)
            }
        }
    }

    /// Says that it stays, and gives its logical path.
    pub(in crate::store) fn finish(self) -> PathBuf {
        self.path
    }

    /// Removes all that was made for it.
    pub(in crate::store) fn take_away(self) {
        if let Err(error) = self.remove() {
            log::warn!("{}: the backup for a change that failed could not be removed: {error}", self.path.display());
        }
    }

    /// Makes the directory of the backup, and those above it that are missing.
    fn begin(&mut self, session: &Session, order: &BackupOrder<'_>) -> Result<(), StoreError> {
        let machine = Root::new(None)?;
        let root = if order.on_machine { &machine } else { &session.store.root };
        if order.on_machine {
            session.store.refuse_own_place(order.directory, &[order.certificates_dir, order.kubeconfig_dir])?;
        } else {
            refuse_place(root, order.directory, order.certificates_dir)?;
        }
        let found = root.resolve_for_change(order.directory, true)?;
        if found.kind != Kind::Directory {
            let path = root.prefixed(order.directory)?;
            return Err(StoreError::NotADirectory { path, component: found.existing });
        }
        self.levels.push(Directory::open(root, &session.store.disk, &found.existing)?);
        for (index, name) in found.missing.iter().enumerate() {
            let is_last = index + 1 == found.missing.len();
            self.descend(session, root, name, if is_last { DIRECTORY_MODE } else { PARENT_MODE })?;
        }
        let siblings = self.last()?.names()?.into_iter().filter_map(|name| BackupName::parse(name.to_str()?));
        let newest = siblings.filter(|name| name.made_at == order.made_at).map(|name| name.sequence).max();
        let mut sequence = newest.unwrap_or(0) + 1;
        loop {
            let name = BackupName::new(order.made_at, order.operation, sequence).to_string();
            self.path = root.logical(order.directory)?.join(&name);
            if self.descend(session, root, OsStr::new(&name), DIRECTORY_MODE)? {
                self.is_begun = true;
                return Ok(());
            }
            // Another process was faster.
            self.levels.pop();
            sequence += 1;
        }
    }

    /// Makes and enters a directory; `false` if it was there.
    fn descend(&mut self, session: &Session, root: &Root, name: &OsStr, mode: u32) -> Result<bool, StoreError> {
        let level = self.levels.len().saturating_sub(1);
        // Noted beforehand: a system call may fail after it had its effect.
        self.made.push((level, name.to_owned()));
        let parent = self.last()?;
        let is_new = parent.make_directory(name, mode)?;
        parent.sync()?;
        let entered = Directory::open(root, &session.store.disk, &parent.path().join(name))?;
        self.levels.push(entered);
        if !is_new {
            self.made.pop();
        }
        Ok(is_new)
    }

    fn fill(&self, session: &Session, order: &BackupOrder<'_>, work: &[&Target<'_>]) -> Result<(), StoreError> {
        let backup = self.last()?;
        let mut manifest = Manifest::new(order);
        for target in work {
            let path = session.store.root.logical(target.change.path())?;
            let Some(old) = &target.old else {
                manifest.created.push(path);
                continue;
            };
            let vanished = || StoreError::Missing { path: target.path() };
            let directory = session.locks.get(&target.directory).ok_or_else(vanished)?;
            let is_link = directory.link_target(&target.name)?.is_some();
            let found = if is_link { led_to(session, &path)? } else { directory.content(&target.name)? };
            let Some((content, had)) = found else {
                // A link that leads nowhere held nothing.
                if is_link {
                    continue;
                }
                return Err(vanished());
            };
            let digest = Digest::of(content.expose());
            if digest != old.digest && !is_link {
                let (expected, found) = ("the file that was just there".into(), "another".into());
                return Err(StoreError::Changed { path: target.path(), expected, found });
            }
            let name = file_name(manifest.files.len() + 1, &path);
            backup.create(OsStr::new(&name), content.expose(), Like::Mode(FILE_MODE))?;
            manifest.files.push(BackupFile::new(path, name, &digest, &had));
        }
        backup.create(OsStr::new(MANIFEST_DRAFT), &manifest.encode(), Like::Mode(FILE_MODE))?;
        // What the manifest vouches for is durable before it has its name.
        backup.sync()?;
        backup.rename(OsStr::new(MANIFEST_DRAFT), OsStr::new(MANIFEST))?;
        backup.sync()
    }

    fn remove(&self) -> Result<(), StoreError> {
        if self.is_begun {
            empty(self.last()?)?;
        }
        for (level, name) in self.made.iter().rev() {
            // Another process may have put its own backup beside it: then the directory stays.
            if let Some(parent) = self.levels.get(*level)
                && parent.remove_directory(name)?
            {
                parent.sync()?;
            }
        }
        Ok(())
    }

    fn last(&self) -> Result<&Directory, StoreError> {
        self.levels.last().ok_or_else(|| StoreError::Missing { path: self.path.clone() })
    }
}

/// Removes the files of a backup, the manifest first: what is interrupted is incomplete, not damaged.
pub(super) fn empty(backup: &Directory) -> Result<(), StoreError> {
    if backup.remove(OsStr::new(MANIFEST))? {
        backup.sync()?;
    }
    for name in backup.names()? {
        backup.remove(&name)?;
    }
    backup.sync()
}

/// What a link leads to: restored, it is what is read there, wherever the link leads by then.
fn led_to(session: &Session, link: &Path) -> Result<Option<(Secret, Attributes)>, StoreError> {
    let root = &session.store.root;
    let found = match root.resolve(link, true) {
        Err(StoreError::DanglingSymlink { .. }) => return Ok(None),
        found => found?,
    };
    match (found.kind, found.existing.parent(), found.existing.file_name()) {
        (Kind::File, Some(parent), Some(name)) => Directory::open(root, &session.store.disk, parent)?.content(name),
        _ => Ok(None),
    }
}
