//! A change that was interrupted, as the first thing that is found.
//!
//! In: a store, the directories that an operation looks at, what it found. Out: the same findings with one more in
//! front. While a change waits, its files may be of two generations, and advice about any one of them would be wrong:
//! what ends the change is then the remedy for all of them.

use std::path::{Path, PathBuf};

use crate::audit::{Finding, FindingCode};
use crate::plan::{Operation, Plan};
use crate::store::{Interrupted, Store};

/// Puts a finding for each interrupted change before all others.
pub(super) fn put_first(store: &Store, directories: &[&Path], findings: &mut Vec<Finding>) {
    let waiting = store.interrupted(directories);
    for finding in findings.iter_mut() {
        let change = finding.path.as_ref().and_then(|path| waiting.iter().find(|one| one.concerns(store, path)));
        if let Some(change) = change {
            finding.remedy = format!("end the interrupted change first: {}", change.command);
        }
    }
    findings.splice(0..0, waiting.iter().map(finding));
}

/// The same for a plan, which is not hindered by it: the run that changes files ends the change first.
pub(super) fn put_first_in(plan: &mut Plan) {
    let Ok(store) = Store::new(plan.rootfs.clone()) else { return };
    let (own, other) = (plan.certificates_dir.clone(), plan.kubeconfig_dir.clone());
    // Where requests are signed, the other folder is not the node's.
    let directories = if plan.operation == Operation::Sign { vec![&own] } else { vec![&own, &other] };
    put_first(&store, &directories.into_iter().map(PathBuf::as_path).collect::<Vec<_>>(), &mut plan.findings);
}

fn finding(change: &Interrupted) -> Finding {
    let count = match change.paths.len() {
        0 => "its files are not known".to_owned(),
        1 => "it covers 1 file".to_owned(),
        count => format!("it covers {count} files"),
    };
    let names: Vec<_> = change.paths.iter().take(3).map(|path| path.display().to_string()).collect();
    let more = if change.paths.len() > names.len() { ", …" } else { "" };
    let names = if names.is_empty() { String::new() } else { format!(" ({}{more})", names.join(", ")) };
    let state = if change.is_committed { ", of which some may be new and some old" } else { "" };
    Finding::new(
        FindingCode::InterruptedChange,
        "interrupted change",
        &change.directory,
        format!("a change was interrupted and is not finished: {count}{names}{state}"),
        format!("complete it or take it back, and remove nothing by hand: {}", change.command),
    )
}
