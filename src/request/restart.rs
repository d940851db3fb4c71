//! What `kubepki restart` is asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::{KubeletDir, RequestError, wait};
use crate::catalogue::KUBELET;
use crate::plan::generate::Selection;

/// Longer than anybody waits, and short enough to be added to every moment.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// What `restart` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RestartRequest {
    /// Which components; the kubelet only by its name.
    #[arg(skip)]
    pub components: Selection,
    /// Also restart components that are up to date.
    #[arg(long = "all")]
    pub force: bool,
    /// Also restart the kubelet with systemctl, last; first if it does not run.
    #[arg(long)]
    pub kubelet: bool,
    /// The kubelet's directory, with its `config.yaml`.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Put DIR in front of every path of the node.
    ///
    /// Ports, processes, `crictl` and `systemctl` are this host's in any case.
    #[arg(long, value_name = "DIR")]
    pub rootfs: Option<PathBuf>,
    /// How they are restarted.
    #[command(flatten)]
    pub how: RestartOptions,
}

/// How components are restarted.
#[derive(Args, Clone, Debug, Deserialize)]
#[command(next_help_heading = "How components are restarted")]
#[serde(default, deny_unknown_fields)]
pub struct RestartOptions {
    /// How long each component may take to end, and again to come back. In seconds.
    #[arg(long = "timeout", value_name = "DURATION", default_value = "5m", value_parser = wait)]
    pub timeout_seconds: f64,
    /// Restart etcd even if that costs the cluster its quorum for a moment.
    #[arg(long)]
    pub ignore_quorum: bool,
    /// The static-pod manifests, instead of where the kubelet's configuration says.
    #[arg(long, value_name = "DIR")]
    pub manifests_dir: Option<PathBuf>,
}

impl Default for RestartOptions {
    fn default() -> Self {
        Self { timeout_seconds: 300.0, ignore_quorum: false, manifests_dir: None }
    }
}

impl Default for RestartRequest {
    fn default() -> Self {
        Self {
            components: Selection::All,
            force: false,
            kubelet: false,
            kubelet_dir: KubeletDir::default(),
            how: RestartOptions::default(),
            rootfs: None,
        }
    }
}

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
        let seconds = self.how.timeout_seconds;
        let timeout = Duration::try_from_secs_f64(seconds).ok();
        let timeout = timeout.filter(|timeout| !timeout.is_zero() && *timeout <= LONGEST_WAIT);
        timeout.ok_or(RequestError::BadTimeout { seconds })
    }
}
