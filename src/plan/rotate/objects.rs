//! What the cluster's own objects are to say of its CAs, and whether they do.
//!
//! In: texts and objects of the cluster, the CAs by the files of a control-plane node. Out: [`Setting`]s, [`Gate`]s. Nothing is asked
//! and nothing written.
//!
//! Source: kubeadm `phases/bootstraptoken/clusterinfo` (`cluster-info`); kube-apiserver
//! `pkg/controlplane/controller/clusterauthenticationtrust` (it only adds); kube-controller-manager `pkg/controller/certificates/rootcacertpublisher`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::audit::rotation::SIGNING_FLAG;
use crate::catalogue::{ROOT_CA_MAP, ROTATION_SIGNING};
use crate::digest::sha256_hex;
use crate::kubeconfig::Kubeconfig;
use crate::objects::{ClusterTrustBundle, ConfigMap, Namespace};
use crate::plan::setting::{Document, Setting, SettingError, extra_arg, extra_arg_of};
use crate::plan::words::words;
use crate::x509::{Certificate, read_certificates, verify_chain};
use crate::yaml::{self, Node, Step};

/// Whose argument it is.
const SECTION: &str = "controllerManager";

/// So many places are named at a gate.
const MOST_NAMED: usize = 10;

/// What the cluster is to say, by the files of a control-plane node.
#[derive(Clone, Debug, Default)]
pub struct ClusterTrust {
    /// The CAs of the cluster, the one that signs first; none: nothing is said of them.
    pub authority: Vec<Certificate>,
    /// The CAs of clients, as the API server's manifest names their file; none: nothing is said of them.
    pub clients: Vec<Certificate>,
    /// The CAs of the front proxy, likewise.
    pub front_proxy: Vec<Certificate>,
    /// The controller manager's own file of the certificate that it signs with; none: kubeadm's.
    pub signing_file: Option<PathBuf>,
}

/// An object that was changed, or is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedObject {
    /// The object.
    pub object: String,
    /// What it says now, or is to say.
    pub says: String,
}

words! {
    /// What is looked at before a rotation goes on.
    GateName {
        /// The API server is ready.
        ApiServer = "api-server",
        /// Every namespace has the CAs for its pods.
        RootAuthority = "kube-root-ca",
        /// Nodes that join learn the CAs.
        ClusterInfo = "cluster-info",
        /// Aggregated API servers learn who may come.
        ClientTrust = "client-trust",
        /// kubeadm sets up the next node as this one.
        KubeadmConfig = "kubeadm-config",
        /// Trust bundles of the cluster hold the CAs.
        TrustBundles = "trust-bundles",
        /// The controller manager signs with the right CA.
        Signer = "signer",
    }
}

/// One condition of going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Its name.
    pub name: GateName,
    /// Whether it holds.
    pub is_open: bool,
    /// What was seen.
    pub seen: String,
    /// What is waited for; empty when it is open.
    pub waits_for: String,
}

impl Gate {
    fn open(name: GateName, seen: impl Into<String>) -> Self {
        Self { name, is_open: true, seen: seen.into(), waits_for: String::new() }
    }

    fn closed(name: GateName, seen: impl Into<String>, waits_for: impl Into<String>) -> Self {
        Self { name, is_open: false, seen: seen.into(), waits_for: waits_for.into() }
    }
}

/// Whether both are the same certificates, in whatever order.
pub(super) fn are_the_same(one: &[Certificate], other: &[Certificate]) -> bool {
    let set = |all: &[Certificate]| all.iter().map(|one| one.as_der().to_vec()).collect::<BTreeSet<_>>();
    set(one) == set(other)
}

/// Certificates by subject and fingerprint.
#[must_use]
pub fn shown(certificates: &[Certificate]) -> String {
    let one = |one: &Certificate| format!("{} (SHA-256 {:.16})", one.subject(), sha256_hex(one.as_der()));
    if certificates.is_empty() { "none".into() } else { certificates.iter().map(one).collect::<Vec<_>>().join(", ") }
}

fn pem(certificates: &[Certificate]) -> Vec<u8> {
    certificates.iter().flat_map(Certificate::to_pem).collect()
}

/// `cluster-info`, whose kubeconfig is to hold exactly these CAs, in this order: a node that joins makes its `ca.crt` of them.
///
/// # Errors
/// [`SettingError::Unfit`].
pub fn cluster_info(place: &str, text: &str, authority: &[Certificate]) -> Result<Setting, SettingError> {
    let says = format!("certificate-authority-data: {}", shown(authority));
    let document = Document::new(place, text, says);
    let read = |text: &str| Kubeconfig::parse(text.as_bytes()).map_err(|error| document.unfit(error.to_string()));
    let held = |kubeconfig: &Kubeconfig| -> Vec<bool> {
        embedded(kubeconfig).into_iter().map(|all| all.is_some_and(|all| all == authority)).collect()
    };
    let there = held(&read(text)?);
    if authority.is_empty() || there.iter().all(|holds| *holds) {
        return Ok(document.kept());
    }
    let data = Node::text(STANDARD.encode(pem(authority)));
    let mut after = text.to_owned();
    for (index, _) in there.iter().enumerate().filter(|(_, holds)| !**holds) {
        let field =
            [Step::Key("clusters"), Step::Item(index), Step::Key("cluster"), Step::Key("certificate-authority-data")];
        let made = yaml::set(&after, &field, &data).map_err(|error| document.unfit(error.to_string()))?;
        after.clone_from(&made);
    }
    if !held(&read(&after)?).iter().all(|holds| *holds) {
        return Err(document.unfit("its clusters are not where they are expected"));
    }
    Ok(document.becomes(&after))
}

/// The CAs that each cluster of a kubeconfig has embedded; none where they cannot be read.
fn embedded(kubeconfig: &Kubeconfig) -> Vec<Option<Vec<Certificate>>> {
    let of = |name: &str| read_certificates(&kubeconfig.cluster(name).ok()?.certificate_authority_data?).ok();
    kubeconfig.cluster_names().into_iter().map(of).collect()
}

/// A text of certificates that is to hold exactly these; API servers add to it, and take nothing away. Their order means nothing.
#[must_use]
pub fn certificates(place: &str, key: &str, text: &str, wanted: &[Certificate]) -> Setting {
    let document = Document::new(place, text, format!("{key}: {}", shown(wanted)));
    let there = read_certificates(text.as_bytes()).unwrap_or_default();
    // What is not there at all is not this node's to begin with.
    if wanted.is_empty() || text.is_empty() || are_the_same(&there, wanted) {
        return document.kept();
    }
    document.becomes(&String::from_utf8_lossy(&pem(wanted)))
}

/// kubeadm's configuration of the cluster, with the certificate that controller managers sign with. Without a file an argument is
/// taken out that a rotation has put there; an administrator's own pair stays.
///
/// # Errors
/// [`SettingError::Unfit`].
pub fn kubeadm_config(place: &str, text: &str, signing_file: Option<&Path>) -> Result<Setting, SettingError> {
    let file = signing_file.map(|file| file.display().to_string());
    let given = extra_arg_of(text, SECTION, SIGNING_FLAG);
    let is_of_a_rotation =
        given.as_deref().is_some_and(|file| Path::new(file).file_stem().is_some_and(|stem| stem == ROTATION_SIGNING));
    if file.is_none() && given.is_some() && !is_of_a_rotation {
        return Ok(Document::new(place, text, format!("{SECTION}.extraArgs: {SIGNING_FLAG} as it is")).kept());
    }
    extra_arg(place, text, SECTION, SIGNING_FLAG, file.as_deref())
}

/// Whether texts say what they are to say; none of an object that is not there.
#[must_use]
pub fn said(name: GateName, settings: &[Option<Setting>]) -> Gate {
    let open: Vec<_> = settings.iter().flatten().filter(|setting| !setting.is_set()).collect();
    if open.is_empty() {
        let all: Vec<_> = settings.iter().flatten().map(|setting| setting.says.as_str()).collect();
        return Gate::open(name, if all.is_empty() { "not there".to_owned() } else { all.join("; ") });
    }
    let places: BTreeSet<_> = open.iter().map(|setting| setting.place.as_str()).collect();
    let wanted: Vec<_> = open.iter().map(|setting| setting.says.as_str()).collect();
    let seen = format!("{} says something else", places.into_iter().collect::<Vec<_>>().join(", "));
    Gate::closed(name, seen, wanted.join("; "))
}

/// Whether what a text of CAs is to say has other keys than it has now. To whoever trusts a CA, one that was signed again is the same.
#[must_use]
pub fn has_other_keys(name: GateName, setting: &Setting) -> bool {
    let keys = |text: &str| -> Option<BTreeSet<Vec<u8>>> {
        let all = match name {
            GateName::ClientTrust => read_certificates(text.as_bytes()).ok()?,
            GateName::ClusterInfo => {
                let all = embedded(&Kubeconfig::parse(text.as_bytes()).ok()?);
                all.into_iter().collect::<Option<Vec<_>>>()?.concat()
            }
            _ => return None,
        };
        Some(all.iter().map(|one| one.public_key_info().to_vec()).collect())
    };
    let there = keys(&setting.before);
    there.is_none() || there != keys(&setting.after)
}

/// Whether every namespace has the CAs for its pods. Nobody writes into one that is going.
#[must_use]
pub fn root_authority(namespaces: &[Namespace], maps: &[ConfigMap], authority: &[Certificate]) -> Gate {
    let name = GateName::RootAuthority;
    let entry = ROOT_CA_MAP.1;
    let living: Vec<_> = namespaces.iter().filter(|one| one.status.phase != "Terminating").collect();
    let holds = |namespace: &Namespace| {
        let map = maps.iter().find(|map| map.metadata.namespace == namespace.metadata.name);
        let there = map.and_then(|map| read_certificates(map.data.get(entry)?.as_bytes()).ok()).unwrap_or_default();
        are_the_same(&there, authority)
    };
    let lacking: Vec<_> = living.iter().filter(|one| !holds(one)).map(|one| one.metadata.name.as_str()).collect();
    if lacking.is_empty() {
        return Gate::open(name, format!("{} namespaces hold {}", living.len(), shown(authority)));
    }
    let named = lacking.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = lacking.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let seen = format!("{} of {} namespaces hold something else: {named}{more}", lacking.len(), living.len());
    Gate::closed(name, seen, format!("the controller manager writes {} there", shown(authority)))
}

/// Whether the cluster's trust bundles for the API server hold the CAs; none where it has no such objects.
#[must_use]
pub fn trust_bundles(bundles: Option<&[ClusterTrustBundle]>, authority: &[Certificate]) -> Gate {
    let name = GateName::TrustBundles;
    let Some(bundles) = bundles.filter(|bundles| !bundles.is_empty()) else {
        return Gate::open(name, "the cluster has none");
    };
    let read = |one: &ClusterTrustBundle| read_certificates(one.spec.trust_bundle.as_bytes()).unwrap_or_default();
    let held: Vec<_> = bundles.iter().flat_map(read).collect();
    if are_the_same(&held, authority) {
        return Gate::open(name, shown(authority));
    }
    let waits_for = format!("the controller manager writes {}", shown(authority));
    Gate::closed(name, format!("they hold {}", shown(&held)), waits_for)
}

/// Whether the controller manager signs with the first of the CAs; `issued` is what it has just signed, or why it has not.
#[must_use]
pub fn signer(issued: &Result<&[Certificate], String>, authority: &[Certificate], now: DateTime<Utc>) -> Gate {
    let name = GateName::Signer;
    let Some(first) = authority.first() else { return Gate::open(name, "no CA is known here") };
    let by = |one: &Certificate| shown(std::slice::from_ref(one));
    let waits_for = format!("the controller manager signs with {}", by(first));
    let (leaf, intermediates) = match issued.as_ref().map(|chain| chain.split_first()) {
        Err(reason) => return Gate::closed(name, reason, waits_for),
        Ok(None) => return Gate::closed(name, "nothing was signed", waits_for),
        Ok(Some(parts)) => parts,
    };
    let vouches = |one: &&Certificate| verify_chain(leaf, intermediates, std::slice::from_ref(one), now, None).is_ok();
    if vouches(&first) {
        return Gate::open(name, format!("a request was signed with {}", by(first)));
    }
    let other = authority.iter().find(vouches).map_or_else(|| leaf.issuer().to_string(), by);
    Gate::closed(name, format!("a request was signed with {other}"), waits_for)
}

/// Whether the API server is ready; otherwise what it says.
#[must_use]
pub fn api_server(answer: Result<(), String>) -> Gate {
    match answer {
        Ok(()) => Gate::open(GateName::ApiServer, "it is ready"),
        Err(reason) => Gate::closed(GateName::ApiServer, reason, "/readyz answers that it is ready"),
    }
}

#[cfg(test)]
mod tests;
