//! Signing requests that were made, as kubeadm says it.

use std::path::{Path, PathBuf};

use crate::plan::{Kind, Plan};

/// The directories, and below each what was made there by its file name.
///
/// Source: kubeadm `cmd/certs.go` (`runGenCSR`), `phases/certs` (`CreateDefaultKeysAndCSRFiles`).
#[must_use]
pub fn made(plan: &Plan) -> String {
    let mut folders: Vec<(PathBuf, Vec<String>)> = Vec::new();
    for artefact in plan.changes() {
        let Some(file) = artefact.files.last() else { continue };
        let name = file.path.with_extension("");
        let usual = match artefact.kind {
            Kind::Kubeconfig => &plan.kubeconfig_dir,
            _ => &plan.certificates_dir,
        };
        // The kubelet's waits where nothing of kubeadm's is.
        let folder = if name.starts_with(usual) { usual } else { name.parent().unwrap_or(Path::new("")) };
        let below = name.strip_prefix(folder).unwrap_or(&name).display().to_string();
        match folders.iter_mut().find(|(known, _)| known == folder) {
            Some((_, names)) => names.push(below),
            None => folders.push((folder.components().collect(), vec![below])),
        }
    }
    let block = |(folder, names): &(PathBuf, Vec<String>)| {
        let head = format!("generating keys and CSRs in {}", folder.display());
        [head].into_iter().chain(names.iter().map(|name| format!("  {name}"))).collect::<Vec<_>>().join("\n")
    };
    folders.iter().map(block).collect::<Vec<_>>().join("\n")
}
