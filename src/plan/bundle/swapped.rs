//! Entries that say that they are others: what is sealed entry by entry can be exchanged by somebody without the key.
//!
//! In: the entries, opened. Out: findings. A certificate, key or public key that stands under two names; and a CA that has
//! the name of another one.
//!
//! Source: kubeadm `util/crypto` `EncryptBytes`, which binds no entry to its name.

use super::shared::Shared;
use crate::audit::{Finding, FindingCode, Severity};
use crate::bundle::{EXTERNAL_ETCD, EXTERNAL_ETCD_CA};
use crate::catalogue::{self, ETCD_CA, Kind as RowKind};
use crate::x509::Certificate;

/// Judges the entries against each other.
pub(super) fn judge_swapped(all: &[Shared<'_>], severity: Severity) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, one) in all.iter().enumerate() {
        findings.extend(judge_name(one, severity));
        findings.extend(judge_client(one));
        for other in all.iter().take(position) {
            findings.extend(judge_pair(one, other, severity));
        }
    }
    findings.extend(judge_unknown_names(all));
    findings
}

/// Notes that two artefacts have a key in common. One file that a configuration names twice is one file.
fn judge_pair(one: &Shared<'_>, other: &Shared<'_>, severity: Severity) -> Option<Finding> {
    let others = other.public_keys();
    let is_shared = one.public_keys().iter().any(|key| others.contains(key));
    let is_one_file = one.entries.iter().any(|entry| other.entries.iter().any(|another| another.path == entry.path));
    (is_shared && !is_one_file).then(|| {
        Finding::new(
            FindingCode::SharedSameKey,
            one.artefact,
            one.path(),
            format!("{} has a certificate or key of {}", names(one), names(other)),
            "get the bundle again from the cluster: entries can be exchanged without the certificate key; if this cluster does use one CA for both, copy its files by hand",
        )
        .as_bad_as(severity)
    })
}

/// Notes a CA with the name that kubeadm gives another one.
fn judge_name(one: &Shared<'_>, severity: Severity) -> Option<Finding> {
    let common_name = one.common_name()?;
    let owner =
        catalogue::rows([RowKind::Authority]).find(|row| row.common_name.fixed() == Some(common_name.as_str()))?;
    // An external etcd's CA may well have been made by kubeadm, on the etcd's own nodes.
    let is_own = one.artefact == owner.name || (one.artefact, owner.name) == (EXTERNAL_ETCD_CA, ETCD_CA);
    let is_authority = one.artefact == EXTERNAL_ETCD_CA || catalogue::authority(one.artefact).is_some();
    (is_authority && !is_own).then(|| {
        Finding::new(
            FindingCode::SharedOtherName,
            one.artefact,
            one.path(),
            format!("its certificate is for {common_name}, which is kubeadm's name of {}", owner.name),
            "get the bundle again from the cluster: entries can be exchanged without the certificate key",
        )
        .as_bad_as(severity)
    })
}

/// Notes a CA in the place of the client of an external etcd: its key would go to each API server.
fn judge_client(one: &Shared<'_>) -> Option<Finding> {
    (one.artefact == EXTERNAL_ETCD && one.certificate().is_some_and(Certificate::is_ca)).then(|| {
        Finding::new(
            FindingCode::CertificateIsAnAuthority,
            one.artefact,
            one.path(),
            "it is a CA's certificate (basicConstraints CA:TRUE), not that of a client of etcd",
            "get the bundle again from the cluster",
        )
    })
}

/// Notes CAs of which no name says which is which.
fn judge_unknown_names(all: &[Shared<'_>]) -> Option<Finding> {
    let is_unknown = |one: &&Shared<'_>| {
        let known =
            |name: &String| catalogue::rows([RowKind::Authority]).any(|row| row.common_name.fixed() == Some(name));
        catalogue::authority(one.artefact).is_some() && one.common_name().is_some_and(|name| !known(&name))
    };
    let unknown: Vec<_> = all.iter().filter(is_unknown).collect();
    let [first, _, ..] = unknown.as_slice() else { return None };
    let shown: Vec<_> = unknown
        .iter()
        .map(|one| format!("{} is for {}", one.artefact, one.common_name().unwrap_or_default()))
        .collect();
    Some(
        Finding::new(
            FindingCode::SharedOtherName,
            first.artefact,
            first.path(),
            format!("nothing in these CAs says which is which: {}", shown.join(", ")),
            "see that each has the subject that it has on the other nodes",
        )
        .as_bad_as(Severity::Warning),
    )
}

fn names(one: &Shared<'_>) -> String {
    one.entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(" or ")
}
