//! Who gets in with a certificate: every client certificate of a tree, whom it stands for, what it can do and until when;
//! and, by the API server's audit log, who has used which.
//!
//! In: the client certificates, the node's CAs, a log. Out: [`Credential`]s, [`UnknownCredential`]s, findings. A
//! certificate cannot be revoked: it ends with its validity, or with its CA.
//!
//! Source: k8s.io/apiserver `pkg/authentication/request/x509` (user and groups are CN and O), Kubernetes' documentation
//! of default roles; etcd's of `--client-cert-auth` (without roles a client may do everything); CIS 5.1.1.

mod log;
mod unused;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use log::{AuditLog, CREDENTIAL_PREFIX, CredentialUse};
pub use unused::{StillUsed, still_used};

use super::{Finding, FindingCode, Remedy, Severity};
use crate::catalogue::{self, CLUSTER_ADMINS, CLUSTER_CA, Kind, MASTERS, Row, SYSTEM_NODE, SYSTEM_NODES};
use crate::inventory::Inventory;
use crate::text::counted;
use crate::x509::{Certificate, DistinguishedName, ExtendedKeyUsage};

/// What stands before names of Kubernetes' own.
const RESERVED: &str = "system:";

/// What a certificate can do, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// Everything in the cluster, and no rule can restrict it (`system:masters`).
    Unrestricted,
    /// To be any user, to API servers that trust it as their front proxy.
    AnyUser,
    /// To read and write all of etcd, past the API server.
    Etcd,
    /// Everything in the cluster, as long as its group is bound to that (`kubeadm:cluster-admins`).
    ClusterAdmin,
    /// What Kubernetes' own rules allow to a user of its own (`system:…`): a component of the control plane.
    Component,
    /// What a node may do, to its own node and pods.
    Node,
    /// What roles are bound to its user and groups.
    Bound,
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unrestricted => "unrestricted",
            Self::AnyUser => "any_user",
            Self::Etcd => "etcd",
            Self::ClusterAdmin => "cluster_admin",
            Self::Component => "component",
            Self::Node => "node",
            Self::Bound => "bound",
        })
    }
}

/// Where the key of a certificate is, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPlace {
    /// It was seen.
    Here,
    /// There is a file for it, and it may not be read.
    Unreadable,
    /// It was not found.
    Elsewhere,
}

/// A CA that was found with the certificates: what it signs can do what the certificates of `row` can.
#[derive(Clone, Debug)]
pub struct FoundAuthority {
    /// The row of the catalogue.
    pub row: &'static Row,
    /// Its certificate.
    pub certificate: Certificate,
}

/// A client certificate as it was found.
#[derive(Clone, Debug)]
pub struct Held {
    /// kubeadm's name, or the file's; with the user's name, where a kubeconfig has several.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The certificate.
    pub certificate: Certificate,
    /// Where its key is.
    pub key: KeyPlace,
}

/// A client certificate, and all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// kubeadm's name, or the file's.
    pub name: String,
    /// Every file that holds it.
    pub paths: Vec<PathBuf>,
    /// The user that it stands for: its common name.
    pub user: String,
    /// The groups: its organizations.
    pub groups: Vec<String>,
    /// What it can do.
    pub power: Power,
    /// kubeadm's name of the CA that signed it; none where no CA of the tree did.
    pub authority: Option<String>,
    /// Whether its key is there: without it nobody gets in with this copy.
    pub has_key: bool,
    /// Whether there is a file for its key that may not be read: then nobody knows.
    #[serde(default)]
    pub is_key_unreadable: bool,
    /// Its first moment.
    pub not_before: DateTime<Utc>,
    /// Its last moment.
    pub not_after: DateTime<Utc>,
    /// What is left, in whole seconds; negative when it has expired.
    pub residual_seconds: i64,
    /// The SHA-256 of its DER in hexadecimal: what an API server's log calls `X509SHA256=`.
    pub sha256: String,
    /// How the log says it was used; none where it was not, or no log was given.
    pub used: Option<CredentialUse>,
}

/// A certificate that the log knows and no file has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownCredential {
    /// The SHA-256 of its DER in hexadecimal.
    pub sha256: String,
    /// What it can do, as far as its user and groups say.
    pub power: Power,
    /// How it was used.
    pub used: CredentialUse,
}

/// Whether anybody can log in with a certificate.
#[must_use]
pub fn is_for_clients(certificate: &Certificate) -> bool {
    !certificate.is_ca() && certificate.allows_purpose(&ExtendedKeyUsage::ClientAuth)
}

/// Lays the certificates beside the log: the most powerful first, each once, whatever files hold it. CAs that were found
/// `beside` them count as those of the node do.
#[must_use]
pub fn credentials(
    held: &[Held],
    beside: &[FoundAuthority],
    inventory: &Inventory<'_>,
    log: Option<&AuditLog>,
    now: DateTime<Utc>,
) -> (Vec<Credential>, Vec<UnknownCredential>) {
    let mut known: BTreeMap<String, Credential> = BTreeMap::new();
    for one in held {
        let sha256 = one.certificate.fingerprint();
        let used = log.and_then(|log| log.uses.get(&sha256)).cloned();
        let credential =
            known.entry(sha256.clone()).or_insert_with(|| Credential::of(one, sha256, (inventory, beside), used, now));
        credential.has_key |= one.key == KeyPlace::Here;
        credential.is_key_unreadable |= one.key == KeyPlace::Unreadable;
        credential.paths.push(one.path.clone());
    }
    for credential in known.values_mut() {
        credential.is_key_unreadable &= !credential.has_key;
        // Each file once, in the order in which they were found.
        let mut seen = BTreeSet::new();
        credential.paths.retain(|path| seen.insert(path.clone()));
    }
    let unknown = log.into_iter().flat_map(|log| &log.uses).filter(|(sha256, _)| !known.contains_key(*sha256));
    let mut unknown: Vec<_> = unknown
        .map(|(sha256, used)| UnknownCredential {
            sha256: sha256.clone(),
            power: power_in_cluster(&used.user, &used.groups),
            used: used.clone(),
        })
        .collect();
    unknown.sort_by_key(|one| (one.power, std::cmp::Reverse(one.used.last_at)));
    let mut known: Vec<_> = known.into_values().collect();
    known.sort_by(|one, other| (one.power, &one.name).cmp(&(other.power, &other.name)));
    (known, unknown)
}

impl Credential {
    fn of(
        held: &Held,
        sha256: String,
        (inventory, beside): (&Inventory<'_>, &[FoundAuthority]),
        used: Option<CredentialUse>,
        now: DateTime<Utc>,
    ) -> Self {
        let certificate = &held.certificate;
        let subject = certificate.subject();
        let (name, groups) = (user_of(subject), subject.organizations());
        let signer = inventory
            .items(&[Kind::Authority])
            .find(|item| item.certificates().iter().any(|ca| ca.has_signed(certificate)));
        let found = || beside.iter().find(|one| one.certificate.has_signed(certificate)).map(|one| one.row.name);
        let signer = signer.map(|item| item.name).or_else(found);
        // Of a CA that is not here, an external etcd's, the certificate's place says whose it is, else its issuer's name: what
        // it may be able to do is said rather than left out.
        let issuer = signer
            .or_else(|| catalogue::issued(&held.name).map(|row| row.issuer))
            .or_else(|| authority_called(certificate.issuer()).map(|row| row.name))
            .unwrap_or(CLUSTER_CA);
        let power = match catalogue::authority(issuer) {
            Some(row) if row.is_etcd() => Power::Etcd,
            Some(row) if !row.is_of_cluster() && row.name != CLUSTER_CA => Power::AnyUser,
            _ => power_in_cluster(&name, &groups),
        };
        Self {
            name: held.name.clone(),
            paths: Vec::new(),
            user: name,
            groups,
            power,
            authority: signer.map(str::to_owned),
            has_key: false,
            is_key_unreadable: false,
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            residual_seconds: (certificate.not_after() - now).num_seconds(),
            sha256,
            used,
        }
    }

    /// Whether it stands in kubeadm's place for it.
    fn is_kubeadms(&self) -> bool {
        catalogue::row(&self.name).is_some()
    }

    /// Whether a kube-apiserver sees who shows it.
    const fn is_seen_by_api_server(&self) -> bool {
        !matches!(self.power, Power::Etcd | Power::AnyUser)
    }
}

/// The CA of the catalogue that a file holds, by its place (`etcd/ca.crt`), else by the name that kubeadm gives it.
#[must_use]
pub fn authority_at(path: &Path, certificate: &Certificate) -> Option<&'static Row> {
    let is_place = |row: &&Row| path.ends_with(format!("{}.crt", row.base_name));
    // The longest place first: `etcd/ca.crt` ends with `ca.crt` too.
    let by_place = catalogue::rows([Kind::Authority]).filter(is_place).max_by_key(|row| row.base_name.len());
    // kubeadm calls each of its CAs by another name; in a folder that is a part of a tree, `ca.crt` may be etcd's.
    authority_called(certificate.subject()).or(by_place)
}

fn authority_called(name: &DistinguishedName) -> Option<&'static Row> {
    let called = name.common_name()?;
    catalogue::rows([Kind::Authority]).find(|row| row.common_name.fixed() == Some(&*called))
}

fn user_of(subject: &DistinguishedName) -> String {
    subject.common_name().unwrap_or_default()
}

fn power_in_cluster(user: &str, groups: &[String]) -> Power {
    let is_in = |group: &str| groups.iter().any(|one| one == group);
    if is_in(MASTERS) {
        Power::Unrestricted
    } else if is_in(CLUSTER_ADMINS) {
        Power::ClusterAdmin
    } else if user.starts_with(SYSTEM_NODE) && is_in(SYSTEM_NODES) {
        Power::Node
    } else if user.starts_with(RESERVED) || catalogue::ROWS.iter().any(|row| row.common_name.fixed() == Some(user)) {
        Power::Component
    } else {
        Power::Bound
    }
}

/// What there is to say of them; `longest` is how long a client certificate may live.
#[must_use]
pub fn judge(
    credentials: &[Credential],
    unknown: &[UnknownCredential],
    log: Option<&AuditLog>,
    longest: TimeDelta,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let own_node = credentials.iter().find(|one| one.power == Power::Node && one.is_kubeadms());
    for credential in credentials {
        judge_power(credential, own_node, &mut findings);
        let life = credential.not_after - credential.not_before;
        if life > longest && credential.residual_seconds >= 0 {
            findings.push(credential.finding(
                FindingCode::AccessLongLived,
                format!("it is valid for {}, and cannot be revoked", counted(whole_days(life), "day")),
                "make it short-lived, and again when it ends",
            ));
        }
        if let Some(log) = log.filter(|log| credential.is_unused(log)) {
            findings.push(credential.finding(
                FindingCode::AccessUnused,
                format!("nobody has used it in the log{}", period(log)),
                Remedy::nothing(
                    "nothing, if it is for emergencies; else remove it, and make it again when it is needed",
                ),
            ));
        }
    }
    findings.extend(unknown.iter().map(judge_unknown));
    findings
}

fn judge_power(credential: &Credential, own_node: Option<&Credential>, findings: &mut Vec<Finding>) {
    if credential.is_kubeadms() {
        return;
    }
    match credential.power {
        Power::Unrestricted => findings.push(credential.finding(
            FindingCode::AccessUnrestricted,
            format!("its group {MASTERS} may do everything, and no rule can restrict it"),
            "give its owner a certificate without this group, and remove this one; it works until it expires",
        )),
        Power::Node => {
            if let Some(own) = own_node.filter(|own| own.user != credential.user) {
                findings.push(credential.finding(
                    FindingCode::AccessOtherNode,
                    format!("it is the identity of {}, and this node is {}", credential.user, own.user),
                    "remove it: who has this node's files is that node too",
                ));
            }
        }
        Power::Bound if credential.groups.iter().any(|group| group == SYSTEM_NODES) => {
            findings.push(credential.finding(
                FindingCode::AccessOtherNode,
                format!("it is in the group {SYSTEM_NODES}, and its user {} is no node's", credential.user),
                "have it issued again without this group",
            ));
        }
        _ => {}
    }
}

fn judge_unknown(unknown: &UnknownCredential) -> Finding {
    let used = &unknown.used;
    let groups = if used.groups.is_empty() { "no group".to_owned() } else { used.groups.join(", ") };
    let severity = if unknown.power == Power::Unrestricted { Severity::Warning } else { Severity::Info };
    let evidence = format!(
        "the log has {} of {} ({groups}), the last on {}, with a certificate that is in no file that was looked at \
         ({CREDENTIAL_PREFIX}{})",
        counted(usize::try_from(used.requests).unwrap_or(usize::MAX), "request"),
        if used.user.is_empty() { "nobody" } else { &used.user },
        used.last_at.format("%Y-%m-%d %H:%M UTC"),
        unknown.sha256,
    );
    let remedy = "name the files of other nodes and people too; an unknown certificate works until it expires or its CA is replaced";
    Finding::about(FindingCode::AccessUnknown, &used.user, evidence, remedy).as_bad_as(severity)
}

impl Credential {
    fn finding(&self, code: FindingCode, evidence: String, remedy: impl Into<Remedy>) -> Finding {
        let path = self.paths.first().cloned();
        Finding { path, ..Finding::about(code, &self.name, evidence, remedy) }
    }

    /// The log is from its time, and does not know it. A log without any certificate says nothing of any.
    fn is_unused(&self, log: &AuditLog) -> bool {
        let overlaps = log.first_at.is_some_and(|first| first <= self.not_after)
            && log.last_at.is_some_and(|last| last >= self.not_before);
        self.used.is_none() && self.has_key && overlaps && self.is_seen_by_api_server() && !log.uses.is_empty()
    }
}

fn whole_days(span: TimeDelta) -> usize {
    usize::try_from(span.num_days()).unwrap_or_default()
}

fn period(log: &AuditLog) -> String {
    let day = |moment: DateTime<Utc>| moment.format("%Y-%m-%d %H:%M UTC").to_string();
    match (log.first_at, log.last_at) {
        (Some(first), Some(last)) => format!(" from {} to {}", day(first), day(last)),
        _ => String::new(),
    }
}
