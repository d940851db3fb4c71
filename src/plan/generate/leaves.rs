//! The leaf certificates: judged if they are there, made if their CA can sign here, named if it cannot.

use super::{BACKDATE, Planning, files};
use crate::audit::certificate::{Thresholds, judge_pair};
use crate::audit::subject::judge_new;
use crate::catalogue::{Kind as RowKind, leaf_key_usages};
use crate::error::Result;
use crate::inventory::Item;
use crate::plan::{Artefact, Cause, Creation, Kind, Step};
use crate::x509::{Certificate, CertificateTemplate};

impl Planning<'_> {
    pub(super) fn plan_leaves(&mut self) -> Result<()> {
        let inventory = self.inventory;
        for item in inventory.items(&[RowKind::Leaf]) {
            if !self.is_selected(item.row) {
                continue;
            }
            let artefact = if let Some(reason) = item.absence {
                Artefact::new(item.name, Kind::Certificate, Cause::NotOnNode.skips(), reason, files(item))
            } else if item.is_missing() {
                self.plan_missing_leaf(item)?
            } else {
                self.plan_existing_leaf(item)
            };
            self.artefacts.push(Artefact { issuer: Some(item.row.issuer.to_owned()), ..artefact });
        }
        Ok(())
    }

    fn plan_existing_leaf(&mut self, item: &Item<'_>) -> Artefact {
        let bundle = self.bundle(item.row.issuer);
        let (pair, wanted) = (item.pair(), &item.expectation);
        let findings = judge_pair(item.name, pair, self.inventory.tree, wanted, bundle, Thresholds::NONE, self.now);
        let blocked = self.take(findings);
        let (step, reason) = if blocked {
            (Cause::Unusable.blocks(), "the existing file cannot be used")
        } else {
            (Step::Keep, "already there")
        };
        let expires_at = pair.certificate().map(Certificate::not_after);
        Artefact { expires_at, ..Artefact::new(item.name, Kind::Certificate, step, reason, files(item)) }
    }

    fn plan_missing_leaf(&mut self, item: &Item<'_>) -> Result<Artefact> {
        let (row, files, path) = (item.row, files(item), item.certificate.clone());
        let subject = row.subject(self.spec)?;
        let names = row.subject_alt_names(self.spec);
        let blocked =
            |cause: Cause, reason| Artefact::new(row.name, Kind::Certificate, cause.blocks(), reason, files.clone());
        let asked_names = if names.is_empty() { String::new() } else { format!(", names {names}") };
        let needed = format!(
            "{} and its key are still needed: subject {subject}{asked_names}, signed by the external CA {}",
            path.display(),
            row.issuer
        );
        let remedy = "have it signed by the owner of the CA and put both files there";
        let (authority_begin, authority_end) = match self.signing_time(row.name, row.issuer, &path, needed, remedy) {
            Ok(time) => time,
            Err((cause, reason)) => return Ok(blocked(cause, reason)),
        };
        self.findings.extend(judge_new(row.name, &path, &subject, authority_begin));
        let wanted = self.now + self.spec.certificate_validity;
        let Some(not_after) = self.end_within_authority(row.name, &path, wanted, authority_end) else {
            return Ok(blocked(Cause::OutlivesAuthority, "it would outlive its CA"));
        };
        let template = CertificateTemplate {
            subject,
            subject_alt_names: names,
            key_usages: leaf_key_usages(self.spec.version().as_ref(), self.spec.algorithm.as_str()),
            extended_key_usages: row.extended_key_usages.to_vec(),
            is_ca: false,
            not_before: self.now - BACKDATE,
            not_after,
            other_extensions: Vec::new(),
        };
        if self.refuses(row.name, row.issuer, &path, &template) {
            return Ok(blocked(Cause::Refused, "no client and no server would accept it"));
        }
        let step = Step::Create(Creation::Pair { certificate: template, new_key: self.spec.algorithm });
        Ok(Artefact {
            expires_at: Some(not_after),
            ..Artefact::new(row.name, Kind::Certificate, step, "missing", files)
        })
    }
}
