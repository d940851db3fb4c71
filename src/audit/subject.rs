//! Judging a subject by what kubeadm's releases write: the same certificate has other groups in other versions.
//!
//! In: the certificate, the subject that the configuration's version wants, the CA. Out: findings. Fewer groups go with
//! an access rule in the cluster, which no file shows: where it may be lacking, a finding prints the command that makes
//! it. More groups than needed are what kubeadm's own renewal keeps.

use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};

use super::{Finding, FindingCode, Findings, Remedy, Settled, Severity};
use crate::catalogue::{self, Binding, Change, KUBELET_API_ADMIN, MASTERS, Organizations};
use crate::remedy::command;
use crate::x509::{Certificate, DistinguishedName};

/// Judges the subject: against `expected` if there is one, and by the age of the cluster. A certificate that is not yet
/// in its place (`is_in_place`) has to be signed again elsewhere.
pub(super) fn judge_subject(
    notes: &mut Findings,
    certificate: &Certificate,
    expected: Option<&DistinguishedName>,
    ca: Option<&Certificate>,
    is_in_place: bool,
) {
    let subject = certificate.subject();
    match expected {
        Some(expected) if !same_subject(subject, expected) => {
            if !judge_version(notes, subject, expected, is_in_place) {
                notes.add(
                    FindingCode::CertificateOtherSubject,
                    format!("its subject is {}, kubeadm's is {expected}", or_none(&subject.to_string())),
                    "make sure that the cluster's access rules fit this subject",
                );
            }
        }
        _ => {
            if let Some((evidence, remedy)) =
                ca.and_then(|ca| doubt(&notes.subject, &subject.organizations(), ca.not_before()))
            {
                notes.add_as(Severity::Info, FindingCode::CertificateNeedsBinding, evidence, remedy);
            }
        }
    }
}

/// Judges a certificate whose subject is kept, by the version of the configuration alone.
#[must_use]
pub fn judge_kept(name: &str, path: &Path, certificate: &Certificate, expected: &DistinguishedName) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    if !same_subject(certificate.subject(), expected) {
        judge_version(&mut notes, certificate.subject(), expected, true);
    }
    notes.into_vec()
}

/// Judges a certificate that is about to be made, signed by a CA that is valid from `authority_begin` on.
#[must_use]
pub fn judge_new(
    name: &str,
    path: &Path,
    subject: &DistinguishedName,
    authority_begin: DateTime<Utc>,
) -> Option<Finding> {
    let (evidence, remedy) = doubt(name, &subject.organizations(), authority_begin)?;
    let mut notes = Findings::on(name);
    notes.at(path);
    notes.add_as(Severity::Info, FindingCode::CertificateNeedsBinding, evidence, remedy);
    notes.pop()
}

/// Notes a successor that has fewer groups than the certificate in whose place it is put.
pub(super) fn judge_lost_groups(notes: &mut Findings, new: &Certificate, old: &Certificate) {
    let (has, had) = (sorted(new.subject()), sorted(old.subject()));
    if has == had || old.subject().common_name() != new.subject().common_name() {
        return;
    }
    if let Some(binding) = catalogue::binding(&notes.subject, &has).filter(|_| !had.is_empty()) {
        notes.add(
            FindingCode::CertificateNeedsBinding,
            format!("it is not in {}, as the one in its place is: {}", had.join(", "), what_fails(binding)),
            format!("make sure that the cluster has this binding, once: {}", bind(binding)),
        );
    }
}

/// Notes a subject that another version of kubeadm writes; `false` when none does.
fn judge_version(
    notes: &mut Findings,
    subject: &DistinguishedName,
    expected: &DistinguishedName,
    is_in_place: bool,
) -> bool {
    let Some((organizations, is_cluster_user)) = organizations_of(&notes.subject) else { return false };
    let all: Vec<Vec<&str>> = organizations.all().map(<[&str]>::to_vec).collect();
    let position = |name: &DistinguishedName| all.iter().position(|groups| *groups == sorted(name));
    let (Some(has), Some(wanted)) = (position(subject), position(expected)) else { return false };
    if subject.common_name() != expected.common_name() {
        return false;
    }
    let again = if is_in_place { make_again(notes) } else { "have it signed again with that subject".to_owned() };
    // The newest comes first, and each has less power than the one before it in time.
    let binding = all.get(has).and_then(|groups| catalogue::binding(&notes.subject, groups));
    let period = period(organizations, has, wanted);
    match binding {
        Some(binding) if has < wanted => notes.add(
            FindingCode::CertificateNeedsBinding,
            format!(
                "its subject is {subject}, kubeadm's of this version is {expected}: {}, and kubeadm makes it from {} on",
                what_fails(binding),
                binding.since
            ),
            Remedy::settled(
                format!(
                    "make it as this version has it: {again}{}; {}",
                    if is_in_place { restart(binding) } else { String::new() },
                    or_bind(binding)
                ),
                Settled::WhereSigned(Some(binding)),
            ),
        ),
        _ if has > wanted && is_cluster_user && sorted(subject).contains(&MASTERS.to_owned()) => notes.add(
            FindingCode::CertificateOtherSubject,
            format!("its subject is {subject}, kubeadm's{period} is {expected}: nothing can restrict {MASTERS}"),
            Remedy::settled(
                format!(
                    "make it as this version has it: {again}{}",
                    catalogue::binding(&notes.subject, &sorted(expected))
                        .map(|binding| format!("; if the cluster is older, make its binding first: {}", bind(binding)))
                        .unwrap_or_default()
                ),
                Settled::WhereSigned(None),
            ),
        ),
        _ => notes.add_as(
            Severity::Info,
            FindingCode::CertificateOtherSubject,
            format!("its subject is {subject}, kubeadm's{period} is {expected}"),
            Remedy::nothing("nothing: it works, and kubeadm's own renewal keeps the subject too"),
        ),
    }
    true
}

/// Evidence and remedy where a binding may be lacking: the cluster is older than what makes it.
fn doubt(name: &str, groups: &[String], authority_begin: DateTime<Utc>) -> Option<(String, Remedy)> {
    // Of the bindings only this one is young enough to be lacking in clusters that are in use.
    let binding = catalogue::binding(name, groups).filter(|binding| **binding == KUBELET_API_ADMIN)?;
    let first_releases = NaiveDate::from_ymd_opt(2026, 5, 1)?.and_time(chrono::NaiveTime::MIN).and_utc();
    (authority_begin < first_releases).then(|| {
        (
            format!("it has no group, and the cluster is older than kubeadm {}: {}", binding.since, what_fails(binding)),
            Remedy::nothing(format!(
                "nothing, if kubeadm upgrade apply has run with one of these releases or a later one; else make the binding, once in the cluster: {}",
                bind(binding)
            )),
        )
    })
}

/// The other way, where a binding is all that is missing.
pub(super) fn or_bind(binding: &Binding) -> String {
    format!("or make the binding, once in the cluster: {}", bind(binding))
}

fn bind(binding: &Binding) -> String {
    format!("`{}`", binding.command())
}

/// The API server goes on with the connections that it has to kubelets, and so with the certificate that it had.
fn restart(binding: &Binding) -> String {
    let is_kubelets = *binding == KUBELET_API_ADMIN;
    if is_kubelets { format!(", {}", command(["kubepki", "restart", "kube-apiserver"])) } else { String::new() }
}

fn what_fails(binding: &Binding) -> String {
    let fails =
        if *binding == KUBELET_API_ADMIN { "kubectl logs and kubectl exec are forbidden" } else { "it may do nothing" };
    format!("{fails} unless the cluster has the ClusterRoleBinding {}", binding.name)
}

/// When kubeadm writes the wanted groups, in the words of a sentence: what it wrote before, or writes since, is there.
fn period(organizations: &Organizations, has: usize, wanted: usize) -> String {
    let change = |position: usize| organizations.changes().nth(position);
    let words = |word: &str, change: &Change| format!(" {word} {change}");
    if has > wanted {
        change(wanted).map(|change| words("from", change) + " on").unwrap_or_default()
    } else {
        wanted.checked_sub(1).and_then(change).map(|change| words("before", change)).unwrap_or_default()
    }
}

/// The groups of a name by version, and whether its user is one of the cluster's (and not etcd's).
fn organizations_of(name: &str) -> Option<(&'static Organizations, bool)> {
    catalogue::issued(name).map(|row| (&row.organizations, row.is_of_cluster()))
}

/// The commands that make it again.
fn make_again(notes: &Findings) -> String {
    let path = notes.path.clone().unwrap_or_default();
    let name = notes.subject.as_str();
    if catalogue::kubeconfig(name).is_some() {
        let remove = command(["rm".as_ref(), path.as_os_str()]);
        return format!("{remove}, then {}", command(["kubepki", "kubeconfig", "init", name]));
    }
    let key = path.with_extension("key");
    let remove = command(["rm".as_ref(), path.as_os_str(), key.as_os_str()]);
    format!("{remove}, then {}", command(["kubepki", "certs", "init", name]))
}

/// Subjects compare by organizations, in any order, and common name: others' encodings may differ.
#[must_use]
pub fn same_subject(one: &DistinguishedName, other: &DistinguishedName) -> bool {
    one.common_name() == other.common_name() && sorted(one) == sorted(other)
}

fn sorted(name: &DistinguishedName) -> Vec<String> {
    let mut all = name.organizations();
    all.sort();
    all
}

pub(super) fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}
