//! What `kubepki access` is asked for.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::Args;
use serde::Deserialize;

use super::{KubeletDir, NodeRequest, RequestError, Span, defaults};

/// What `access` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessRequest {
    /// More files and directories of the node to check.
    #[arg(value_name = "PATH")]
    pub extra: Vec<PathBuf>,
    /// The API server's audit logs, as JSON lines, plain or gzip: who has used which certificate.
    #[arg(long, value_name = "FILE")]
    pub audit_log: Vec<PathBuf>,
    /// A client certificate that is valid for longer is a finding.
    #[arg(long, value_name = "DURATION", default_value = "370d")]
    pub longest: Span,
    /// The kubelet's directory; its `pki` folder is looked into.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

defaults! { AccessRequest }

impl AccessRequest {
    /// How long a client certificate may be valid.
    pub(crate) fn longest(&self) -> Result<TimeDelta, RequestError> {
        self.longest.within("--longest")
    }
}
