//! How far a CA, or the service accounts' key, is replaced by another on this node.
//!
//! In: the inventory, with the files beside each pair; the controller manager's manifest. Out: an [`AuthorityRotation`] for each.
//! Everything is read off the files, and nothing noted anywhere: whatever broke off, or was done by hand, is seen as it is.
//!
//! | stage | trusted | signs | beside the pair |
//! |---|---|---|---|
//! | single | one | it | nothing |
//! | prepared | one | it | the one that comes |
//! | trust-both/issue-old | both | the one that goes | the one that comes |
//! | trust-both/issue-new | both | the one that comes | the one that goes |

mod beside;
mod elsewhere;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::beside::Beside;
pub use self::elsewhere::Elsewhere;

use crate::catalogue::{API_SERVER, Aside, CLUSTER_CA, KUBELET_CONF, Kind, Layout, SERVICE_ACCOUNT, rotated_names};
use crate::component::{ServingSource, StaticPod};
use crate::digest::sha256_hex;
use crate::inventory::{Found, Inventory, Item, ServiceAccountKeys};
use crate::key::{PrivateKey, read_public_keys};
use crate::text::file_name;
use crate::x509::{Certificate, read_certificates};

/// The controller manager's flag with the certificate that it signs with.
pub const SIGNING_FLAG: &str = "cluster-signing-cert-file";

/// What a CA signs.
const SIGNED: [Kind; 4] = [Kind::Leaf, Kind::Kubeconfig, Kind::KubeletClient, Kind::KubeletServer];

/// Its flag with the key.
const SIGNING_KEY_FLAG: &str = "cluster-signing-key-file";

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// This node has none of it.
    #[serde(rename = "absent")]
    Absent,
    /// One is trusted, and signs.
    #[serde(rename = "single")]
    Single,
    /// The same, and the one that comes lies ready.
    #[serde(rename = "prepared")]
    Prepared,
    /// Both are trusted, and the old one signs.
    #[serde(rename = "trust-both/issue-old")]
    IssueOld,
    /// Both are trusted, and the new one signs.
    #[serde(rename = "trust-both/issue-new")]
    IssueNew,
    /// Several are trusted; this node cannot tell which of them signs.
    #[serde(rename = "trust-both")]
    TrustBoth,
    /// The files contradict each other.
    #[serde(rename = "unclear")]
    Unclear,
}

impl Stage {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Single => "single",
            Self::Prepared => "prepared",
            Self::IssueOld => "trust-both/issue-old",
            Self::IssueNew => "trust-both/issue-new",
            Self::TrustBoth => "trust-both",
            Self::Unclear => "unclear",
        }
    }

    /// Whether two are trusted.
    #[must_use]
    pub const fn trusts_both(self) -> bool {
        matches!(self, Self::IssueOld | Self::IssueNew | Self::TrustBoth)
    }
}

/// A CA certificate, or a public key of the service accounts, by what tells it apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The SHA-256 of the certificate's DER, or of the public key's, in hexadecimal.
    pub sha256: String,
    /// The SHA-256 of the public key (`SubjectPublicKeyInfo`) in hexadecimal: what `kubeadm join` pins.
    pub public_key_sha256: String,
    /// The certificate's subject (RFC 4514).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<DateTime<Utc>>,
}

impl Anchor {
    /// Of a certificate.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            sha256: certificate.fingerprint(),
            public_key_sha256: certificate.public_key_fingerprint(),
            subject: Some(certificate.subject().to_string()),
            not_after: Some(certificate.not_after()),
        }
    }

    /// Of a public key's DER.
    #[must_use]
    pub fn of_key(public_key_info: &[u8]) -> Self {
        let sha256 = sha256_hex(public_key_info);
        Self { public_key_sha256: sha256.clone(), sha256, subject: None, not_after: None }
    }

    /// The first digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.sha256.get(..12).unwrap_or(&self.sha256)
    }
}

/// The first digits of each, for people.
#[must_use]
pub fn shown(anchors: &[Anchor]) -> String {
    anchors.iter().map(Anchor::short).collect::<Vec<_>>().join(" ")
}

/// A certificate of the node, and which of the trusted CAs has signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedLeaf {
    /// kubeadm's name.
    pub name: String,
    /// The SHA-256 of its DER in hexadecimal.
    pub sha256: String,
    /// The SHA-256 of the CA's certificate; none where no trusted one has.
    pub signed_by: Option<String>,
    /// Whether the kubelet asks the cluster for it by itself.
    #[serde(default)]
    pub is_requested: bool,
}

/// How far one authority is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityRotation {
    /// kubeadm's name: `ca`, `front-proxy-ca`, `etcd-ca`, `sa`.
    pub name: String,
    /// How far.
    pub stage: Stage,
    /// What is trusted, in the file's order.
    pub trusted: Vec<Anchor>,
    /// The one that signs here, by its SHA-256; none where its key is elsewhere.
    pub issuing: Option<String>,
    /// Those that come, the one that will sign first.
    pub next: Vec<Anchor>,
    /// Those that go, the one that has signed first.
    pub previous: Vec<Anchor>,
    /// Whether the key that comes, or went, is here too.
    pub has_other_key: bool,
    /// Whether the API server does not send what clients of the CA that goes verify its certificate with.
    pub lacks_bridge: bool,
    /// Certificates of this node, and who has signed them.
    pub leaves: Vec<SignedLeaf>,
    /// Files that are not kubeadm's, from which components of this node take whom they trust.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
    /// What is not as the stage has it, each in a few words.
    pub behind: Vec<String>,
}

impl AuthorityRotation {
    /// The certificates of this node that are not signed by the CA that signs now.
    pub fn outdated_leaves(&self) -> impl Iterator<Item = &SignedLeaf> {
        let signs = self.signs();
        self.leaves.iter().filter(move |leaf| leaf.signed_by.as_deref() != signs)
    }

    /// The one that signs, as far as it can be told here, by its SHA-256.
    #[must_use]
    pub fn signs(&self) -> Option<&str> {
        self.issuing.as_deref().or_else(|| self.trusted.first().map(|first| first.sha256.as_str()))
    }

    /// Whether two are trusted and none lies beside the pair in use. `kubeadm join` copies the pairs in use alone: a control plane that
    /// has joined meanwhile cannot tell which of both comes, nor sign with the other one.
    #[must_use]
    pub fn lacks_other(&self) -> bool {
        self.stage.trusts_both() && self.next.is_empty() && self.previous.is_empty()
    }

    /// Whether the one that goes can sign here again; where no key is, it signs elsewhere.
    #[must_use]
    pub fn can_step_back(&self) -> bool {
        !self.previous.is_empty() && (self.has_other_key || self.issuing.is_none())
    }
}

/// Looks at every authority of the node; `elsewhere` says which files that are not kubeadm's components trust by instead.
#[must_use]
pub fn look(
    inventory: &Inventory<'_>,
    controller_manager: Option<&StaticPod>,
    elsewhere: &[(&str, Elsewhere)],
) -> Vec<AuthorityRotation> {
    rotated_names()
        .into_iter()
        .filter_map(|name| {
            let item = inventory.get(name)?;
            let mut rotation = match item.service_account() {
                Some(keys) => look_at_keys(inventory, keys),
                None => look_at_authority(inventory, item, controller_manager),
            };
            let of_it = elsewhere.iter().filter(|(authority, _)| *authority == name);
            rotation.elsewhere = of_it.map(|(_, one)| one.clone()).collect();
            rotation.behind.extend(rotation.lacking_elsewhere());
            Some(rotation)
        })
        .collect()
}

/// The authority whose file is not there, or cannot be read: absent only where nothing on the node is of no use without it.
fn without(name: &str, file: &Path, is_there: bool, is_needed: bool) -> AuthorityRotation {
    let behind = match (is_there, is_needed) {
        (true, _) => vec![format!("{} cannot be read", file.display())],
        (false, true) => vec![format!("{} is missing", file.display())],
        (false, false) => return absent(name),
    };
    AuthorityRotation { stage: Stage::Unclear, behind, ..absent(name) }
}

/// Whether the node has its key, something that it has signed, or something that trusts it.
fn is_needed(inventory: &Inventory<'_>, item: &Item<'_>) -> bool {
    let of_it = |one: &Item<'_>| one.row.issuer == item.name && one.absence.is_none() && one.is_there();
    let aside = [Aside::Next, Aside::Previous].map(|aside| inventory.layout.aside(item.name, aside));
    let mut keys = aside.iter().map(|files| &files.key).chain([&item.key]);
    keys.any(|key| inventory.tree.is_there(key)) || inventory.items(&SIGNED).any(of_it)
}

/// A row without anything in it.
fn absent(name: &str) -> AuthorityRotation {
    AuthorityRotation {
        name: name.to_owned(),
        stage: Stage::Absent,
        trusted: Vec::new(),
        issuing: None,
        next: Vec::new(),
        previous: Vec::new(),
        has_other_key: false,
        lacks_bridge: false,
        leaves: Vec::new(),
        elsewhere: Vec::new(),
        behind: Vec::new(),
    }
}

/// The certificates of a CA beside the one in use.
#[must_use]
pub fn certificates_aside(inventory: &Inventory<'_>, name: &str, aside: Aside) -> Vec<Certificate> {
    let file = inventory.layout.aside(name, aside).public;
    inventory.tree.content(&file).and_then(|pem| read_certificates(pem).ok()).unwrap_or_default()
}

fn look_at_authority(
    inventory: &Inventory<'_>,
    item: &Item<'_>,
    controller_manager: Option<&StaticPod>,
) -> AuthorityRotation {
    let found = item.pair();
    let trusted = found.all();
    if trusted.is_empty() {
        return without(item.name, &item.certificate, item.is_there(), is_needed(inventory, item));
    }
    let next = certificates_aside(inventory, item.name, Aside::Next);
    let previous = certificates_aside(inventory, item.name, Aside::Previous);
    let beside = Beside::of_both(inventory, item.name, found.key.present().is_some());
    let issuing = issuing(found);
    let mut behind = Vec::new();
    if found.key.present().is_some() && issuing.is_none_or(|one| Some(one) != trusted.first()) {
        behind.push(format!(
            "{} does not begin with the certificate of {}",
            file_name(&item.certificate),
            file_name(&item.key)
        ));
    }
    let is_in = |all: &[Certificate]| !all.is_empty() && all.iter().all(|one| trusted.contains(one));
    behind.extend(beside.problems());
    let stage = match (is_in(&next), is_in(&previous)) {
        (true, true) => Stage::Unclear,
        _ if beside.is_unclear() => Stage::Unclear,
        (true, false) => Stage::IssueOld,
        (false, true) => Stage::IssueNew,
        (false, false) if !next.is_empty() && is_chain(trusted) => Stage::Prepared,
        (false, false) if is_chain(trusted) => Stage::Single,
        (false, false) => by_age(trusted, issuing, &mut behind),
    };
    let leaves: Vec<_> = leaves(inventory, item.name, trusted).collect();
    let mut rotation = AuthorityRotation {
        stage,
        trusted: trusted.iter().map(Anchor::of).collect(),
        issuing: issuing.map(|one| Anchor::of(one).sha256),
        has_other_key: beside.has_key(),
        next: next.iter().map(Anchor::of).collect(),
        previous: previous.iter().map(Anchor::of).collect(),
        leaves,
        ..absent(item.name)
    };
    if item.name == CLUSTER_CA {
        let others = other_kubeconfigs(inventory, trusted).filter(|(_, has)| !has.is_empty());
        behind.extend(others.map(|(item, has)| {
            if has.len() == trusted.len() {
                let has: Vec<_> = has.iter().map(Anchor::of).collect();
                format!("{} trusts another CA: {}", item.name, shown(&has))
            } else {
                format!("{} trusts {} CAs, not {}", item.name, has.len(), trusted.len())
            }
        }));
        behind.extend(other_signing(inventory, trusted, controller_manager));
    }
    if stage == Stage::IssueNew {
        let old: Vec<_> = rotation.outdated_leaves().map(|leaf| leaf.name.clone()).collect();
        if !old.is_empty() {
            behind.push(format!("not signed by the new CA: {}", old.join(", ")));
        }
        rotation.lacks_bridge =
            item.name == CLUSTER_CA && beside.previous.has_key && lacks_bridge(inventory, trusted, &previous);
        if rotation.lacks_bridge {
            behind.push("the API server does not send the new CA's certificate that the old one has signed".to_owned());
        }
    }
    rotation.behind = behind;
    rotation
}

/// Whether the API server's certificate is the new CA's, and comes alone: clients that trust the old CA alone refuse it.
fn lacks_bridge(inventory: &Inventory<'_>, trusted: &[Certificate], previous: &[Certificate]) -> bool {
    let (Some(item), Some(new)) = (inventory.get(API_SERVER), trusted.first()) else { return false };
    let Some((leaf, rest)) = item.certificates().split_first() else { return false };
    new.has_signed(leaf) && !rest.iter().any(|one| is_bridge(one, new, previous))
}

/// Whether it is the new CA's key, signed by one that goes.
#[must_use]
pub fn is_bridge(certificate: &Certificate, new: &Certificate, previous: &[Certificate]) -> bool {
    certificate.public_key_info() == new.public_key_info() && previous.iter().any(|old| old.has_signed(certificate))
}

/// The certificate whose key is here.
fn issuing(found: &Found) -> Option<&Certificate> {
    let key = found.key.present()?;
    found.all().iter().find(|one| one.public_key_info() == key.public_key_info())
}

/// Whether each certificate was signed by the one behind it: they are one CA and those above it.
#[must_use]
pub fn is_chain(certificates: &[Certificate]) -> bool {
    certificates.windows(2).all(|pair| matches!(pair, [below, above] if above.has_signed(below) && above != below))
}

/// Somebody has replaced it by hand: the older one is the one that goes.
fn by_age(trusted: &[Certificate], issuing: Option<&Certificate>, behind: &mut Vec<String>) -> Stage {
    let Some(issuing) = issuing else { return Stage::TrustBoth };
    let is_oldest = trusted.iter().all(|one| one.not_before() >= issuing.not_before());
    if is_oldest {
        behind.push("the key of the CA that comes is not here".to_owned());
        Stage::IssueOld
    } else {
        Stage::IssueNew
    }
}

fn leaves<'i>(
    inventory: &'i Inventory<'_>,
    authority: &'i str,
    trusted: &'i [Certificate],
) -> impl Iterator<Item = SignedLeaf> + 'i {
    // What `kubelet.conf` leads to has a row of its own.
    let is_doubled = |item: &&Item<'_>| item.name == KUBELET_CONF && inventory.kubelet_rotates();
    let items = inventory.items(&SIGNED).filter(move |item| !is_doubled(item));
    items.filter_map(move |item| {
        let leaf = item.leaf()?;
        let signed_by = trusted.iter().find(|one| one.has_signed(leaf)).map(|one| Anchor::of(one).sha256);
        // The kubelet serves with what it has signed itself, unless it was told otherwise.
        let is_its_own = item.row.kind == Kind::KubeletServer && signed_by.is_none();
        let is_requested = item.serving == Some(ServingSource::Requested);
        (item.row.issuer == authority && !is_its_own).then(|| SignedLeaf {
            name: item.name.to_owned(),
            sha256: leaf.fingerprint(),
            signed_by,
            is_requested,
        })
    })
}

/// The kubeconfigs that embed another set of CAs, and which; the order says nothing to clients. One that names a file follows it.
pub fn other_kubeconfigs<'i, 't>(
    inventory: &'i Inventory<'t>,
    wanted: &'i [Certificate],
) -> impl Iterator<Item = (&'i Item<'t>, Vec<Certificate>)> {
    inventory.items(&[Kind::Kubeconfig]).filter_map(move |item| {
        let has = item.client()?.ok()?.embedded_authorities()?;
        let is_same = has.len() == wanted.len() && has.iter().all(|one| wanted.contains(one));
        (!is_same).then_some((item, has))
    })
}

/// The certificate that the controller manager is told to sign with, where a rotation may name another: with the key of the cluster's
/// CA. One with a key of its own was set up by an administrator, and stays as it is.
#[must_use]
pub fn told_to_sign_with(layout: &Layout, pod: Option<&StaticPod>) -> Option<PathBuf> {
    let pod = pod?;
    let is_of_the_cluster = pod.file(SIGNING_KEY_FLAG)? == layout.in_use(CLUSTER_CA).key;
    pod.file(SIGNING_FLAG).filter(|_| is_of_the_cluster)
}

/// What is wrong with the certificate that the controller manager is told to sign with.
fn other_signing(inventory: &Inventory<'_>, trusted: &[Certificate], pod: Option<&StaticPod>) -> Option<String> {
    let told = told_to_sign_with(inventory.layout, pod)?;
    let own = inventory.layout.signing_certificate();
    if trusted.len() > 1 && told == inventory.layout.in_use(CLUSTER_CA).public {
        return Some(format!("the controller manager signs with {}, which holds several certificates", told.display()));
    }
    let alone = inventory.tree.content(&own).and_then(|pem| read_certificates(pem).ok());
    if told == own && alone.as_deref() != trusted.get(..1) {
        return Some(format!("{} is not the certificate of the CA that signs", own.display()));
    }
    if trusted.len() == 1 && told == own {
        return Some(format!("the controller manager signs with {}, which is not needed any more", own.display()));
    }
    None
}

fn look_at_keys(inventory: &Inventory<'_>, keys: &ServiceAccountKeys) -> AuthorityRotation {
    let key = keys.key.present();
    let Some(public) = keys.public_keys.present() else {
        let has_key = inventory.tree.is_there(&keys.key_path);
        let is_there = inventory.tree.is_there(&keys.public_key_path);
        return without(SERVICE_ACCOUNT, &keys.public_key_path, is_there, has_key);
    };
    let aside = |aside| {
        let text = inventory.tree.content(&inventory.layout.aside(SERVICE_ACCOUNT, aside).public);
        text.and_then(|text| read_public_keys(text).ok()).unwrap_or_default()
    };
    let (next, previous) = (aside(Aside::Next), aside(Aside::Previous));
    let beside = Beside::of_both(inventory, SERVICE_ACCOUNT, key.is_some());
    let is_in = |all: &[Vec<u8>]| !all.is_empty() && all.iter().all(|one| public.contains(one));
    let mut behind = Vec::new();
    let signing = key.map(PrivateKey::public_key_info);
    if signing.is_some() && signing != public.first().map(Vec::as_slice) {
        behind.push("sa.pub does not begin with the public key of sa.key".to_owned());
    }
    behind.extend(beside.problems());
    let stage = match (is_in(&next), is_in(&previous)) {
        (true, true) => Stage::Unclear,
        _ if beside.is_unclear() => Stage::Unclear,
        (true, false) => Stage::IssueOld,
        (false, true) => Stage::IssueNew,
        (false, false) if !next.is_empty() => Stage::Prepared,
        (false, false) if public.len() == 1 => Stage::Single,
        (false, false) => Stage::TrustBoth,
    };
    let all = |keys: &[Vec<u8>]| keys.iter().map(|key| Anchor::of_key(key)).collect();
    AuthorityRotation {
        stage,
        trusted: all(public),
        issuing: signing.map(sha256_hex),
        next: all(&next),
        previous: all(&previous),
        has_other_key: beside.has_key(),
        behind,
        ..absent(SERVICE_ACCOUNT)
    }
}
