//! Finding, listing, verifying, comparing and removing backups.
//!
//! In: the directory of backups, a name. Out: [`Backup`], with everything that is wrong with it; how a file of it
//! differs from what is in its place now ([`Difference`]). Anything in the directory that is not a backup is passed over.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::Store;
use super::super::directory::Directory;
use super::super::error::StoreError;
use super::super::root::Kind;
use super::error::BackupError;
use super::make::empty;
use super::manifest::{BackupFile, BackupName, Manifest, is_file_name};
use super::{MANIFEST, MANIFEST_DRAFT};
use crate::error::{Result, nearest};

/// What can be done with a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It can be restored.
    Complete,
    /// The run that made it was interrupted before it changed anything.
    Incomplete,
    /// Its manifest, or one of its files, is not as it was.
    Damaged,
    /// Somebody else could have written it.
    Untrusted,
}

/// One backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its name, as `restore` takes it.
    pub name: String,
    /// Where it is, as a logical path.
    pub path: PathBuf,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The operation before which it was made.
    pub operation: String,
    /// What can be done with it.
    pub state: State,
    /// All that is wrong with it.
    pub problems: Vec<String>,
    /// What is in it; none where that cannot be told.
    pub manifest: Option<Manifest>,
}

/// How a file differs from the one in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Content, mode, owner and group are the same.
    Same,
    /// Nothing is there now.
    Missing,
    /// Another content is there now.
    Content,
    /// The content is the same; mode, owner or group is not.
    Attributes,
}

impl Backup {
    /// Its manifest, if it can be restored.
    ///
    /// # Errors
    /// [`BackupError::Incomplete`], [`BackupError::Damaged`], [`BackupError::Untrusted`].
    pub fn usable(&self) -> std::result::Result<&Manifest, BackupError> {
        let path = self.path.clone();
        match (&self.manifest, self.state) {
            (Some(manifest), State::Complete) => Ok(manifest),
            (_, State::Incomplete) => Err(BackupError::Incomplete { path }),
            (_, State::Untrusted) => Err(BackupError::Untrusted { path }),
            _ => Err(BackupError::Damaged { path, damage: self.problems.clone() }),
        }
    }

    /// Where its manifest is, as a logical path.
    #[must_use]
    pub fn manifest_path(&self) -> PathBuf {
        self.path.join(MANIFEST)
    }
}

impl Store {
    /// Every backup in `directory`, the oldest first, each with its checksums verified; none where there is no such
    /// directory.
    ///
    /// # Errors
    /// `store.*` when the directory cannot be read.
    pub fn backups(&self, directory: &Path) -> Result<Vec<Backup>> {
        let Some(place) = self.backup_directory(directory)? else { return Ok(Vec::new()) };
        let mut names: Vec<_> =
            place.names()?.into_iter().filter_map(|name| BackupName::parse(name.to_str()?)).collect();
        names.sort();
        let logical = self.root.logical(directory)?;
        let mut backups = Vec::new();
        for name in names {
            match self.enter(&place, &name) {
                Ok(open) => backups.push(look(&open, &name, &logical)?),
                Err(StoreError::NoPermission { .. }) => backups.push(closed(&name, &logical)),
                // A link or a file of such a name is not ours; a backup may just have been removed.
                Err(_) => {}
            }
        }
        Ok(backups)
    }

    /// The backup called `name`, or the newest that is not incomplete for `latest`.
    ///
    /// # Errors
    /// [`BackupError::Unknown`] with the nearest name; [`BackupError::None`].
    pub fn backup(&self, directory: &Path, name: &str) -> Result<Backup> {
        let mut backups = self.backups(directory)?;
        let directory = directory.to_owned();
        let found = if name == "latest" {
            backups.iter().rposition(|backup| backup.state != State::Incomplete)
        } else {
            backups.iter().position(|backup| backup.name == name)
        };
        match found {
            Some(index) => Ok(backups.swap_remove(index)),
            None if backups.is_empty() || name == "latest" => Err(BackupError::None { directory }.into()),
            None => {
                let names = backups.iter().map(|backup| backup.name.as_str()).chain(["latest"]);
                let nearest = nearest(name, names).map(str::to_owned);
                Err(BackupError::Unknown { name: name.to_owned(), directory, nearest }.into())
            }
        }
    }

    /// How the file in its place differs from the one in a backup.
    ///
    /// # Errors
    /// `store.*` for something there that is no file, or cannot be read.
    pub fn difference(&self, file: &BackupFile) -> Result<Difference> {
        let found = self.root.resolve(&file.path, true)?;
        let (Kind::File, Some(parent), Some(name)) = (found.kind, found.existing.parent(), found.existing.file_name())
        else {
            return match found.kind {
                Kind::Directory if !found.missing.is_empty() => Ok(Difference::Missing),
                Kind::Directory => Err(StoreError::IsADirectory { path: found.existing }.into()),
                _ => Err(StoreError::NotARegularFile { path: found.existing, found: "special file" }.into()),
            };
        };
        let there = Directory::open(&self.root, &self.disk, parent)?.find(name)?;
        Ok(match there {
            None => Difference::Missing,
            Some(there) if there.digest.to_string() != file.sha256 => Difference::Content,
            Some(there) if !there.attributes.is_like(&file.attributes()) => Difference::Attributes,
            Some(_) => Difference::Same,
        })
    }

    /// Removes a whole backup.
    ///
    /// # Errors
    /// [`BackupError::Foreign`] when something is in it that kubepki did not put there, [`BackupError::Untrusted`]:
    /// then nothing of it was removed. `store.*` from the system.
    pub fn remove_backup(&self, backup: &Backup) -> Result<()> {
        if backup.state == State::Untrusted {
            return Err(BackupError::Untrusted { path: backup.path.clone() }.into());
        }
        let place = match backup.path.parent() {
            Some(parent) => self.backup_directory(parent)?,
            None => None,
        };
        let Some((place, name)) = place.zip(BackupName::parse(&backup.name)) else { return Ok(()) };
        let open = self.enter(&place, &name)?;
        for name in open.names()? {
            let is_ours =
                name.to_str().is_some_and(|name| name == MANIFEST || name == MANIFEST_DRAFT || is_file_name(name));
            // It also refuses what is no regular file.
            if !is_ours || open.open_file(&name).is_err() {
                return Err(BackupError::Foreign { path: backup.path.join(name) }.into());
            }
        }
        empty(&open)?;
        place.remove_directory(OsStr::new(&backup.name))?;
        place.sync()?;
        Ok(())
    }

    fn backup_directory(&self, directory: &Path) -> std::result::Result<Option<Directory>, StoreError> {
        let found = self.root.resolve(directory, true)?;
        if found.kind != Kind::Directory {
            return Err(StoreError::NotADirectory { path: self.root.prefixed(directory)?, component: found.existing });
        }
        if !found.missing.is_empty() {
            return Ok(None);
        }
        Directory::open(&self.root, &self.disk, &found.existing).map(Some)
    }

    fn enter(&self, place: &Directory, name: &BackupName) -> std::result::Result<Directory, StoreError> {
        Directory::open(&self.root, &self.disk, &place.path().join(name.to_string()))
    }
}

fn named(name: &BackupName, directory: &Path) -> Backup {
    Backup {
        name: name.to_string(),
        path: directory.join(name.to_string()),
        made_at: name.made_at,
        operation: name.operation.replace('-', " "),
        state: State::Complete,
        problems: Vec::new(),
        manifest: None,
    }
}

/// A backup of another user, whose folder this one may not open.
fn closed(name: &BackupName, directory: &Path) -> Backup {
    let problems = vec!["it belongs to another user, and may not be read: run the command as that user".into()];
    Backup { state: State::Untrusted, problems, ..named(name, directory) }
}

fn look(open: &Directory, name: &BackupName, directory: &Path) -> std::result::Result<Backup, StoreError> {
    let mut backup = named(name, directory);
    if !is_trusted(open)? {
        backup.state = State::Untrusted;
        backup.problems.push("it belongs to another user, or others may write to it".into());
        return Ok(backup);
    }
    match open.content(OsStr::new(MANIFEST)) {
        Ok(None) => {
            backup.state = State::Incomplete;
            backup.problems.push("it has no manifest: the run that made it was interrupted".into());
        }
        Ok(Some((bytes, _))) => match Manifest::decode(bytes.expose()) {
            Ok(manifest) => {
                backup.operation.clone_from(&manifest.operation);
                backup.problems = manifest.files.iter().filter_map(|file| damage(open, file)).collect();
                backup.manifest = Some(manifest);
            }
            Err(reason) => backup.problems.push(format!("{MANIFEST} cannot be used: {reason}")),
        },
        Err(error) => backup.problems.push(error.to_string()),
    }
    if backup.state == State::Complete && !backup.problems.is_empty() {
        backup.state = State::Damaged;
    }
    Ok(backup)
}

/// What is wrong with a file of a backup.
fn damage(open: &Directory, file: &BackupFile) -> Option<String> {
    match open.digest(OsStr::new(&file.name)) {
        Ok(Some(digest)) if digest.to_string() == file.sha256 => None,
        Ok(Some(_)) => Some(format!("{} ({}) has changed: its SHA-256 does not match", file.name, file.path.display())),
        Ok(None) => Some(format!("{} ({}) is missing", file.name, file.path.display())),
        Err(error) => Some(error.to_string()),
    }
}

/// Whether only root or this process can have written into the directory.
fn is_trusted(open: &Directory) -> std::result::Result<bool, StoreError> {
    let metadata = open.handle().metadata().map_err(|error| StoreError::io("look at", open.path(), error))?;
    let writers = [0, rustix::process::geteuid().as_raw()];
    Ok(writers.contains(&metadata.uid()) && metadata.mode() & 0o022 == 0)
}
