//! Judging a CA that is there: may it sign, is the key its own, is it still valid.
//!
//! In: the pair, now. Out: findings. A CA of any subject and key is welcome.

use chrono::{DateTime, Utc};

use super::certificate::{Thresholds, judge_validity};
use super::{Finding, FindingCode, Notes, Pair, Severity};
use crate::tree::Tree;

/// Judges a CA's two files. A key that is missing makes it an external CA, which is said and is no fault.
#[must_use]
pub fn judge_authority(
    name: &str,
    pair: &Pair,
    tree: &Tree,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Notes::about(name);
    pair.judge_files(tree, &mut notes, false);
    notes.at(&pair.certificate_path);
    if let Some(certificate) = pair.certificate() {
        if !certificate.may_sign_certificates() {
            notes.add(
                FindingCode::AuthorityNotAnAuthority,
                Severity::Critical,
                format!("{} is not a certificate authority that may sign certificates", certificate.subject()),
                "put a CA's certificate there: basicConstraints CA:TRUE and key usage keyCertSign",
            );
        }
        judge_validity(&mut notes, certificate, thresholds, now);
        if is_external(pair) {
            notes.add(
                FindingCode::AuthorityExternal,
                Severity::Info,
                "its key is not on this node: external CA mode",
                "nothing; certificates of this CA are signed elsewhere",
            );
        }
    }
    notes.findings
}

/// Whether a CA is external, as kubeadm has it: its certificate can be read and its key is not there. A key that
/// is there and broken does not make a CA external.
#[must_use]
pub fn is_external(pair: &Pair) -> bool {
    pair.certificate().is_some() && pair.key.is_missing()
}
