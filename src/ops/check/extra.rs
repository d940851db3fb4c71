//! Files and folders that the user names: any PEM file with certificates, any kubeconfig.

use std::path::{Path, PathBuf};

use crate::audit::Finding;
use crate::audit::certificate::judge_certificates;
use crate::audit::kubeconfig::{ExpectedKubeconfig, judge_kubeconfig};
use crate::audit::node::Checkup;
use crate::catalogue;
use crate::error::{Diagnostic as _, Fault};
use crate::inventory::{Client, Expectation, referenced_paths};
use crate::key::format::{Format, Wanted};
use crate::key::pem;
use crate::kubeconfig::{Kubeconfig, KubeconfigError};
use crate::store::{Store, StoreError};
use crate::tree::Observed;
use crate::x509::{Certificate, read_certificates};

/// How the PEM blocks of certificates begin.
const BEGIN: [&[u8]; 4] = [
    b"-----BEGIN CERTIFICATE-----",
    b"-----BEGIN TRUSTED CERTIFICATE-----",
    b"-----BEGIN X509 CERTIFICATE-----",
    b"-----BEGIN PKCS7-----",
];

/// The endings of files that are nothing but certificates.
const CERTIFICATE_ENDINGS: [&str; 8] = ["crt", "cer", "cert", "der", "p7b", "p7c", "p12", "pfx"];

impl Checkup<'_> {
    pub(super) fn extra(&mut self, store: &Store, paths: &[PathBuf]) {
        for path in paths {
            match store.list(path) {
                Ok(listing) => {
                    for problem in listing.problems {
                        self.refuse(path, problem.fault());
                    }
                    for file in listing.files {
                        self.extra_file(store, &file, false);
                    }
                }
                Err(StoreError::NotADirectory { .. }) => self.extra_file(store, path, true),
                Err(error) => self.refuse(path, error.fault()),
            }
        }
    }

    /// `named` files must hold certificates or be kubeconfigs. In a folder so must those that claim it by their name or
    /// their beginning; others are passed over.
    fn extra_file(&mut self, store: &Store, path: &Path, named: bool) {
        let tree = store.read([path]);
        let name = path.display().to_string();
        let content = match tree.get(path) {
            Observed::Missing => return self.refuse(path, StoreError::Missing { path: path.to_owned() }.fault()),
            // A folder may hold sockets and large logs, which are no certificates.
            Observed::Unreadable(fault)
                if [StoreError::NOT_A_REGULAR_FILE, StoreError::TOO_LARGE].contains(&fault.code)
                    && !named
                    && !has_certificate_name(path)
                    && !has_kubeconfig_name(path) =>
            {
                return;
            }
            Observed::Unreadable(fault) => return self.findings.push(Finding::unusable(&name, path, fault.clone())),
            Observed::File { content, .. } => content.expose(),
        };
        // A block that is cut off has no label that could be trusted: the first line of it must do.
        let has_block = BEGIN.iter().any(|begin| content.windows(begin.len()).any(|part| part == *begin));
        if !has_block && self.extra_kubeconfig(store, path, content, named) {
            return;
        }
        if named || has_block || claims_certificates(path, content) {
            match read_certificates(content) {
                Ok(certificates) => self.judge_extra(&name, path, &certificates),
                Err(error) => self.refuse_content(path, error.fault_at(path), content),
            }
        }
    }

    /// Checks a kubeconfig and the files that it refers to; `false` when the file is none, and does not claim to be one.
    fn extra_kubeconfig(&mut self, store: &Store, path: &Path, content: &[u8], named: bool) -> bool {
        let document = Kubeconfig::parse(content);
        let referenced = document.as_ref().map(|document| referenced_paths(path, document)).unwrap_or_default();
        let paths = std::iter::once(path.to_owned()).chain(referenced);
        let tree = store.read(paths);
        let client = Client::of(&tree, path, document);
        if client.is_err() && !claims_kubeconfig(path, content, named) {
            return false;
        }
        let name = path.display().to_string();
        let expected = ExpectedKubeconfig { client: Expectation::default(), server: None, trusted: &[] };
        let (client, thresholds) = (client.as_ref(), self.thresholds);
        self.findings.extend(judge_kubeconfig(&name, path, Some(client), &tree, &expected, thresholds, self.now));
        if let Some(found) = client.ok().and_then(Client::certified) {
            self.see_leaf(&name, found);
        }
        true
    }

    /// Certificates of which nothing is known but where they are.
    pub(super) fn judge_extra(&mut self, name: &str, path: &Path, certificates: &[Certificate]) {
        self.findings.extend(judge_certificates(name, path, certificates, self.thresholds, self.now));
        self.see(name, path, certificates);
    }

    fn refuse(&mut self, path: &Path, fault: Fault) {
        self.findings.push(Finding::unusable(&path.display().to_string(), path, fault));
    }

    fn refuse_content(&mut self, path: &Path, fault: Fault, content: &[u8]) {
        let fault = if content.is_empty() {
            let hint = "restore it from a backup, or have it made again".to_owned();
            Fault { message: "the file is empty".to_owned(), hint, ..fault }
        } else {
            fault
        };
        self.refuse(path, fault);
    }
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

fn has_certificate_name(path: &Path) -> bool {
    let ending = ending(path);
    ending == "pem" || CERTIFICATE_ENDINGS.contains(&ending.as_str())
}

fn has_kubeconfig_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.eq_ignore_ascii_case("kubeconfig")
        || name == "bootstrap-kubelet.conf"
        || ending(path) == "kubeconfig"
        || catalogue::kubeconfig_names().contains(&&*name)
}

/// Whether a file is a certificate's by its name or its beginning. A `.pem` file may hold keys and parameters instead.
fn claims_certificates(path: &Path, content: &[u8]) -> bool {
    let by_content = matches!(
        Format::of(content, Wanted::Certificate),
        Some(
            Format::DerCertificate
                | Format::DerPkcs7
                | Format::PemPkcs7
                | Format::Pkcs12
                | Format::JavaKeyStore
                | Format::TrustedCertificate
                | Format::OtherCertificateBlock
                | Format::ByteOrderMark
        )
    );
    let by_name = match ending(path).as_str() {
        "pem" => pem::blocks(content).next().is_none(),
        ending => CERTIFICATE_ENDINGS.contains(&ending),
    };
    by_content || by_name
}

/// Whether a file is a kubeconfig by its name or its beginning. Other programs have `.conf` files too.
fn claims_kubeconfig(path: &Path, content: &[u8], named: bool) -> bool {
    if has_kubeconfig_name(path) || Format::of(content, Wanted::Certificate) == Some(Format::Kubeconfig) {
        return true;
    }
    let is_conf = ending(path) == "conf";
    let is_another_kind = || {
        let code = Kubeconfig::parse(content).err().map(|error| error.code());
        code == Some(KubeconfigError::NOT_A_KUBECONFIG)
    };
    let has_words = |text: &str| {
        ["apiVersion", "clusters:", "contexts:", "users:", "current-context"].iter().any(|word| text.contains(word))
    };
    let is_damaged = || match str::from_utf8(content) {
        Ok(text) => text.trim().is_empty() || text.contains('\0') || has_words(text),
        Err(_) => true,
    };
    is_conf && (named || is_damaged() && !is_another_kind())
}
