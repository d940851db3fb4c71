//! The service accounts' key pair.

use super::{Planning, untouched};
use crate::audit::service_account::ServiceAccountKeys;
use crate::audit::{FindingCode, Severity};
use crate::catalogue::SERVICE_ACCOUNT;
use crate::config::Role;
use crate::plan::{Action, Artefact, Kind, PlannedFile};

impl Planning<'_> {
    pub(super) fn plan_service_account(&mut self) {
        if !self.options.certificates.contains(SERVICE_ACCOUNT) {
            return;
        }
        let keys = ServiceAccountKeys::read(self.tree, self.layout);
        // kubeadm writes both with mode 0600.
        let key = PlannedFile { path: keys.key_path.clone(), mode: 0o600 };
        let public_key = PlannedFile { path: keys.public_key_path.clone(), mode: 0o600 };
        let both = vec![key.clone(), public_key.clone()];
        let artefact = |action, reason, files| untouched(SERVICE_ACCOUNT, Kind::KeyPair, action, reason, files);

        let planned = if self.spec.role == Role::Worker {
            artefact(Action::Skip, "a worker has none", both)
        } else if keys.key.is_missing() && keys.public_keys.is_missing() {
            if self.spec.role == Role::SecondaryControlPlane {
                self.find(
                    FindingCode::SharedFileMissing,
                    Severity::Critical,
                    SERVICE_ACCOUNT,
                    key.path,
                    "sa.key is missing; all control-plane nodes share one",
                    "copy sa.key and sa.pub from the first control-plane node",
                );
                artefact(Action::Blocked, "missing", both)
            } else {
                Artefact { new_key: Some(self.spec.algorithm), ..artefact(Action::Create, "missing", both) }
            }
        } else {
            let findings = keys.judge(self.tree);
            if self.take(findings) {
                artefact(Action::Blocked, "the existing file cannot be used", both)
            } else if keys.public_keys.is_missing() {
                artefact(Action::Create, "sa.pub is missing: made from sa.key", vec![public_key])
            } else {
                artefact(Action::Keep, "already there", both)
            }
        };
        self.artefacts.push(planned);
    }
}
