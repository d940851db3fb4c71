//! What is asked for where certificates and kubeconfigs are made, requested, put into their places and cleaned up.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{KubeletDir, NodeRequest};
use crate::key::Algorithm;
use crate::plan::generate::{OutliveAuthority, Selection};
use crate::plan::request::{Renewal, RequestRole};
use crate::secret::Secret;

/// What `init` is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InitRequest {
    /// Which node.
    pub node: NodeRequest,
    /// Which CAs, certificates and key pairs, by kubeadm's names.
    pub certificates: Selection,
    /// Which kubeconfigs, by file name.
    pub kubeconfigs: Selection,
    /// What to do with a certificate that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

/// What `certs generate-csr` is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateCsrRequest {
    /// Which node.
    pub node: NodeRequest,
    /// Which certificates and kubeconfigs, by kubeadm's names.
    pub names: Selection,
    /// Which kind of node; the configuration's without one.
    pub role: Option<RequestRole>,
    /// Whether requests ask for the usages of the catalogue.
    pub with_usages: bool,
    /// Whether keys that are there are used.
    pub reuse_keys: bool,
    /// Whether the requests are for the renewal of what is there; the kubelet's own always is.
    pub renewal: Renewal,
    /// The kubelet's directory, with the client certificate that it rotates.
    pub kubelet_dir: KubeletDir,
    /// The folder that the files go into, laid out as `/etc/kubernetes` is; beside the certificates and kubeconfigs
    /// without one, but for new keys for renewal, which go into `renewal` below the kubeconfig directory.
    pub out_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

/// What `certs import` is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportRequest {
    /// Which node.
    pub node: NodeRequest,
    /// Files and directories with certificates; none for those that lie beside their requests on the node,
    /// those for a renewal with new keys first.
    pub paths: Vec<PathBuf>,
    /// The kubelet's directory, with the client certificate that it rotates.
    pub kubelet_dir: KubeletDir,
    /// Whether what a certificate says may be wrong; never its key.
    pub force: bool,
    /// Where the files that change are kept.
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

/// What `kubeconfig embed` is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbedRequest {
    /// Which node.
    pub node: NodeRequest,
    /// kubeadm's names or paths of kubeconfigs.
    pub kubeconfigs: Selection,
    /// The client certificate, in place of the file beside the kubeconfig.
    pub client_certificate: Option<PathBuf>,
    /// The client key, in place of the one that the kubeconfig holds.
    pub client_key: Option<PathBuf>,
    /// The CA certificates, in place of `ca.crt`.
    pub certificate_authority: Option<PathBuf>,
    /// Whether files that a kubeconfig refers to are embedded too.
    pub flatten: bool,
    /// Where the files that change are kept.
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

/// What `certs cleanup` is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleanupRequest {
    /// Which node.
    pub node: NodeRequest,
    /// Which certificates and kubeconfigs, by kubeadm's names.
    pub names: Selection,
    /// The kubelet's directory, with the client certificate that it rotates.
    pub kubelet_dir: KubeletDir,
    /// The CAs whose keys are taken away too.
    pub authority_keys: Vec<String>,
    /// Where the files that go are kept when a CA key is among them: a folder of this machine, not below the node's
    /// root.
    pub authority_key_backup: Option<PathBuf>,
    /// Whether nothing is kept, not even a CA key.
    pub no_backup: bool,
    /// Where the files that go are kept when no CA key is among them.
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

/// What `kubeconfig user` is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// Where the CA is, and which cluster.
    pub node: NodeRequest,
    /// The user's name.
    pub name: String,
    /// The groups.
    pub organizations: Vec<String>,
    /// How long the certificate is valid.
    pub validity_seconds: i64,
    /// The kind of key; the configuration's without one.
    pub algorithm: Option<Algorithm>,
    /// The API server's URL; without one the configuration's, else that of `admin.conf`.
    pub server: Option<String>,
    /// Whether the group `system:masters` is meant.
    pub allow_masters: bool,
    /// What to do with a certificate that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
    /// The token that the user shows in place of a certificate.
    #[serde(skip)]
    pub token: Option<Secret>,
}
