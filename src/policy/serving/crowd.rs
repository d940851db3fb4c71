//! Many requests at once: the newest of each node is judged, and a flood stops approval.
//!
//! In: requests, evidence, limits, now. Out: a [`Decision`] for each request that waits, in the order of the requests.
//! A kubelet that is not answered asks again, every quarter of an hour at most; older requests of it wait until the newest is answered.
//! Requests that were answered count too: approval must not make room for more.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Evidence, Verdict, judge_serving};
use crate::audit::RequestFault;
use crate::catalogue::SYSTEM_NODE;
use crate::catalogue::signer::KUBELET_SERVING;
use crate::objects::CertificateSigningRequest;

/// What counts as now, for a flood.
const RECENT: TimeDelta = TimeDelta::hours(1);

/// How much is approved.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest validity that a request may ask for.
    pub longest: TimeDelta,
    /// Whether a request may come long before the certificate that is served ends.
    pub early: bool,
    /// So many requests of one node within an hour are a flood.
    pub of_a_node: usize,
    /// So many waiting requests of nodes within an hour, beyond one for each node, are a flood.
    pub beyond_nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { longest: TimeDelta::days(366), early: false, of_a_node: 10, beyond_nodes: 100 }
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

/// What one user has asked for.
#[derive(Default)]
struct User<'a> {
    recent: usize,
    recent_waiting: usize,
    newest: Option<&'a CertificateSigningRequest>,
}

/// Decides on every waiting request for a serving certificate; those of other signers are nobody's business here.
#[must_use]
pub fn decide(
    requests: &[CertificateSigningRequest],
    evidence: &Evidence,
    limits: Limits,
    now: DateTime<Utc>,
) -> Vec<Decision> {
    let ours: Vec<_> = requests.iter().filter(|one| one.spec.signer_name == KUBELET_SERVING).collect();
    let waiting = || ours.iter().copied().filter(|one| one.is_pending());
    let mut users: BTreeMap<&str, User<'_>> = BTreeMap::new();
    let order = |one: &CertificateSigningRequest| (one.metadata.creation_timestamp, one.metadata.name.clone());
    let is_recent =
        |one: &CertificateSigningRequest| one.metadata.creation_timestamp.is_none_or(|created| now - created <= RECENT);
    for one in &ours {
        users.entry(&one.spec.username).or_default().recent += usize::from(is_recent(one));
    }
    for one in waiting() {
        let user = users.entry(&one.spec.username).or_default();
        user.recent_waiting += usize::from(is_recent(one));
        if user.newest.is_none_or(|newest| order(newest) < order(one)) {
            user.newest = Some(one);
        }
    }
    // Whoever is no node of the cluster stops nobody else, and one node not more than its share.
    let is_node = |user: &str| user.strip_prefix(SYSTEM_NODE).is_some_and(|node| evidence.nodes.contains_key(node));
    let of_nodes = users.iter().filter(|(name, _)| is_node(name));
    let recent: usize = of_nodes.map(|(_, user)| user.recent_waiting.min(limits.of_a_node)).sum();
    let crowd = Crowd { recent, most: evidence.nodes.len() + limits.beyond_nodes, limits };
    let decide = |one: &CertificateSigningRequest| {
        let verdict = users
            .get(one.spec.username.as_str())
            .and_then(|user| crowd.leaves(one, user))
            .unwrap_or_else(|| judge_serving(one, evidence, limits, now));
        Decision {
            name: one.metadata.name.clone(),
            uid: one.metadata.uid.clone(),
            username: one.spec.username.clone(),
            created_at: one.metadata.creation_timestamp,
            verdict,
        }
    };
    waiting().map(decide).collect()
}

/// All that wait.
struct Crowd {
    recent: usize,
    most: usize,
    limits: Limits,
}

impl Crowd {
    /// Why a request is not even judged.
    fn leaves(&self, one: &CertificateSigningRequest, user: &User<'_>) -> Option<Verdict> {
        let (name, who, Self { recent, most, limits }) = (&one.metadata.name, &one.spec.username, self);
        let leave =
            |fault: RequestFault, said: String| Some(Verdict::Leave { reasons: vec![fault.finding(name, None, said)] });
        if user.recent > limits.of_a_node {
            let said =
                format!("{who} made {} requests within an hour, and {} are the most", user.recent, limits.of_a_node);
            return leave(RequestFault::TooMany, said);
        }
        if recent > most {
            let said =
                format!("{recent} requests of nodes within an hour wait, and {most} are the most: none is approved");
            return leave(RequestFault::TooMany, said);
        }
        let newest =
            user.newest.filter(|newest| newest.metadata.uid != one.metadata.uid || newest.metadata.name != *name)?;
        leave(RequestFault::Superseded, format!("{who} has asked again: {}", newest.metadata.name))
    }
}
