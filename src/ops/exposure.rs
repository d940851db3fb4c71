//! Keys are not written where others have them in hand.
//!
//! In: a plan. Out: the same plan; what would write a key into a file that others can read or own, or into a folder in
//! which they can replace it, is blocked by a critical finding.

use crate::audit::exposure::judge;
use crate::audit::{Finding, Severity};
use crate::error::Result;
use crate::plan::{Cause, Plan, PlannedFile, Step};
use crate::store::Store;

/// Judges every file with a key that the plan would write. A restored file gets the backup's mode and owner.
pub(super) fn judge_plan(plan: &mut Plan) -> Result<()> {
    let store = Store::new(plan.rootfs.clone())?;
    for artefact in &mut plan.artefacts {
        // The keys of kubeconfigs are not new where only the CA beside them is.
        let writes_no_key = matches!(artefact.step, Step::Remove | Step::Restore(_) | Step::RenewAuthority(_));
        if !artefact.step.is_change() || writes_no_key {
            continue;
        }
        let mut found = Vec::new();
        for file in artefact.files.iter().filter(|file| holds_key(file)) {
            let mut exposed = store.exposure(&file.path);
            // A user's own file, named by its path, is the user's.
            if artefact.name.contains('/') {
                (exposed.other_owner, exposed.folder) = (None, None);
            }
            judge(&artefact.name, &file.path, &exposed, Severity::Critical, &mut found);
        }
        if !found.is_empty() {
            artefact.step = Cause::Exposed.blocks();
            "others can read its key".clone_into(&mut artefact.reason);
        }
        for finding in found {
            let is_same = |one: &&mut Finding| one.code == finding.code && one.path == finding.path;
            match plan.findings.iter_mut().find(is_same) {
                Some(known) => known.severity = Severity::Critical,
                None => plan.findings.push(finding),
            }
        }
    }
    Ok(())
}

/// Files for their owner alone are keys, kubeconfigs and requests.
fn holds_key(file: &PlannedFile) -> bool {
    let is_public = file.path.extension().is_some_and(|ending| ending == "csr" || ending == "pub");
    file.mode == 0o600 && !is_public
}
