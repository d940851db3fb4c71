//! Any certificates checked, whoever they belong to: files, directories, text.
//!
//! In: a request, now. Out: a [`CheckReport`] of these alone; no node is looked at.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::{CheckReport, Node};
use crate::audit::Finding;
use crate::audit::node::{Checkup, say_once, status};
use crate::error::{Diagnostic as _, Result};
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
    let thresholds = request.thresholds()?;
    let blocklist = super::blocklist::read(request.key_blocklist.as_ref())?;
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
    checkup.keys(blocklist.as_ref());
    let Checkup { certificates, mut findings, .. } = checkup;
    say_once(&mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let status = status(&certificates, &findings);
    Ok(CheckReport { checked_at: now, status, certificates, findings, warnings: Vec::new() })
}
