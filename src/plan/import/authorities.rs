//! CA certificates: put where there is none, or in the place of others, if all that is there stands under them.

use std::path::PathBuf;

use super::matching::Matched;
use super::{Importing, pem_of};
use crate::audit::authority::judge_authority_certificate;
use crate::audit::certificate::{Thresholds, judge_validity_of};
use crate::audit::{Finding, FindingCode, SeenCertificate, Severity};
use crate::catalogue::{CLUSTER_CA, Kind as RowKind};
use crate::error::Fault;
use crate::inventory::{Item, Part};
use crate::kubeconfig::{Mismatch, compare};
use crate::plan::{Artefact, Cause, Kind, PlannedFile, Step, TrustBundle};
use crate::x509::{Certificate, verify_chain};

/// A CA's file that was given.
pub(super) struct Incoming<'a> {
    item: &'a Item<'a>,
    path: PathBuf,
    certificates: Vec<Certificate>,
}

impl<'a> Importing<'a> {
    /// Takes the CAs' files out of what was given, and notes the bundle that each CA will have.
    pub(super) fn take_authorities(&mut self, matched: &[Matched<'a>]) -> Vec<Incoming<'a>> {
        for item in self.inventory.items(&[RowKind::Authority]).filter(|item| item.leaf().is_some()) {
            self.bundles.insert(item.name, item.certificates().to_vec());
        }
        let mut incoming = Vec::new();
        for one in matched {
            if one.item.row.kind == RowKind::Authority {
                self.bundles.insert(one.item.name, one.certificates.clone());
                incoming.push(Incoming {
                    item: one.item,
                    path: one.given.path.clone(),
                    certificates: one.certificates.clone(),
                });
            }
        }
        incoming
    }

    pub(super) fn plan_authorities(&mut self, incoming: Vec<Incoming<'a>>) {
        for one in incoming {
            let artefact = self.plan_authority(&one);
            self.artefacts.push(artefact);
        }
    }

    fn plan_authority(&mut self, incoming: &Incoming<'_>) -> Artefact {
        let (name, there) = (incoming.item.name, &incoming.item.pair().certificates);
        let path = incoming.item.certificate.clone();
        let files = vec![PlannedFile { path: path.clone(), mode: 0o644 }];
        let row = |step, reason| Artefact::new(name, Kind::CertificateAuthority, step, reason, files.clone());
        let expires_at = incoming.certificates.first().map(Certificate::not_after);
        if there.present() == Some(&incoming.certificates) {
            return Artefact { expires_at, ..row(Step::Keep, "in place already") };
        }
        self.judge_authority(incoming);
        self.judge_what_is_under(incoming);
        if self.is_refused(name) {
            return Artefact { expires_at, ..row(Cause::Unusable.blocks(), "the given file cannot be used") };
        }
        let current = there
            .present()
            .and_then(|there| there.first())
            .map(|there| SeenCertificate::of(name, &path, there, self.now));
        let reason = match there {
            Part::Missing => "external CA: certificate without key",
            Part::Present(_) | Part::Broken(_) => "in the place of another file",
        };
        let there = there.present().map(Vec::as_slice).unwrap_or_default();
        let trust = TrustBundle::of_file(name, &path, &incoming.certificates, there, self.now);
        Artefact { expires_at, current, ..row(Step::TrustBundle(trust), reason) }
    }

    fn judge_authority(&mut self, incoming: &Incoming<'_>) {
        let name = incoming.item.name;
        for certificate in &incoming.certificates {
            self.findings.extend(judge_authority_certificate(name, &incoming.path, certificate));
        }
        let first = incoming.certificates.get(..1).unwrap_or_default();
        for certificate in first {
            let found = judge_validity_of(name, &incoming.path, certificate, Thresholds::NONE, self.now);
            self.findings.extend(found);
        }
        let pair = incoming.item.pair();
        if let Part::Present(key) = &*pair.key
            && first.iter().any(|ca| ca.public_key_info() != key.public_key_info())
        {
            self.findings.push(Finding::new(FindingCode::KeyMismatch, name, &incoming.path, format!("the key {} is not that of its first certificate", pair.key_path.display()), "put the CA whose key is on this node first in the file; for an external CA, remove the key first: `kubepki certs cleanup --ca-key`"));
        }
    }

    /// Everything that this CA has signed, of what is there and of what comes with it, must chain to the new file.
    fn judge_what_is_under(&mut self, incoming: &Incoming<'_>) {
        let bundle = &incoming.certificates;
        for place in self.inventory.issued().filter(|place| place.row.is_signed_by(incoming.item.row)) {
            if self.chains.contains_key(place.name) {
                continue;
            }
            let Some((leaf, intermediates)) = place.certificates().split_first() else { continue };
            if let Err(problem) = verify_chain(leaf, intermediates, bundle, self.now, None) {
                self.findings.push(Finding::new(
                    FindingCode::CertificateUntrusted,
                    place.name,
                    place.path(),
                    format!("it would not verify with the new {}.crt: {problem}", incoming.item.row.base_name),
                    "give a bundle that holds the old CA too, or import certificates of the new CA together with it",
                ));
            }
        }
        if incoming.item.name == CLUSTER_CA {
            self.note_kubeconfigs_that_trust_another(bundle);
        }
    }

    fn note_kubeconfigs_that_trust_another(&mut self, bundle: &[Certificate]) {
        let pem = pem_of(bundle);
        for place in self.inventory.items(&[RowKind::Kubeconfig]) {
            let Some(Ok(client)) = place.client() else { continue };
            let differs = compare(&client.document, &[pem.as_bytes()], "", |_| None)
                .into_iter()
                .any(|mismatch| matches!(mismatch, Mismatch::OtherCertificateAuthority { .. }));
            if differs {
                let remedy = "put the new one into it: `kubepki kubeconfig embed all`";
                let evidence = "it trusts a CA that is not in the new ca.crt";
                let fault = Fault::new(Mismatch::OTHER_CERTIFICATE_AUTHORITY, evidence, remedy);
                self.findings.push(Finding::unusable(place.name, &client.path, fault).as_bad_as(Severity::Warning));
            }
        }
    }
}
