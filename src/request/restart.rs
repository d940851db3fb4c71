//! What `kubepki restart` is asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::{KubeletDir, RequestError, Rootfs, Span, defaults};
use crate::catalogue::KUBELET;
use crate::plan::generate::Selection;

/// Longer than anybody waits, and short enough to be added to every moment.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// What `restart` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RestartRequest {
    /// Which components: `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`; `kubelet` only by its name.
    #[arg(skip)]
    pub components: Selection,
    /// Also restart components that are up to date.
    #[arg(long, alias = "all")]
    pub force: bool,
    /// Also restart the kubelet with systemctl, last; first if it does not run.
    #[arg(long)]
    pub kubelet: bool,
    /// The kubelet's directory, with its `config.yaml`.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// The directory in front of the node's paths. It has to be the root directory of this machine, as a container sees it.
    #[command(flatten)]
    pub rootfs: Rootfs,
    /// How they are restarted.
    #[command(flatten)]
    #[serde(flatten)]
    pub how: RestartOptions,
}

/// How components are restarted.
#[derive(Args, Clone, Debug, Deserialize)]
#[command(next_help_heading = "How components are restarted")]
#[serde(default, deny_unknown_fields)]
pub struct RestartOptions {
    /// How long each component may take to end, and again to come back.
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub timeout: Span,
    /// Restart etcd even if that costs the cluster its quorum for a moment.
    #[arg(long)]
    pub ignore_quorum: bool,
    /// The directory of static-pod manifests of the node, instead of where the kubelet's configuration says.
    #[arg(long, value_name = "DIR")]
    pub manifests_dir: Option<PathBuf>,
}

defaults! { RestartOptions RestartRequest }

impl RestartRequest {
    /// Whether the component is asked for: by name, or by not naming any; the kubelet is by its name or flag alone.
    pub(crate) fn wants(&self, name: &str) -> bool {
        match &self.components {
            Selection::All => name != KUBELET || self.kubelet,
            Selection::None => name == KUBELET && self.kubelet,
            Selection::Names(names) => names.iter().any(|one| one == name) || (name == KUBELET && self.kubelet),
        }
    }

    /// How long each component may take.
    pub(crate) fn timeout(&self) -> Result<Duration, RequestError> {
        self.how.timeout.timeout(LONGEST_WAIT)
    }
}
