//! What `kubepki check` is asked for.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::{KubeletDir, NodeRequest, RequestError, Span, defaults};
use crate::audit::certificate::Thresholds;

/// What `check` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckRequest {
    /// Warn of a certificate with at most this much time left.
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    pub warning: Span,
    /// A certificate with at most this much time left is critical.
    #[arg(long, value_name = "DURATION", default_value = "7d")]
    pub critical: Span,
    /// The kubelet's directory; its `pki` folder is looked into.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// More files and directories of the node to check.
    #[arg(value_name = "PATH")]
    pub extra: Vec<PathBuf>,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

defaults! { CheckRequest }

impl CheckRequest {
    /// How soon an end of validity is worth a finding.
    pub(crate) fn thresholds(&self) -> Result<Thresholds, RequestError> {
        thresholds(self.warning, self.critical)
    }
}

/// How soon an end of validity is worth a finding.
pub(super) fn thresholds(warning: Span, critical: Span) -> Result<Thresholds, RequestError> {
    Ok(Thresholds { warning: warning.within("--warning")?, critical: critical.within("--critical")? })
}
