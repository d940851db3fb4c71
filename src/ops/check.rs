//! `kubepki check`: everything that can be known of a node's certificates, for monitoring.
//!
//! In: a request, now. Out: a [`CheckReport`]: every certificate with its end, every finding, one status. CAs,
//! leaves, kubeconfigs, the kubelet's own certificates, and any file or folder besides.
//!
//! On the node itself, components that run are asked what they serve, and when they started.
//!
//! Without a configuration the kind of node is read off the files, and names are not judged: nobody has said
//! which node this is.

mod exposure;
mod external_etcd;
mod extra;
mod held;
mod kubelet;
mod living;

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::advice::advise;
use super::node::{Node, NodeRequest};
use super::span::span;
use crate::audit::authority::judge_authority;
use crate::audit::certificate::{Expectation, Thresholds, judge_pair};
use crate::audit::kubeconfig::{ExpectedKubeconfig, client_identity, judge_kubeconfig};
use crate::audit::service_account::ServiceAccountKeys;
use crate::audit::{Finding, FindingCode, Pair, SeenCertificate, Severity, unreadable};
use crate::catalogue::{self, CLUSTER_CA, Kind, Layout, Row};
use crate::config::{Etcd, Problem, Role};
use crate::error::Result;
use crate::store::StoreError;
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, ExtendedKeyUsage};

/// What `check` is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckRequest {
    /// Which node.
    pub node: NodeRequest,
    /// A certificate with at most this many seconds left is a warning.
    pub warning_seconds: i64,
    /// A certificate with at most this many seconds left is critical.
    pub critical_seconds: i64,
    /// The kubelet's directory; its `pki` folder is looked into.
    pub kubelet_dir: PathBuf,
    /// Files and folders to check besides.
    pub extra: Vec<PathBuf>,
}

impl Default for CheckRequest {
    fn default() -> Self {
        Self {
            node: NodeRequest::default(),
            warning_seconds: TimeDelta::days(30).num_seconds(),
            critical_seconds: TimeDelta::days(7).num_seconds(),
            kubelet_dir: "/var/lib/kubelet".into(),
            extra: Vec::new(),
        }
    }
}

/// The state of a node in one word, as monitoring systems have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing to do (exit code 0).
    Ok,
    /// To be looked at (exit code 1).
    Warning,
    /// Broken, or soon so (exit code 2).
    Critical,
    /// It could not be seen (exit code 3).
    Unknown,
}

impl Status {
    /// The exit code of the monitoring convention.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

/// All that was seen and found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The moment for which it holds.
    pub checked_at: DateTime<Utc>,
    /// The whole in one word.
    pub status: Status,
    /// Every certificate, in the catalogue's order, then the kubelet's, then others.
    pub certificates: Vec<SeenCertificate>,
    /// Every finding, the worst first.
    pub findings: Vec<Finding>,
    /// What the configuration's reader warns of.
    pub warnings: Vec<Problem>,
}

/// What all parts of the check work with.
struct Checking {
    node: Node,
    tree: Tree,
    has_config: bool,
    /// Whether a file of the catalogue that is not there is missing: on a host that has none, nothing is.
    is_node: bool,
    thresholds: Thresholds,
    now: DateTime<Utc>,
    certificates: Vec<SeenCertificate>,
    findings: Vec<Finding>,
}

/// Reads the node's files and says what is wrong with them.
///
/// # Errors
/// The configuration cannot be read or is invalid; `rootfs` is no directory. Nothing in the tree is an error.
pub fn check(request: &CheckRequest, now: DateTime<Utc>) -> Result<CheckReport> {
    let mut node = Node::open_without_address(&request.node)?;
    let tree = node.read();
    let has_config = request.node.has_configuration();
    if !has_config {
        infer(&mut node, &tree);
    }
    let is_node = has_config || tree.iter().any(|(_, observed)| !matches!(observed, Observed::Missing));
    let thresholds = Thresholds {
        warning: span("--warning", request.warning_seconds)?,
        critical: span("--critical", request.critical_seconds)?,
    };
    let mut checking =
        Checking { node, tree, has_config, is_node, thresholds, now, certificates: Vec::new(), findings: Vec::new() };

    let authorities = checking.authorities();
    checking.leaves(&authorities)?;
    checking.external_etcd();
    checking.service_account();
    checking.kubeconfigs(&authorities)?;
    let living = checking.living(request);
    checking.kubelet(&request.kubelet_dir, &authorities, living.kubelet_serves);
    checking.extra(&request.extra);
    checking.exposure(&request.kubelet_dir);
    checking.held_manifests();
    checking.findings.extend(living.findings);

    let Checking { node, tree, certificates, mut findings, .. } = checking;
    let as_root = (!node.store.is_root()).then_some("run it as root: `sudo kubepki check`");
    unreadable::gather(&mut findings, as_root);
    say_once(&mut findings);
    advise(&mut findings, &node, &tree, &request.node, &request.kubelet_dir, now);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let kubelet = request.kubelet_dir.join("pki");
    let folders = [&node.layout.certificates_dir, &node.layout.kubeconfig_dir, &kubelet].map(PathBuf::as_path);
    super::interrupted::put_first(&node.store, &folders, &mut findings);
    let status = status(&certificates, &findings);
    Ok(CheckReport { checked_at: now, status, certificates, findings, warnings: node.warnings })
}

/// Keeps the first of those that say the same of one file: `kubelet.conf` leads to the kubelet's own certificate.
fn say_once(findings: &mut Vec<Finding>) {
    let mut said = BTreeSet::new();
    findings.retain(|finding| {
        finding.path.is_none() || said.insert((finding.code, finding.path.clone(), finding.evidence.clone()))
    });
}

/// Whether the files are a worker's: it has a kubelet, and nothing of a control plane.
pub(super) fn is_worker(layout: &Layout, tree: &Tree) -> bool {
    let has_kubelet = !matches!(tree.get(&layout.kubeconfig(catalogue::KUBELET_CONF)), Observed::Missing);
    has_kubelet && !is_control_plane(layout, tree)
}

fn is_control_plane(layout: &Layout, tree: &Tree) -> bool {
    let is_there = |path: PathBuf| !matches!(tree.get(&path), Observed::Missing);
    let mut own = catalogue::rows([Kind::Leaf, Kind::Kubeconfig])
        .filter(|row| row.is_of_cluster() && !row.roles.contains(&Role::Worker));
    is_there(layout.key(CLUSTER_CA)) || own.any(|row| is_there(layout.of(row)))
}

/// Reads the kind of node off its files.
pub(super) fn infer(node: &mut Node, tree: &Tree) {
    let is_there = |path: PathBuf| !matches!(tree.get(&path), Observed::Missing);
    let layout = &node.layout;
    let is_control_plane = is_control_plane(layout, tree);
    // An external etcd's CA certificate has the same place, but never its key.
    let is_server = |row: &&Row| row.kind == Kind::Leaf && row.has_alternative_names();
    let has_etcd = catalogue::ROWS.iter().filter(|row| row.is_etcd()).any(|row| {
        is_server(&row) && is_there(layout.certificate(row.base_name))
            || (is_server(&row) || row.kind == Kind::Authority) && is_there(layout.key(row.base_name))
    });
    node.spec.role = if is_control_plane { Role::SecondaryControlPlane } else { Role::Worker };
    if !has_etcd {
        node.spec.etcd = Etcd::External {
            endpoints: Vec::new(),
            ca_file: String::new(),
            cert_file: String::new(),
            key_file: String::new(),
        };
    }
}

/// Monitoring's word: unknown when the only thing wrong is that something could not be looked at.
fn status(certificates: &[SeenCertificate], findings: &[Finding]) -> Status {
    let critical: Vec<_> = findings.iter().filter(|finding| finding.is_critical()).collect();
    let unseen = |finding: &&Finding| finding.code == StoreError::NO_PERMISSION;
    if critical.iter().any(|finding| !unseen(finding)) {
        Status::Critical
    } else if !critical.is_empty() || certificates.is_empty() {
        Status::Unknown
    } else if findings.iter().any(|finding| finding.severity == Severity::Warning) {
        Status::Warning
    } else {
        Status::Ok
    }
}

type Authorities = Vec<(&'static str, Vec<Certificate>)>;

fn authority<'a>(authorities: &'a Authorities, name: &str) -> &'a [Certificate] {
    authorities.iter().find(|(one, _)| *one == name).map_or(&[], |(_, certificates)| certificates.as_slice())
}

impl Checking {
    fn authorities(&mut self) -> Authorities {
        let mut authorities = Vec::new();
        for row in catalogue::rows([Kind::Authority]) {
            if !row.is_on(&self.node.spec) {
                continue;
            }
            let pair = self.pair(row.base_name);
            if pair.is_missing() {
                self.missing(row.name, pair.certificate_path, self.node.spec.role == Role::Worker && !self.has_config);
                continue;
            }
            let mut findings = judge_authority(row.name, &pair, &self.tree, self.thresholds, self.now);
            if self.node.spec.role == Role::Worker {
                // No worker has a CA's key: that says nothing of how the cluster signs.
                findings.retain(|finding| finding.code != FindingCode::AuthorityExternal);
            }
            self.findings.extend(findings);
            let certificates = pair.certificates.present().cloned().unwrap_or_default();
            self.see(row.name, &pair.certificate_path, &certificates);
            authorities.push((row.name, certificates));
        }
        authorities
    }

    fn leaves(&mut self, authorities: &Authorities) -> Result<()> {
        for row in catalogue::rows([Kind::Leaf]) {
            if !row.is_on(&self.node.spec) {
                continue;
            }
            let pair = self.pair(row.base_name);
            if pair.is_missing() {
                self.missing(row.name, pair.certificate_path, false);
                continue;
            }
            let mut expectation =
                Expectation { extended_key_usages: row.extended_key_usages.to_vec(), ..Expectation::default() };
            if self.has_config {
                if !row.is_named_after_node() || self.knows_name() {
                    expectation.subject = Some(row.subject(&self.node.spec)?);
                }
                expectation.subject_alt_names = row.subject_alt_names(&self.node.spec);
            }
            let bundle = authority(authorities, row.issuer);
            let findings = judge_pair(row.name, &pair, &self.tree, &expectation, bundle, self.thresholds, self.now);
            self.findings.extend(findings);
            let certificates = pair.certificates.present().cloned().unwrap_or_default();
            self.see(row.name, &pair.certificate_path, certificates.get(..1).unwrap_or_default());
        }
        Ok(())
    }

    fn service_account(&mut self) {
        if self.node.spec.role == Role::Worker {
            return;
        }
        let keys = ServiceAccountKeys::read(&self.tree, &self.node.layout);
        if keys.key.is_missing() && keys.public_keys.is_missing() {
            self.missing(catalogue::SERVICE_ACCOUNT, keys.key_path, false);
            return;
        }
        self.findings.extend(keys.judge(&self.tree));
        if keys.public_keys.is_missing() {
            self.missing(catalogue::SERVICE_ACCOUNT, keys.public_key_path, false);
        }
    }

    fn kubeconfigs(&mut self, authorities: &Authorities) -> Result<()> {
        let trusted = authority(authorities, CLUSTER_CA);
        for row in catalogue::rows([Kind::Kubeconfig]) {
            let path = self.node.layout.kubeconfig(row.name);
            if matches!(self.tree.get(&path), Observed::Missing) {
                let optional = row.is_best_elsewhere || row.absence(&self.node.spec).is_some();
                self.missing(row.name, path, optional);
                continue;
            }
            let mut client =
                Expectation { extended_key_usages: vec![ExtendedKeyUsage::ClientAuth], ..Expectation::default() };
            if self.has_config && (!row.is_named_after_node() || self.knows_name()) {
                client.subject = Some(row.subject(&self.node.spec)?);
            }
            let server = if self.has_config { row.known_server(&self.node.spec) } else { None };
            let expected = ExpectedKubeconfig { client, server, trusted };
            let findings = judge_kubeconfig(row.name, &path, &self.tree, &expected, self.thresholds, self.now);
            self.findings.extend(findings);
            let identity = self.tree.content(&path).and_then(|text| client_identity(&self.tree, &path, text).ok()?);
            if let Some(identity) = identity {
                let certificates = identity.certificates.present().cloned().unwrap_or_default();
                self.see(row.name, &identity.certificate_path, certificates.get(..1).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Neither the configuration nor the host may have a name that is one.
    fn knows_name(&self) -> bool {
        !self.node.spec.node_name.is_empty()
    }

    fn pair(&self, base_name: &str) -> Pair {
        Pair::read(&self.tree, self.node.layout.certificate(base_name), self.node.layout.key(base_name))
    }

    fn missing(&mut self, name: &str, path: PathBuf, optional: bool) {
        if !optional && self.is_node {
            self.findings.push(Finding::new(
                FindingCode::FileMissing,
                name,
                &path,
                "the file is missing",
                "restore it from a backup, or make it: kubepki init",
            ));
        }
    }

    fn see(&mut self, name: &str, path: &std::path::Path, certificates: &[Certificate]) {
        let seen = certificates.iter().map(|certificate| SeenCertificate::of(name, path, certificate, self.now));
        self.certificates.extend(seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn finding(code: impl Into<Code>, severity: Severity) -> Finding {
        let text = String::new;
        Finding { code: code.into(), severity, subject: text(), path: None, evidence: text(), remedy: text() }
    }

    #[test]
    fn what_may_not_be_read_is_unknown_unless_something_else_is_critical() {
        let certificate = SeenCertificate {
            name: "ca".into(),
            path: "/ca.crt".into(),
            subject: String::new(),
            issuer: String::new(),
            serial: String::new(),
            not_before: DateTime::UNIX_EPOCH,
            not_after: DateTime::UNIX_EPOCH,
            residual_seconds: 0,
            key: String::new(),
            subject_alt_names: Vec::new(),
            is_ca: true,
            public_key_sha256: String::new(),
            key_usages: Vec::new(),
            extended_key_usages: Vec::new(),
        };
        let seen = [certificate];
        let unreadable = finding(StoreError::NO_PERMISSION, Severity::Critical);
        let warning = finding(FindingCode::CertificateExpiresSoon, Severity::Warning);
        let expired = finding(FindingCode::CertificateExpired, Severity::Critical);
        assert_eq!(status(&seen, &[]), Status::Ok);
        assert_eq!(status(&seen, std::slice::from_ref(&warning)), Status::Warning);
        assert_eq!(status(&seen, &[unreadable.clone(), warning]), Status::Unknown);
        assert_eq!(status(&seen, &[unreadable, expired.clone()]), Status::Critical);
        assert_eq!(status(&[], &[]), Status::Unknown);
        assert_eq!(status(&[], &[expired]), Status::Critical);
    }
}
