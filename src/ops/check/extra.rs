//! Files and folders that the user names: any PEM file with certificates, any kubeconfig.

use std::path::{Path, PathBuf};

use super::Checking;
use crate::audit::certificate::{Expectation, Thresholds, judge_certificates};
use crate::audit::kubeconfig::{ExpectedKubeconfig, client_identity, judge_kubeconfig};
use crate::audit::{Finding, Severity};
use crate::error::Error;
use crate::key::pem;
use crate::store::StoreError;
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, read_certificates};

impl Checking {
    pub(super) fn extra(&mut self, paths: &[PathBuf]) {
        for path in paths {
            match self.node.store.list(path) {
                Ok(listing) => {
                    for problem in listing.problems {
                        self.refuse(path, &problem.into());
                    }
                    for file in listing.files {
                        self.extra_file(&file, false);
                    }
                }
                Err(StoreError::NotADirectory { .. }) => self.extra_file(path, true),
                Err(error) => self.refuse(path, &error.into()),
            }
        }
    }

    /// `named` files must hold certificates; in a folder other files are passed over.
    fn extra_file(&mut self, path: &Path, named: bool) {
        let tree = self.node.store.read([path]);
        let name = path.display().to_string();
        let content = match tree.get(path) {
            Observed::Missing => return self.refuse(path, &StoreError::Missing { path: path.to_owned() }.into()),
            Observed::Unreadable { code, message, hint } => {
                let (evidence, remedy) = (message.clone(), hint.clone());
                return self.findings.push(critical(code, &name, path, evidence, remedy));
            }
            Observed::File { content, .. } => content.expose(),
        };
        let holds_certificates = pem::blocks(content).any(|block| block.label == "CERTIFICATE");
        if holds_certificates || (named && !self.extra_kubeconfig(path, &tree, content)) {
            match read_certificates(content) {
                Ok(certificates) => self.judge_extra(&name, path, &certificates),
                Err(error) => self.refuse(path, &error.into()),
            }
        } else if !named {
            self.extra_kubeconfig(path, &tree, content);
        }
    }

    /// Checks a kubeconfig; `false` when the file is none.
    fn extra_kubeconfig(&mut self, path: &Path, tree: &Tree, content: &[u8]) -> bool {
        let Ok(Some(identity)) = client_identity(tree, path, content) else { return false };
        let name = path.display().to_string();
        let expected = ExpectedKubeconfig { client: Expectation::default(), server: None, ca: None, trusted: &[] };
        let findings = judge_kubeconfig(&name, path, tree, &expected, self.thresholds, self.now);
        self.findings.extend(findings);
        let certificates = identity.certificates.present().cloned().unwrap_or_default();
        self.see(&name, &identity.certificate_path, certificates.get(..1).unwrap_or_default());
        true
    }

    fn judge_extra(&mut self, name: &str, path: &Path, certificates: &[Certificate]) {
        let thresholds: Thresholds = self.thresholds;
        self.findings.extend(judge_certificates(name, path, certificates, thresholds, self.now));
        self.see(name, path, certificates);
    }

    fn refuse(&mut self, path: &Path, error: &Error) {
        let name = path.display().to_string();
        self.findings.push(critical(error.code(), &name, path, error.to_string(), error.hint()));
    }
}

fn critical(code: &str, name: &str, path: &Path, evidence: String, remedy: String) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: Severity::Critical,
        subject: name.to_owned(),
        path: Some(path.to_owned()),
        evidence,
        remedy,
    }
}
