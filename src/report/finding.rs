//! Findings as text.
//!
//! In: a finding. Out: what, where and the remedy, a line each.

use std::collections::BTreeMap;

use crate::audit::Finding;
use crate::report::cell;
use crate::text::printable;

/// The finding in three lines, in two where no file is concerned.
#[must_use]
pub fn text(finding: &Finding) -> String {
    group_text(&[finding])
}

/// Findings of one cause and one remedy together, each group where its first finding was.
#[must_use]
pub fn grouped<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<Vec<&'f Finding>> {
    in_groups(findings, |finding| (finding.code.as_str(), finding.severity, &finding.remedy))
}

/// Those that are alike together, each group where its first was.
fn in_groups<'f, K: Ord>(
    findings: impl IntoIterator<Item = &'f Finding>,
    key: impl Fn(&'f Finding) -> K,
) -> Vec<Vec<&'f Finding>> {
    let mut places = BTreeMap::new();
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let place = *places.entry(key(finding)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// Findings of one cause as one block: what and where of each, and the remedy once. Those of which the same is said
/// share a line.
#[must_use]
pub fn group_text(group: &[&Finding]) -> String {
    let mut lines = Vec::new();
    for alike in in_groups(group.iter().copied(), |finding| &finding.evidence) {
        let Some(first) = alike.first() else { continue };
        let evidence = &first.evidence;
        let mut subjects: Vec<_> = alike.iter().map(|finding| finding.subject.as_str()).collect();
        subjects.dedup();
        lines.push(format!("{}: {}: {evidence} [{}]", first.severity, subjects.join(", "), first.code));
        lines.extend(
            alike
                .iter()
                .filter_map(|finding| finding.path.as_deref())
                .map(|path| format!("  path: {}", cell::path(path))),
        );
    }
    lines.extend(group.first().map(|first| format!("  remedy: {}", first.remedy)));
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::audit::FindingCode;

    #[test]
    fn a_finding_says_what_where_and_what_to_do() {
        let about = Finding::about(FindingCode::CertificateExpired, "sa\u{1b}", "odd\nthing", "look");
        assert_eq!(text(&about), format!("{}: sa\\x1b: odd\\nthing [{}]\n  remedy: look", about.severity, about.code));
        let new = Finding { path: Some(Path::new("/a//b/").to_owned()), ..about };
        assert_eq!(text(&new).lines().nth(1), Some("  path: /a/b"));
    }

    #[test]
    fn findings_of_one_cause_are_one_block_with_the_remedy_once() {
        let of = |subject: &str, evidence: &str, remedy: &str| {
            let path = Some(Path::new("/pki").join(subject));
            Finding { path, ..Finding::about(FindingCode::CertificateExpired, subject, evidence, remedy) }
        };
        let all = [of("a", "odd", "look"), of("b", "odd", "elsewhere"), of("c", "odd", "look"), of("d", "new", "look")];
        let groups = grouped(&all);
        let said: Vec<_> = groups.iter().map(|group| group_text(group)).collect();
        let (severity, code) = (all[0].severity, all[0].code);
        assert_eq!(
            said,
            [
                format!(
                    "{severity}: a, c: odd [{code}]\n  path: /pki/a\n  path: /pki/c\n\
                 {severity}: d: new [{code}]\n  path: /pki/d\n  remedy: look"
                ),
                text(&all[1]),
            ]
        );
    }
}
