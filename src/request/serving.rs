//! What `kubelet csrs`, `approve`, `enable-serving-certs` and `require-serving-certs` are asked for.

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use serde::Deserialize;

use super::{Backups, ClusterAccess, KubeletDir, RequestError, Rootfs, Span, defaults};
use crate::policy::serving::{KnownNames, Limits};

/// Where names and addresses of nodes are known from.
const SOURCES: &str = "What is known of the nodes";

/// What is asked about kubelets' requests for serving certificates.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServingRequest {
    /// What a node may have: `NODE=NAME,ADDRESS,NETWORK`, as `worker1=10.0.0.0/24,worker1.example.com`.
    ///
    /// Can be repeated. A name or an address that the API server has too must be listed explicitly: a network does not do.
    #[arg(long = "allow", value_name = "NODE=NAMES", help_heading = SOURCES)]
    pub allow: Vec<String>,
    /// A file that says which names and addresses nodes have: a mapping from node to a list, an Ansible inventory in YAML, or in JSON
    /// as `ansible-inventory` lists it.
    #[arg(long, value_name = "FILE", help_heading = SOURCES)]
    pub inventory: Option<PathBuf>,
    /// Believe DNS: what the name of a node that is allowed, or in the inventory, resolves to is the node's.
    #[arg(long, help_heading = SOURCES)]
    pub dns: bool,
    /// Approve a request although the certificate that its kubelet serves lasts for long.
    #[arg(long)]
    pub early: bool,
    /// A name, address or network that no node ever has, besides the API server's and the services': a load balancer's.
    #[arg(long = "reserve", value_name = "NAME", help_heading = SOURCES)]
    pub reserve: Vec<String>,
    /// The longest validity that a request may ask for; one without a wish gets what the controller manager is set to.
    #[arg(long, value_name = "DURATION", default_value = "366d")]
    pub max_validity: Span,
    /// How the cluster is reached.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: ClusterAccess,
}

/// Nobody waits for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What `kubelet enable-serving-certs` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnableServingRequest {
    /// Change this node's file only, and ask no API server for the cluster's `kubelet-config`: joining nodes, and `kubeadm upgrade node`, go
    /// by that.
    #[arg(long)]
    pub local: bool,
    /// Restart the kubelet afterwards, and wait for its request.
    #[arg(long)]
    pub restart: bool,
    /// How long the kubelet may take to come back, and again to ask for its certificate.
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    pub timeout: Span,
    /// The kubelet's directory, with its `config.yaml`.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// The directory in front of the node's paths.
    #[command(flatten)]
    pub rootfs: Rootfs,
    /// Where the file is kept as it was.
    #[command(flatten)]
    #[serde(flatten)]
    pub backups: Backups,
    /// How the cluster is reached.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: ClusterAccess,
}

/// What `kubelet require-serving-certs` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequireServingRequest {
    /// Do not wait until the API server is back: it does not run here, on a mounted disk.
    #[arg(long)]
    pub no_wait: bool,
    /// How long the API server may take to come back.
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub timeout: Span,
    /// The directory of static-pod manifests of the node, instead of where the kubelet's configuration says.
    #[arg(long, value_name = "DIR")]
    pub manifests_dir: Option<PathBuf>,
    /// The kubelet's directory, with its `config.yaml`.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// The directory in front of the node's paths.
    #[command(flatten)]
    pub rootfs: Rootfs,
    /// Where the manifest is kept as it was.
    #[command(flatten)]
    #[serde(flatten)]
    pub backups: Backups,
    /// How the cluster is reached.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: ClusterAccess,
}

defaults! { ServingRequest EnableServingRequest RequireServingRequest }

impl EnableServingRequest {
    /// How long each step may take.
    pub(crate) fn wait(&self) -> Result<Duration, RequestError> {
        self.timeout.timeout(LONGEST_WAIT)
    }
}

impl RequireServingRequest {
    /// How long the API server may take.
    pub(crate) fn wait(&self) -> Result<Duration, RequestError> {
        self.timeout.timeout(LONGEST_WAIT)
    }
}

impl ServingRequest {
    /// What options and the inventory say; `inventory` is the file's content.
    pub(crate) fn known(&self, inventory: Option<&[u8]>) -> Result<KnownNames, RequestError> {
        let mut known = KnownNames::default();
        for option in &self.allow {
            let hint = "write --allow NODE=NAME,ADDRESS,NETWORK, as --allow worker1=10.0.0.11";
            known.add_option(option).map_err(|bad| RequestError::bad(format!("--allow: {bad}"), hint))?;
        }
        if let Some(text) = inventory {
            let hint =
                "write a mapping from node to its names and addresses, or give what `ansible-inventory --list` prints";
            known.add_file(text).map_err(|bad| RequestError::bad(format!("--inventory: {bad}"), hint))?;
        }
        Ok(known)
    }

    /// How much is approved.
    pub(crate) fn limits(&self) -> Result<Limits, RequestError> {
        let longest = self.max_validity.within("--max-validity")?;
        if longest < TimeDelta::minutes(10) {
            let hint = "give --max-validity a time of ten minutes or more: the API server takes no less";
            return Err(RequestError::bad("--max-validity: no request asks for so little", hint));
        }
        Ok(Limits { longest, early: self.early, ..Limits::default() })
    }
}
