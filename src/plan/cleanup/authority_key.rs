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
use crate::audit::certificate::{Expectation, Thresholds, judge_pair};
use crate::audit::kubeconfig::{ExpectedKubeconfig, judge_kubeconfig};
use crate::audit::{Finding, FindingCode, Pair, Part};
use crate::catalogue::{self, Kind as RowKind, Row};
use crate::component::{STATIC_PODS, StaticPod};
use crate::plan::{Artefact, Kind, PlannedFile, Step};
use crate::tree::Observed;
use crate::x509::Certificate;

/// The manifests of the static pods that kubeadm makes.
pub fn manifests(folder: &Path) -> impl Iterator<Item = PathBuf> {
    STATIC_PODS.iter().map(|pod| folder.join(format!("{pod}.yaml")))
}

impl Cleaning<'_> {
    pub(super) fn plan_authority_keys(&mut self) {
        for row in catalogue::rows([RowKind::Authority]) {
            if !self.options.authority_keys.iter().any(|name| name == row.name) {
                continue;
            }
            let files = vec![PlannedFile { path: self.layout.key(row.base_name), mode: 0o600 }];
            let artefact =
                |step, reason| Artefact::new(row.name, Kind::CertificateAuthority, step, reason, files.clone());
            let pair = Pair::read(self.tree, self.layout.certificate(row.base_name), self.layout.key(row.base_name));
            if matches!(self.tree.get(&pair.key_path), Observed::Missing) {
                self.artefacts.push(artefact(Step::Keep, "its key is already gone"));
                continue;
            }
            let reasons = self.reasons_against(row, &pair);
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
                self.artefacts.push(artefact(Step::Blocked, "its key is still needed"));
            }
        }
    }

    fn reasons_against(&self, row: &Row, pair: &Pair) -> Vec<String> {
        let mut reasons = Vec::new();
        note(&mut reasons, &judge_authority(row.name, pair, self.tree, Thresholds::NONE, self.now));
        let bundle = pair.certificates.present().map(Vec::as_slice).unwrap_or_default();
        self.note_leaves(row, bundle, &mut reasons);
        self.note_kubeconfigs(row, bundle, &mut reasons);
        self.note_requests(row, &mut reasons);
        for manifest in manifests(&self.options.manifests_dir) {
            match self.tree.get(&manifest) {
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

    fn note_leaves(&self, row: &Row, bundle: &[Certificate], reasons: &mut Vec<String>) {
        let leaves = catalogue::rows([RowKind::Leaf]).filter(|leaf| leaf.is_on(self.spec) && leaf.is_signed_by(row));
        for leaf in leaves {
            let pair = Pair::read(self.tree, self.layout.certificate(leaf.base_name), self.layout.key(leaf.base_name));
            let expectation = self.expectation(leaf.name);
            let mut findings =
                judge_pair(leaf.name, &pair, self.tree, &expectation, bundle, Thresholds::NONE, self.now);
            if pair.is_missing() {
                findings.truncate(1);
            }
            note(reasons, &findings);
        }
    }

    fn note_kubeconfigs(&self, authority: &Row, bundle: &[Certificate], reasons: &mut Vec<String>) {
        let rows = catalogue::rows([RowKind::Kubeconfig]);
        for row in rows.filter(|row| row.is_on(self.spec) && row.is_signed_by(authority)) {
            let path = self.layout.kubeconfig(row.name);
            if row.is_best_elsewhere && matches!(self.tree.get(&path), Observed::Missing) {
                continue;
            }
            let server = if self.options.is_said { row.known_server(self.spec) } else { None };
            let client = self.expectation(row.name);
            let expected = ExpectedKubeconfig { client, server, trusted: bundle };
            note(reasons, &judge_kubeconfig(row.name, &path, self.tree, &expected, Thresholds::NONE, self.now));
        }
    }

    /// Requests that wait for this CA, those for a renewal too.
    fn note_requests(&self, row: &Row, reasons: &mut Vec<String>) {
        for place in self.places.iter().filter(|place| place.issuer == row.name) {
            let renewals = self.renewals.iter().filter(|renewal| renewal.name == place.name);
            for asking in std::iter::once(place).chain(renewals) {
                let Part::Present(request) = asking.read_request(self.tree) else { continue };
                let is_answered =
                    self.in_use(place).is_ok_and(|leaf| leaf.public_key_info() == request.public_key_info());
                if !is_answered {
                    reasons.push(format!("{} waits to be signed", asking.request.display()));
                }
            }
        }
    }

    fn expectation(&self, name: &str) -> Expectation {
        self.places.iter().find(|place| place.name == name).map(|place| place.expectation.clone()).unwrap_or_default()
    }
}

fn note(reasons: &mut Vec<String>, findings: &[Finding]) {
    for finding in findings.iter().filter(|finding| finding.is_critical()) {
        reasons.push(format!("{}: {}", finding.subject, finding.evidence));
    }
}
