//! Which node is meant, and where its kubelet is.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::catalogue::DEFAULT_KUBELET_DIR;
use crate::config::ClusterSpec;

/// Which node, and where its files are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeRequest {
    /// The kubeadm configuration file; kubeadm's defaults without one. Looked for as it is named and, when it is not
    /// there, below `rootfs`.
    pub config: Option<PathBuf>,
    /// The configuration itself, for callers that have it and no file; `config` is then not read.
    pub config_text: Option<String>,
    /// Whether unknown fields are warnings.
    pub lenient: bool,
    /// The node's name instead of the configuration's.
    pub node_name: Option<String>,
    /// The certificates directory instead of the configuration's.
    pub certificates_dir: Option<PathBuf>,
    /// The kubeconfig directory instead of `/etc/kubernetes`.
    pub kubeconfig_dir: Option<PathBuf>,
    /// The directory in front of every path.
    pub rootfs: Option<PathBuf>,
    /// What the configuration said when a plan was made, which carries it: no configuration is read then.
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

    /// Whether a configuration is given, as a file or as text.
    pub(crate) const fn has_configuration(&self) -> bool {
        self.config.is_some() || self.config_text.is_some()
    }
}

/// The kubelet's directory, with its `config.yaml` and its certificates in `pki`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KubeletDir(PathBuf);

impl Default for KubeletDir {
    fn default() -> Self {
        Self(DEFAULT_KUBELET_DIR.into())
    }
}

impl<T: Into<PathBuf>> From<T> for KubeletDir {
    fn from(path: T) -> Self {
        Self(path.into())
    }
}

impl Deref for KubeletDir {
    type Target = PathBuf;

    fn deref(&self) -> &PathBuf {
        &self.0
    }
}

impl DerefMut for KubeletDir {
    fn deref_mut(&mut self) -> &mut PathBuf {
        &mut self.0
    }
}
