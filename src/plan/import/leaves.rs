//! Leaf certificates: judged in full, and put into their places with the key that came along.

use std::path::PathBuf;

use super::matching::{Matched, by_name};
use super::{Given, Importing, pem_of};
use crate::audit::incoming::{judge_incoming, judge_successor};
use crate::audit::{Finding, FindingCode, Remedy, SeenCertificate, Severity};
use crate::catalogue::{KUBELET_CONF, Kind as RowKind};
use crate::digest::sha256_hex;
use crate::inventory::{Expectation, Item, Part, Rotating};
use crate::plan::{Artefact, Cause, Installation, KeySource, PlannedFile, Step};
use crate::x509::{Certificate, CertificateRequest, SubjectAltNames};

/// Where the key of a certificate is.
enum KeyPlace {
    OnNode,
    Brought(KeySource),
    Nowhere,
}

impl Importing<'_> {
    pub(super) fn plan_leaves(&mut self, matched: &[Matched<'_>]) {
        for one in matched {
            let place = one.item;
            if place.row.kind != RowKind::Authority {
                let artefact = self.plan_leaf(place, one);
                self.artefacts.push(artefact);
            }
        }
    }

    fn plan_leaf(&mut self, place: &Item<'_>, matched: &Matched<'_>) -> Artefact {
        let chain = &matched.certificates;
        let Some(leaf) = chain.first() else {
            return Artefact::of(place.row, Cause::Missing.blocks(), "no certificate", Vec::new());
        };
        let key = self.find_key(place, matched, leaf);
        let expectation = self.expectation(place, matched, leaf);
        let bundle = self.bundles.get(place.row.issuer).cloned().unwrap_or_default();
        if bundle.is_empty() {
            self.note_no_authority(place, matched);
        }
        let path = &matched.given.path;
        self.findings.extend(judge_incoming(place.name, path, chain, &expectation, &bundle, self.now));

        let brought = match key {
            KeyPlace::Brought(source) => Some(source),
            KeyPlace::OnNode | KeyPlace::Nowhere => None,
        };
        let leads_elsewhere = self.leads_elsewhere(place);
        let mut files = imported_files(place, brought.is_some());
        files.extend(leads_elsewhere.clone().map(|path| PlannedFile { path, mode: 0o600 }));
        let expires_at = Some(leaf.not_after());
        if self.is_refused(place.name) {
            let reason = "the given file cannot be used";
            return Artefact { expires_at, ..Artefact::of(place.row, Cause::Unusable.blocks(), reason, files) };
        }
        let there = &place.pair().certificates;
        if brought.is_none() && leads_elsewhere.is_none() && Self::is_in_place(place, chain) {
            let reason = "in place already";
            return Artefact { expires_at, ..Artefact::of(place.row, Step::Keep, reason, files) };
        }
        let current = there
            .present()
            .and_then(|there| there.iter().find(|one| *one == leaf).or(there.first()))
            .map(|there| SeenCertificate::of(place.name, &place.certificate, there, self.now));
        let is_there = there.present().is_some_and(|there| there.contains(leaf));
        let reason = match (&current, &brought) {
            (Some(_), Some(_)) => "new certificate with a new key",
            (Some(_), None) if is_there => "put in order",
            (Some(_), None) => "new certificate for its key",
            (None, Some(_)) => "signed elsewhere, with its key",
            (None, None) => "signed elsewhere",
        };
        if let Some(old) = in_use(place).first().filter(|_| !is_there) {
            let is_said = |new: &Finding| {
                let mut all = self.findings.iter();
                all.any(|one| (&one.code, &one.subject) == (&new.code, &new.subject) && one.severity >= new.severity)
            };
            let found: Vec<_> =
                judge_successor(place.name, path, leaf, old).into_iter().filter(|one| !is_said(one)).collect();
            self.findings.extend(found);
        }
        self.chains.insert(place.name, chain.clone());
        let certificates = pem_of(chain);
        let install = match (&place.rotating, brought.or_else(|| self.key_in_place(place))) {
            (Some(rotating), Some(key)) => {
                let (file, next) = (place.certificate.clone(), rotating.next.clone());
                Installation::Rotating { certificates, key, file, next }
            }
            (_, key) => Installation::Files { certificates, key },
        };
        let step = Step::Install(install);
        Artefact { expires_at, current, ..Artefact::of(place.row, step, reason, files) }
    }

    /// The kubeconfig that does not read its user from the file that the kubelet rotates, and ought to.
    fn leads_elsewhere(&self, place: &Item<'_>) -> Option<PathBuf> {
        place.rotating.as_ref()?;
        let item = self.inventory.get(KUBELET_CONF)?;
        (!item.found()?.is_read_from(&place.certificate)).then(|| item.path().to_owned())
    }

    /// The key that stays in the kubelet's file; files of their own keep theirs.
    fn key_in_place(&self, place: &Item<'_>) -> Option<KeySource> {
        place.rotating.as_ref()?;
        let sha256 = sha256_hex(self.inventory.tree.content(&place.key)?);
        Some(KeySource { path: place.key.clone(), on_node: true, sha256 })
    }

    /// The same certificates stand in the file, or are embedded already.
    fn is_in_place(place: &Item<'_>, chain: &[Certificate]) -> bool {
        let there = &place.pair().certificates;
        there.present().is_some_and(|there| there == chain)
            || there.is_missing() && place.kubeconfig.is_some() && place.certificates() == chain
    }

    fn find_key(&mut self, place: &Item<'_>, matched: &Matched<'_>, leaf: &Certificate) -> KeyPlace {
        let fits = |info: &[u8]| info == leaf.public_key_info();
        if place.has_key(leaf.public_key_info()) {
            return KeyPlace::OnNode;
        }
        if let Some(brought) = matched.given.keys.iter().find(|one| fits(one.key.public_key_info())) {
            return KeyPlace::Brought(brought.source.clone());
        }
        let waiting = self.waiting.iter().filter(|one| one.name == place.name).filter_map(|one| one.key.as_ref());
        if let Some(made) = waiting.into_iter().find(|one| fits(one.key.public_key_info())) {
            return KeyPlace::Brought(made.source.clone());
        }
        for part in place.keys() {
            if let Part::Broken(fault) = part {
                let path = place.kubeconfig.as_ref().unwrap_or(&place.key);
                self.findings.push(Finding::unusable(place.name, path, fault));
            }
        }
        let path = &matched.given.path;
        if place.keys().all(|key| key.is_missing()) && matched.given.keys.is_empty() {
            self.findings.push(Finding::new(
                FindingCode::FileMissing,
                place.name,
                path,
                format!("its private key is neither on this node nor beside it{}", self.whose(place, leaf)),
                "bring it to the node on which its request was made, or give it together with its key",
            ));
        } else {
            self.findings.push(Finding::new(
                FindingCode::KeyMismatch,
                place.name,
                path,
                format!("it is for another key than the one of {}{}", place.name, self.whose(place, leaf)),
                "have this node's own request signed, and check that no two files were swapped",
            ));
        }
        KeyPlace::Nowhere
    }

    /// The place that the certificate does belong to.
    fn whose(&self, place: &Item<'_>, leaf: &Certificate) -> String {
        let other = self.inventory.issued().find(|other| other.name != place.name && self.is_for(other, leaf));
        other.map(|other| format!("; it belongs to {}", other.name)).unwrap_or_default()
    }

    /// What the catalogue, the configuration and the request expect together.
    fn expectation(&mut self, place: &Item<'_>, matched: &Matched<'_>, leaf: &Certificate) -> Expectation {
        let mut expectation = place.expectation.clone();
        let Some(request) = self.request(place, matched, leaf) else { return expectation };
        expectation.subject.get_or_insert_with(|| request.subject().clone());
        let mut names: Vec<_> = expectation.subject_alt_names.iter().cloned().collect();
        names.extend(
            request.subject_alt_names().iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>(),
        );
        expectation.subject_alt_names = SubjectAltNames::in_order(names);
        expectation
    }

    /// The request for this certificate: the one that came along, or the one on the node.
    fn request(&mut self, place: &Item<'_>, matched: &Matched<'_>, leaf: &Certificate) -> Option<CertificateRequest> {
        let fits = |request: &CertificateRequest| request.public_key_info() == leaf.public_key_info();
        if let Some(request) = matched.given.request.as_ref().filter(|request| fits(request)) {
            return Some(request.clone());
        }
        let mut waiting = self.waiting.iter().filter(|one| one.name == place.name);
        if let Some(request) = waiting.find_map(|one| one.request.as_ref().filter(|request| fits(request))) {
            return Some(request.clone());
        }
        match place.read_request() {
            Part::Present(request) if fits(&request) => Some(request),
            Part::Present(_) => {
                let evidence = format!("the request {} is for another key", place.request.display());
                let remedy = Remedy::nothing("nothing, if it is an old one: remove it; else have that request signed");
                let path = &matched.given.path;
                self.findings.push(Finding::new(FindingCode::RequestOtherKey, place.name, path, evidence, remedy));
                None
            }
            Part::Broken(fault) => {
                let finding = Finding::unusable(place.name, &place.request, fault);
                self.findings.push(finding.as_bad_as(Severity::Warning));
                None
            }
            Part::Missing => None,
        }
    }

    fn note_no_authority(&mut self, place: &Item<'_>, matched: &Matched<'_>) {
        let base = self.inventory.get(place.row.issuer).map_or(place.row.issuer, |item| item.row.base_name);
        self.findings.push(Finding::new(
            FindingCode::AuthorityMissing,
            place.name,
            &matched.given.path,
            format!("its CA {} is missing, so nothing shows whether it signed this", place.row.issuer),
            format!("give the CA's certificate too, as {base}.crt"),
        ));
    }

    /// Requests that no certificate answers: worth a row, and no fault. They are on the node, for a first certificate
    /// or for a renewal, or in a folder that was given.
    pub(super) fn note_unsigned(&mut self, given: &[Given]) {
        for place in self.inventory.issued() {
            if self.artefacts.iter().any(|artefact| artefact.name == place.name) {
                continue;
            }
            let there = place.pair().certificate().or_else(|| place.leaf());
            let in_use = there.map(Certificate::public_key_info);
            let own = place.read_request();
            let waiting =
                self.waiting.iter().filter(|one| one.name == place.name).filter_map(|one| one.request.as_ref());
            let came_along = given.iter().filter(|one| one.certificates.is_missing()).filter_map(|one| {
                let request = one.request.as_ref()?;
                let is_named = by_name(&one.path, self.inventory).is_some_and(|item| item.name == place.name);
                (is_named || place.has_key(request.public_key_info())).then_some(request)
            });
            let mut requests = own.present().into_iter().chain(waiting).chain(came_along);
            if requests.any(|request| Some(request.public_key_info()) != in_use) {
                let files = imported_files(place, false);
                let artefact =
                    Artefact::of(place.row, Cause::NotSigned.skips(), "its request is not signed yet", files);
                self.artefacts.push(artefact);
            }
        }
    }
}

/// The certificates that a successor is compared with: a kubeconfig's own, or those of the file.
fn in_use<'i>(place: &'i Item<'_>) -> &'i [Certificate] {
    let embedded = place.certificates();
    if embedded.is_empty() { place.pair().all() } else { embedded }
}

/// The files that an import writes: the key, when one comes along, and the certificate; of the kubelet's the file
/// with both, and the link that leads there.
fn imported_files(place: &Item<'_>, with_key: bool) -> Vec<PlannedFile> {
    let file = |path: &PathBuf, mode| PlannedFile { path: path.clone(), mode };
    match &place.rotating {
        Some(Rotating { next }) => next.iter().chain([&place.certificate]).map(|path| file(path, 0o600)).collect(),
        None if with_key => vec![file(&place.key, 0o600), file(&place.certificate, 0o644)],
        None => vec![file(&place.certificate, 0o644)],
    }
}
