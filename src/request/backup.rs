//! What `kubepki backup` and `kubepki recover` are asked for.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{RequestError, seconds, span};
use crate::store::{DEFAULT_BACKUP_DIR, Keep};

/// Where backups are.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupPlace {
    /// Put DIR in front of every path of the node.
    #[arg(long, value_name = "DIR")]
    pub rootfs: Option<PathBuf>,
    /// Where backups are kept.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_BACKUP_DIR)]
    pub backup_dir: PathBuf,
}

impl Default for BackupPlace {
    fn default() -> Self {
        Self { rootfs: None, backup_dir: DEFAULT_BACKUP_DIR.into() }
    }
}

/// What shall be restored.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// Where backups are.
    #[command(flatten)]
    pub place: BackupPlace,
    /// The backup's name, or `latest`.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Only this file, or the files of this directory; can be repeated.
    #[arg(long, value_name = "PATH")]
    #[serde(default)]
    pub only: Vec<PathBuf>,
    /// Whether what is replaced is itself kept in a backup.
    #[arg(skip)]
    pub keep: bool,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    #[serde(default)]
    #[arg(skip)]
    pub recover: bool,
}

/// Which backups shall go.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneRequest {
    /// Where backups are.
    #[command(flatten)]
    pub place: BackupPlace,
    /// How many complete ones stay, the newest.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number)]
    pub keep: Option<usize>,
    /// How old one must be to go, as `90d`; with --keep, both must hold. In seconds.
    #[arg(long = "older-than", value_name = "DURATION", value_parser = seconds)]
    pub older_than_seconds: Option<i64>,
    /// Show what would be removed, and remove nothing.
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// A number of backups.
fn number(text: &str) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    if text.parse::<i64>().is_ok_and(i64::is_negative) {
        let reason = format!("it must not be negative, and is {text}");
        return Err(Box::new(RequestError::NothingToPrune { reason, hint: "give 0 or more, as --keep 10".into() }));
    }
    Ok(text.parse()?)
}

impl PruneRequest {
    /// Refuses a request by which nothing would ever go.
    pub(crate) fn refuse_empty(&self) -> Result<(), RequestError> {
        if self.keep.is_some() || self.older_than_seconds.is_some() {
            return Ok(());
        }
        let reason = "say how many backups to keep, or how old a backup must be to be removed".to_owned();
        let hint = "give `keep` (--keep 10), `older_than` (--older-than 90d), or both".to_owned();
        Err(RequestError::NothingToPrune { reason, hint })
    }

    /// How old a backup must be to go.
    pub(crate) fn older_than(&self) -> Result<Option<TimeDelta>, RequestError> {
        self.older_than_seconds.map(|seconds| span("--older-than", seconds)).transpose()
    }
}

/// What to recover.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecoverRequest {
    /// Put DIR in front of every path of the node.
    #[arg(long, value_name = "DIR")]
    pub rootfs: Option<PathBuf>,
    /// Where to look; without any, /etc/kubernetes, its `pki`, and the kubelet's `pki`.
    #[arg(value_name = "DIR")]
    pub directories: Vec<PathBuf>,
    /// Of a change that can neither be completed nor taken back, keep the new files, the old ones, or what is there now.
    #[arg(long, value_name = "WHICH")]
    pub keep: Option<Keep>,
    /// Show what waits, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}
