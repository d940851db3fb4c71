//! What `kubepki audit` is asked for.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::check::thresholds;
use super::{Critical, FileProfile, KeyBlocklist, RequestError, Warning, defaults};
use crate::audit::certificate::Thresholds;

/// More threads than this wait for each other.
const MOST_JOBS: i64 = 1024;

/// What `audit` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditRequest {
    /// Folders with the files of nodes at any depth, tar archives of such, kubeconfigs, and reports in JSON that were made elsewhere.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// How soon an end is worth a warning.
    #[command(flatten)]
    pub warning: Warning,
    /// How soon it is critical.
    #[command(flatten)]
    pub critical: Critical,
    /// Whose rules hold for files.
    #[command(flatten)]
    pub profile: FileProfile,
    /// Keys that everybody has.
    #[command(flatten)]
    pub key_blocklist: KeyBlocklist,
    /// How many trees are looked at at once; as many as there are cores without it.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub jobs: Option<i64>,
}

defaults! { AuditRequest }

impl AuditRequest {
    /// How soon an end of validity is worth a finding.
    pub(crate) fn thresholds(&self) -> Result<Thresholds, RequestError> {
        thresholds(*self.warning, *self.critical)
    }

    /// How many threads; none for as many as there are cores.
    pub(crate) fn threads(&self) -> Result<Option<usize>, RequestError> {
        let Some(jobs) = self.jobs else { return Ok(None) };
        match usize::try_from(jobs) {
            Ok(threads) if (1..=MOST_JOBS).contains(&jobs) => Ok(Some(threads)),
            _ => Err(RequestError::bad(
                format!("`jobs` (--jobs): {jobs} is not a number of threads"),
                format!("give a number from 1 to {MOST_JOBS}"),
            )),
        }
    }

    /// Where to look.
    pub(crate) fn places(&self) -> Result<Vec<PathBuf>, RequestError> {
        if self.paths.is_empty() {
            return Err(RequestError::bad("nothing is named", "name folders, archives, kubeconfigs or reports"));
        }
        Ok(self.paths.clone())
    }
}
