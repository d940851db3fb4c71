//! Requests of kubelets for serving certificates, as text.

use super::{finding, table};
use crate::ops::serving::{Outcome, ReviewedRequest, ServingReport};
use crate::policy::serving::Verdict;
use crate::text::printable;

/// All of it.
#[must_use]
pub fn text(report: &ServingReport, width: Option<usize>) -> String {
    let all = report.requests.iter().flat_map(ReviewedRequest::reasons);
    text_with(report, width, finding::grouped(all).iter().map(|group| finding::group_text(group)).collect())
}

/// The same with findings that are text already.
#[must_use]
pub fn text_with(report: &ServingReport, width: Option<usize>, findings: Vec<String>) -> String {
    let header = ["NAME", "STATE", "REQUESTOR", "AGE", "NAMES"];
    let rows = report.requests.iter().map(|one| {
        let decision = &one.decision;
        let age = decision.created_at.map(|created| age((report.reviewed_at - created).num_seconds()));
        [
            decision.name.clone(),
            state(one).to_owned(),
            decision.username.clone(),
            age.unwrap_or_default(),
            one.names.join(", "),
        ]
    });
    let problem = |one: &ReviewedRequest| {
        let fault = one.problem.as_ref()?;
        Some(printable(&format!("{}: {} [{}]", one.decision.name, fault.message, fault.code)).into_owned())
    };
    let problems = report.requests.iter().filter_map(problem);
    let parts = std::iter::once(table(width, header, rows)).chain(problems).chain(findings);
    parts.collect::<Vec<_>>().join("\n\n")
}

/// A line for each request: what was done, and why.
#[must_use]
pub fn lines(report: &ServingReport) -> String {
    let line = |one: &ReviewedRequest| {
        let why = one.problem.as_ref().map_or_else(|| one.decision.verdict.why(), |problem| problem.message.clone());
        let moment = report.reviewed_at.format("%Y-%m-%dT%H:%M:%SZ");
        printable(&format!("{moment} {}: {}, asked by {}: {why}", one.decision.name, state(one), one.decision.username))
            .into_owned()
    };
    report.requests.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Its state in a few words.
#[must_use]
pub fn state(one: &ReviewedRequest) -> &'static str {
    match (one.outcome, &one.decision.verdict) {
        (Outcome::Approved, _) => "approved",
        (Outcome::Denied, _) => "denied",
        (Outcome::Gone, _) => "answered by someone else",
        (Outcome::Failed, _) => "failed",
        (Outcome::Waits, Verdict::Approve { .. }) => "may be approved",
        (Outcome::Waits, Verdict::Leave { .. }) => "left",
    }
}

/// As kubectl says it: the largest unit.
fn age(seconds: i64) -> String {
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
