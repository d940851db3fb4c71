//! Files that were kept before they were replaced or removed.
//!
//! A backup in a list has what its manifest says; one that is shown alone has its files held against the node's too. Both
//! are one class.

use serde::{Deserialize, Serialize};

use super::values;
use crate::ops::backup::{self, Pruned, Shown, ShownFile};
use crate::report;
use crate::store;
use crate::text::counted;

/// A file of a backup.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::python) enum File {
    /// What the manifest says of it; other fields are refused.
    Listed(store::backup::BackupFile),
    /// The same, and what the node has now.
    Shown(ShownFile),
}

impl File {
    const fn manifest(&self) -> &store::backup::BackupFile {
        match self {
            Self::Listed(file) | Self::Shown(ShownFile { file, .. }) => file,
        }
    }

    const fn shown(&self) -> Option<&ShownFile> {
        match self {
            Self::Listed(_) => None,
            Self::Shown(shown) => Some(shown),
        }
    }
}

values! {
    /// One file of a backup, with what it had; `difference` and `expires_at` are known where a backup is shown alone.
    BackupFile(it: File);
    shown = format!("{}, {:04o}, {}:{}", it.manifest().path.display(), it.manifest().mode, it.manifest().uid, it.manifest().gid);
    attributes {
        /// Where it was.
        path = &it.manifest().path;
        /// What it is called in the backup.
        name = &it.manifest().name;
        /// The permission bits that it had.
        mode = it.manifest().mode;
        /// The user id of its owner.
        uid = it.manifest().uid;
        /// The group id.
        gid = it.manifest().gid;
        /// The SHA-256 of its content in hexadecimal.
        sha256 = &it.manifest().sha256;
        /// How the file that is in its place now differs; None when that cannot be told.
        difference = it.shown().and_then(|shown| shown.difference);
        /// When the certificate in it ends.
        expires_at = it.shown().and_then(|shown| shown.expires_at);
    }
}

/// A backup.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::python) struct Kept {
    #[serde(flatten)]
    backup: store::backup::Backup,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<Vec<ShownFile>>,
}

impl From<store::backup::Backup> for Kept {
    fn from(backup: store::backup::Backup) -> Self {
        Self { backup, files: None }
    }
}

impl From<Shown> for Kept {
    fn from(Shown { backup, files }: Shown) -> Self {
        Self { backup, files: Some(files) }
    }
}

impl Kept {
    fn files(&self) -> Vec<File> {
        let listed = || self.backup.manifest.iter().flat_map(|manifest| manifest.files.iter().cloned());
        match &self.files {
            Some(shown) => shown.iter().cloned().map(File::Shown).collect(),
            None => listed().map(File::Listed).collect(),
        }
    }

    /// As the command line shows it; of one in a list nobody has asked what the node has now.
    fn text(&self) -> String {
        let unknown = |file: &File| ShownFile { file: file.manifest().clone(), difference: None, expires_at: None };
        let files = self.files().iter().map(|file| file.shown().cloned().unwrap_or_else(|| unknown(file))).collect();
        report::backup::text(&Shown { backup: self.backup.clone(), files }, None)
    }
}

/// The backups of a report.
fn kept(backups: &[store::backup::Backup]) -> Vec<Kept> {
    backups.iter().cloned().map(Kept::from).collect()
}

values! {
    /// One backup: when and before which operation it was made, what is in it, and all that is wrong with it.
    Backup(it: Kept);
    shown = format!("{}, {}, {}", it.backup.name, report::backup::state(it.backup.state), counted(it.files().len(), "file"));
    text = it.text();
    attributes {
        /// Its name, as `restore` takes it.
        name = &it.backup.name;
        /// Where it is.
        path = &it.backup.path;
        /// When it was made.
        made_at = it.backup.made_at;
        /// The operation before which it was made.
        operation = &it.backup.operation;
        /// What can be done with it.
        state = it.backup.state;
        /// All that is wrong with it.
        problems = &it.backup.problems;
        /// The files that were replaced or removed.
        files = it.files();
        /// The files that the operation made where there was none.
        created = it.backup.manifest.iter().flat_map(|manifest| &manifest.created).collect::<Vec<_>>();
    }
}

values! {
    /// A backup that should have gone, and why it did not.
    PruneFailure(it: backup::PruneFailure);
    shown = format!("{}: {}", it.name, it.fault.code);
    attributes {
        /// The backup's name.
        name = &it.name;
        /// Why it is still there.
        problem = &it.fault;
    }
}

values! {
    /// Which backups were removed, or would be, and which stay; the oldest first.
    PruneReport(it: Pruned);
    shown = format!("{} removed, {} kept, {} failed", it.removed.len(), it.kept.len(), it.failures.len());
    attributes {
        /// The backups that are gone, or would be.
        removed = kept(&it.removed);
        /// Those that stay.
        kept = kept(&it.kept);
        /// Those that should have gone, and why they did not.
        failures = &it.failures;
    }
}
