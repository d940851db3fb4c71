//! What `kubepki check` is asked for.

use std::path::PathBuf;

use chrono::TimeDelta;
use serde::Deserialize;

use super::{KubeletDir, NodeRequest, RequestError, span};
use crate::audit::certificate::Thresholds;

/// What `check` is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckRequest {
    /// Which node.
    pub node: NodeRequest,
    /// A certificate with at most this many seconds left is a warning.
    pub warning_seconds: i64,
    /// A certificate with at most this many seconds left is critical.
    pub critical_seconds: i64,
    /// The kubelet's directory; its `pki` folder is looked into.
    pub kubelet_dir: KubeletDir,
    /// Files and folders to check besides.
    pub extra: Vec<PathBuf>,
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
