//! Entries that say that they are others: what is sealed entry by entry can be exchanged by somebody without the key.
//!
//! In: the entries, opened. Out: findings. A certificate, key or public key that stands under two names; and a CA that has
//! the name of another one.
//!
//! Source: kubeadm `util/crypto` `EncryptBytes`, which binds no entry to its name.

use std::path::{Path, PathBuf};

use crate::audit::service_account::ServiceAccountKeys;
use crate::audit::{Finding, FindingCode, Severity};
use crate::bundle::{Content, EXTERNAL_ETCD, EXTERNAL_ETCD_CA, Entry};
use crate::catalogue::{self, ETCD_CA, Kind as RowKind, Layout, SERVICE_ACCOUNT};
use crate::inventory::Part;
use crate::key::PrivateKey;
use crate::tree::Tree;
use crate::x509::{Certificate, read_certificates};

/// What one artefact of a bundle is, by its keys.
struct Identity {
    artefact: &'static str,
    /// The files that say so, each with the names of their entries.
    files: Vec<(String, PathBuf)>,
    /// Each public key of its certificates and keys.
    public_keys: Vec<Vec<u8>>,
    /// The common name of its certificate.
    common_name: Option<String>,
    /// Whether its certificate is a CA's.
    is_ca: bool,
}

/// Judges the entries against each other.
pub(super) fn judge_swapped(
    entries: &[Entry],
    artefacts: &[&'static str],
    tree: &Tree,
    layout: &Layout,
    severity: Severity,
) -> Vec<Finding> {
    let identities: Vec<_> = artefacts.iter().map(|name| identity(name, entries, tree, layout)).collect();
    let mut findings = Vec::new();
    for (position, one) in identities.iter().enumerate() {
        findings.extend(judge_name(one, severity));
        findings.extend(judge_client(one));
        for other in identities.iter().take(position) {
            findings.extend(judge_pair(one, other, severity));
        }
    }
    findings.extend(judge_unknown_names(&identities));
    findings
}

fn identity(artefact: &'static str, entries: &[Entry], tree: &Tree, layout: &Layout) -> Identity {
    let mut identity =
        Identity { artefact, files: Vec::new(), public_keys: Vec::new(), common_name: None, is_ca: false };
    for entry in entries.iter().filter(|entry| entry.artefact == artefact) {
        let Some(path) = &entry.path else { continue };
        identity.files.push((entry.name.clone(), path.clone()));
        match entry.content {
            Content::Certificate => {
                let certificates = Part::read(tree, path, read_certificates);
                let all = certificates.present().map(Vec::as_slice).unwrap_or_default();
                identity.is_ca = all.first().is_some_and(Certificate::is_ca);
                identity.common_name = all.first().and_then(|first| first.subject().common_name());
                identity.public_keys.extend(all.iter().map(Certificate::public_key_info).map(<[u8]>::to_vec));
            }
            Content::AuthorityKey | Content::Key => {
                let key = Part::read(tree, path, PrivateKey::from_pem);
                identity.public_keys.extend(key.present().map(|key| key.public_key_info().to_vec()));
            }
            Content::PublicKey => {}
        }
    }
    if artefact == SERVICE_ACCOUNT {
        let keys = ServiceAccountKeys::read(tree, layout);
        identity.public_keys.extend(keys.public_keys.present().into_iter().flatten().cloned());
    }
    identity
}

/// Notes that two artefacts have a key in common. One file that a configuration names twice is one file.
fn judge_pair(one: &Identity, other: &Identity, severity: Severity) -> Option<Finding> {
    let is_shared = one.public_keys.iter().any(|key| other.public_keys.contains(key));
    let is_one_file = one.files.iter().any(|(_, path)| other.files.iter().any(|(_, another)| another == path));
    (is_shared && !is_one_file).then(|| {
        Finding::new(
            FindingCode::SharedSameKey,
            one.artefact,
            first_path(one),
            format!("{} has a certificate or key of {}", names(one), names(other)),
            "get the bundle again from the cluster: entries can be exchanged without the certificate key; if this cluster does use one CA for both, copy its files by hand",
        )
        .as_bad_as(severity)
    })
}

/// Notes a CA with the name that kubeadm gives another one.
fn judge_name(one: &Identity, severity: Severity) -> Option<Finding> {
    let common_name = one.common_name.as_deref()?;
    let owner = catalogue::rows([RowKind::Authority]).find(|row| row.common_name.fixed() == Some(common_name))?;
    // An external etcd's CA may well have been made by kubeadm, on the etcd's own nodes.
    let is_own = one.artefact == owner.name || (one.artefact, owner.name) == (EXTERNAL_ETCD_CA, ETCD_CA);
    let is_authority = one.artefact == EXTERNAL_ETCD_CA || catalogue::authority(one.artefact).is_some();
    (is_authority && !is_own).then(|| {
        Finding::new(
            FindingCode::SharedOtherName,
            one.artefact,
            first_path(one),
            format!("its certificate is for {common_name}, which is kubeadm's name of {}", owner.name),
            "get the bundle again from the cluster: entries can be exchanged without the certificate key",
        )
        .as_bad_as(severity)
    })
}

/// Notes a CA in the place of the client of an external etcd: its key would go to each API server.
fn judge_client(one: &Identity) -> Option<Finding> {
    (one.artefact == EXTERNAL_ETCD && one.is_ca).then(|| {
        Finding::new(
            FindingCode::CertificateIsAnAuthority,
            one.artefact,
            first_path(one),
            "it is a CA's certificate (basicConstraints CA:TRUE), not that of a client of etcd",
            "get the bundle again from the cluster",
        )
    })
}

/// Notes CAs of which no name says which is which.
fn judge_unknown_names(identities: &[Identity]) -> Option<Finding> {
    let is_unknown = |one: &&Identity| {
        let known =
            |name: &String| catalogue::rows([RowKind::Authority]).any(|row| row.common_name.fixed() == Some(name));
        catalogue::authority(one.artefact).is_some() && one.common_name.as_ref().is_some_and(|name| !known(name))
    };
    let unknown: Vec<_> = identities.iter().filter(is_unknown).collect();
    let [first, _, ..] = unknown.as_slice() else { return None };
    let shown: Vec<_> = unknown
        .iter()
        .map(|one| format!("{} is for {}", one.artefact, one.common_name.as_deref().unwrap_or_default()))
        .collect();
    Some(
        Finding::new(
            FindingCode::SharedOtherName,
            first.artefact,
            first_path(first),
            format!("nothing in these CAs says which is which: {}", shown.join(", ")),
            "see that each has the subject that it has on the other nodes",
        )
        .as_bad_as(Severity::Warning),
    )
}

fn names(one: &Identity) -> String {
    one.files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" or ")
}

fn first_path(one: &Identity) -> &Path {
    one.files.first().map_or(Path::new(""), |(_, path)| path)
}
