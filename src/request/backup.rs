//! What `kubepki backup` and `kubepki recover` are asked for.

use std::path::PathBuf;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{RequestError, span};
use crate::store::{DEFAULT_BACKUP_DIR, Keep};

/// Where backups are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupPlace {
    /// The directory in front of every path.
    pub rootfs: Option<PathBuf>,
    /// The directory of backups.
    pub backup_dir: PathBuf,
}

impl Default for BackupPlace {
    fn default() -> Self {
        Self { rootfs: None, backup_dir: DEFAULT_BACKUP_DIR.into() }
    }
}

/// What shall be restored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// Where backups are.
    pub place: BackupPlace,
    /// The backup's name, or `latest`.
    pub name: String,
    /// Files of it, or directories whose files are meant; all if empty.
    #[serde(default)]
    pub only: Vec<PathBuf>,
    /// Whether what is replaced is itself kept in a backup.
    pub keep: bool,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    #[serde(default)]
    pub recover: bool,
}

/// Which backups shall go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneRequest {
    /// Where backups are.
    pub place: BackupPlace,
    /// How many complete ones stay, the newest.
    pub keep: Option<usize>,
    /// How old one must be to go, in seconds.
    pub older_than_seconds: Option<i64>,
    /// Whether to only say what would go.
    #[serde(default)]
    pub dry_run: bool,
}

impl PruneRequest {
    /// How old a backup must be to go.
    pub(crate) fn older_than(&self) -> Result<Option<TimeDelta>, RequestError> {
        self.older_than_seconds.map(|seconds| span("--older-than", seconds)).transpose()
    }
}

/// What to recover.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecoverRequest {
    /// In front of every path.
    pub rootfs: Option<PathBuf>,
    /// The directories; none for those of a node.
    pub directories: Vec<PathBuf>,
    /// Which files to keep where a change can neither be completed nor taken back.
    pub keep: Option<Keep>,
    /// Whether to only say what waits.
    pub dry_run: bool,
}
