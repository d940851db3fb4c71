//! A node checked as a whole: each item of its inventory is missing, or judged and seen.
//!
//! In: an [`Inventory`], thresholds, now. Out: a [`Checkup`]: every certificate and every finding; [`status`], the whole in
//! one word.
//!
//! Source: kubelet `pkg/kubelet/certificate`: `kubelet-client-current.pem` and `kubelet-server-current.pem` are links
//! to dated files that hold certificate and key; `kubelet.crt` and `kubelet.key` are self-signed by the kubelet;
//! `cmd/kubelet/app/server.go`: which of them it serves with.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::certificate::{Thresholds, judge_pair};
use super::identifier::note_encipherment;
use super::item::judge_item;
use super::key_strength::{SeenKey, judge_keys};
use super::{Finding, FindingCode, Findings, SeenCertificate, Settled, Severity};
use crate::catalogue::{CLUSTER_CA, KUBELET_CLIENT, KUBELET_SERVER, Kind, KubeletFiles, Row, leaf_key_usages};
use crate::component::ServingSource;
use crate::config::Role;
use crate::error::Declared as _;
use crate::inventory::{Expectation, Found, Inventory, Item};
use crate::key::Blocklist;
use crate::remedy::command;
use crate::store::StoreError;
use crate::text::file_name;
use crate::x509::{Certificate, KeyUsage, public_key};

/// The state of a node in one word, as monitoring systems have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

    /// How bad it is among many: what could not be seen may hide anything but what is broken for certain.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Unknown => 2,
            Self::Critical => 3,
        }
    }
}

/// What was seen of a node, and what is wrong with it.
#[derive(Debug)]
pub struct Checkup<'t> {
    /// What is looked at.
    pub inventory: &'t Inventory<'t>,
    /// Whether a file of the catalogue that is not there is missing: on a host that has none, nothing is.
    pub is_node: bool,
    /// How soon an end is worth a finding.
    pub thresholds: Thresholds,
    /// The moment for which it holds.
    pub now: DateTime<Utc>,
    /// Every certificate.
    pub certificates: Vec<SeenCertificate>,
    /// Every finding.
    pub findings: Vec<Finding>,
    /// Every public key.
    pub keys: Vec<SeenKey>,
}

impl<'t> Checkup<'t> {
    /// One of which nothing is looked at yet.
    #[must_use]
    pub const fn new(inventory: &'t Inventory<'t>, is_node: bool, thresholds: Thresholds, now: DateTime<Utc>) -> Self {
        Self { inventory, is_node, thresholds, now, certificates: Vec::new(), findings: Vec::new(), keys: Vec::new() }
    }

    /// The items of a kind; kubeconfigs that are there wherever they are.
    pub fn items(&mut self, kind: Kind) {
        let inventory = self.inventory;
        let is_worker = inventory.spec.role == Role::Worker;
        for item in inventory.items(&[kind]).filter(|item| item.is_on_node || kind == Kind::Kubeconfig) {
            if item.is_missing() {
                let (path, is_optional) = match kind {
                    Kind::Authority => (item.path(), is_worker && !inventory.is_said),
                    Kind::ServiceAccount => (&*item.key, false),
                    // What begins with a version may be of a cluster that is older, where nothing says how old it is.
                    _ => {
                        let is_too_new = item.row.since.is_some() && !inventory.is_said;
                        (item.path(), item.row.is_best_elsewhere || item.absence.is_some() || is_too_new)
                    }
                };
                self.missing(item.name, path, is_optional);
                continue;
            }
            // Without a configuration nobody has said what the certificate must be, not even which version wrote it.
            let usages = Expectation::usages(item.row.extended_key_usages);
            let wanted = if inventory.is_said { &item.expectation } else { &usages };
            let mut findings = judge_item(item, wanted, inventory.bundle(item.row.issuer), self.thresholds, self.now);
            // No worker has a CA's key: that says nothing of how the cluster signs.
            findings.retain(|finding| !(is_worker && finding.code == FindingCode::AuthorityExternal));
            self.findings.extend(findings);
            if item.service_account().is_some_and(|keys| keys.public_keys.is_missing()) {
                self.missing(item.name, &item.certificate, false);
            }
            match item.found() {
                Some(found) if kind == Kind::Authority => self.see(item.name, &found.certificate_path, found.all()),
                Some(found) => {
                    self.see_leaf(item.name, found);
                    self.encipherment(item.name, found);
                }
                None => {}
            }
            if let Some(keys) = item.service_account() {
                self.public_keys(item.name, &keys.public_key_path, keys.public_keys.present());
            }
        }
    }

    /// Notes a leaf that may encipher and cannot, where the cluster's kubeadm no longer writes that.
    fn encipherment(&mut self, name: &str, found: &Found) {
        let version = self.inventory.spec.version().filter(|_| self.inventory.is_said);
        let (Some(version), Some(leaf)) = (version, found.certificate()) else { return };
        let enciphers = |usages: &[KeyUsage]| usages.contains(&KeyUsage::KeyEncipherment);
        let kind = leaf.key_kind();
        if !kind.starts_with("RSA-")
            && enciphers(leaf.key_usages().unwrap_or_default())
            && !enciphers(&leaf_key_usages(Some(&version), kind))
        {
            let mut notes = Findings::on(name);
            note_encipherment(notes.at(&found.certificate_path), kind);
            self.findings.extend(notes.into_vec());
        }
    }

    fn public_keys(&mut self, name: &str, path: &Path, keys: Option<&Vec<Vec<u8>>>) {
        let seen = keys.into_iter().flatten().filter_map(|info| {
            let (kind, _) = public_key(info).ok()?;
            Some(SeenKey { name: name.to_owned(), path: path.to_owned(), kind, public_key_info: info.clone() })
        });
        self.keys.extend(seen);
    }

    /// Notes that a file is missing, unless it need not be there.
    pub fn missing(&mut self, name: &str, path: &Path, is_optional: bool) {
        if !is_optional && self.is_node {
            self.findings.push(Finding::new(
                FindingCode::FileMissing,
                name,
                path,
                "the file is missing",
                "restore it from a backup, or make it: kubepki init",
            ));
        }
    }

    /// Notes the first certificate.
    pub fn see_leaf(&mut self, name: &str, found: &Found) {
        self.see(name, &found.certificate_path, found.all().get(..1).unwrap_or_default());
    }

    /// Notes certificates.
    pub fn see(&mut self, name: &str, path: &Path, certificates: &[Certificate]) {
        let seen = certificates.iter().map(|certificate| SeenCertificate::of(name, path, certificate, self.now));
        self.certificates.extend(seen);
        self.keys.extend(certificates.iter().map(|certificate| SeenKey::of(name, path, certificate)));
    }

    /// Every key that was seen, each once; `blocklist` has those whose private half is published.
    pub fn keys(&mut self, blocklist: Option<&Blocklist>) {
        self.findings.extend(judge_keys(&self.keys, blocklist));
    }

    /// The kubelet's own certificates: its client certificate, and what it serves with. `is_known` is whether its
    /// configuration says with which file, `is_serving` whether the kubelet of this machine serves TLS, where it can be seen.
    pub fn kubelet(&mut self, files: &KubeletFiles, is_known: bool, is_serving: Option<bool>) {
        let inventory = self.inventory;
        let bundle = inventory.bundle(CLUSTER_CA);
        let (Some(client), Some(server)) = (inventory.get(KUBELET_CLIENT), inventory.get(KUBELET_SERVER)) else {
            return;
        };
        self.judge_kubelets(&file_name(&client.certificate), client.row, client.pair(), bundle);
        self.kubelet_serving(server, bundle, is_serving);
        for (certificate, key) in [(files.server(), files.server()), (files.own_certificate(), files.own_key())] {
            if certificate == server.certificate {
                continue;
            }
            let pair = Found::pair(self.inventory.tree, certificate, key);
            if is_known {
                self.unused(server.row, &pair);
            } else {
                let bundle = if pair.certificate_path == files.server() { bundle } else { &[] };
                self.judge_kubelets(&file_name(&pair.certificate_path), server.row, &pair, bundle);
            }
        }
    }

    fn kubelet_serving(&mut self, server: &Item<'_>, bundle: &[Certificate], is_serving: Option<bool>) {
        let (pair, source) = (server.pair(), server.serving.unwrap_or(ServingSource::Own));
        let name = match source {
            ServingSource::Configured => server.name.to_owned(),
            ServingSource::Own | ServingSource::Requested => file_name(&server.certificate),
        };
        if pair.is_missing() {
            match source {
                ServingSource::Own => {}
                ServingSource::Configured => self.missing(&name, &server.certificate, false),
                ServingSource::Requested if is_serving == Some(true) => {}
                ServingSource::Requested => self.pending(&name, &server.certificate),
            }
            return;
        }
        // The CA of a certificate that the kubelet made lives and dies inside the kubelet, and that of a configured one
        // may be any.
        let is_clusters = match source {
            ServingSource::Own => false,
            ServingSource::Requested => true,
            ServingSource::Configured => {
                pair.certificate().is_some_and(|certificate| self.inventory.is_issuer(CLUSTER_CA, certificate))
            }
        };
        self.judge_kubelets(&name, server.row, pair, if is_clusters { bundle } else { &[] });
    }

    fn judge_kubelets(&mut self, name: &str, row: &Row, pair: &Found, bundle: &[Certificate]) {
        if !pair.is_missing() {
            let findings = self.findings_of(name, row, pair, bundle);
            self.findings.extend(findings);
            self.see_leaf(name, pair);
        }
    }

    fn findings_of(&self, name: &str, row: &Row, pair: &Found, bundle: &[Certificate]) -> Vec<Finding> {
        let expectation = Expectation::usages(row.extended_key_usages);
        judge_pair(name, pair, self.inventory.tree, &expectation, bundle, self.thresholds, self.now)
    }

    /// An older file that the kubelet does not serve with: worth a word when it is one that would alarm.
    fn unused(&mut self, row: &Row, pair: &Found) {
        if pair.is_missing() {
            return;
        }
        let mut findings = self.findings_of(&file_name(&pair.certificate_path), row, pair, &[]);
        findings.retain(|finding| !StoreError::declares(finding.code));
        self.findings.extend(findings.into_iter().map(|finding| Finding {
            severity: Severity::Info,
            evidence: format!("{}; the kubelet does not serve with it", finding.evidence),
            remedy: "nothing; it may be removed".into(),
            settled: Settled::Nothing,
            ..finding
        }));
    }

    fn pending(&mut self, name: &str, path: &Path) {
        self.findings.push(Finding::new(
            FindingCode::CertificatePending,
            name,
            path,
            "the kubelet is to ask the cluster for its serving certificate (serverTLSBootstrap) and has \
                       none: logs, exec and metrics of this node fail until its request is approved",
            format!(
                "see which request of this node is pending, and approve it: {}, then {}",
                command(["kubepki", "kubelet", "csrs"]),
                command(["kubepki", "kubelet", "approve", "--allow", "NODE=ADDRESS"]),
            ),
        ));
    }
}

/// Keeps the first of those that say the same of one file: `kubelet.conf` leads to the kubelet's own certificate.
pub fn say_once(findings: &mut Vec<Finding>) {
    let mut said = BTreeSet::new();
    findings.retain(|finding| {
        finding.path.is_none() || said.insert((finding.code, finding.path.clone(), finding.evidence.clone()))
    });
}

/// Monitoring's word: unknown when the only thing wrong is that something could not be looked at.
#[must_use]
pub fn status(certificates: &[SeenCertificate], findings: &[Finding]) -> Status {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn finding(code: impl Into<Code>, severity: Severity) -> Finding {
        let text = String::new;
        let about = Finding::about(FindingCode::CertificateExpired, "", text(), text());
        Finding { code: code.into(), severity, ..about }
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
