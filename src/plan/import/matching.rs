//! Which file is for which place: by its name where that tells, else by the key.
//!
//! A name tells by the catalogue's files (`etcd/server.crt`, `admin.conf.crt`, `ca.crt`) and by kubeadm's names
//! (`etcd-server.crt`). Else a leaf is for the place whose key, or whose request, it has the public key of.

use std::path::Path;

use super::{Given, Importing};
use crate::audit::{Finding, FindingCode, Remedy, Severity};
use crate::catalogue::{Kind as RowKind, Row};
use crate::inventory::{Inventory, Item, Part};
use crate::x509::{Certificate, OrderedChain, order_chain};

/// A file with the place that it is for.
pub(super) struct Matched<'a> {
    pub(super) item: &'a Item<'a>,
    pub(super) given: &'a Given,
    /// The leaf first; the file's own order for a CA.
    pub(super) certificates: Vec<Certificate>,
}

/// How the names of certificate files end.
pub(crate) const ENDINGS: [&str; 3] = ["crt", "pem", "cer"];

impl<'a> Importing<'a> {
    pub(super) fn match_all(&mut self, given: &'a [Given]) -> Vec<Matched<'a>> {
        let mut all: Vec<Matched<'a>> = Vec::new();
        for one in given {
            let Some(matched) = self.match_one(one) else { continue };
            let twin = all.iter_mut().find(|other| other.item.name == matched.item.name);
            match twin {
                None => all.push(matched),
                Some(twin) if twin.certificates.first() == matched.certificates.first() => {
                    if matched.certificates.len() > twin.certificates.len() {
                        *twin = matched;
                    }
                }
                Some(twin) => {
                    let evidence = format!(
                        "{} and {} are two different certificates for it",
                        twin.given.path.display(),
                        one.path.display()
                    );
                    let name = matched.item.name;
                    let remedy = "name the right one, or remove the other one";
                    self.findings.push(Finding::new(FindingCode::ImportAmbiguous, name, &one.path, evidence, remedy));
                }
            }
        }
        all
    }

    fn match_one(&mut self, given: &'a Given) -> Option<Matched<'a>> {
        let shown = given.path.display().to_string();
        let certificates = match &given.certificates {
            Part::Present(certificates) => certificates,
            Part::Missing => return None,
            Part::Broken(fault) => {
                let subject = by_name(&given.path, self.inventory).map_or(shown.as_str(), |item| item.name);
                self.findings.push(crate::audit::Finding::unusable(subject, &given.path, fault.clone()));
                return None;
            }
        };
        let named = by_name(&given.path, self.inventory);
        if let Some(item) = named.filter(|item| item.row.kind == RowKind::Authority) {
            return Some(Matched { item, given, certificates: without_repeats(certificates) });
        }
        let OrderedChain { certificates: chain, left_out } = match order_chain(certificates) {
            Ok(ordered) => ordered,
            Err(leaves) => {
                let evidence =
                    format!("it holds {} certificates that could be the leaf: {}", leaves.len(), list(&leaves));
                let subject = named.map_or(shown, |item| item.name.to_owned());
                let remedy = "give each file one leaf with its intermediates";
                self.findings.push(Finding::new(FindingCode::ImportAmbiguous, &subject, &given.path, evidence, remedy));
                return None;
            }
        };
        let Some(item) = named.or_else(|| self.by_key(chain.first()?)) else {
            self.note_unmatched(given, chain.first());
            return None;
        };
        if !left_out.is_empty() {
            let evidence = format!("its file also holds {}, which did not sign it", list(&left_out));
            let remedy = Remedy::nothing("nothing: they are left out");
            self.findings.push(Finding::new(FindingCode::ImportLeftOut, item.name, &given.path, evidence, remedy));
        }
        Some(Matched { item, given, certificates: chain })
    }

    fn by_key(&self, leaf: &Certificate) -> Option<&'a Item<'a>> {
        self.inventory.issued().find(|item| self.is_for(item, leaf))
    }

    /// Whether the certificate has the public key of the place's key or request, those for a renewal included.
    pub(super) fn is_for(&self, item: &Item<'_>, leaf: &Certificate) -> bool {
        let is_its = |info: &[u8]| info == leaf.public_key_info();
        item.has_key(leaf.public_key_info())
            || item.read_request().present().is_some_and(|request| is_its(request.public_key_info()))
            || self.waiting.iter().any(|one| one.name == item.name && one.is_for(leaf))
    }

    /// Other files in a directory are not asked about, least of all CAs' beside what they have signed.
    fn note_unmatched(&mut self, given: &Given, leaf: Option<&Certificate>) {
        let Some(leaf) = leaf else { return };
        if leaf.is_ca() && !given.is_named {
            return;
        }
        let severity = if given.is_named { Severity::Critical } else { Severity::Warning };
        let evidence =
            format!("its name is not one of kubeadm's, and no key or request on this node fits {}", leaf.subject());
        let remedy = "name it as kubeadm names its place (apiserver.crt, etcd/server.crt, admin.conf.crt), or bring it to the node that has its key";
        let subject = given.path.display().to_string();
        self.findings.push(
            Finding::new(FindingCode::ImportUnmatched, &subject, &given.path, evidence, remedy).as_bad_as(severity),
        );
    }
}

/// The place that a file's name tells.
pub(super) fn by_name<'a>(path: &Path, inventory: &'a Inventory<'a>) -> Option<&'a Item<'a>> {
    let name = path.file_name()?.to_str()?;
    let mut endings = ENDINGS.iter().chain(&["csr"]);
    let stem = endings.find_map(|ending| name.strip_suffix(&format!(".{ending}")))?;
    let folder = path.parent().and_then(Path::file_name).and_then(|folder| folder.to_str()).unwrap_or_default();
    let below = format!("{folder}/{stem}");
    let find = |wanted: &dyn Fn(&Row) -> bool| {
        inventory.items(&[RowKind::Authority]).chain(inventory.issued()).find(|item| wanted(item.row))
    };
    find(&|row| row.base_name == below).or_else(|| find(&|row| row.base_name == stem || row.name == stem))
}

fn without_repeats(certificates: &[Certificate]) -> Vec<Certificate> {
    let mut all: Vec<Certificate> = Vec::with_capacity(certificates.len());
    for certificate in certificates {
        if !all.contains(certificate) {
            all.push(certificate.clone());
        }
    }
    all
}

/// Subjects in words.
fn list(certificates: &[Certificate]) -> String {
    let names: Vec<_> = certificates.iter().map(|one| one.subject().to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join("; ") }
}
