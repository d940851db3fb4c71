//! Findings as text.
//!
//! In: a finding. Out: what, where and the remedy, a line each.

use crate::audit::Finding;
use crate::report::cell;
use crate::text::printable;

/// The finding in three lines, in two where no file is concerned.
#[must_use]
pub fn text(finding: &Finding) -> String {
    let Finding { code, severity, subject, path, evidence, remedy } = finding;
    let mut lines = vec![format!("{severity}: {subject}: {evidence} [{code}]")];
    lines.extend(path.as_ref().map(|path| format!("  path: {}", cell::path(path))));
    lines.push(format!("  remedy: {remedy}"));
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::audit::FindingCode;

    #[test]
    fn a_finding_says_what_where_and_what_to_do() {
        let about = Finding::about(FindingCode::FileMissing, "sa\u{1b}", "odd\nthing", "look");
        assert_eq!(text(&about), format!("{}: sa\\x1b: odd\\nthing [{}]\n  remedy: look", about.severity, about.code));
        let new = Finding { path: Some(Path::new("/a//b/").to_owned()), ..about };
        assert_eq!(text(&new).lines().nth(1), Some("  path: /a/b"));
    }
}
