//! Manifests that a restart which did not end has left outside the kubelet's sight: their components do not run.

use std::path::PathBuf;

use super::Checking;
use super::extra::critical;
use crate::audit::{Finding, FindingCode, Severity};
use crate::ops::restart;
use crate::tree::Observed;

impl Checking {
    pub(super) fn held_manifests(&mut self) {
        if let Some(Observed::Unreadable { code, message, hint }) = restart::unseen(&self.node.store) {
            let folder = PathBuf::from(restart::HOLDING_DIR);
            self.findings.push(critical(code, "restart", &folder, message, hint));
        }
        for held in restart::held(&self.node.store) {
            let since =
                held.held_at.map(|at| format!(" since {}", at.format("%Y-%m-%d %H:%M:%S UTC"))).unwrap_or_default();
            self.findings.push(Finding {
                code: FindingCode::ManifestHeld.code().to_owned(),
                severity: Severity::Critical,
                subject: held.component,
                path: Some(held.held),
                evidence: format!("a restart has held its manifest{since}; it belongs to {}", held.manifest.display()),
                remedy: "if no restart is under way, put the manifest back: `kubepki restart`".into(),
            });
        }
    }
}
