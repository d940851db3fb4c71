//! The kubeconfigs: judged if they are there, made if `ca` can sign here, named if it cannot.

use super::{Planning, files};
use crate::audit::certificate::Thresholds;
use crate::audit::kubeconfig::{ExpectedKubeconfig, judge_kubeconfig};
use crate::catalogue::{Kind as RowKind, leaf_key_usages};
use crate::error::Result;
use crate::inventory::Item;
use crate::plan::{Artefact, Cause, Creation, Kind, KubeconfigTemplate, Step};
use crate::x509::{Certificate, CertificateTemplate, ExtendedKeyUsage};

impl Planning<'_> {
    pub(super) fn plan_kubeconfigs(&mut self) -> Result<()> {
        let inventory = self.inventory;
        for item in inventory.items(&[RowKind::Kubeconfig]) {
            if !self.is_selected(item.row) {
                continue;
            }
            let artefact = if let Some(reason) = item.absence {
                Artefact::new(item.name, Kind::Kubeconfig, Cause::NotOnNode.skips(), reason, files(item))
            } else if item.is_missing() {
                self.plan_missing_kubeconfig(item)?
            } else {
                self.plan_existing_kubeconfig(item)
            };
            self.artefacts.push(Artefact { issuer: Some(item.row.issuer.to_owned()), ..artefact });
        }
        Ok(())
    }

    fn plan_existing_kubeconfig(&mut self, item: &Item<'_>) -> Artefact {
        let expected = ExpectedKubeconfig {
            client: item.expectation.clone(),
            server: item.server.clone(),
            trusted: self.bundle(item.row.issuer),
        };
        let (path, client) = (item.path(), item.client());
        let findings =
            judge_kubeconfig(item.name, path, client, self.inventory.tree, &expected, Thresholds::NONE, self.now);
        let blocked = self.take(findings);
        let (step, reason) = if blocked {
            (Cause::Unusable.blocks(), "the existing file cannot be used")
        } else {
            (Step::Keep, "already there")
        };
        let expires_at = item.leaf().map(Certificate::not_after);
        Artefact { expires_at, ..Artefact::new(item.name, Kind::Kubeconfig, step, reason, files(item)) }
    }

    fn plan_missing_kubeconfig(&mut self, item: &Item<'_>) -> Result<Artefact> {
        let (row, path, files) = (item.row, item.path(), files(item));
        let subject = row.subject(self.spec)?;
        let server = row.server(self.spec);
        let blocked =
            |cause: Cause, reason| Artefact::new(row.name, Kind::Kubeconfig, cause.blocks(), reason, files.clone());
        let needed = format!(
            "{} is still needed: server {server}, client certificate with subject {subject}, signed by the external CA",
            path.display()
        );
        let remedy = "have its client certificate signed by the owner of the CA and put the file there";
        // A kubeconfig's first certificate is valid from the same moment as its CA.
        let (not_before, authority_end) = match self.signing_time(row.name, row.issuer, path, needed, remedy) {
            Ok(time) => time,
            Err((cause, reason)) => return Ok(blocked(cause, reason)),
        };
        let wanted = self.now + self.spec.certificate_validity;
        let Some(not_after) = self.end_within_authority(row.name, path, wanted, authority_end) else {
            return Ok(blocked(Cause::OutlivesAuthority, "it would outlive its CA"));
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
            return Ok(blocked(Cause::Refused, "no server would accept it"));
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
