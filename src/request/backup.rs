//! What `kubepki backup` and `kubepki recover` are asked for.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{BackupDir, DryRun, NoBackup, Recover, RequestError, Rootfs, Span};
use crate::store::Keep;

/// Where backups are.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupPlace {
    /// The directory in front of the node's paths.
    #[command(flatten)]
    pub rootfs: Rootfs,
    /// Where backups are kept.
    #[command(flatten)]
    pub backup_dir: BackupDir,
}

/// What shall be restored.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// Where backups are.
    #[command(flatten)]
    #[serde(flatten)]
    pub place: BackupPlace,
    /// The backup's name, or `latest`.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Only these files of the node, or the files of these directories; all without any.
    #[arg(long, value_name = "PATH")]
    #[serde(default)]
    pub only: Vec<PathBuf>,
    /// Whether what is replaced is itself kept in a backup.
    #[command(flatten)]
    #[serde(default)]
    pub no_backup: NoBackup,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    #[serde(default)]
    pub recover: Recover,
}

/// Which backups shall go.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneRequest {
    /// Where backups are.
    #[command(flatten)]
    #[serde(flatten)]
    pub place: BackupPlace,
    /// How many complete ones stay, the newest.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub keep: Option<i64>,
    /// How old one must be to go; with --keep, both must hold.
    #[arg(long, value_name = "DURATION")]
    pub older_than: Option<Span>,
    /// Whether nothing is removed.
    #[command(flatten)]
    #[serde(default)]
    pub dry_run: DryRun,
}

impl PruneRequest {
    /// How many complete backups stay, and how old one must be to go.
    ///
    /// # Errors
    /// [`RequestError::NothingToPrune`] when nothing would ever go, or a limit is negative.
    pub(crate) fn limits(&self) -> Result<(Option<usize>, Option<TimeDelta>), RequestError> {
        let bad = |reason: String, hint: &str| RequestError::NothingToPrune { reason, hint: hint.to_owned() };
        if self.keep.is_none() && self.older_than.is_none() {
            let reason = "say how many backups to keep, or how old a backup must be to be removed";
            return Err(bad(reason.into(), "give `keep` (--keep 10), `older_than` (--older-than 90d), or both"));
        }
        let negative = |option: &str, given: i64| {
            bad(
                format!("{option} must not be negative, and is {given}"),
                "give 0 or more, as --keep 10, --older-than 90d",
            )
        };
        let number = |keep: i64| usize::try_from(keep).map_err(|_| negative("`keep` (--keep)", keep));
        let age = |older_than: Span| match older_than.seconds() {
            0.. => older_than.within("--older-than"),
            seconds => Err(negative("`older_than` (--older-than)", seconds)),
        };
        Ok((self.keep.map(number).transpose()?, self.older_than.map(age).transpose()?))
    }
}

/// What to recover.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecoverRequest {
    /// The directory in front of the node's paths.
    #[command(flatten)]
    pub rootfs: Rootfs,
    /// Which directories of the node to look into; without any, `/etc/kubernetes`, its `pki`, and the kubelet's `pki`.
    #[arg(value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Of a change that can neither be completed nor taken back, keep the new files, the old ones, or what is there now.
    #[arg(long, value_name = "WHICH")]
    pub keep: Option<Keep>,
    /// Whether nothing is changed.
    #[command(flatten)]
    pub dry_run: DryRun,
}
