//! Backups: files as they were before a change, each with its mode and owner, in a directory of their own.
//!
//! In: the files that a transaction is about to replace or remove; later the directory that holds backups. Out: a
//! backup that is durable before the transaction begins ([`BackupOrder`]); what is in a backup and whether it is
//! whole ([`Backup`]). It never decides what is restored (`plan::backup` does) and never logs or reports content.
//!
//! A backup is `<directory>/<UTC time>-<operation>[-N]/`, mode 0700. In it are the files, each 0600, and
//! `manifest.json`, which is put there last: a directory without it is of a run that was interrupted.
//!
//! | part | what it holds |
//! |---|---|
//! | `make` | keeping files, and taking a backup away again |
//! | `manifest` | the names of backups, and what is in one |
//! | `read` | finding, listing, verifying, comparing |
//! | `error` | what can be wrong with a backup |

mod error;
mod make;
mod manifest;
mod read;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

pub use error::BackupError;
pub(in crate::store) use make::Keeping;
pub use manifest::{BackupFile, BackupName, Manifest};
pub use read::{Backup, Difference, State};

use super::error::StoreError;
use super::root::Root;

/// The file that makes a backup complete.
const MANIFEST: &str = "manifest.json";
/// Its name until it is whole.
const MANIFEST_DRAFT: &str = "manifest.json.new";

/// Where a backup shall be made, and what for.
#[derive(Clone, Copy, Debug)]
pub struct BackupOrder<'a> {
    /// The directory of all backups.
    pub directory: &'a Path,
    /// Whether it is a directory of this machine, and not below the node's root.
    pub on_machine: bool,
    /// The operation, by the command's words: `certs renew`.
    pub operation: &'a str,
    /// The present moment.
    pub made_at: DateTime<Utc>,
    /// The certificates directory of the node.
    pub certificates_dir: &'a Path,
    /// The kubeconfig directory of the node.
    pub kubeconfig_dir: &'a Path,
}

impl super::Store {
    /// Refuses a directory in which no backup may be: what lies among the certificates is taken for certificates, and
    /// what lies in a directory of static pods the kubelet takes for a manifest.
    ///
    /// # Errors
    /// [`StoreError::BackupPlace`]; what [`super::Store::locate`] says of a path that leads nowhere.
    pub fn refuse_backup_place(&self, directory: &Path, certificates_dir: &Path) -> Result<(), StoreError> {
        refuse_place(&self.root, directory, certificates_dir)
    }

    /// Refuses a directory of this machine that is the node's own: below its root, or within one of `own`.
    /// Returns the absolute path.
    ///
    /// # Errors
    /// As [`Self::refuse_backup_place`].
    pub fn refuse_own_place(&self, directory: &Path, own: &[&Path]) -> Result<PathBuf, StoreError> {
        let machine = Root::new(None)?;
        let place = physical(&machine, directory)?;
        let refused = |reason| Err(StoreError::BackupPlace { path: directory.to_owned(), reason });
        if self.root.is_confined() && self.root.contains(&place) {
            return refused("within the node's root folder");
        }
        for folder in own {
            if place.starts_with(physical(&self.root, folder)?) {
                return refused("within a folder of the node's own files");
            }
        }
        if place.iter().chain(directory).any(|part| part == "manifests") {
            return refused("within a directory of static pod manifests");
        }
        machine.prefixed(directory)
    }
}

fn refuse_place(root: &Root, directory: &Path, certificates_dir: &Path) -> Result<(), StoreError> {
    let place = physical(root, directory)?;
    let refused = |reason| Err(StoreError::BackupPlace { path: directory.to_owned(), reason });
    if place.starts_with(physical(root, certificates_dir)?) {
        return refused("within the certificates directory");
    }
    if place.iter().chain(directory).any(|part| part == "manifests") {
        return refused("within a directory of static pod manifests");
    }
    Ok(())
}

/// Where a path leads, whether all of it exists or not.
fn physical(root: &Root, logical: &Path) -> Result<PathBuf, StoreError> {
    let found = root.resolve(logical, true)?;
    Ok(found.missing.iter().fold(found.existing, |path, part| path.join(part)))
}
