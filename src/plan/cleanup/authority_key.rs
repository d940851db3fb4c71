//! Taking a CA's key away, for external CA mode: only when nothing on this node needs it any more.
//!
//! What kubeadm demands of an external CA must be there: each certificate and kubeconfig of the CA, with its key,
//! valid and verifying. No request may wait for a signature. And no static pod may name the key: the controller
//! manager signs with `ca.key`, and without the file it does not start.
//!
//! Source: kubeadm `phases/certs` `UsingExternalCA`, `phases/controlplane` `getControllerManagerCommand`.

use std::path::{Path, PathBuf};

use super::Cleaning;
use crate::audit::authority::judge_authority;
use crate::audit::certificate::Thresholds;
use crate::audit::item::judge_item;
use crate::audit::{Finding, FindingCode};
use crate::catalogue::{Kind as RowKind, Row};
use crate::component::{STATIC_PODS, StaticPod};
use crate::inventory::{Found, Part};
use crate::plan::{Artefact, Cause, PlannedFile, Step};
use crate::tree::Observed;
use crate::x509::Certificate;

/// The manifests of the static pods that kubeadm makes.
pub fn manifests(folder: &Path) -> impl Iterator<Item = PathBuf> {
    STATIC_PODS.iter().map(|pod| folder.join(format!("{pod}.yaml")))
}

impl Cleaning<'_> {
    pub(super) fn plan_authority_keys(&mut self) {
        let inventory = self.inventory;
        for item in inventory.items(&[RowKind::Authority]) {
            let (row, pair) = (item.row, item.pair());
            if !self.options.authority_keys.iter().any(|name| name == row.name) {
                continue;
            }
            let files = vec![PlannedFile { path: item.key.clone(), mode: 0o600 }];
            let artefact = |step, reason| Artefact::of(row, step, reason, files.clone());
            if !inventory.tree.is_there(&pair.key_path) {
                self.artefacts.push(artefact(Step::Keep, "its key is already gone"));
                continue;
            }
            let reasons = self.reasons_against(row, pair);
            if reasons.is_empty() {
                self.artefacts.push(artefact(Step::Remove, "nothing on this node needs it: external CA mode"));
            } else {
                self.findings.push(Finding::new(
                    FindingCode::AuthorityKeyNeeded,
                    row.name,
                    &pair.key_path,
                    format!("its key is still needed: {}", reasons.join("; ")),
                    "do this first: sign and install what is missing, and take the key's path out of the manifests",
                ));
                self.artefacts.push(artefact(Cause::StillNeeded.blocks(), "its key is still needed"));
            }
        }
    }

    fn reasons_against(&self, row: &Row, pair: &Found) -> Vec<String> {
        let mut reasons = Vec::new();
        note(&mut reasons, &judge_authority(row.name, pair, self.inventory.tree, Thresholds::NONE, self.now));
        self.note_signed(row, pair.all(), &mut reasons);
        self.note_requests(row, &mut reasons);
        for manifest in manifests(&self.options.manifests_dir) {
            match self.inventory.tree.get(&manifest) {
                Observed::Missing => {}
                Observed::Unreadable(fault) => reasons.push(format!("a manifest may name it: {}", fault.message)),
                Observed::File { content, .. } => {
                    // What is no pod yet may be one again once it is corrected.
                    let mentions =
                        || String::from_utf8_lossy(content.expose()).contains(&*pair.key_path.to_string_lossy());
                    if StaticPod::parse(content.expose()).map_or_else(|_| mentions(), |pod| pod.names(&pair.key_path)) {
                        reasons.push(format!("{} names it", manifest.display()));
                    }
                }
            }
        }
        reasons
    }

    fn note_signed(&self, authority: &Row, bundle: &[Certificate], reasons: &mut Vec<String>) {
        let items = self.inventory.items(&[RowKind::Leaf, RowKind::Kubeconfig]);
        for item in items.filter(|item| item.is_on_node && item.row.is_signed_by(authority)) {
            if item.row.is_best_elsewhere && item.is_missing() {
                continue;
            }
            let mut findings = judge_item(item, &item.expectation, bundle, Thresholds::NONE, self.now);
            if item.is_missing() {
                findings.truncate(1);
            }
            note(reasons, &findings);
        }
    }

    /// Requests that wait for this CA, those for a renewal too.
    fn note_requests(&self, row: &Row, reasons: &mut Vec<String>) {
        for place in self.inventory.issued().filter(|place| place.row.is_signed_by(row)) {
            for asking in std::iter::once(place).chain(self.renewals.get(place.name)) {
                let Part::Present(request) = asking.read_request() else { continue };
                let is_answered =
                    self.in_use(place).is_ok_and(|leaf| leaf.public_key_info() == request.public_key_info());
                if !is_answered {
                    reasons.push(format!("{} waits to be signed", asking.request.display()));
                }
            }
        }
    }
}

fn note(reasons: &mut Vec<String>, findings: &[Finding]) {
    for finding in findings.iter().filter(|finding| finding.is_critical()) {
        reasons.push(format!("{}: {}", finding.subject, finding.evidence));
    }
}
