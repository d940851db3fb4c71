//! The service accounts' key pair.

use super::Planning;
use crate::audit::service_account::ServiceAccountKeys;
use crate::audit::{Finding, FindingCode};
use crate::catalogue::SERVICE_ACCOUNT;
use crate::config::Role;
use crate::plan::{Artefact, Cause, Creation, Kind, PlannedFile, Step};

impl Planning<'_> {
    pub(super) fn plan_service_account(&mut self) {
        if !self.options.certificates.contains(SERVICE_ACCOUNT) {
            return;
        }
        let keys = ServiceAccountKeys::read(self.inventory.tree, self.inventory.layout);
        // kubeadm writes both with mode 0600.
        let key = PlannedFile { path: keys.key_path.clone(), mode: 0o600 };
        let public_key = PlannedFile { path: keys.public_key_path.clone(), mode: 0o600 };
        let both = vec![key.clone(), public_key.clone()];
        let artefact = |step, reason, files| Artefact::new(SERVICE_ACCOUNT, Kind::KeyPair, step, reason, files);

        let planned = if self.spec.role == Role::Worker {
            artefact(Cause::NotOnNode.skips(), "a worker has none", both)
        } else if keys.key.is_missing() && keys.public_keys.is_missing() {
            if self.spec.role == Role::SecondaryControlPlane {
                self.findings.push(Finding::new(
                    FindingCode::SharedFileMissing,
                    SERVICE_ACCOUNT,
                    &key.path,
                    "sa.key is missing; all control-plane nodes share one",
                    "copy sa.key and sa.pub from the first control-plane node",
                ));
                artefact(Cause::Missing.blocks(), "missing", both)
            } else {
                artefact(Step::Create(Creation::KeyPair { new_key: self.spec.algorithm }), "missing", both)
            }
        } else {
            let findings = keys.judge(self.inventory.tree);
            if self.take(findings) {
                artefact(Cause::Unusable.blocks(), "the existing file cannot be used", both)
            } else if keys.public_keys.is_missing() {
                let step = Step::Create(Creation::PublicKey { of: key.path });
                artefact(step, "sa.pub is missing: made from sa.key", vec![public_key])
            } else {
                artefact(Step::Keep, "already there", both)
            }
        };
        self.artefacts.push(planned);
    }
}
