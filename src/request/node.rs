//! Which node is meant, and where its files are.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::Rootfs;
use crate::config::{ClusterSpec, OF_CLUSTER};

/// Which node, and where its files are.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "The node")]
#[serde(default, deny_unknown_fields)]
pub struct NodeRequest {
    /// The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's defaults without one.
    ///
    /// `-` is stdin. It is looked for as it is named and, when it is not there, below the root directory. A dump of the cluster's
    /// config map `kubeadm-config` is a configuration too.
    ///
    /// `cluster` reads that config map from the cluster. It is asked with --kubeconfig where the command has that option; else with
    /// `$KUBECONFIG`, the pod's service account, the node's `admin.conf` or `kubelet.conf` (not below a root directory), or
    /// `~/.kube/config`. Name and address of the node are not in it: they are found as without a configuration. A file that is called
    /// `cluster` is `./cluster`.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The configuration itself as YAML or JSON text, instead of --config.
    #[arg(skip)]
    pub config_text: Option<String>,
    /// Warn of unknown fields, as kubeadm does; they are errors otherwise.
    #[arg(long)]
    pub lenient: bool,
    /// The node's name, instead of the configuration's.
    #[arg(long, value_name = "NAME")]
    pub node_name: Option<String>,
    /// The directory of certificates of the node, instead of the configuration's `certificatesDir`.
    #[arg(long, visible_alias = "cert-dir", value_name = "DIR")]
    pub certificates_dir: Option<PathBuf>,
    /// The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
    #[arg(long, value_name = "DIR")]
    pub kubeconfig_dir: Option<PathBuf>,
    /// The directory in front of the node's paths.
    #[command(flatten)]
    pub rootfs: Rootfs,
    /// What the configuration said when a plan was made, which carries it: no configuration is read then.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<ClusterSpec>,
}

impl NodeRequest {
    /// The request as a plan carries it: with the configuration as it was read, and none of its text, which may hold
    /// tokens and keys.
    pub(crate) fn recorded(&self, spec: &ClusterSpec) -> Self {
        let config_text = self.config_text.as_ref().map(|_| String::new());
        Self { config_text, recorded: Some(spec.clone()), ..self.clone() }
    }

    /// Whether the configuration is the one that the cluster has, and it has not been read yet.
    pub(crate) fn awaits_cluster(&self) -> bool {
        self.is_of_cluster() && self.config_text.is_none() && self.recorded.is_none()
    }

    /// Whether the configuration is the one that the cluster has: it says nothing of what this node is.
    pub(crate) fn is_of_cluster(&self) -> bool {
        self.config.as_deref() == Some(Path::new(OF_CLUSTER))
    }

    /// Whether a configuration is given, as a file or as text.
    pub(crate) const fn has_configuration(&self) -> bool {
        self.config.is_some() || self.config_text.is_some()
    }

    /// Whether it says where files are, or what the node is called, besides its root directory.
    pub(crate) const fn is_of_one_node(&self) -> bool {
        let has_folder = self.certificates_dir.is_some() || self.kubeconfig_dir.is_some();
        self.has_configuration() || self.lenient || self.node_name.is_some() || has_folder
    }
}
