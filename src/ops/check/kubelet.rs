//! The kubelet's own certificates: its client certificate, and what it serves with.
//!
//! Source: kubelet `pkg/kubelet/certificate`: `kubelet-client-current.pem` and `kubelet-server-current.pem` are links
//! to dated files that hold certificate and key; `kubelet.crt` and `kubelet.key` are self-signed by the kubelet.

use std::path::Path;

use super::{Authorities, Checking, authority};
use crate::audit::Pair;
use crate::audit::certificate::{Expectation, judge_pair};
use crate::x509::ExtendedKeyUsage;

impl Checking {
    pub(super) fn kubelet(&mut self, kubelet_dir: &Path, authorities: &Authorities) {
        let folder = kubelet_dir.join("pki");
        let ca = authority(authorities, "ca").first();
        let rows = [
            ("kubelet-client-current.pem", "kubelet-client-current.pem", ExtendedKeyUsage::ClientAuth, ca),
            ("kubelet-server-current.pem", "kubelet-server-current.pem", ExtendedKeyUsage::ServerAuth, ca),
            // Its CA lives and dies inside the kubelet: there is nothing to verify it with.
            ("kubelet.crt", "kubelet.key", ExtendedKeyUsage::ServerAuth, None),
        ];
        for (certificate, key, usage, ca) in rows {
            let tree = self.node.store.read([folder.join(certificate), folder.join(key)]);
            let pair = Pair::read(&tree, folder.join(certificate), folder.join(key));
            if pair.is_missing() {
                continue;
            }
            let expectation = Expectation { extended_key_usages: vec![usage], ..Expectation::default() };
            let findings = judge_pair(certificate, &pair, &tree, &expectation, ca, self.thresholds, self.now);
            self.findings.extend(findings);
            let certificates = pair.certificates.present().cloned().unwrap_or_default();
            self.see(certificate, &pair.certificate_path, certificates.get(..1).unwrap_or_default());
        }
    }
}
