//! The plan that takes away what a certificate needed on its way: `kubepki certs cleanup`.
//!
//! In: the tree as read, which names, now. Out: a [`Plan`]. A request goes when the certificate that it became is in
//! place and verifies; a kubeconfig's certificate file when it is embedded. What does not is kept, and said why.
//! CA keys are `authority_key`'s.

mod authority_key;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::generate::Selection;
use super::{Artefact, Kind, Operation, Plan, PlannedFile, Step};
use crate::audit::{Finding, FindingCode, Severity};
use crate::catalogue::{self, Layout};
use crate::inventory::{Inventory, Item, Part};
use crate::key::PrivateKey;
use crate::x509::{Certificate, CertificateRequest, read_certificates, verify_chain};

pub use authority_key::manifests;

/// How a plan is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which certificates and kubeconfigs.
    pub names: Selection,
    /// The CAs whose keys are taken away too.
    pub authority_keys: Vec<String>,
    /// Where the kubelet reads static-pod manifests.
    pub manifests_dir: PathBuf,
}

/// What all parts of the plan work with.
struct Cleaning<'a> {
    inventory: &'a Inventory<'a>,
    /// The same below `renewal`, where the files for a renewal with new keys are made.
    renewals: &'a Inventory<'a>,
    options: &'a Options,
    now: DateTime<Utc>,
    artefacts: Vec<Artefact>,
    findings: Vec<Finding>,
}

/// Plans what goes, of what is on its way.
pub(crate) fn cleanup(
    inventory: &Inventory<'_>,
    renewals: &Inventory<'_>,
    options: &Options,
    now: DateTime<Utc>,
) -> Plan {
    let mut cleaning = Cleaning { inventory, renewals, options, now, artefacts: Vec::new(), findings: Vec::new() };
    cleaning.plan_leftovers();
    cleaning.plan_authority_keys();
    let Cleaning { mut artefacts, findings, .. } = cleaning;
    artefacts.sort_by_key(|artefact| catalogue::position(&artefact.name));
    Plan::new(Operation::Cleanup, inventory.layout, inventory.tree, now, artefacts, findings)
}

/// Whether what goes is kept in a folder of this machine, off the node: when CA keys are taken away.
#[must_use]
pub fn keeps_on_machine(plan: &Plan) -> bool {
    plan.operation == Operation::Cleanup && plan.artefacts.iter().any(|one| one.kind == Kind::CertificateAuthority)
}

/// The folders of [`Layout::renewal`], which are of no use when they are empty; the deepest first.
#[must_use]
pub fn renewal_folders(layout: &Layout) -> Vec<PathBuf> {
    let Layout { certificates_dir, kubeconfig_dir } = layout.renewal();
    vec![certificates_dir.join("etcd"), certificates_dir, kubeconfig_dir]
}

/// What a file of the way is.
#[derive(Clone, Copy)]
enum Leftover {
    Request,
    Certificate,
    Key,
}

impl Cleaning<'_> {
    fn plan_leftovers(&mut self) {
        let inventory = self.inventory;
        for place in inventory.issued().filter(|place| self.options.names.contains(place.name)) {
            let leftovers = self.leftovers(place);
            if leftovers.is_empty() {
                continue;
            }
            let kept = match self.in_use(place) {
                Ok(leaf) => leftovers.iter().find_map(|(leftover, path)| {
                    self.still_needed(*leftover, path, &leaf).map(|reason| (path.clone(), reason))
                }),
                Err(reason) => leftovers.first().map(|(_, path)| (path.clone(), reason)),
            };
            let files: Vec<_> = leftovers.into_iter().map(|(_, path)| PlannedFile { path, mode: 0o600 }).collect();
            let artefact = match kept {
                None => Artefact::of(place.row, Step::Remove, "it is in place", files),
                Some((path, reason)) => {
                    self.note_kept(place.name, &path, &reason);
                    Artefact::of(place.row, Step::Keep, &reason, files)
                }
            };
            self.artefacts.push(artefact);
        }
    }

    /// A file that was asked for by name and stays is a fault; one of all is worth knowing.
    fn note_kept(&mut self, name: &str, path: &Path, reason: &str) {
        let severity = match self.options.names {
            Selection::Names(_) => Severity::Critical,
            Selection::All | Selection::None => Severity::Warning,
        };
        self.findings.push(
            Finding::new(
                FindingCode::CleanupStillNeeded,
                name,
                path,
                format!("it is still needed: {reason}"),
                "have it signed, import it and embed it first; or remove it by hand if it is not wanted",
            )
            .as_bad_as(severity),
        );
    }

    /// The files of the way that are there, of this one and of its renewal.
    fn leftovers(&self, place: &Item<'_>) -> Vec<(Leftover, PathBuf)> {
        let mut all = vec![(Leftover::Request, &place.request)];
        // A pair's certificate and key are where they belong.
        if place.kubeconfig.is_some() {
            all.extend([(Leftover::Certificate, &place.certificate), (Leftover::Key, &place.key)]);
        }
        if let Some(renewal) = self.renewals.get(place.name) {
            let (request, certificate, key) = (&renewal.request, &renewal.certificate, &renewal.key);
            all.extend([(Leftover::Request, request), (Leftover::Certificate, certificate), (Leftover::Key, key)]);
        }
        let is_there = |(_, path): &(Leftover, &PathBuf)| self.inventory.tree.is_there(path);
        all.into_iter().filter(is_there).map(|(leftover, path)| (leftover, path.clone())).collect()
    }

    /// The certificate in use, or why it is none to rely on.
    fn in_use(&self, place: &Item<'_>) -> Result<Certificate, String> {
        let found = match place.client() {
            _ if place.kubeconfig.is_none() => place.pair(),
            None => return Err(format!("{} is not there", place.path().display())),
            Some(Err(error)) => return Err(error.to_string()),
            Some(Ok(client)) => {
                client.certified().ok_or_else(|| format!("no certificate is embedded in {} yet", place.name))?
            }
        };
        let Some((leaf, intermediates)) = found.all().split_first() else {
            return Err("its certificate is not in place".into());
        };
        if found.key.present().is_none_or(|key| key.public_key_info() != leaf.public_key_info()) {
            return Err("the key in place is not the certificate's".into());
        }
        let bundle = self.inventory.bundle(place.row.issuer);
        if bundle.is_empty() {
            let (path, _) = self.inventory.layout.authority(place.row.issuer);
            return Err(format!("its CA {} cannot be read", path.display()));
        }
        verify_chain(leaf, intermediates, bundle, self.now, None)
            .map_err(|problem| format!("the certificate in place does not verify: {problem}"))?;
        Ok(leaf.clone())
    }

    /// Why this file must stay, if it must.
    fn still_needed(&self, leftover: Leftover, path: &Path, leaf: &Certificate) -> Option<String> {
        match leftover {
            Leftover::Request => {
                let request = Part::read(self.inventory.tree, path, CertificateRequest::from_pem);
                let fits = |request: &CertificateRequest| request.public_key_info() == leaf.public_key_info();
                reason(&request, fits, "it is for another key than the certificate in place: it is not signed yet")
            }
            Leftover::Key => {
                let key = Part::read(self.inventory.tree, path, PrivateKey::from_pem);
                let fits = |key: &PrivateKey| key.public_key_info() == leaf.public_key_info();
                reason(&key, fits, "this key is not the one in place")
            }
            Leftover::Certificate => {
                let certificates = Part::read(self.inventory.tree, path, read_certificates);
                let fits = |certificates: &Vec<Certificate>| certificates.contains(leaf);
                reason(&certificates, fits, "this certificate is not the one in place")
            }
        }
    }
}

fn reason<T>(part: &Part<T>, fits: impl FnOnce(&T) -> bool, otherwise: &str) -> Option<String> {
    match part {
        Part::Present(value) if fits(value) => None,
        Part::Present(_) => Some(otherwise.to_owned()),
        Part::Broken(fault) => Some(format!("it cannot be read: {}", fault.message)),
        Part::Missing => None,
    }
}
