//! What a check saw, as text: every certificate, and the one line that a monitoring system shows.

use chrono::TimeDelta;
use serde::Serialize;

use super::moment::span;
use super::{finding, table};
use crate::audit::{Finding, FindingCode, SeenCertificate, Severity};
use crate::ops::check::{CheckReport, Status};
use crate::text::{counted, printable};

const DAY: i64 = 86_400;

/// A report as programs read it: with its exit code.
#[derive(Debug, Serialize)]
pub struct Fields<'r> {
    #[serde(flatten)]
    report: &'r CheckReport,
    exit_code: u8,
}

impl<'r> Fields<'r> {
    /// Of a report.
    #[must_use]
    pub const fn of(report: &'r CheckReport) -> Self {
        Self { report, exit_code: report.status.exit_code() }
    }
}

/// All of it: the certificates, the findings (those of one cause together), and the line that sums it up.
#[must_use]
pub fn text(report: &CheckReport, width: Option<usize>) -> String {
    let findings = finding::grouped(&report.findings).iter().map(|group| finding::group_text(group)).collect();
    text_with(report, width, findings)
}

/// The same with findings that are text already.
#[must_use]
pub fn text_with(report: &CheckReport, width: Option<usize>, findings: Vec<String>) -> String {
    let summary = printable(&summary(report)).into_owned();
    certificates(report, width).into_iter().chain(findings).chain([summary]).collect::<Vec<_>>().join("\n\n")
}

/// The certificates, a line each; none where none was seen.
fn certificates(report: &CheckReport, width: Option<usize>) -> Option<String> {
    let row = |seen: &SeenCertificate| {
        let ends = seen.not_after.format("%Y-%m-%d %H:%M UTC").to_string();
        let SeenCertificate { name, key, subject, issuer, residual_seconds, .. } = seen.clone();
        [name, state(report, seen).to_owned(), ends, left(residual_seconds), key, subject, issuer]
    };
    let header = ["NAME", "STATUS", "EXPIRES", "REMAINING", "KEY", "SUBJECT", "ISSUER"];
    (!report.certificates.is_empty()).then(|| table(width, header, report.certificates.iter().map(row)))
}

/// What a certificate's end says of it, or else the worst finding about it.
fn state(report: &CheckReport, seen: &SeenCertificate) -> &'static str {
    // About its key's file too.
    let about = |finding: &&Finding| finding.subject == seen.name;
    if seen.residual_seconds < 0 {
        return "expired";
    }
    if seen.not_before > report.checked_at {
        return "not yet valid";
    }
    if report.findings.iter().filter(about).any(|finding| finding.code == FindingCode::CertificateExpiresSoon) {
        return "expires soon";
    }
    match report.findings.iter().filter(about).map(|finding| finding.severity).max() {
        Some(Severity::Critical) => "critical",
        Some(Severity::Warning) => "warning",
        Some(Severity::Info) | None => "ok",
    }
}

/// The status, how many findings and certificates there are, and what ends first.
fn summary(report: &CheckReport) -> String {
    let CheckReport { status, certificates, findings, .. } = report;
    let of = |severity: Severity| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        (count > 0).then(|| format!("{count} {severity}"))
    };
    let mut counts: Vec<_> = [Severity::Critical, Severity::Warning].into_iter().filter_map(of).collect();
    counts.push(counted(certificates.len(), "certificate"));
    let expired = certificates.iter().filter(|seen| seen.residual_seconds < 0).count();
    if let Some(first) = certificates.iter().min_by_key(|seen| seen.not_after) {
        let (name, left) = (&first.name, left(first.residual_seconds));
        if expired == 0 {
            counts.push(format!("the first to expire is {name} ({left} left)"));
        } else {
            counts.push(format!("{name} {left}"));
        }
    }
    if expired > 1 {
        counts.push(format!("{} more expired", expired - 1));
    }
    format!("{}: {}", word(*status), counts.join(", "))
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "OK",
        Status::Warning => "WARNING",
        Status::Critical => "CRITICAL",
        Status::Unknown => "UNKNOWN",
    }
}

/// What is left, or how long ago it ended, in the largest unit.
fn left(seconds: i64) -> String {
    if seconds >= 2 * DAY {
        return format!("{}d", seconds / DAY);
    }
    if seconds >= 0 {
        return format!("{}h{}m", seconds / 3600, seconds % 3600 / 60);
    }
    format!("expired {} ago", span(TimeDelta::seconds(-seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_said_in_a_unit_that_people_use() {
        for (seconds, said) in [
            (200 * DAY + 5, "200d"),
            (2 * DAY, "2d"),
            (2 * DAY - 1, "47h59m"),
            (0, "0h0m"),
            (-1, "expired 1 second ago"),
            (-119, "expired 1 minute ago"),
            (-7200, "expired 2 hours ago"),
            (-3 * DAY - 4, "expired 3 days ago"),
        ] {
            assert_eq!(left(seconds), said);
        }
    }
}
