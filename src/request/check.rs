//! What `kubepki check` is asked for.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::Args;
use serde::Deserialize;

use super::{KubeletDir, NodeRequest, RequestError, seconds, span};
use crate::audit::certificate::Thresholds;

/// What `check` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckRequest {
    /// Warn of a certificate with at most this much time left. In seconds.
    #[arg(long = "warning", value_name = "DURATION", default_value = "30d", value_parser = seconds)]
    pub warning_seconds: i64,
    /// A certificate with at most this much time left is critical. In seconds.
    #[arg(long = "critical", value_name = "DURATION", default_value = "7d", value_parser = seconds)]
    pub critical_seconds: i64,
    /// The kubelet's directory; its `pki` folder is looked into.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// More files and directories to check.
    #[arg(value_name = "PATH")]
    pub extra: Vec<PathBuf>,
    /// Which node.
    #[command(flatten)]
    pub node: NodeRequest,
}

impl Default for CheckRequest {
    fn default() -> Self {
        Self {
            node: NodeRequest::default(),
            warning_seconds: TimeDelta::days(30).num_seconds(),
            critical_seconds: TimeDelta::days(7).num_seconds(),
            kubelet_dir: KubeletDir::default(),
            extra: Vec::new(),
        }
    }
}

impl CheckRequest {
    /// How soon an end of validity is worth a finding.
    pub(crate) fn thresholds(&self) -> Result<Thresholds, RequestError> {
        let (warning, critical) =
            (span("--warning", self.warning_seconds)?, span("--critical", self.critical_seconds)?);
        Ok(Thresholds { warning, critical })
    }
}
