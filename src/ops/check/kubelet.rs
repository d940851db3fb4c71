//! The kubelet's own certificates: its client certificate, and what it serves with.
//!
//! Source: kubelet `pkg/kubelet/certificate`: `kubelet-client-current.pem` and `kubelet-server-current.pem` are links
//! to dated files that hold certificate and key; `kubelet.crt` and `kubelet.key` are self-signed by the kubelet.

use std::path::Path;

use super::{Authorities, Checking, authority};
use crate::audit::Pair;
use crate::audit::certificate::{Expectation, judge_pair};
use crate::catalogue::KubeletFiles;
use crate::x509::{Certificate, ExtendedKeyUsage};

impl Checking {
    pub(super) fn kubelet(&mut self, kubelet_dir: &Path, authorities: &Authorities) {
        let files = KubeletFiles::of(kubelet_dir);
        let bundle = authority(authorities, "ca");
        let rows: [(_, _, _, &[Certificate]); 3] = [
            (files.client(), files.client(), ExtendedKeyUsage::ClientAuth, bundle),
            (files.server(), files.server(), ExtendedKeyUsage::ServerAuth, bundle),
            // Its CA lives and dies inside the kubelet: there is nothing to verify it with.
            (files.own_certificate(), files.own_key(), ExtendedKeyUsage::ServerAuth, &[]),
        ];
        for (certificate, key, usage, bundle) in rows {
            let tree = self.node.store.read([certificate.clone(), key.clone()]);
            let name = certificate.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let pair = Pair::read(&tree, certificate, key);
            if pair.is_missing() {
                continue;
            }
            let expectation = Expectation { extended_key_usages: vec![usage], ..Expectation::default() };
            let findings = judge_pair(&name, &pair, &tree, &expectation, bundle, self.thresholds, self.now);
            self.findings.extend(findings);
            let certificates = pair.certificates.present().cloned().unwrap_or_default();
            self.see(&name, &pair.certificate_path, certificates.get(..1).unwrap_or_default());
        }
    }
}
