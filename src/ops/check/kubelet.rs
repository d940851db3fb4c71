//! The kubelet's own certificates: its client certificate, and what it serves with.
//!
//! Source: kubelet `pkg/kubelet/certificate`: `kubelet-client-current.pem` and `kubelet-server-current.pem` are links
//! to dated files that hold certificate and key; `kubelet.crt` and `kubelet.key` are self-signed by the kubelet;
//! `cmd/kubelet/app/server.go`: which of them it serves with.

use std::path::Path;

use super::Checking;
use crate::audit::certificate::judge_pair;
use crate::audit::{Finding, FindingCode, Severity};
use crate::catalogue::{CLUSTER_CA, KUBELET_CLIENT, KUBELET_SERVER, Row};
use crate::component::ServingSource;
use crate::error::Declared as _;
use crate::inventory::{Expectation, Found, Item};
use crate::ops::kubelet::Kubelet;
use crate::remedy::command;
use crate::store::StoreError;
use crate::text::file_name;
use crate::x509::Certificate;

impl Checking<'_> {
    /// `is_serving`: whether the kubelet of this machine serves TLS, where it can be seen.
    pub(super) fn kubelet(&mut self, kubelet: &Kubelet, is_serving: Option<bool>) {
        let (inventory, files) = (self.inventory, &kubelet.files);
        let bundle = inventory.bundle(CLUSTER_CA);
        let (Some(client), Some(server)) = (inventory.get(KUBELET_CLIENT), inventory.get(KUBELET_SERVER)) else {
            return;
        };
        self.judge_kubelets(&file_name(&client.certificate), client.row, client.pair(), bundle);
        self.kubelet_serving(kubelet.serving.source, server, bundle, is_serving);
        for (certificate, key) in [(files.server(), files.server()), (files.own_certificate(), files.own_key())] {
            if certificate == server.certificate {
                continue;
            }
            let pair = Found::pair(self.tree, certificate, key);
            if kubelet.is_known {
                self.unused(server.row, &pair);
            } else {
                let bundle = if pair.certificate_path == files.server() { bundle } else { &[] };
                self.judge_kubelets(&file_name(&pair.certificate_path), server.row, &pair, bundle);
            }
        }
    }

    fn kubelet_serving(
        &mut self,
        source: ServingSource,
        server: &Item<'_>,
        bundle: &[Certificate],
        is_serving: Option<bool>,
    ) {
        let pair = server.pair();
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
            ServingSource::Configured => pair
                .certificate()
                .is_some_and(|certificate| bundle.iter().any(|ca| ca.subject() == certificate.issuer())),
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
        judge_pair(name, pair, self.tree, &expectation, bundle, self.thresholds, self.now)
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
}
