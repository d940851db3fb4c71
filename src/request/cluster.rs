//! How a verb reaches the cluster's API server.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{RequestError, Span, defaults};

/// An API server that has not answered in an hour does not answer.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// How the cluster's API server is reached.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[command(next_help_heading = "How the cluster is reached")]
#[serde(default)]
pub struct ClusterAccess {
    /// The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the node's `admin.conf`, or
    /// `~/.kube/config`: the first of them that is there.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// How long each request to the API server may take, with all that is asked again while it is busy.
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub request_timeout: Span,
}

defaults! { ClusterAccess }

impl ClusterAccess {
    /// How long each request may take.
    pub(crate) fn timeout(&self) -> Result<Duration, RequestError> {
        self.request_timeout.wait().filter(|wait| *wait <= LONGEST_WAIT).ok_or_else(|| {
            let said = self.request_timeout.precise();
            RequestError::bad(
                format!("--request-timeout: {said} s is not a time in which a server can answer"),
                "give --request-timeout a time between a moment and an hour, as 30s",
            )
        })
    }
}
