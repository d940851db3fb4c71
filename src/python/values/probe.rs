//! What servers present.

use super::values;
use crate::ops::probe;
use crate::report;
use crate::text::counted;

values! {
    /// What one server presents.
    ProbedEndpoint(it: probe::ProbedEndpoint);
    shown = match &it.problem {
        Some(problem) => format!("{}: {}", it.endpoint, problem.code),
        None => format!("{}: {}", it.endpoint, counted(it.findings.len(), "finding")),
    };
    attributes {
        /// Where it listens, as `host:port`.
        endpoint = &it.endpoint;
        /// The name that its certificate must have.
        server_name = &it.server_name;
        /// In one word: unknown where it did not answer.
        status = it.status();
        /// The chain as it was sent, the server's own certificate first; empty when there was no answer.
        certificates = &it.certificates;
        /// What is wrong with it.
        findings = &it.findings;
        /// Why nothing was seen.
        problem = &it.problem;
    }
}

values! {
    /// What servers present, and what is wrong with it.
    ProbeReport(it: probe::ProbeReport);
    shown = format!(
        "{} at {}: {}",
        format!("{:?}", it.status).to_lowercase(),
        it.probed_at.format("%Y-%m-%d %H:%M UTC"),
        counted(it.endpoints.len(), "endpoint")
    );
    text = report::probe::text(it, None);
    attributes {
        /// The moment for which it holds.
        probed_at = it.probed_at;
        /// The worst of all: critical, then unknown, then warning.
        status = it.status;
        /// Every server, in the order in which they were named.
        endpoints = &it.endpoints;
    }
}
