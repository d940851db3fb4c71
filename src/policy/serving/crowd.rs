//! Many requests at once: the newest of each node is judged, and a flood stops all approval.
//!
//! In: requests, evidence, limits, now. Out: a [`Decision`] for each request that waits, in the order of the requests.
//! A kubelet that is not answered asks again, every quarter of an hour at most; older requests of it are left to expire.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Evidence, SERVING_SIGNER, Verdict, judge_serving};
use crate::audit::RequestFault;
use crate::objects::CertificateSigningRequest;

/// What counts as now, for a flood.
const RECENT: TimeDelta = TimeDelta::hours(1);

/// How much is approved.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest validity that a request may ask for.
    pub longest: TimeDelta,
    /// So many requests of one node within an hour are a flood.
    pub of_a_node: usize,
    /// So many waiting requests within an hour, beyond one for each node, are a flood.
    pub beyond_nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { longest: TimeDelta::days(366), of_a_node: 10, beyond_nodes: 100 }
    }
}

/// What is to be done with one request, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The request's name.
    pub name: String,
    /// Which object of that name.
    pub uid: String,
    /// Who asked.
    pub username: String,
    /// When.
    pub created_at: Option<DateTime<Utc>>,
    /// What is to be done.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Decides on every waiting request for a serving certificate; those of other signers are nobody's business here.
#[must_use]
pub fn decide(
    requests: &[CertificateSigningRequest],
    evidence: &Evidence<'_>,
    limits: Limits,
    now: DateTime<Utc>,
) -> Vec<Decision> {
    let waiting: Vec<_> =
        requests.iter().filter(|one| one.spec.signer_name == SERVING_SIGNER && one.is_pending()).collect();
    let is_recent =
        |one: &CertificateSigningRequest| one.metadata.creation_timestamp.is_none_or(|created| now - created <= RECENT);
    let mut of_nodes: BTreeMap<&str, Vec<&CertificateSigningRequest>> = BTreeMap::new();
    for one in &waiting {
        of_nodes.entry(&one.spec.username).or_default().push(one);
    }
    let recent = waiting.iter().filter(|one| is_recent(one)).count();
    let most = evidence.nodes.len() + limits.beyond_nodes;
    let decide = |one: &&CertificateSigningRequest| {
        let name = &one.metadata.name;
        let leave =
            |fault: RequestFault, said: String| Verdict::Leave { reasons: vec![fault.finding(name, None, said)] };
        let same = of_nodes.get(one.spec.username.as_str()).map(Vec::as_slice).unwrap_or_default();
        let of_node = same.iter().filter(|one| is_recent(one)).count();
        let is_older = |other: &CertificateSigningRequest| {
            (other.metadata.creation_timestamp, &other.metadata.name) > (one.metadata.creation_timestamp, name)
        };
        let verdict = match same.iter().find(|other| is_older(other)) {
            _ if recent > most => leave(
                RequestFault::TooMany,
                format!(
                    "{recent} requests wait that were made within an hour, and {most} are the most: nothing is approved"
                ),
            ),
            _ if of_node > limits.of_a_node => leave(
                RequestFault::TooMany,
                format!(
                    "{} made {of_node} requests within an hour, and {} are the most",
                    one.spec.username, limits.of_a_node
                ),
            ),
            Some(newer) => leave(
                RequestFault::Superseded,
                format!("{} has asked again: {}", one.spec.username, newer.metadata.name),
            ),
            None => judge_serving(one, evidence, limits.longest, now),
        };
        Decision {
            name: name.clone(),
            uid: one.metadata.uid.clone(),
            username: one.spec.username.clone(),
            created_at: one.metadata.creation_timestamp,
            verdict,
        }
    };
    waiting.iter().map(decide).collect()
}
