//! The files of a node that hold a CA's certificate: its own, those beside it, kubeconfigs.
//!
//! In: the inventory, the certificate. Out: the files in which it changes, and findings about those that cannot be read.

use std::path::PathBuf;

use crate::audit::{Finding, Severity};
use crate::catalogue::{Aside, CLUSTER_CA, Kind as RowKind, Layout, Row};
use crate::error::Diagnostic;
use crate::inventory::{Client, Inventory, Item, Part};
use crate::plan::PlannedFile;
use crate::plan::place::fault;
use crate::x509::{Certificate, read_certificates};

/// The files beside that of `row` that may hold its certificate too: what a rotation keeps there.
#[must_use]
pub fn beside(layout: &Layout, row: &Row) -> Vec<PathBuf> {
    let aside = [Aside::Next, Aside::Previous].map(|aside| layout.aside(row.name, aside).public);
    let signing = || [layout.signing_certificate(), layout.own_signing_certificate()];
    aside.into_iter().chain((row.name == CLUSTER_CA).then(signing).into_iter().flatten()).collect()
}

/// Whether both are certificates of one CA: the same name, key and issuer.
#[must_use]
pub fn is_copy(one: &Certificate, other: &Certificate) -> bool {
    one.subject() == other.subject()
        && one.public_key_info() == other.public_key_info()
        && one.issuer() == other.issuer()
}

/// The certificates with `new` in the place of the first of its CA; further ones of it go.
#[must_use]
pub fn replaced(certificates: &[Certificate], new: &Certificate) -> Vec<Certificate> {
    let first = certificates.iter().position(|one| is_copy(one, new));
    let is_kept = |(at, one): &(usize, &Certificate)| !is_copy(one, new) || Some(*at) == first;
    let kept = certificates.iter().enumerate().filter(is_kept);
    kept.map(|(at, one)| if Some(at) == first { new.clone() } else { one.clone() }).collect()
}

/// Where a CA's certificate changes.
#[derive(Default)]
pub(super) struct Copies {
    /// All files, the CA's own first.
    pub(super) files: Vec<PlannedFile>,
    /// Those of them that are kubeconfigs.
    pub(super) kubeconfigs: Vec<PathBuf>,
    /// What cannot be read, and perhaps holds it.
    pub(super) findings: Vec<Finding>,
}

impl Copies {
    /// Where `current` is; with `new`, where anything changes by it.
    pub(super) fn of(
        inventory: &Inventory<'_>,
        item: &Item<'_>,
        current: &Certificate,
        new: Option<&Certificate>,
    ) -> Self {
        let changes = |certificates: &[Certificate]| {
            certificates.iter().any(|one| is_copy(one, current))
                && new.is_none_or(|new| replaced(certificates, new) != certificates)
        };
        let mut copies = Self::default();
        if changes(item.certificates()) {
            copies.files.push(PlannedFile { path: item.certificate.clone(), mode: 0o644 });
        }
        for path in beside(inventory.layout, item.row) {
            let certificates = Part::read(inventory.tree, &path, read_certificates);
            if let Some(fault) = fault(&certificates) {
                copies.findings.push(Finding::unusable(item.name, &path, fault.clone()).as_bad_as(Severity::Warning));
            }
            if certificates.present().is_some_and(|all| changes(all)) {
                copies.files.push(PlannedFile { path, mode: 0o644 });
            }
        }
        if item.name == CLUSTER_CA {
            copies.add_kubeconfigs(inventory, changes);
        }
        copies
    }

    fn add_kubeconfigs(&mut self, inventory: &Inventory<'_>, changes: impl Fn(&[Certificate]) -> bool) {
        for place in inventory.items(&[RowKind::Kubeconfig]) {
            let (Some(client), Some(path)) = (place.client(), &place.kubeconfig) else { continue };
            match client.map(Client::embedded_authorities) {
                Ok(Some(all)) if changes(&all) => {
                    self.files.push(PlannedFile { path: path.clone(), mode: 0o600 });
                    self.kubeconfigs.push(path.clone());
                }
                Ok(_) => {}
                Err(error) => {
                    let finding = Finding::unusable(place.name, path, error.fault());
                    self.findings.push(finding.as_bad_as(Severity::Warning));
                }
            }
        }
    }
}
