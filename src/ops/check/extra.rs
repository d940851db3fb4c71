//! Files and folders that the user names: any PEM file with certificates, any kubeconfig.

use std::path::{Path, PathBuf};

use super::Checking;
use crate::audit::certificate::{Expectation, Thresholds, judge_certificates};
use crate::audit::kubeconfig::{ExpectedKubeconfig, client_identity, judge_kubeconfig, referenced_paths};
use crate::audit::{Finding, Severity};
use crate::error::Error;
use crate::store::StoreError;
use crate::tree::Observed;
use crate::x509::{Certificate, read_certificates};

/// How a certificate's PEM block begins.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

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
            // A folder may hold sockets and large logs, which are no certificates.
            Observed::Unreadable { code: "store.not_a_regular_file" | "store.too_large", .. } if !named => return,
            Observed::Unreadable { code, message, hint } => {
                let (evidence, remedy) = (message.clone(), hint.clone());
                return self.findings.push(critical(code, &name, path, evidence, remedy));
            }
            Observed::File { content, .. } => content.expose(),
        };
        // A block that is cut off has no label that could be trusted: the first line of it must do.
        let holds_certificates = content.windows(BEGIN.len()).any(|part| part == BEGIN);
        if !holds_certificates && self.extra_kubeconfig(path, content) {
            return;
        }
        if holds_certificates || named {
            match read_certificates(content) {
                Ok(certificates) => self.judge_extra(&name, path, &certificates),
                Err(error) => self.refuse(path, &error.into()),
            }
        }
    }

    /// Checks a kubeconfig and the files that it refers to; `false` when the file is none.
    fn extra_kubeconfig(&mut self, path: &Path, content: &[u8]) -> bool {
        let paths = std::iter::once(path.to_owned()).chain(referenced_paths(path, content));
        let tree = self.node.store.read(paths);
        let Ok(identity) = client_identity(&tree, path, content) else { return false };
        let name = path.display().to_string();
        let expected = ExpectedKubeconfig { client: Expectation::default(), server: None, trusted: &[] };
        let findings = judge_kubeconfig(&name, path, &tree, &expected, self.thresholds, self.now);
        self.findings.extend(findings);
        if let Some(identity) = identity {
            let certificates = identity.certificates.present().cloned().unwrap_or_default();
            self.see(&name, &identity.certificate_path, certificates.get(..1).unwrap_or_default());
        }
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

pub(super) fn critical(code: &str, name: &str, path: &Path, evidence: String, remedy: String) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: Severity::Critical,
        subject: name.to_owned(),
        path: Some(path.to_owned()),
        evidence,
        remedy,
    }
}
