//! The kubelet's own certificates: its client certificate, and what it serves with.
//!
//! Source: kubelet `pkg/kubelet/certificate`: `kubelet-client-current.pem` and `kubelet-server-current.pem` are links
//! to dated files that hold certificate and key; `kubelet.crt` and `kubelet.key` are self-signed by the kubelet;
//! `cmd/kubelet/app/server.go`: which of them it serves with.

use std::path::{Path, PathBuf};

use super::Checking;
use crate::audit::certificate::judge_pair;
use crate::audit::{Finding, FindingCode, Severity};
use crate::catalogue::{CLUSTER_CA, KUBELET_SERVER};
use crate::component::{ServingFiles, ServingSource};
use crate::error::Declared as _;
use crate::inventory::{Expectation, Found};
use crate::ops::kubelet::Kubelet;
use crate::remedy::command;
use crate::store::StoreError;
use crate::x509::{Certificate, ExtendedKeyUsage};

impl Checking<'_> {
    /// `serves`: whether the kubelet of this machine serves TLS, where it can be seen.
    pub(super) fn kubelet(&mut self, kubelet_dir: &Path, serves: Option<bool>) {
        let Kubelet { files, serving, is_known, .. } = Kubelet::read(&self.node.store, kubelet_dir);
        let bundle = self.inventory.bundle(CLUSTER_CA);
        let client = self.read_pair(files.client(), files.client());
        self.judge_kubelets(&name_of(&files.client()), &client, ExtendedKeyUsage::ClientAuth, bundle);
        self.kubelet_serving(&serving, bundle, serves);
        for (certificate, key) in [(files.server(), files.server()), (files.own_certificate(), files.own_key())] {
            if certificate == serving.certificate {
                continue;
            }
            let pair = self.read_pair(certificate, key);
            if is_known {
                self.unused(&pair);
            } else {
                let bundle = if pair.certificate_path == files.server() { bundle } else { &[] };
                self.judge_kubelets(&name_of(&pair.certificate_path), &pair, ExtendedKeyUsage::ServerAuth, bundle);
            }
        }
    }

    fn kubelet_serving(&mut self, serving: &ServingFiles, bundle: &[Certificate], serves: Option<bool>) {
        let pair = self.read_pair(serving.certificate.clone(), serving.key.clone());
        let name = match serving.source {
            ServingSource::Configured => KUBELET_SERVER.to_owned(),
            ServingSource::Own | ServingSource::Requested => name_of(&serving.certificate),
        };
        if pair.is_missing() {
            match serving.source {
                ServingSource::Own => {}
                ServingSource::Configured => self.missing(&name, &serving.certificate, false),
                ServingSource::Requested if serves == Some(true) => {}
                ServingSource::Requested => self.pending(&name, &serving.certificate),
            }
            return;
        }
        // The CA of a certificate that the kubelet made lives and dies inside the kubelet, and that of a configured one
        // may be any.
        let is_clusters = match serving.source {
            ServingSource::Own => false,
            ServingSource::Requested => true,
            ServingSource::Configured => pair
                .certificate()
                .is_some_and(|certificate| bundle.iter().any(|ca| ca.subject() == certificate.issuer())),
        };
        self.judge_kubelets(&name, &pair, ExtendedKeyUsage::ServerAuth, if is_clusters { bundle } else { &[] });
    }

    fn judge_kubelets(&mut self, name: &str, pair: &Found, usage: ExtendedKeyUsage, bundle: &[Certificate]) {
        if pair.is_missing() {
            return;
        }
        let tree = self.node.store.read([&pair.certificate_path, &pair.key_path]);
        let expectation = Expectation::usages(&[usage]);
        let findings = judge_pair(name, pair, &tree, &expectation, bundle, self.thresholds, self.now);
        self.findings.extend(findings);
        self.see_leaf(name, pair);
    }

    /// An older file that the kubelet does not serve with: worth a word when it is one that would alarm.
    fn unused(&mut self, pair: &Found) {
        if pair.is_missing() {
            return;
        }
        let tree = self.node.store.read([&pair.certificate_path, &pair.key_path]);
        let (name, usage) = (name_of(&pair.certificate_path), ExtendedKeyUsage::ServerAuth);
        let expectation = Expectation::usages(&[usage]);
        let mut findings = judge_pair(&name, pair, &tree, &expectation, &[], self.thresholds, self.now);
        findings.retain(|finding| !StoreError::declares(finding.code));
        self.findings.extend(findings.into_iter().map(|finding| Finding {
            severity: Severity::Info,
            evidence: format!("{}; the kubelet does not serve with it", finding.evidence),
            remedy: "nothing; it may be removed".into(),
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
                "see which request of this node is pending, and approve it: {}, then kubectl certificate approve NAME",
                command(["kubectl", "get", "csr"]),
            ),
        ));
    }

    fn read_pair(&self, certificate: PathBuf, key: PathBuf) -> Found {
        let tree = self.node.store.read([&certificate, &key]);
        Found::pair(&tree, certificate, key)
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
