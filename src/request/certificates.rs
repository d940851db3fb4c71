//! What is asked for where certificates and kubeconfigs are made, requested, put into their places and cleaned up.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{Backups, ClusterAccess, KubeletDir, NodeRequest, OutliveCa, Recover, RequestError, Signing, Span};
use crate::catalogue::NodeRole;
use crate::key::Algorithm;
use crate::plan::generate::{Selection, SelectionOfPaths};
use crate::plan::request::Renewal;
use crate::secret::Secret;

/// What `init` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InitRequest {
    /// Which CAs, certificates and key pairs, by kubeadm's names (`apiserver`, `etcd-ca`, `sa`); all, or none for an empty list.
    #[arg(skip)]
    pub certificates: Selection,
    /// Which kubeconfigs, by their file names (`admin.conf`); all, or none for an empty list.
    #[arg(skip)]
    pub kubeconfigs: Selection,
    /// A certificate that would be valid for longer than its CA.
    #[command(flatten)]
    pub outlive_ca: OutliveCa,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    pub recover: Recover,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// What `certs generate-csr` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of the command line
pub struct GenerateCsrRequest {
    /// Which certificates and kubeconfigs, by kubeadm's names; `kubelet-client` for what the kubelet shows to the API
    /// server and cannot renew any more.
    #[arg(skip)]
    pub names: Selection,
    /// What the node is, instead of the configuration's; `etcd` means what etcd's CA signs.
    #[arg(long, value_name = "ROLE")]
    pub role: Option<NodeRole>,
    /// Ask for key usages too; kubeadm's requests do not.
    #[arg(long)]
    pub with_usages: bool,
    /// Use existing keys, and make their requests again.
    #[arg(long)]
    pub reuse_keys: bool,
    /// Make requests for the existing certificates, for another CA to renew; the kubelet's own always is such a one.
    #[arg(long)]
    pub renew: bool,
    /// With --renew: keep the keys.
    #[arg(long)]
    pub keep_key: bool,
    /// Keep what is there: a certificate that is as it is wanted, and a request that waits for its signature. What is lacking is asked
    /// for, and what is not as it is wanted any more, with the key that is there.
    ///
    /// A second run then changes nothing. The certificate in use works on while its request waits. A kubelet's own gets a
    /// new key, as when it renews by itself.
    #[arg(long)]
    pub only_lacking: bool,
    /// With --only-lacking: ask again for what ends within this time; for what has expired without it.
    #[arg(long, value_name = "DURATION")]
    pub renew_before: Option<Span>,
    /// The kubelet's directory, with the client certificate that it rotates.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// The directory of the node that the files go into, laid out as `/etc/kubernetes`; beside the certificates and
    /// kubeconfigs without it, but for new keys for renewal, which go into `renewal` below the kubeconfig directory.
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    pub recover: Recover,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

impl GenerateCsrRequest {
    /// Whether the requests are for the renewal of what is there.
    ///
    /// # Errors
    /// [`RequestError::BadRequest`] when keys are to be kept and nothing is renewed.
    pub(crate) fn renewal(&self) -> Result<Renewal, RequestError> {
        match (self.renew, self.keep_key) {
            (false, false) => Ok(Renewal::No),
            (true, false) => Ok(Renewal::NewKeys),
            (true, true) => Ok(Renewal::SameKeys),
            (false, true) => Err(RequestError::bad(
                "--keep-key is for --renew",
                "for a first certificate with a key that is there: --reuse-keys",
            )),
        }
    }

    /// Within which time of its end a certificate is asked for again, where what is there is kept.
    ///
    /// # Errors
    /// [`RequestError::BadRequest`] with an option that asks for all anew, or puts it elsewhere.
    pub(crate) fn only_lacking(&self) -> Result<Option<TimeDelta>, RequestError> {
        let others = [
            ("--reuse-keys", self.reuse_keys),
            ("--renew", self.renew),
            ("--keep-key", self.keep_key),
            ("--out-dir", self.out_dir.is_some()),
        ];
        match (self.only_lacking, others.into_iter().find(|(_, is_given)| *is_given), self.renew_before) {
            (true, Some((other, _)), _) => Err(RequestError::bad(
                format!("--only-lacking keeps what is in its place, and {other} asks for all of it anew"),
                format!("leave out {other}, or --only-lacking"),
            )),
            (true, None, before) => {
                Ok(Some(before.map(|before| before.within("--renew-before")).transpose()?.unwrap_or_default()))
            }
            (false, _, Some(_)) => Err(RequestError::bad(
                "--renew-before is for --only-lacking",
                "add --only-lacking; without it everything is asked for, whenever it ends",
            )),
            (false, _, None) => Ok(None),
        }
    }
}

/// What `certs import` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportRequest {
    /// Certificate files, or directories of them, laid out as `/etc/kubernetes`; without any, the `.crt` beside each
    /// `.csr` of the node, those for a renewal with new keys first.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The kubelet's directory, with the client certificate that it rotates.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Import in spite of wrong names, usages, validity or signer; never with another key.
    #[arg(long)]
    pub force: bool,
    /// Where the files that change are kept as they were.
    #[command(flatten)]
    #[serde(flatten)]
    pub backups: Backups,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    pub recover: Recover,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// What `kubeconfig embed` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbedRequest {
    /// kubeadm's names (`admin.conf`) or paths of kubeconfigs; all of the node, or none for an empty list.
    #[arg(skip)]
    pub kubeconfigs: SelectionOfPaths,
    /// The client certificate, for one kubeconfig, in place of the file beside it.
    #[arg(long, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// Its key, in place of the one in the kubeconfig.
    #[arg(long, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Only into copies of this kubeconfig of the node (`admin.conf`), which have the same server, user and CA: with its client certificate
    /// and key.
    ///
    /// What is not there, or no copy any more, stays as it is, also where its key is not that of its certificate. It is for `/root/.kube/config` after a renewal.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["client_certificate", "client_key"])]
    pub copies_of: Option<PathBuf>,
    /// The CA certificates, in place of `ca.crt`.
    #[arg(long, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// Embed the files that a kubeconfig refers to, too.
    #[arg(long)]
    pub flatten: bool,
    /// Where the files that change are kept as they were.
    #[command(flatten)]
    #[serde(flatten)]
    pub backups: Backups,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    pub recover: Recover,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// What `certs cleanup` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleanupRequest {
    /// Which certificates and kubeconfigs, by kubeadm's names; all, or none for an empty list.
    #[arg(skip)]
    pub names: Selection,
    /// The kubelet's directory, with the client certificate that it rotates.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Remove the keys of these CAs too (`ca`, `etcd-ca`, `front-proxy-ca`), for external CA mode.
    #[arg(skip)]
    pub ca_keys: Vec<String>,
    /// With a CA's key: the directory of this machine where what is removed is kept, outside the node's files and its root
    /// directory.
    ///
    /// It is refused (`store.backup_place`) below the root directory, in the directories of certificates and kubeconfigs,
    /// and in the directory of backups.
    #[arg(long, value_name = "DIR")]
    pub ca_key_backup: Option<PathBuf>,
    /// Where the files that go are kept when no CA key is among them.
    #[command(flatten)]
    #[serde(flatten)]
    pub backups: Backups,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    pub recover: Recover,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// What `kubeconfig user` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// The user's name: the certificate's common name.
    #[arg(long, value_name = "NAME")]
    pub client_name: String,
    /// The groups: the certificate's organizations.
    ///
    /// Can be repeated, and takes several between commas.
    #[arg(long = "organization", visible_alias = "org", value_name = "GROUP", value_delimiter = ',')]
    pub organizations: Vec<String>,
    /// How long the certificate is valid; the configuration's period is not used, as in kubeadm.
    #[arg(long, alias = "validity-period", value_name = "DURATION", default_value = "8760h")]
    pub validity: Span,
    /// Keep the kubeconfig that is there while it is what is asked for, and its certificate does not end within this time.
    ///
    /// It is the file of --out, which is replaced when it is not kept. Then a second run changes nothing.
    #[arg(long, value_name = "DURATION")]
    pub renew_before: Option<Span>,
    /// The kind of key, as `ECDSA-P256`; the configuration's without one.
    #[arg(long, value_name = "NAME")]
    pub algorithm: Option<Algorithm>,
    /// The API server's URL; without it the configuration's, else that of `admin.conf`.
    ///
    /// The configuration's is its `controlPlaneEndpoint` or address. Without either it is the address of this node's
    /// default route.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Allow the group `system:masters`, which nothing can restrict.
    #[arg(long)]
    pub allow_masters: bool,
    /// A certificate that would be valid for longer than its CA.
    #[command(flatten)]
    pub outlive_ca: OutliveCa,
    /// Who signs.
    #[command(flatten)]
    #[serde(flatten)]
    pub signing: Signing,
    /// How the cluster is reached.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: ClusterAccess,
    /// The token that the user authenticates with, in place of a certificate.
    #[arg(skip)]
    #[serde(skip)]
    pub token: Option<Secret>,
    /// Where the CA is, and which cluster.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

impl UserRequest {
    /// Refuses what makes no sense of a signer.
    pub(crate) fn refuse_signing(&self) -> Result<(), RequestError> {
        if self.token.is_some() && self.signing.asks_cluster() {
            return Err(RequestError::bad("a token needs no signature", "leave out --issuer, or the token"));
        }
        // One that is beyond the calendar is refused by the plan.
        self.signing.refuse(TimeDelta::try_seconds(self.validity.seconds()).unwrap_or(TimeDelta::MAX))
    }

    /// The certificate that is there must not end within this time; without it, it must not have ended.
    ///
    /// # Errors
    /// [`RequestError::BadRequest`] where a certificate would be made again at every run.
    pub(crate) fn renew_before(&self) -> Result<TimeDelta, RequestError> {
        let before = self.renew_before.unwrap_or(Span::of_seconds(0));
        if self.token.is_none() && self.renew_before.is_some() && before >= self.validity {
            let reason = "the kubeconfig would be made at every run: its validity is not longer than --renew-before";
            return Err(RequestError::bad(reason, "give --renew-before a duration that is shorter than --validity"));
        }
        before.within("--renew-before")
    }
}
