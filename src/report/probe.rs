//! What servers present, as text: a line for each, what is wrong, and why one did not answer.

use super::moment::ends;
use super::{finding, table};
use crate::audit::node::Status;
use crate::ops::probe::{ProbeReport, ProbedEndpoint};
use crate::text::{counted, printable};

/// All of it.
#[must_use]
pub fn text(report: &ProbeReport, width: Option<usize>) -> String {
    let all = report.endpoints.iter().flat_map(|endpoint| &endpoint.findings);
    text_with(report, width, finding::grouped(all).iter().map(|group| finding::group_text(group)).collect())
}

/// The same with findings that are text already.
#[must_use]
pub fn text_with(report: &ProbeReport, width: Option<usize>, findings: Vec<String>) -> String {
    let header = ["ENDPOINT", "STATUS", "EXPIRES", "SERIAL", "SUBJECT", "ISSUER", "SENT"];
    let rows = report.endpoints.iter().map(|endpoint| row(endpoint, report));
    let problems = report.endpoints.iter().filter_map(problem);
    let parts = std::iter::once(table(width, header, rows)).chain(problems).chain(findings);
    parts.collect::<Vec<_>>().join("\n\n")
}

fn row(endpoint: &ProbedEndpoint, report: &ProbeReport) -> [String; 7] {
    let status = word(endpoint.status()).to_owned();
    let Some(leaf) = endpoint.certificates.first() else {
        return [&endpoint.endpoint, &*status, "", "", "", "", ""].map(str::to_owned);
    };
    let ends = ends(leaf.not_after, report.probed_at);
    let sent = counted(endpoint.certificates.len(), "certificate");
    [&endpoint.endpoint, &status, &ends, &leaf.serial, &leaf.subject, &leaf.issuer, &sent].map(String::clone)
}

fn problem(endpoint: &ProbedEndpoint) -> Option<String> {
    let fault = endpoint.problem.as_ref()?;
    Some(
        printable(&format!("{} [{}]", fault.message, fault.code)).into_owned() + "\n  hint: " + &printable(&fault.hint),
    )
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warning => "warning",
        Status::Critical => "critical",
        Status::Unknown => "no answer",
    }
}
