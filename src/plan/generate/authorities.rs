//! The CAs: used if they are there, whatever their subject; made if the node may make them.

use std::path::Path;

use super::{AuthorityState, BACKDATE, Planning, untouched};
use crate::audit::authority::{is_external, judge_authority};
use crate::audit::certificate::Thresholds;
use crate::audit::chain::judge_end;
use crate::audit::{FindingCode, Pair, Severity};
use crate::catalogue::{self, AuthorityRow, authority_key_usages};
use crate::config::Role;
use crate::error::Result;
use crate::plan::{Action, Artefact, Kind};
use crate::tree::Observed;
use crate::x509::CertificateTemplate;

impl Planning<'_> {
    pub(super) fn plan_authorities(&mut self) -> Result<()> {
        for row in &catalogue::AUTHORITIES {
            if !catalogue::authorities(self.spec).any(|one| one.name == row.name) {
                self.skip_authority(row);
                continue;
            }
            if !self.is_concerned(row) {
                continue;
            }
            let pair = self.pair(row.base_name);
            let state = if pair.is_missing() { self.plan_missing(row)? } else { self.plan_existing(row, pair) };
            self.authorities.insert(row.name, state);
        }
        Ok(())
    }

    /// Whether the CA, or anything that it signs, is part of the plan: another's state must not stand in its way.
    fn is_concerned(&self, row: &AuthorityRow) -> bool {
        let selected = |name| self.options.certificates.contains(name);
        let signs_kubeconfigs = row.name == "ca"
            && catalogue::kubeconfigs(self.spec).any(|one| self.options.kubeconfigs.contains(one.name));
        selected(row.name)
            || catalogue::certificates(self.spec).any(|leaf| leaf.issuer == row.name && selected(leaf.name))
            || signs_kubeconfigs
    }

    fn skip_authority(&mut self, row: &AuthorityRow) {
        if self.options.certificates.contains(row.name) {
            let reason = match self.spec.role {
                Role::Worker => "a worker has none",
                Role::ControlPlane | Role::SecondaryControlPlane => "external etcd",
            };
            let files = self.pair_files(row.base_name);
            let artefact = untouched(row.name, Kind::CertificateAuthority, Action::Skip, reason, files);
            self.artefacts.push((row.order, artefact));
        }
    }

    fn plan_existing(&mut self, row: &AuthorityRow, pair: Pair) -> AuthorityState {
        let findings = judge_authority(row.name, &pair, self.tree, Thresholds::NONE, self.now);
        let blocked = self.take(findings);
        let external = is_external(&pair);
        if self.options.certificates.contains(row.name) {
            let (action, reason) = match (blocked, external) {
                (true, _) => (Action::Blocked, "the existing file cannot be used"),
                (false, true) => (Action::Keep, "external CA: its key is not on this node"),
                (false, false) => (Action::Keep, "already there"),
            };
            let files = self.pair_files(row.base_name);
            let mut artefact = untouched(row.name, Kind::CertificateAuthority, action, reason, files);
            artefact.expires_at = pair.certificate().map(crate::x509::Certificate::not_after);
            self.artefacts.push((row.order, artefact));
        }
        match pair.certificates {
            crate::audit::Part::Present(certificates) if !blocked => {
                AuthorityState::Existing { certificates, is_external: external }
            }
            _ => AuthorityState::Unusable,
        }
    }

    fn plan_missing(&mut self, row: &AuthorityRow) -> Result<AuthorityState> {
        let path = self.layout.certificate(row.base_name);
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
        } else if !self.options.certificates.contains(row.name) {
            // Only those who need its signature will miss it.
            return Ok(AuthorityState::Unusable);
        } else {
            None
        };
        let files = self.pair_files(row.base_name);
        if let Some((code, evidence, remedy)) = refusal {
            self.find(code, Severity::Critical, row.name, path, evidence, remedy);
            if self.options.certificates.contains(row.name) {
                let artefact = untouched(row.name, Kind::CertificateAuthority, Action::Blocked, "missing", files);
                self.artefacts.push((row.order, artefact));
            }
            return Ok(AuthorityState::Unusable);
        }
        let (not_before, not_after) = (self.now - BACKDATE, self.now + self.spec.ca_certificate_validity);
        self.findings.extend(judge_end(row.name, &path, not_after, self.now));
        let template = CertificateTemplate {
            subject: row.subject()?,
            subject_alt_names: row.subject_alt_names(),
            key_usages: authority_key_usages(self.spec.version().as_ref(), self.spec.algorithm.as_str()),
            extended_key_usages: Vec::new(),
            is_ca: true,
            not_before,
            not_after,
            other_extensions: Vec::new(),
        };
        let artefact = Artefact {
            new_key: Some(self.spec.algorithm),
            certificate: Some(template),
            expires_at: Some(not_after),
            ..untouched(row.name, Kind::CertificateAuthority, Action::Create, "missing", files)
        };
        self.artefacts.push((row.order, artefact));
        Ok(AuthorityState::New { not_before, not_after })
    }

    /// The certificates and kubeconfigs of this CA that are there.
    fn leaves_of(&self, row: &AuthorityRow) -> Vec<String> {
        let is_there = |path: &Path| !matches!(self.tree.get(path), Observed::Missing);
        let leaves = catalogue::certificates(self.spec)
            .filter(|leaf| leaf.issuer == row.name)
            .filter(|leaf| is_there(&self.layout.certificate(leaf.base_name)))
            .map(|leaf| leaf.name.to_owned());
        let kubeconfigs = catalogue::kubeconfigs(self.spec)
            .filter(|kubeconfig| row.name == "ca" && is_there(&self.layout.kubeconfig(kubeconfig.name)))
            .map(|kubeconfig| kubeconfig.name.to_owned());
        leaves.chain(kubeconfigs).collect()
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
            format!("copy {0}.crt and {0}.key from the first control-plane node", base.display())
        }
    }
}
