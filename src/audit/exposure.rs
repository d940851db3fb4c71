//! Judging who else has a key in hand.
//!
//! In: what the system says of a file and its folder. Out: findings. In a plan that would write a key there they are
//! critical: the file that takes the place of another keeps its mode and owner.

use std::path::Path;

use super::{Finding, FindingCode, Severity};
use crate::remedy::command;
use crate::store::{Exposure, OpenFolder};

/// Judges the file at `path`, as far as `exposed` has something of it. A folder is judged for its first file only:
/// `findings` are those so far.
pub fn judge(subject: &str, path: &Path, exposed: &Exposure, severity: Severity, findings: &mut Vec<Finding>) {
    let mut note = |code: FindingCode, subject: &str, path: &Path, evidence: String, remedy: String| {
        let known = findings.iter_mut().find(|finding| finding.code == code && finding.path.as_deref() == Some(path));
        match known {
            Some(finding) => finding.severity = finding.severity.max(severity),
            None => findings.push(Finding::new(code, subject, path, evidence, remedy).as_bad_as(severity)),
        }
    };
    let owner = match exposed.right_owner {
        (0, 0) => "root:root".to_owned(),
        (uid, gid) => format!("{uid}:{gid}"),
    };
    let chown = |path: &Path| command(["chown".as_ref(), owner.as_ref(), path.as_os_str()]);
    if let Some(OpenFolder { path: folder, mode, other_owner }) = &exposed.folder {
        let name = folder.display().to_string();
        let (evidence, remedy) = match other_owner {
            Some(uid) => {
                (format!("keys are in it, and it belongs to the user {uid}, who can replace them"), chown(folder))
            }
            None => (
                format!("keys are in it, and it has mode {mode:04o}: others can replace them"),
                command(["chmod".as_ref(), "go-w".as_ref(), folder.as_os_str()]),
            ),
        };
        note(FindingCode::FolderOpen, &name, folder, evidence, remedy);
    }
    if let Some(uid) = exposed.other_owner {
        let evidence = format!("the file holds a private key and belongs to the user {uid}");
        note(FindingCode::FileOtherOwner, subject, path, evidence, chown(path));
    }
    if let Some(mode) = exposed.mode.filter(|mode| mode & 0o077 != 0) {
        let evidence = format!("the file holds a private key and has mode {mode:04o}");
        let remedy = command(["chmod".as_ref(), "600".as_ref(), path.as_os_str()]);
        note(FindingCode::FileModeTooWide, subject, path, evidence, remedy);
    }
}
