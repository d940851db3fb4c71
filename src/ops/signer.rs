//! `kubepki signer show`: which certificates the controller manager signs, with what, and why not.
//!
//! In: a request, now. Out: a [`SignersReport`]. Its manifest on this node says which pairs it has; the pairs are read and judged.
//! Whether the cluster signs now is another question: `probe` asks each signer for a certificate, and throws it away.

mod probe;

use std::ops::ControlFlow;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(super) use self::probe::{is_answer, issued};
use super::cluster::own_kubeconfigs;
use super::kubelet::Kubelet;
use super::node::Node;
use crate::audit::signers::{self, CONTROLLER_MANAGER, ExtraArgs, Signer};
use crate::audit::{Finding, SeenCertificate, complete_remedies};
use crate::catalogue::{ADMIN_CONF, CLUSTER_CA};
use crate::component::{BadManifest, StaticPod};
use crate::config::Problem;
use crate::error::{Fault, Result, faults};
use crate::remedy::file;
pub use crate::request::SignerRequest;
use crate::tree::Observed;

faults! {
    /// Why nothing can be said of the signers.
    pub enum SignerError {
        /// The manifest of the controller manager is not on this node: it is a worker, or something else than a static pod signs.
        #[error("there is no controller manager on this node: {} is missing", path.display())]
        #[fault("signer.no_controller_manager", Finding,
            "run it on a control-plane node, or ask the signers themselves: `kubepki signer show --probe`")]
        NoControllerManager {
            /// Where its manifest was looked for.
            path: PathBuf,
        },
        /// The manifest of the controller manager is no pod: the kubelet cannot use it either.
        #[error("{} cannot be used: {reason}", path.display())]
        #[fault("signer.bad_manifest", Finding, format!("restore {}", file(path)))]
        BadManifest {
            /// The manifest.
            path: PathBuf,
            /// What is wrong.
            reason: String,
        },
        /// A signer has signed, and no CA of this node vouches for it: another control-plane node, or another program, signs with
        /// another CA.
        #[error("{signer} signs with {issuer}, for which no CA of this node vouches")]
        #[fault("signer.unknown_ca", Finding,
            "compare what the control-plane nodes sign with: run `kubepki signer show` on each of them")]
        UnknownAuthority {
            /// The signer.
            signer: String,
            /// The CA as the certificate names it.
            issuer: String,
        },
    }
}

/// What became of a request for a certificate of ten minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignerProbe {
    /// What was signed; it is thrown away.
    pub certificate: Option<SeenCertificate>,
    /// The CA of this node that vouches for it.
    pub authority: Option<SeenCertificate>,
    /// Why nothing was signed, or not as it should be.
    pub problem: Option<Fault>,
}

/// A signer, and what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownSigner {
    /// By the flags and the files.
    #[serde(flatten)]
    pub signer: Signer,
    /// By a request; none without one, and where the API takes none for this signer.
    pub probe: Option<SignerProbe>,
}

/// The signers, and what keeps them from signing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignersReport {
    /// The moment for which it holds.
    pub looked_at: DateTime<Utc>,
    /// The manifest of the controller manager; none where this node has no such.
    pub manifest: Option<PathBuf>,
    /// Each of the four built-in signers.
    pub signers: Vec<ShownSigner>,
    /// What keeps them from signing, the worst first.
    pub findings: Vec<Finding>,
    /// What the `ClusterConfiguration` has to say where a signer has no pair.
    pub extra_args: Option<ExtraArgs>,
    /// What the configuration's reader warns of.
    pub warnings: Vec<Problem>,
}

/// Looks at what the controller manager of this node is told, and asks the signers themselves where that is wanted; `tell` is asked
/// whether to go on.
///
/// # Errors
/// [`SignerError`]; the manifest or the configuration cannot be read; the cluster cannot be asked.
pub fn show(
    request: &SignerRequest,
    now: DateTime<Utc>,
    tell: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<SignersReport> {
    let signing = request.signing()?;
    let node = Node::open_without_address(&request.node)?;
    let kubelet = Kubelet::read(&node.store, &request.kubelet_dir);
    let folder = kubelet.configuration.manifests_dir(&node.layout.kubeconfig_dir);
    let manifest = folder.join(format!("{CONTROLLER_MANAGER}.yaml"));
    let tree = node.store.read([&manifest]);
    let pod = match tree.get(&manifest) {
        Observed::Missing if request.probe => None,
        Observed::Missing => return Err(SignerError::NoControllerManager { path: node.store.place(&manifest) }.into()),
        Observed::Unreadable(fault) => return Err(fault.clone().into()),
        Observed::File { content, .. } => Some(
            StaticPod::parse(content.expose())
                .map_err(|BadManifest(reason)| SignerError::BadManifest { path: manifest.clone(), reason })?,
        ),
    };
    let files = pod.as_ref().map(signers::files).unwrap_or_default();
    let (certificate, key) = node.layout.authority(CLUSTER_CA);
    let tree = node.store.read(files.iter().chain([&certificate, &key]));
    let judged = match &pod {
        Some(pod) => signers::judge(&manifest, pod, &tree, now),
        None => signers::unknown("there is no controller manager on this node"),
    };
    // Where the cluster's CA has its key elsewhere, another CA's pair may sign here.
    let own = |end| certificate.with_file_name(format!("ca-signing.{end}"));
    let has_key = tree.is_there(&key);
    let pair = if has_key { (certificate.clone(), key) } else { (own("crt"), own("key")) };
    let mut findings = judged.findings;
    complete_remedies(&mut findings, &request.node.caller());
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut shown: Vec<_> = judged.all.into_iter().map(|signer| ShownSigner { signer, probe: None }).collect();
    if request.probe {
        let authorities = probe::authorities(&tree, files.into_iter().chain([certificate]));
        let own = own_kubeconfigs(Some(node.store.root_directory()), &node.layout.kubeconfig_dir, &[ADMIN_CONF]);
        let way = (&request.access, own.as_slice());
        probe::ask(&mut shown, &authorities, &signing, way, now, tell)?;
    }
    Ok(SignersReport {
        looked_at: now,
        manifest: pod.map(|_| manifest),
        signers: shown,
        findings,
        extra_args: judged.lacks_flags.then(|| signers::extra_args(&pair.0, &pair.1)),
        warnings: node.warnings,
    })
}
