//! What is asked for where certificates and kubeconfigs are made, requested, put into their places and cleaned up.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{KubeletDir, NodeRequest, seconds};
use crate::key::Algorithm;
use crate::plan::generate::{OutliveAuthority, Selection};
use crate::plan::request::{Renewal, RequestRole};
use crate::secret::Secret;

/// What `init` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InitRequest {
    /// Which CAs, certificates and key pairs, by kubeadm's names.
    #[arg(skip)]
    pub certificates: Selection,
    /// Which kubeconfigs, by file name.
    #[arg(skip)]
    pub kubeconfigs: Selection,
    /// A certificate that would be valid for longer than its CA: refuse it, let it end with the CA, or make it anyway, as
    /// kubeadm does.
    #[arg(long = "outlive-ca", value_name = "WHAT", default_value = "refuse")]
    pub outlive_authority: OutliveAuthority,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    #[arg(skip)]
    pub recover: bool,
    /// Which node.
    #[command(flatten)]
    pub node: NodeRequest,
}

/// What `certs generate-csr` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateCsrRequest {
    /// Which certificates and kubeconfigs, by kubeadm's names.
    #[arg(skip)]
    pub names: Selection,
    /// What the node is, instead of the configuration's; `etcd` means what etcd's CA signs.
    #[arg(long, value_name = "ROLE")]
    pub role: Option<RequestRole>,
    /// Ask for key usages too; kubeadm's requests do not.
    #[arg(long)]
    pub with_usages: bool,
    /// Use existing keys, and make their requests again.
    #[arg(long)]
    pub reuse_keys: bool,
    /// Whether the requests are for the renewal of what is there; the kubelet's own always is.
    #[arg(skip)]
    pub renewal: Renewal,
    /// The kubelet's directory, with the client certificate that it rotates.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Write into DIR, laid out as `/etc/kubernetes`; beside the certificates and kubeconfigs without it, but for new keys
    /// for renewal, which go into `renewal` below the kubeconfig directory.
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    #[arg(skip)]
    pub recover: bool,
    /// Which node.
    #[command(flatten)]
    pub node: NodeRequest,
}

/// What `certs import` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportRequest {
    /// Certificate files, or directories of them, laid out as `/etc/kubernetes`; without any, the `.crt` beside each
    /// `.csr`, those for a renewal with new keys first.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The kubelet's directory, with the client certificate that it rotates.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Import in spite of wrong names, usages, validity or signer; never with another key.
    #[arg(long)]
    pub force: bool,
    /// Where the files that change are kept.
    #[arg(skip)]
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    #[arg(skip)]
    pub recover: bool,
    /// Which node.
    #[command(flatten)]
    pub node: NodeRequest,
}

/// What `kubeconfig embed` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbedRequest {
    /// kubeadm's names or paths of kubeconfigs.
    #[arg(skip)]
    pub kubeconfigs: Selection,
    /// The client certificate, for one kubeconfig, in place of the file beside it.
    #[arg(long, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// Its key, in place of the one in the kubeconfig.
    #[arg(long, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// The CA certificates, in place of `ca.crt`.
    #[arg(long, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// Embed the files that a kubeconfig refers to, too.
    #[arg(long)]
    pub flatten: bool,
    /// Where the files that change are kept.
    #[arg(skip)]
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    #[arg(skip)]
    pub recover: bool,
    /// Which node.
    #[command(flatten)]
    pub node: NodeRequest,
}

/// What `certs cleanup` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleanupRequest {
    /// Which certificates and kubeconfigs, by kubeadm's names.
    #[arg(skip)]
    pub names: Selection,
    /// The kubelet's directory, with the client certificate that it rotates.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// The CAs whose keys are taken away too.
    #[arg(skip)]
    pub authority_keys: Vec<String>,
    /// With a CA's key: keep what is removed in DIR of this machine, outside the node's files and its root directory.
    ///
    /// It is refused (`store.backup_place`) below the root directory, in the directories of certificates and kubeconfigs,
    /// and in the directory of backups.
    #[arg(long = "ca-key-backup", value_name = "DIR")]
    pub authority_key_backup: Option<PathBuf>,
    /// Keep nothing of what is removed, not even a CA's key.
    #[arg(long)]
    pub no_backup: bool,
    /// Where the files that go are kept when no CA key is among them.
    #[arg(skip)]
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    #[arg(skip)]
    pub recover: bool,
    /// Which node.
    #[command(flatten)]
    pub node: NodeRequest,
}

/// What `kubeconfig user` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// The user's name.
    #[arg(long = "client-name", value_name = "NAME")]
    pub name: String,
    /// A group; can be repeated, or several by commas.
    #[arg(long = "org", value_name = "GROUP", value_delimiter = ',')]
    pub organizations: Vec<String>,
    /// How long the certificate is valid. In seconds.
    #[arg(long = "validity", alias = "validity-period", value_name = "DURATION", default_value = "8760h", value_parser = seconds)]
    pub validity_seconds: i64,
    /// The kind of key, as `ECDSA-P256`; the configuration's without one.
    #[arg(long, value_name = "NAME")]
    pub algorithm: Option<Algorithm>,
    /// The API server; without it the configuration's, else that of `admin.conf`.
    ///
    /// The configuration's is its `controlPlaneEndpoint` or address. Without either it is the address of this node's
    /// default route.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Allow the group `system:masters`, which nothing can restrict.
    #[arg(long)]
    pub allow_masters: bool,
    /// A certificate that would be valid for longer than its CA: refuse it, let it end with the CA, or make it anyway, as
    /// kubeadm does.
    #[arg(long = "outlive-ca", value_name = "WHAT", default_value = "refuse")]
    pub outlive_authority: OutliveAuthority,
    /// The token that the user shows in place of a certificate.
    #[arg(skip)]
    #[serde(skip)]
    pub token: Option<Secret>,
    /// Where the CA is, and which cluster.
    #[command(flatten)]
    pub node: NodeRequest,
}
