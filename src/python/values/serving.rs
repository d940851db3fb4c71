//! Requests of kubelets for serving certificates.

use super::values;
use crate::ops::serving;
use crate::policy::serving::Verdict;
use crate::report;
use crate::text::counted;

values! {
    /// A request for a serving certificate, and what was done with it.
    ReviewedRequest(it: serving::ReviewedRequest);
    shown = format!("{} of {}: {}", it.decision.name, it.decision.username, report::serving::state(it));
    attributes {
        /// The request's name in the cluster.
        name = &it.decision.name;
        /// Who made it, as `system:node:NAME`.
        username = &it.decision.username;
        /// When it was made.
        created_at = it.decision.created_at;
        /// The names and addresses that it asks for, as `DNS:NAME` and `IP:ADDRESS`.
        names = &it.names;
        /// Whether it may be approved.
        is_approvable = matches!(it.decision.verdict, Verdict::Approve { .. });
        /// Where each name is known from, if it may be approved.
        evidence = evidence(it);
        /// Why it may not be approved.
        reasons = it.reasons().to_vec();
        /// What was done: `waits`, `approved`, `denied`, `gone`, `failed`.
        outcome = it.outcome.as_str();
        /// Why it could not be answered.
        problem = &it.problem;
    }
}

fn evidence(it: &serving::ReviewedRequest) -> Vec<String> {
    match &it.decision.verdict {
        Verdict::Approve { evidence } => evidence.clone(),
        Verdict::Leave { .. } => Vec::new(),
    }
}

values! {
    /// The requests for serving certificates that wait in a cluster.
    ServingReport(it: serving::ServingReport);
    shown = format!("{}: {}", it.server, counted(it.requests.len(), "request"));
    text = report::serving::text(it, None);
    attributes {
        /// The moment for which it holds.
        reviewed_at = it.reviewed_at;
        /// The API server's URL.
        server = &it.server;
        /// The requests.
        requests = &it.requests;
    }
}
