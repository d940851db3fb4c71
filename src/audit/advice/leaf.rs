//! Certificates with a key beside them, and kubeconfigs: made, renewed or asked for, as their CA's key is here or not.

use std::path::{Path, PathBuf};

use super::{Advisor, Signer, is_about_the_authority, is_keys, is_put_right_by_renewal, opening};
use crate::audit::{Finding, FindingCode};
use crate::catalogue::{CLUSTER_CA, Kind, Row, with_ending};
use crate::inventory::Item;
use crate::remedy::command;

/// A request that waits, and the certificate that answers it, if that is there already.
pub(super) struct Waiting {
    request: PathBuf,
    is_signed: bool,
}

impl Waiting {
    /// How far it is.
    fn opening(&self) -> &'static str {
        waits(self.is_signed)
    }
}

/// How far a request is whose certificate is there, or not.
pub(super) fn waits(is_signed: bool) -> &'static str {
    if is_signed { "its request is signed: " } else { "its request waits to be signed: " }
}

impl Advisor<'_> {
    pub(super) fn for_leaf(&self, row: &Row, finding: &Finding) -> String {
        let (certificate, key) = (self.layout.certificate(row.base_name), self.layout.key(row.base_name));
        let signer = self.signer(row.issuer);
        if let Some(waiting) = self.waiting_leaf(row) {
            return waiting.opening().to_owned() + &self.finish(row.name, row.issuer, signer, &waiting);
        }
        let (has_certificate, has_key) = (self.tree.is_there(&certificate), self.tree.is_there(&key));
        let is_readable = self.leaf(row.name).is_some();
        let is_keys = finding.path.as_ref() == Some(&key);
        let (opening, name) = (opening(finding.code), row.name);
        let renews = is_readable && (is_put_right_by_renewal(finding.code) || is_keys);
        let changes_names = finding.code == FindingCode::CertificateMissingNames && self.has_config;
        match signer {
            Signer::Here if renews => format!("{opening}renew it: {}", command(["kubepki", "certs", "renew", name])),
            Signer::Here if changes_names => {
                format!(
                    "renew it with these names: {}",
                    command(["kubepki", "certs", "renew", name, "--sans-from-config"])
                )
            }
            Signer::Here => {
                let make = self.configured(["kubepki", "certs", "init", name]);
                let make = format!("{make}{}", self.explanation());
                match self.remove([&certificate, &key]) {
                    None => format!("make it: {make}"),
                    Some(remove) => format!("{opening}make the pair again: {remove}, {make}"),
                }
            }
            Signer::Elsewhere => {
                let (ask, folder) = match (has_certificate, has_key) {
                    _ if renews => {
                        (command(["kubepki", "certs", "generate-csr", name, "--renew"]), self.layout.renewal())
                    }
                    (false, true) => {
                        let words = ["kubepki", "certs", "generate-csr", name, "--reuse-keys"];
                        (self.configured(words) + self.explanation(), self.layout.clone())
                    }
                    (false, false) => (
                        self.configured(["kubepki", "certs", "generate-csr", name]) + self.explanation(),
                        self.layout.clone(),
                    ),
                    (true, _) => (self.ask_in_renewal(name), self.layout.renewal()),
                };
                let request = folder.certificates_dir.join(format!("{}.csr", row.base_name));
                let aside = if folder == *self.layout { self.remove([&request]) } else { self.clear(&request) };
                let aside = aside.map(|remove| remove + ", ").unwrap_or_default();
                let waiting = Waiting { request, is_signed: false };
                format!("{opening}ask for it: {aside}{ask}; {}", self.finish(name, row.issuer, signer, &waiting))
            }
        }
    }

    pub(super) fn for_kubeconfig(&self, row: &Row, finding: &Finding) -> String {
        let path = self.layout.kubeconfig(row.name);
        let signer = self.signer(CLUSTER_CA);
        if let Some(remedy) = self.waiting_kubeconfig(row) {
            return remedy;
        }
        let name = row.name;
        let embed = command(["kubepki", "kubeconfig", "embed", name]);
        if is_about_the_authority(finding.code) {
            return format!("put this node's CA into it: {embed}");
        }
        let is_readable = self.leaf(name).is_some();
        let is_keys = is_keys(finding.code);
        let renews = is_readable && (is_put_right_by_renewal(finding.code) || is_keys);
        let opening = opening(finding.code);
        match signer {
            Signer::Here if renews => format!("{opening}renew it: {}", command(["kubepki", "certs", "renew", name])),
            Signer::Here => {
                let make = self.configured(["kubepki", "kubeconfig", "init", name]) + self.explanation();
                match self.remove([&path]) {
                    None => format!("make it: {make}"),
                    Some(remove) => format!("{opening}make it again: {remove}, {make}"),
                }
            }
            Signer::Elsewhere if renews && self.is_kubelets(name) => self.ask_for_kubelet_client(opening),
            Signer::Elsewhere => {
                let (ask, folder) = if renews {
                    (command(["kubepki", "certs", "generate-csr", name, "--renew"]), self.layout.renewal())
                } else if is_readable {
                    (self.ask_in_renewal(name), self.layout.renewal())
                } else {
                    let ask = self.configured(["kubepki", "certs", "generate-csr", name]) + self.explanation();
                    let remove = self.remove([&path]).map(|remove| remove + ", ");
                    (remove.unwrap_or_default() + &ask, self.layout.clone())
                };
                let request = with_ending(&folder.kubeconfig(name), "csr");
                let aside = self.clear(&request).map(|remove| remove + ", ").unwrap_or_default();
                let waiting = Waiting { request, is_signed: false };
                format!(
                    "{opening}ask for it: {aside}{ask}; {}, {embed}",
                    self.finish(name, CLUSTER_CA, signer, &waiting)
                )
            }
        }
    }

    /// A request from the configuration, in the folder where nothing that is in use is in its way.
    fn ask_in_renewal(&self, name: &str) -> String {
        let folder = self.layout.renewal().kubeconfig_dir;
        let folder = folder.to_string_lossy();
        self.configured(["kubepki", "certs", "generate-csr", name, "--out-dir", &folder]) + self.explanation()
    }

    /// Takes away what an earlier request, that can no longer be used, has left beside the new one.
    fn clear(&self, request: &Path) -> Option<String> {
        let base = request.with_extension("");
        self.remove(&["csr", "key", "crt"].map(|ending| with_ending(&base, ending)))
    }

    /// From a request to a certificate that is in its place.
    fn finish(&self, name: &str, issuer: &str, signer: Signer, waiting: &Waiting) -> String {
        let request = waiting.request.display();
        let sign = match signer {
            _ if waiting.is_signed => String::new(),
            Signer::Here => {
                let named = format!("{name}={request}");
                let folder = self.layout.certificates_dir.to_string_lossy();
                let words = ["kubepki", "certs", "sign", &named, "--ca-dir", &folder, "--role", "control-plane"];
                self.configured(words) + self.explanation() + ", "
            }
            Signer::Elsewhere => {
                format!("let the owner of {issuer} sign {request} and put the certificate beside it; then ")
            }
        };
        sign + &command(["kubepki", "certs", "import"])
    }

    /// A request for a kubeconfig's certificate, of which the kubeconfig has none yet or an old one.
    pub(super) fn waiting_kubeconfig(&self, row: &Row) -> Option<String> {
        if row.kind != Kind::Kubeconfig {
            return None;
        }
        let path = self.layout.kubeconfig(row.name);
        let renewed = self.layout.renewal().kubeconfig(row.name);
        let client = self.inventory.get(row.name).and_then(Item::client);
        let has_none = client.and_then(Result::ok).is_some_and(|client| client.certified().is_none());
        let embed = command(["kubepki", "kubeconfig", "embed", row.name]);
        let (waiting, is_beside) = match self.waits(&renewed, true) {
            Some(waiting) => (waiting, false),
            None => (has_none.then(|| self.waits(&path, false)).flatten()?, true),
        };
        let opening = waiting.opening();
        // One that is beside the kubeconfig is embedded from there.
        if is_beside && waiting.is_signed {
            return Some(format!("{opening}{embed}"));
        }
        let finish = self.finish(row.name, CLUSTER_CA, self.signer(CLUSTER_CA), &waiting);
        Some(format!("{opening}{finish}, {embed}"))
    }

    pub(super) fn waiting_leaf(&self, row: &Row) -> Option<Waiting> {
        let renewed = self.layout.renewal().certificates_dir.join(row.base_name);
        let beside = self.layout.certificates_dir.join(row.base_name);
        let waits =
            || (!self.tree.is_there(&self.layout.certificate(row.base_name))).then(|| self.waits(&beside, true));
        // A request whose key is gone is worth nothing.
        self.waits(&renewed, true).or_else(|| waits().flatten())
    }

    /// Whether the request of `base` is there; one for renewal has its key beside it.
    fn waits(&self, base: &Path, has_own_key: bool) -> Option<Waiting> {
        let request = with_ending(base, "csr");
        let is_signed = self.tree.is_there(&with_ending(base, "crt"));
        let waits = self.tree.is_there(&request) && (!has_own_key || self.tree.is_there(&with_ending(base, "key")));
        waits.then_some(Waiting { request, is_signed })
    }
}
