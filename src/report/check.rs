//! What a check saw, as text: every certificate, and the one line that a monitoring system shows.

use serde::Serialize;

use super::certificate::{States, left};
use super::{finding, table};
use crate::audit::{SeenCertificate, Severity};
use crate::ops::check::{CheckReport, Status};
use crate::text::{counted, printable};

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
    let states = States::of(&report.findings, report.checked_at);
    let row = |seen: &SeenCertificate| {
        let ends = seen.not_after.format("%Y-%m-%d %H:%M UTC").to_string();
        let SeenCertificate { name, key, subject, issuer, residual_seconds, .. } = seen.clone();
        [name, states.state(seen).word().to_owned(), ends, left(residual_seconds), key, subject, issuer]
    };
    let header = ["NAME", "STATUS", "EXPIRES", "REMAINING", "KEY", "SUBJECT", "ISSUER"];
    (!report.certificates.is_empty()).then(|| table(width, header, report.certificates.iter().map(row)))
}

/// The status, how many findings and certificates there are, and what ends first.
fn summary(report: &CheckReport) -> String {
    let CheckReport { status, certificates, findings, .. } = report;
    let of = |severity: Severity| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        (count > 0).then(|| match severity {
            Severity::Critical => format!("{count} critical"),
            other => counted(count, &other.to_string()),
        })
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

pub(super) const fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "OK",
        Status::Warning => "WARNING",
        Status::Critical => "CRITICAL",
        Status::Unknown => "UNKNOWN",
    }
}
