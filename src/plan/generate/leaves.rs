//! The leaf certificates: judged if they are there, made if their CA can sign here, named if it cannot.

use super::{AuthorityState, BACKDATE, Planning, authority_base_name, untouched};
use crate::audit::certificate::{Expectation, Thresholds, judge_pair};
use crate::audit::{FindingCode, Severity};
use crate::catalogue::{self, CertificateRow, LEAF_KEY_USAGES};
use crate::config::Role;
use crate::error::Result;
use crate::plan::{Action, Artefact, Kind};
use crate::x509::{Certificate, CertificateTemplate};

impl Planning<'_> {
    pub(super) fn plan_leaves(&mut self) -> Result<()> {
        for row in &catalogue::CERTIFICATES {
            let on_this_node = catalogue::certificates(self.spec).any(|one| one.name == row.name);
            if !self.options.certificates.contains(row.name) {
                continue;
            }
            let artefact = if !on_this_node {
                let reason = match self.spec.role {
                    Role::Worker => "a worker has none",
                    Role::ControlPlane | Role::SecondaryControlPlane => "external etcd",
                };
                untouched(row.name, Kind::Certificate, Action::Skip, reason, self.pair_files(row.base_name))
            } else if self.pair(row.base_name).is_missing() {
                self.plan_missing_leaf(row)?
            } else {
                self.plan_existing_leaf(row)?
            };
            self.artefacts.push((row.order, Artefact { issuer: Some(row.issuer.to_owned()), ..artefact }));
        }
        Ok(())
    }

    fn plan_existing_leaf(&mut self, row: &CertificateRow) -> Result<Artefact> {
        let pair = self.pair(row.base_name);
        let expectation = Expectation {
            subject: Some(row.subject(self.spec)?),
            subject_alt_names: row.subject_alt_names(self.spec),
            extended_key_usages: row.extended_key_usages.to_vec(),
        };
        let ca = match self.authorities.get(row.issuer) {
            Some(AuthorityState::Existing { certificates, .. }) => certificates.first(),
            _ => None,
        };
        let findings = judge_pair(row.name, &pair, self.tree, &expectation, ca, Thresholds::NONE, self.now);
        let blocked = self.take(findings);
        let (action, reason) =
            if blocked { (Action::Blocked, "what is there cannot be used") } else { (Action::Keep, "already there") };
        let files = self.pair_files(row.base_name);
        let expires_at = pair.certificate().map(Certificate::not_after);
        Ok(Artefact { expires_at, ..untouched(row.name, Kind::Certificate, action, reason, files) })
    }

    fn plan_missing_leaf(&mut self, row: &CertificateRow) -> Result<Artefact> {
        let files = self.pair_files(row.base_name);
        let path = self.layout.certificate(row.base_name);
        let subject = row.subject(self.spec)?;
        let names = row.subject_alt_names(self.spec);
        let blocked = |reason| untouched(row.name, Kind::Certificate, Action::Blocked, reason, files.clone());
        let authority_end = match self.authorities.get(row.issuer) {
            Some(AuthorityState::New { not_after, .. }) => *not_after,
            Some(AuthorityState::Existing { certificates, is_external: false }) => {
                certificates.first().map_or(self.now, Certificate::not_after)
            }
            Some(AuthorityState::Existing { is_external: true, .. }) => {
                let asked_names = if names.is_empty() { String::new() } else { format!(", names {names}") };
                let evidence = format!(
                    "{} and its key are still needed: subject {subject}{asked_names}, signed by the external CA {}",
                    path.display(),
                    row.issuer
                );
                self.find(
                    FindingCode::AuthorityExternalIncomplete,
                    Severity::Critical,
                    row.name,
                    path,
                    evidence,
                    "have it signed by the owner of the CA and put both files there",
                );
                return Ok(blocked("external CA: must be made by its owner"));
            }
            Some(AuthorityState::Unusable) | None => {
                let ca_path = self.layout.certificate(authority_base_name(row.issuer));
                self.find_without_authority(row.name, row.issuer, ca_path);
                return Ok(blocked("its CA cannot sign"));
            }
        };
        let wanted = self.now + self.spec.certificate_validity;
        let Some(not_after) = self.end_within_authority(row.name, path, wanted, authority_end) else {
            return Ok(blocked("it would outlive its CA"));
        };
        let template = CertificateTemplate {
            subject,
            subject_alt_names: names,
            key_usages: LEAF_KEY_USAGES.to_vec(),
            extended_key_usages: row.extended_key_usages.to_vec(),
            is_ca: false,
            not_before: self.now - BACKDATE,
            not_after,
            other_extensions: Vec::new(),
        };
        Ok(Artefact {
            new_key: Some(self.spec.algorithm),
            certificate: Some(template),
            expires_at: Some(not_after),
            ..untouched(row.name, Kind::Certificate, Action::Create, "missing", files)
        })
    }

    /// Says that a CA is needed and not to be had, unless the CA's own findings have said so.
    pub(super) fn find_without_authority(&mut self, name: &str, issuer: &str, ca_path: std::path::PathBuf) {
        let said = self.findings.iter().any(|finding| finding.subject == issuer && finding.is_critical());
        if !said {
            self.find(
                FindingCode::AuthorityMissing,
                Severity::Critical,
                name,
                ca_path,
                format!("its CA {issuer} is not there"),
                format!("make it first: kubepki certs init {issuer} (or all)"),
            );
        }
    }
}
