//! Any certificates checked, whoever they belong to: files, directories, text.
//!
//! In: a request, now. Out: a [`CheckReport`] of these alone; no node is looked at.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::{CheckReport, Node};
use crate::audit::Finding;
use crate::audit::fleet::TreeModulus;
use crate::audit::node::{Checkup, say_once, status};
use crate::error::{Diagnostic as _, Result};
use crate::key::Blocklist;
use crate::ops::certificates::UNNAMED;
pub use crate::request::CheckFilesRequest;
use crate::secret::Secret;
use crate::tree::Tree;
use crate::x509::read_certificates;

/// Reads the files and the text, and says what is wrong with them.
///
/// # Errors
/// There is nothing to check; `rootfs` is no directory. A file that cannot be used is a finding.
pub fn check_files(request: &CheckFilesRequest, now: DateTime<Utc>) -> Result<CheckReport> {
    let blocklist = super::blocklist::read(request.key_blocklist.as_ref())?;
    check_files_with(request, blocklist.as_ref(), now).map(|(report, _)| report)
}

/// The same with a list that is read already, and the RSA keys that were seen.
pub(in crate::ops) fn check_files_with(
    request: &CheckFilesRequest,
    blocklist: Option<&Blocklist>,
    now: DateTime<Utc>,
) -> Result<(CheckReport, Vec<TreeModulus>)> {
    let thresholds = request.thresholds()?;
    let node = Node::of_nobody(request.rootfs.clone())?;
    let tree = Tree::default();
    let inventory = node.own_inventory(&tree, false)?;
    let mut checkup = Checkup::new(&inventory, false, thresholds, now);
    checkup.extra(&node.store, &request.paths);
    if let Some(content) = &request.content {
        // A key may stand beside the certificates.
        let content = Secret::new(content.clone().into_bytes());
        let path = Path::new(UNNAMED);
        match read_certificates(content.expose()) {
            Ok(certificates) => checkup.judge_extra(UNNAMED, path, &certificates),
            Err(error) => checkup.findings.push(Finding::unusable(UNNAMED, path, error.fault())),
        }
    }
    checkup.keys(blocklist);
    let Checkup { certificates, mut findings, keys, .. } = checkup;
    say_once(&mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let status = status(&certificates, &findings);
    let report = CheckReport { checked_at: now, status, certificates, findings, warnings: Vec::new() };
    Ok((report, TreeModulus::each(&keys)))
}
