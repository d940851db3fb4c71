//! The CAs: used if they are there, whatever their subject; made if the node may make them.

use std::path::Path;

use super::{AuthorityState, BACKDATE, Planning, files};
use crate::audit::authority::judge_authority;
use crate::audit::certificate::Thresholds;
use crate::audit::chain::judge_end;
use crate::audit::{Finding, FindingCode};
use crate::catalogue::{Kind as RowKind, Row, authority_key_usages};
use crate::config::Role;
use crate::error::Result;
use crate::inventory::Item;
use crate::plan::{Artefact, Cause, Creation, Step};
use crate::x509::CertificateTemplate;

impl Planning<'_> {
    pub(super) fn plan_authorities(&mut self) -> Result<()> {
        let inventory = self.inventory;
        for item in inventory.items(&[RowKind::Authority]) {
            if let Some(reason) = item.absence {
                self.skip_authority(item, reason);
                continue;
            }
            if !self.is_concerned(item.row) {
                continue;
            }
            let state =
                if item.is_missing() { self.plan_missing_authority(item)? } else { self.plan_existing_authority(item) };
            self.authorities.insert(item.name, state);
        }
        Ok(())
    }

    /// Whether the CA, or anything that it signs, is part of the plan: another's state must not stand in its way.
    fn is_concerned(&self, row: &Row) -> bool {
        self.is_selected(row) || self.signed_by(row).any(|one| self.is_selected(one.row))
    }

    fn skip_authority(&mut self, item: &Item<'_>, reason: &str) {
        if self.is_selected(item.row) {
            let artefact = Artefact::of(item.row, Cause::NotOnNode.skips(), reason, files(item));
            self.artefacts.push(artefact);
        }
    }

    fn plan_existing_authority(&mut self, item: &Item<'_>) -> AuthorityState {
        let (row, pair) = (item.row, item.pair());
        let findings = judge_authority(row.name, pair, self.inventory.tree, Thresholds::NONE, self.now);
        let blocked = self.take(findings);
        let external = pair.is_external();
        if self.is_selected(row) {
            let (step, reason) = match (blocked, external) {
                (true, _) => (Cause::Unusable.blocks(), "the existing file cannot be used"),
                (false, true) => (Step::Keep, "external CA: its key is not on this node"),
                (false, false) => (Step::Keep, "already there"),
            };
            let mut artefact = Artefact::of(row, step, reason, files(item));
            artefact.expires_at = pair.certificate().map(crate::x509::Certificate::not_after);
            self.artefacts.push(artefact);
        }
        match pair.all() {
            [] => AuthorityState::Unusable,
            _ if blocked => AuthorityState::Unusable,
            all => AuthorityState::Existing { certificates: all.to_vec(), is_external: external },
        }
    }

    fn plan_missing_authority(&mut self, item: &Item<'_>) -> Result<AuthorityState> {
        let (row, path) = (item.row, item.certificate.clone());
        let leaves = self.leaves_of(row);
        let refusal = if self.spec.role != Role::ControlPlane {
            Some((
                FindingCode::SharedFileMissing,
                "the CA is missing; a joining node shares the cluster's and never makes its own".to_owned(),
                shared_authority_remedy(self.spec.role, &path),
            ))
        } else if !leaves.is_empty() {
            Some((
                FindingCode::AuthorityMissing,
                format!("the CA is missing, but certificates that need it are there: {}", leaves.join(", ")),
                "put the CA back; or, for a new cluster, remove these files too".to_owned(),
            ))
        } else if !self.is_selected(row) {
            // Only those who need its signature will miss it.
            return Ok(AuthorityState::Unusable);
        } else {
            None
        };
        let files = files(item);
        if let Some((code, evidence, remedy)) = refusal {
            self.findings.push(Finding::new(code, row.name, &path, evidence, remedy));
            if self.is_selected(row) {
                let artefact = Artefact::of(row, Cause::Missing.blocks(), "missing", files);
                self.artefacts.push(artefact);
            }
            return Ok(AuthorityState::Unusable);
        }
        let (not_before, not_after) = (self.now - BACKDATE, self.now + self.spec.ca_certificate_validity);
        self.findings.extend(judge_end(row.name, &path, not_after, self.now));
        let template = CertificateTemplate {
            subject: row.subject(self.spec)?,
            subject_alt_names: row.subject_alt_names(self.spec),
            key_usages: authority_key_usages(self.spec.version().as_ref(), self.spec.algorithm.as_str()),
            extended_key_usages: Vec::new(),
            is_ca: true,
            not_before,
            not_after,
            other_extensions: Vec::new(),
        };
        let step = Step::Create(Creation::Pair { certificate: template, new_key: self.spec.algorithm });
        let artefact = Artefact { expires_at: Some(not_after), ..Artefact::of(row, step, "missing", files) };
        self.artefacts.push(artefact);
        Ok(AuthorityState::New { not_before, not_after })
    }

    /// The certificates and kubeconfigs of this CA that are there.
    fn leaves_of(&self, row: &Row) -> Vec<String> {
        let signed = self.signed_by(row).filter(|one| one.is_there());
        signed.map(|one| one.name.to_owned()).collect()
    }

    /// What this node has of a CA, and kubeadm makes.
    fn signed_by(&self, authority: &Row) -> impl Iterator<Item = &Item<'_>> {
        let items = self.inventory.items(&[RowKind::Leaf, RowKind::Kubeconfig]);
        items.filter(|item| item.is_on_node && item.row.is_signed_by(authority))
    }

    /// Whether the plan is about it.
    pub(super) fn is_selected(&self, row: &Row) -> bool {
        let selection = match row.kind {
            RowKind::Kubeconfig => &self.options.kubeconfigs,
            _ => &self.options.certificates,
        };
        selection.contains(row.name)
    }
}

/// How a joining node comes by the cluster's CA. A worker must never have the key.
fn shared_authority_remedy(role: Role, certificate: &Path) -> String {
    let base = certificate.with_extension("");
    match role {
        Role::Worker => format!(
            "copy {}.crt from a control-plane node; make kubelet.conf where the CA's key is, and bring it here",
            base.display()
        ),
        Role::ControlPlane | Role::SecondaryControlPlane => {
            format!(
                "copy {0}.crt and {0}.key from the first control-plane node, or import its bundle (kubepki bundle import FILE)",
                base.display()
            )
        }
    }
}
