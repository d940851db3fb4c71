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

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::advice::advise;
use super::kubelet::Kubelet;
use super::node::Node;
use super::restart;
use crate::audit::authority::judge_authority;
use crate::audit::certificate::{Thresholds, judge_pair};
use crate::audit::kubeconfig::{ExpectedKubeconfig, judge_kubeconfig};
use crate::audit::{Finding, FindingCode, SeenCertificate, Severity, unreadable};
use crate::catalogue::Kind;
use crate::config::{Etcd, Problem, Role};
use crate::error::Result;
use crate::inventory::{self, Client, Expectation, Found, Inventory, Item};
use crate::kubeconfig::KubeconfigError;
pub use crate::request::CheckRequest;
use crate::store::StoreError;
use crate::tree::{Observed, Tree};
use crate::x509::Certificate;

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
struct Checking<'t> {
    node: &'t Node,
    inventory: &'t Inventory<'t>,
    tree: &'t Tree,
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
    let mut tree = node.read();
    let has_config = request.node.has_configuration();
    if !has_config {
        infer(&mut node, &tree);
    }
    let is_node = has_config || tree.iter().any(|(_, observed)| !matches!(observed, Observed::Missing));
    let thresholds = request.thresholds()?;
    let kubelet = Kubelet::read(&node.store, &request.kubelet_dir);
    tree.add(node.store.read(kubelet.paths()));
    let inventory = node.inventory(&tree, &kubelet, None, has_config)?;
    let mut checking = Checking {
        node: &node,
        inventory: &inventory,
        tree: &tree,
        has_config,
        is_node,
        thresholds,
        now,
        certificates: Vec::new(),
        findings: Vec::new(),
    };

    checking.authorities();
    checking.leaves();
    checking.external_etcd();
    checking.service_account();
    checking.kubeconfigs();
    // What runs on this machine says nothing about a tree below another root.
    let on_machine = request.node.rootfs.is_none();
    let seen = is_node.then(|| restart::living(&node.store, &request.kubelet_dir, on_machine));
    let living = seen.unwrap_or_default();
    checking.kubelet(&kubelet, living.kubelet_serves);
    checking.extra(&request.extra);
    checking.exposure(&request.kubelet_dir);
    checking.held_manifests();
    checking.findings.extend(living.findings);

    let Checking { certificates, mut findings, .. } = checking;
    let as_root = (!node.store.is_root()).then_some("run it as root: `sudo kubepki check`");
    unreadable::gather(&mut findings, as_root);
    say_once(&mut findings);
    advise(&mut findings, &node, &tree, &request.node, &request.kubelet_dir, now)?;
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

/// Reads the kind of node off its files.
pub(super) fn infer(node: &mut Node, tree: &Tree) {
    let layout = &node.layout;
    let has_etcd = inventory::has_etcd(layout, tree);
    let is_control_plane = inventory::is_control_plane(layout, tree);
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

impl Checking<'_> {
    fn authorities(&mut self) {
        let inventory = self.inventory;
        let is_worker = self.node.spec.role == Role::Worker;
        for item in inventory.items(&[Kind::Authority]).filter(|item| item.is_on_node) {
            if item.is_missing() {
                self.missing(item.name, &item.certificate, is_worker && !self.has_config);
                continue;
            }
            let mut findings = judge_authority(item.name, item.pair(), self.tree, self.thresholds, self.now);
            if is_worker {
                // No worker has a CA's key: that says nothing of how the cluster signs.
                findings.retain(|finding| finding.code != FindingCode::AuthorityExternal);
            }
            self.findings.extend(findings);
            self.see(item.name, &item.certificate, item.certificates());
        }
    }

    fn leaves(&mut self) {
        let inventory = self.inventory;
        for item in inventory.items(&[Kind::Leaf]).filter(|item| item.is_on_node) {
            if item.is_missing() {
                self.missing(item.name, &item.certificate, false);
                continue;
            }
            let (pair, expectation) = (item.pair(), self.expectation(item));
            let bundle = inventory.bundle(item.row.issuer);
            let findings = judge_pair(item.name, pair, self.tree, &expectation, bundle, self.thresholds, self.now);
            self.findings.extend(findings);
            self.see_leaf(item.name, pair);
        }
    }

    /// Without a configuration nobody has said what the certificate must be, not even which version wrote it.
    fn expectation(&self, item: &Item<'_>) -> Expectation {
        if self.has_config { item.expectation.clone() } else { Expectation::usages(item.row.extended_key_usages) }
    }

    fn service_account(&mut self) {
        let inventory = self.inventory;
        for item in inventory.items(&[Kind::ServiceAccount]).filter(|item| item.is_on_node) {
            if item.is_missing() {
                self.missing(item.name, &item.key, false);
                continue;
            }
            let Some(keys) = item.service_account() else { continue };
            self.findings.extend(keys.judge(self.tree));
            if keys.public_keys.is_missing() {
                self.missing(item.name, &item.certificate, false);
            }
        }
    }

    fn kubeconfigs(&mut self) {
        let inventory = self.inventory;
        for item in inventory.items(&[Kind::Kubeconfig]) {
            if item.is_missing() {
                let is_optional = item.row.is_best_elsewhere || item.absence.is_some();
                self.missing(item.name, item.path(), is_optional);
                continue;
            }
            let (client, trusted) = (self.expectation(item), inventory.bundle(item.row.issuer));
            let expected = ExpectedKubeconfig { client, server: item.server.clone(), trusted };
            self.kubeconfig(item.name, item.path(), item.client(), self.tree, &expected);
        }
    }

    /// Judges a kubeconfig, and sees the certificate that it shows.
    fn kubeconfig(
        &mut self,
        name: &str,
        path: &Path,
        client: Option<std::result::Result<&Client, &KubeconfigError>>,
        tree: &Tree,
        expected: &ExpectedKubeconfig<'_>,
    ) {
        let findings = judge_kubeconfig(name, path, client, tree, expected, self.thresholds, self.now);
        self.findings.extend(findings);
        if let Some(found) = client.and_then(std::result::Result::ok).and_then(Client::certified) {
            self.see_leaf(name, found);
        }
    }

    fn missing(&mut self, name: &str, path: &std::path::Path, optional: bool) {
        if !optional && self.is_node {
            self.findings.push(Finding::new(
                FindingCode::FileMissing,
                name,
                path,
                "the file is missing",
                "restore it from a backup, or make it: kubepki init",
            ));
        }
    }

    fn see_leaf(&mut self, name: &str, found: &Found) {
        self.see(name, &found.certificate_path, found.all().get(..1).unwrap_or_default());
    }

    fn see(&mut self, name: &str, path: &Path, certificates: &[Certificate]) {
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
