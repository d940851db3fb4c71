//! Files that flags name: they must be there, and certificate and key must belong together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{CONTROLLER_MANAGER, Flagged};
use crate::audit::signing::contradiction;
use crate::audit::{Finding, FindingCode};
use crate::component::PAIRS;
use crate::inventory::Found;
use crate::remedy::{command, file};
use crate::tree::Observed;

pub(super) fn judge(flagged: &Flagged<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut findings = missing(flagged, known);
    findings.extend(mismatches(flagged, known));
    let manager = flagged.pod(CONTROLLER_MANAGER);
    findings.extend(manager.and_then(|(manifest, pod)| contradiction(manifest, pod)));
    findings
}

/// Files that are not there, each once with all flags that name it.
fn missing(flagged: &Flagged<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut named: BTreeMap<PathBuf, Vec<(&str, &Path, String)>> = BTreeMap::new();
    for (component, manifest, pod) in &flagged.pods {
        for (flag, path) in pod.credentials(component) {
            // What is in the image cannot be seen here.
            let is_seen = pod.mounts(&path) && matches!(flagged.tree.get(&path), Observed::Missing);
            if is_seen && !known.iter().any(|finding| finding.path.as_ref() == Some(&path)) {
                named.entry(path).or_default().push((component, manifest, format!("--{flag}")));
            }
        }
    }
    let finding = |(path, flags): (PathBuf, Vec<(&str, &Path, String)>)| {
        let component = flags.first()?.0;
        let said: Vec<_> = flags.iter().map(|(component, _, flag)| format!("{flag} of {component}")).collect();
        let edits: Vec<_> =
            flags.iter().map(|(_, manifest, flag)| format!("{flag} in {}", manifest.display())).collect();
        let evidence = format!("{} names a file that is missing: it does not start without it", said.join(" and "));
        let remedy = format!("put {} there, or correct {}", file(&path), edits.join(" and "));
        Some(Finding::new(FindingCode::FlagFileMissing, component, &path, evidence, remedy))
    };
    named.into_iter().filter_map(finding).collect()
}

/// Certificates whose key, by the flags, is another's.
fn mismatches(flagged: &Flagged<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for (component, manifest, pod) in &flagged.pods {
        for (certificate_flag, key_flag) in PAIRS {
            let Some((certificate, key)) = pod.file(certificate_flag).zip(pod.file(key_flag)) else { continue };
            let is_said =
                |finding: &Finding| finding.code == FindingCode::KeyMismatch && finding.path.as_ref() == Some(&key);
            let pair = Found::pair(flagged.tree, certificate.clone(), key.clone());
            let (Some(leaf), Some(private)) = (pair.certificate(), pair.key.present()) else { continue };
            if leaf.public_key_info() == private.public_key_info() || known.iter().chain(&findings).any(is_said) {
                continue;
            }
            let evidence = format!(
                "--{key_flag} of {component} is not the key of --{certificate_flag} ({})",
                certificate.display()
            );
            let show = ["kubepki".as_ref(), "show".as_ref(), certificate.as_os_str(), key.as_os_str()];
            let remedy = format!(
                "see which key is whose: {}; then name a certificate and its own key with --{certificate_flag} and --{key_flag} in {}",
                command(show),
                manifest.display()
            );
            findings.push(Finding::new(FindingCode::FlagPairMismatch, component, &key, evidence, remedy));
        }
    }
    findings
}
