//! Manifests that a restart which did not end has left outside the kubelet's sight: their components do not run.

use super::Checking;
use crate::audit::{Finding, FindingCode, Severity};
use crate::ops::restart;

impl Checking {
    pub(super) fn held_manifests(&mut self) {
        for held in restart::held(&self.node.store) {
            let since =
                held.held_at.map(|at| format!(" since {}", at.format("%Y-%m-%d %H:%M:%S UTC"))).unwrap_or_default();
            self.findings.push(Finding {
                code: FindingCode::ManifestHeld.code().to_owned(),
                severity: Severity::Critical,
                subject: held.component,
                path: Some(held.held),
                evidence: format!("a restart has held its manifest{since}; it belongs to {}", held.manifest.display()),
                remedy: "if no restart is under way, run `kubepki restart`: it puts the manifest back first".into(),
            });
        }
    }
}
