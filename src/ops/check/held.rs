//! Manifests that a restart which did not end has left outside the kubelet's sight: their components do not run.

use std::path::PathBuf;

use crate::audit::node::Checkup;
use crate::audit::{Finding, FindingCode};
use crate::ops::restart;
use crate::remedy::command;
use crate::store::Store;

impl Checkup<'_> {
    pub(super) fn held_manifests(&mut self, store: &Store) {
        if let Some(fault) = restart::unseen(store) {
            let folder = PathBuf::from(restart::HOLDING_DIR);
            self.findings.push(Finding::unusable("restart", &folder, fault));
        }
        for held in restart::held(store) {
            let since =
                held.held_at.map(|at| format!(" since {}", at.format("%Y-%m-%d %H:%M:%S UTC"))).unwrap_or_default();
            self.findings.push(Finding::new(
                FindingCode::ManifestHeld,
                &held.component,
                &held.held,
                format!("a restart has held its manifest{since}; it belongs to {}", held.manifest.display()),
                format!("if no restart is under way, put the manifest back: {}", back(store)),
            ));
        }
    }
}

/// The command that puts a manifest back; it is a file, whether the node runs here or not.
fn back(store: &Store) -> String {
    let below = (!store.is_of_this_machine()).then(|| ["--rootfs".as_ref(), store.root_directory().as_os_str()]);
    let words = ["kubepki".as_ref(), "restart".as_ref()];
    command(words.into_iter().chain(below.into_iter().flatten()))
}
