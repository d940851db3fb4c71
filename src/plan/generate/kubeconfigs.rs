//! The kubeconfigs: judged if they are there, made if `ca` can sign here, named if it cannot.

use std::path::Path;

use super::{AuthorityState, Planning};
use crate::audit::certificate::{Expectation, Thresholds};
use crate::audit::kubeconfig::{ExpectedKubeconfig, client_identity, judge_kubeconfig};
use crate::catalogue::{self, Kind as RowKind, Row, leaf_key_usages};
use crate::error::Result;
use crate::plan::{Artefact, Creation, Kind, KubeconfigTemplate, PlannedFile, Step};
use crate::tree::Observed;
use crate::x509::{Certificate, CertificateTemplate, ExtendedKeyUsage};

impl Planning<'_> {
    pub(super) fn plan_kubeconfigs(&mut self) -> Result<()> {
        for row in catalogue::rows([RowKind::Kubeconfig]) {
            if !self.is_selected(row) {
                continue;
            }
            let path = self.layout.kubeconfig(row.name);
            let files = vec![PlannedFile { path: path.clone(), mode: 0o600 }];
            let artefact = if let Some(reason) = row.absence(self.spec) {
                Artefact::new(row.name, Kind::Kubeconfig, Step::Skip, reason, files)
            } else if matches!(self.tree.get(&path), Observed::Missing) {
                self.plan_missing_kubeconfig(row, &path, files)?
            } else {
                self.plan_existing_kubeconfig(row, &path, files)?
            };
            self.artefacts.push(Artefact { issuer: Some(row.issuer.to_owned()), ..artefact });
        }
        Ok(())
    }

    fn plan_existing_kubeconfig(&mut self, row: &Row, path: &Path, files: Vec<PlannedFile>) -> Result<Artefact> {
        let trusted = match self.authorities.get(row.issuer) {
            Some(AuthorityState::Existing { certificates, .. }) => certificates.as_slice(),
            _ => &[],
        };
        let expected = ExpectedKubeconfig {
            client: Expectation {
                subject: Some(row.subject(self.spec)?),
                extended_key_usages: vec![ExtendedKeyUsage::ClientAuth],
                ..Expectation::default()
            },
            server: Some(row.server(self.spec)),
            trusted,
        };
        let findings = judge_kubeconfig(row.name, path, self.tree, &expected, Thresholds::NONE, self.now);
        let blocked = self.take(findings);
        let (step, reason) =
            if blocked { (Step::Blocked, "the existing file cannot be used") } else { (Step::Keep, "already there") };
        let identity = self.tree.content(path).and_then(|content| client_identity(self.tree, path, content).ok()?);
        let expires_at = identity.and_then(|identity| {
            identity.certificates.present().and_then(|all| all.first().map(Certificate::not_after))
        });
        Ok(Artefact { expires_at, ..Artefact::new(row.name, Kind::Kubeconfig, step, reason, files) })
    }

    fn plan_missing_kubeconfig(&mut self, row: &Row, path: &Path, files: Vec<PlannedFile>) -> Result<Artefact> {
        let subject = row.subject(self.spec)?;
        let server = row.server(self.spec);
        let blocked = |reason| Artefact::new(row.name, Kind::Kubeconfig, Step::Blocked, reason, files.clone());
        let needed = format!(
            "{} is still needed: server {server}, client certificate with subject {subject}, signed by the external CA",
            path.display()
        );
        let remedy = "have its client certificate signed by the owner of the CA and put the file there";
        // A kubeconfig's first certificate is valid from the same moment as its CA.
        let (not_before, authority_end) = match self.signing_time(row.name, row.issuer, path, needed, remedy) {
            Ok(time) => time,
            Err(reason) => return Ok(blocked(reason)),
        };
        let wanted = self.now + self.spec.certificate_validity;
        let Some(not_after) = self.end_within_authority(row.name, path.to_owned(), wanted, authority_end) else {
            return Ok(blocked("it would outlive its CA"));
        };
        let template = CertificateTemplate {
            subject,
            subject_alt_names: crate::x509::SubjectAltNames::default(),
            key_usages: leaf_key_usages(self.spec.version().as_ref(), self.spec.algorithm.as_str()),
            extended_key_usages: vec![ExtendedKeyUsage::ClientAuth],
            is_ca: false,
            not_before,
            not_after,
            other_extensions: Vec::new(),
        };
        if self.refuses(row.name, row.issuer, path, &template) {
            return Ok(blocked("no server would accept it"));
        }
        let (cluster_name, user) = (self.spec.cluster_name.clone(), row.user_name(self.spec));
        let step = Step::Create(Creation::Kubeconfig {
            certificate: template,
            new_key: self.spec.algorithm,
            kubeconfig: KubeconfigTemplate { cluster_name, server, user },
        });
        Ok(Artefact {
            expires_at: Some(not_after),
            ..Artefact::new(row.name, Kind::Kubeconfig, step, "missing", files)
        })
    }
}
