//! What could not be looked at, said once.
//!
//! In: findings. Out: the same, those about files that may not be read gathered into one.

use std::collections::BTreeSet;

use super::{Finding, Severity};
use crate::store::StoreError;

/// How many paths are named.
const SHOWN: usize = 3;

/// Gathers all files that may not be read into the first finding; `remedy` says how to run it so that they can be.
pub fn gather(findings: &mut Vec<Finding>, remedy: Option<&str>) {
    let (unseen, mut others): (Vec<_>, Vec<_>) =
        std::mem::take(findings).into_iter().partition(|finding| finding.code == StoreError::NO_PERMISSION);
    let paths: BTreeSet<_> = unseen.iter().filter_map(|finding| finding.path.clone()).collect();
    if let Some(mut first) = unseen.into_iter().next() {
        if let Some(remedy) = remedy {
            remedy.clone_into(&mut first.remedy);
        }
        if paths.len() > 1 {
            let shown: Vec<_> = paths.iter().take(SHOWN).map(|path| path.display().to_string()).collect();
            let more = match paths.len() - shown.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            first = Finding {
                subject: "files".into(),
                path: None,
                evidence: format!("{} files cannot be read: {}{more}", paths.len(), shown.join(", ")),
                severity: Severity::Critical,
                ..first
            };
        }
        findings.push(first);
    }
    findings.append(&mut others);
}
