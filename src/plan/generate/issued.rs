//! What a CA signs, in its files or in a kubeconfig, and the service accounts' keys: judged if it is there, made if this
//! node can make it, named if it cannot.

use super::{BACKDATE, Planning, files};
use crate::audit::certificate::Thresholds;
use crate::audit::item::judge_item;
use crate::audit::subject::judge_new;
use crate::audit::{Finding, FindingCode};
use crate::catalogue::{Kind, leaf_key_usages};
use crate::config::Role;
use crate::error::Result;
use crate::inventory::Item;
use crate::plan::{Artefact, Cause, Creation, KubeconfigTemplate, Step};
use crate::x509::{Certificate, CertificateTemplate, DistinguishedName, SubjectAltNames};

impl Planning<'_> {
    pub(super) fn plan_items(&mut self) -> Result<()> {
        let inventory = self.inventory;
        for item in inventory.items(&[Kind::Leaf, Kind::ServiceAccount, Kind::Kubeconfig]) {
            if !self.is_selected(item.row) {
                continue;
            }
            let artefact = match item.absence {
                Some(reason) => Artefact::of(item.row, Cause::NotOnNode.skips(), reason, files(item)),
                None if !item.is_missing() => self.plan_existing(item),
                None if item.row.kind == Kind::ServiceAccount => self.plan_missing_keys(item),
                None => self.plan_missing_certificate(item)?,
            };
            self.artefacts.push(artefact);
        }
        Ok(())
    }

    fn plan_existing(&mut self, item: &Item<'_>) -> Artefact {
        let bundle = self.bundle(item.row.issuer);
        let findings = judge_item(item, &item.expectation, bundle, Thresholds::NONE, self.now);
        let blocked = self.take(findings);
        if !blocked && item.service_account().is_some_and(|keys| keys.public_keys.is_missing()) {
            let step = Step::Create(Creation::PublicKey { of: item.key.clone() });
            return Artefact::of(item.row, step, "sa.pub is missing: made from sa.key", files(item).split_off(1));
        }
        let (step, reason) = if blocked {
            (Cause::Unusable.blocks(), "the existing file cannot be used")
        } else {
            (Step::Keep, "already there")
        };
        let expires_at = item.leaf().map(Certificate::not_after);
        Artefact { expires_at, ..Artefact::of(item.row, step, reason, files(item)) }
    }

    fn plan_missing_keys(&mut self, item: &Item<'_>) -> Artefact {
        let step = if self.spec.role == Role::SecondaryControlPlane {
            let evidence = "sa.key is missing; all control-plane nodes share one";
            let remedy = "copy sa.key and sa.pub from the first control-plane node";
            self.findings.push(Finding::new(FindingCode::SharedFileMissing, item.name, &item.key, evidence, remedy));
            Cause::Missing.blocks()
        } else {
            Step::Create(Creation::KeyPair { new_key: self.spec.algorithm })
        };
        Artefact::of(item.row, step, "missing", files(item))
    }

    fn plan_missing_certificate(&mut self, item: &Item<'_>) -> Result<Artefact> {
        let (row, path, is_pair) = (item.row, item.path(), item.kubeconfig.is_none());
        let blocked = |cause: Cause, reason| Artefact::of(row, cause.blocks(), reason, files(item));
        let (subject, names) = (row.subject(self.spec)?, row.subject_alt_names(self.spec));
        let (needed, remedy) = self.needed(item, &subject, &names);
        let (authority_begin, authority_end) = match self.signing_time(row.name, row.issuer, path, needed, remedy) {
            Ok(time) => time,
            Err((cause, reason)) => return Ok(blocked(cause, reason)),
        };
        if is_pair {
            self.findings.extend(judge_new(row.name, path, &subject, authority_begin));
        }
        let wanted = self.now + self.spec.certificate_validity;
        let Some(not_after) = self.end_within_authority(row.name, path, wanted, authority_end) else {
            return Ok(blocked(Cause::OutlivesAuthority, "it would outlive its CA"));
        };
        let template = CertificateTemplate {
            subject,
            subject_alt_names: names,
            key_usages: leaf_key_usages(self.spec.version().as_ref(), self.spec.algorithm.as_str()),
            extended_key_usages: row.extended_key_usages.to_vec(),
            is_ca: false,
            // A kubeconfig's first certificate is valid from the same moment as its CA.
            not_before: if is_pair { self.now - BACKDATE } else { authority_begin },
            not_after,
            other_extensions: Vec::new(),
        };
        if self.refuses(row.name, row.issuer, path, &template) {
            let reason = if is_pair { "no client and no server would accept it" } else { "no server would accept it" };
            return Ok(blocked(Cause::Refused, reason));
        }
        let new_key = self.spec.algorithm;
        let creation = if is_pair {
            Creation::Pair { certificate: template, new_key }
        } else {
            let (cluster_name, user) = (self.spec.cluster_name.clone(), row.user_name(self.spec));
            let kubeconfig = KubeconfigTemplate { cluster_name, server: row.server(self.spec), user };
            Creation::Kubeconfig { certificate: template, new_key, kubeconfig }
        };
        let artefact = Artefact::of(row, Step::Create(creation), "missing", files(item));
        Ok(Artefact { expires_at: Some(not_after), ..artefact })
    }

    /// What an external CA's owner is asked for.
    fn needed(&self, item: &Item<'_>, subject: &DistinguishedName, names: &SubjectAltNames) -> (String, &'static str) {
        let path = item.path().display();
        if item.kubeconfig.is_some() {
            let server = item.row.server(self.spec);
            let needed = format!(
                "{path} is still needed: server {server}, client certificate with subject {subject}, signed by the external CA"
            );
            return (needed, "have its client certificate signed by the owner of the CA and put the file there");
        }
        let names = if names.is_empty() { String::new() } else { format!(", names {names}") };
        let issuer = item.row.issuer;
        let needed = format!(
            "{path} and its key are still needed: subject {subject}{names}, signed by the external CA {issuer}"
        );
        (needed, "have it signed by the owner of the CA and put both files there")
    }
}
