//! `kubepki kubelet csrs` and `kubelet approve`: which serving certificates kubelets ask for, and which of them may be
//! approved.
//!
//! In: a request, now. Out: a [`ServingReport`]. Evidence is gathered here; [`crate::policy::serving`] judges. Requests
//! that may not be approved are left, with an event that says why; they are denied only when that is asked for.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | reviewing, approving, watching |
//! | `gather` | what is known of the cluster and of the nodes that ask |

mod gather;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(super) use self::gather::{PATIENCE, is_control_plane, kubelet_port, names_of};
use super::cluster::{Answered, Api, Listed, own_kubeconfigs};
use super::node::read_named;
use crate::audit::Finding;
use crate::catalogue::signer::KUBELET_SERVING;
use crate::catalogue::{ADMIN_CONF, DEFAULT_KUBECONFIG_DIR};
use crate::clock::SystemClock;
use crate::digest::sha256_hex;
use crate::edge::cluster::ClusterError;
use crate::error::{Code, Error, Fault, Result};
use crate::objects::{APPROVED, CertificateSigningRequest, DENIED, Event, Metadata, Object, ObjectReference, escaped};
use crate::policy::serving::{Decision, KnownNames, Limits, Verdict, decide};
pub use crate::request::ServingRequest;
use crate::secret::Secret;

/// How long a watch is followed before everything is looked at anew.
const WATCH: Duration = Duration::from_secs(5 * 60);

/// What is waited between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Who says so in conditions and events.
const REASON: &str = "KubepkiPolicy";

/// How long a message in the cluster may be.
const LONGEST_MESSAGE: usize = 1000;

/// What was done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing.
    Waits,
    /// It was approved.
    Approved,
    /// It was denied.
    Denied,
    /// Somebody else had answered it, or it was gone.
    Gone,
    /// It could not be answered.
    Failed,
}

impl Outcome {
    /// Its word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Gone => "gone",
            Self::Failed => "failed",
        }
    }

    /// Whether this look has answered it.
    const fn is_answer(self) -> bool {
        matches!(self, Self::Approved | Self::Denied)
    }
}

/// One request, and what was done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewedRequest {
    /// What is to be done.
    #[serde(flatten)]
    pub decision: Decision,
    /// What it asks for.
    pub names: Vec<String>,
    /// What was done.
    pub outcome: Outcome,
    /// Why it could not be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Fault>,
}

impl ReviewedRequest {
    /// Why it is not approved.
    #[must_use]
    pub fn reasons(&self) -> &[Finding] {
        match &self.decision.verdict {
            Verdict::Approve { .. } => &[],
            Verdict::Leave { reasons } => reasons,
        }
    }
}

/// All requests for serving certificates that wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingReport {
    /// The moment for which it holds.
    pub reviewed_at: DateTime<Utc>,
    /// The API server.
    pub server: String,
    /// The requests.
    pub requests: Vec<ReviewedRequest>,
}

/// What an approver writes into the cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answers {
    /// Whether anything is written.
    pub approve: bool,
    /// Whether what may not be approved is denied.
    pub deny: bool,
}

/// What a look came to for one request. Of the reasons only the codes: evidence may have the time of day in it.
#[derive(PartialEq, Eq)]
struct Seen {
    outcome: Outcome,
    codes: Vec<Code>,
}

impl From<&ReviewedRequest> for Seen {
    fn from(one: &ReviewedRequest) -> Self {
        Self { outcome: one.outcome, codes: one.decision.verdict.codes() }
    }
}

/// One look at a cluster, and the next.
pub struct Approver<'t> {
    api: Api<'t>,
    known: KnownNames,
    limits: Limits,
    request: ServingRequest,
    answers: Answers,
    /// What the look before came to, by the request's uid, while requests are followed.
    seen: BTreeMap<String, Seen>,
}

impl<'t> Approver<'t> {
    /// Reads what is known of the nodes, and takes up the credentials.
    ///
    /// # Errors
    /// An option or the inventory says nothing of a node; there are no credentials.
    pub fn new(
        request: &ServingRequest,
        answers: Answers,
        tell: &'t mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Self> {
        let inventory = request.inventory.as_deref().map(|path| read_named(path, None)).transpose()?;
        Ok(Self {
            known: request.known(inventory.as_ref().map(Secret::expose))?,
            limits: request.limits()?,
            api: Api::open(
                &request.access,
                &own_kubeconfigs(None, Path::new(DEFAULT_KUBECONFIG_DIR), &[ADMIN_CONF]),
                tell,
            )?,
            request: request.clone(),
            answers,
            seen: BTreeMap::new(),
        })
    }

    /// Looks at every waiting request once, and answers it.
    ///
    /// # Errors
    /// The cluster cannot be asked, or refuses; what the cluster's own names are is not to be found out.
    pub fn review(&mut self, now: DateTime<Utc>) -> Result<ServingReport> {
        self.look(now).map(|(report, _)| report)
    }

    /// Looks, answers, and waits for the next requests until `tell` says to stop; `see` is shown each report that has
    /// something new.
    ///
    /// # Errors
    /// As [`Self::review`] at the first look. Later a cluster that cannot be asked is asked again.
    pub fn follow(&mut self, see: &mut dyn FnMut(&ServingReport) -> ControlFlow<()>) -> Result<()> {
        let mut has_begun = false;
        loop {
            match self.look(SystemClock.now()) {
                Ok((mut report, version)) => {
                    has_begun = true;
                    let all = report.requests.iter().map(|one| (one.decision.uid.clone(), Seen::from(one))).collect();
                    report.requests.retain(|one| self.seen.get(&one.decision.uid) != Some(&Seen::from(one)));
                    if !report.requests.is_empty() && see(&report).is_break() {
                        return Ok(());
                    }
                    self.seen = all;
                    // An answer changes what is to be said of others: what it superseded is the newest then.
                    if !self.seen.values().any(|one| one.outcome.is_answer()) {
                        self.wait(&version)?;
                    }
                }
                Err(error) if !has_begun || error.code() == ClusterError::INTERRUPTED => return Err(error),
                Err(error) => log::warn!("{error}; asked again"),
            }
            // However fast requests come, the cluster is left alone between two looks.
            self.api.pause(PAUSE)?;
        }
    }

    /// Waits until there is a request that was not looked at yet, or for a while.
    fn wait(&mut self, version: &str) -> Result<()> {
        let seen = &self.seen;
        let mut is_new = |object: CertificateSigningRequest| {
            let is_new = object.is_pending() && !seen.contains_key(&object.metadata.uid);
            if is_new { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match self.api.watch(None, &selector(), version, WATCH, &mut is_new) {
            Err(error @ ClusterError::Interrupted { .. }) => return Err(error.into()),
            Err(error) => log::warn!("{error}; asked again"),
            Ok(_) => {}
        }
        Ok(())
    }

    fn look(&mut self, now: DateTime<Utc>) -> Result<(ServingReport, String)> {
        let Listed { items, resource_version } = self.api.list::<CertificateSigningRequest>(None, &selector())?;
        let is_ours = |one: &CertificateSigningRequest| one.spec.signer_name == KUBELET_SERVING;
        let ours: Vec<_> = items.into_iter().filter(is_ours).collect();
        let waiting: Vec<_> = ours.iter().filter(|one| one.is_pending()).cloned().collect();
        let mut requests = Vec::new();
        if !waiting.is_empty() {
            let evidence = gather::gather(&mut self.api, &self.request, &self.known, &waiting, now)?;
            let decisions = decide(&ours, &evidence, self.limits, now);
            for (object, decision) in waiting.iter().zip(decisions) {
                let (outcome, problem) = match self.answer(object, &decision.verdict, now) {
                    Ok(outcome) => (outcome, None),
                    Err(error) if ends_the_look(&error) => return Err(error.into()),
                    // One that cannot be written keeps nobody else from an answer.
                    Err(error) => (Outcome::Failed, Some(Error::from(error).into())),
                };
                requests.push(ReviewedRequest { names: gather::names_of(object), decision, outcome, problem });
            }
        }
        let report = ServingReport { reviewed_at: now, server: self.api.server().to_owned(), requests };
        Ok((report, resource_version))
    }

    fn answer(
        &mut self,
        object: &CertificateSigningRequest,
        verdict: &Verdict,
        now: DateTime<Utc>,
    ) -> Result<Outcome, ClusterError> {
        let why = verdict.why();
        let (kind, outcome) = match verdict {
            _ if !self.answers.approve => return Ok(Outcome::Waits),
            Verdict::Approve { .. } => (APPROVED, Outcome::Approved),
            Verdict::Leave { .. } if self.answers.deny && verdict.is_deniable() => (DENIED, Outcome::Denied),
            Verdict::Leave { .. } => {
                let codes = verdict.codes();
                if self.seen.get(&object.metadata.uid).is_none_or(|seen| seen.codes != codes) {
                    self.tell_why(object, &codes, &why, now);
                }
                return Ok(Outcome::Waits);
            }
        };
        match self.api.answer(object, kind, (REASON, &short(&why)), now)? {
            Answered::Written => {
                log::info!("{}: {kind}: {why}", object.metadata.name);
                Ok(outcome)
            }
            Answered::Gone => Ok(Outcome::Gone),
            Answered::Busy => Ok(Outcome::Waits),
        }
    }

    /// Leaves an event beside a request that is left, one for each set of reasons: they change, as when the newer request that
    /// superseded this one is answered. Whoever may not write events leaves none.
    fn tell_why(&mut self, object: &CertificateSigningRequest, codes: &[Code], message: &str, now: DateTime<Utc>) {
        let about = codes.iter().copied().map(Code::as_str).collect::<Vec<_>>().join(" ");
        let event = Event {
            metadata: Metadata {
                name: format!("{}.{:.16}", object.metadata.name, sha256_hex(about.as_bytes())),
                namespace: "default".into(),
                ..Metadata::default()
            },
            involved_object: ObjectReference {
                api_version: CertificateSigningRequest::API_VERSION.into(),
                kind: CertificateSigningRequest::KIND.into(),
                name: object.metadata.name.clone(),
                uid: object.metadata.uid.clone(),
                ..ObjectReference::default()
            },
            reason: "NotApproved".into(),
            message: short(message),
            kind: "Warning".into(),
            first_timestamp: Some(now),
            last_timestamp: Some(now),
            count: Some(1),
            source: serde_json::json!({ "component": "kubepki" }),
            ..Event::default()
        };
        match self.api.create(&event) {
            Ok(_) | Err(ClusterError::AlreadyExists { .. }) => {}
            Err(error) => log::warn!("no event for {}: {error}", object.metadata.name),
        }
    }
}

/// Whether nothing else would succeed either.
fn ends_the_look(error: &ClusterError) -> bool {
    matches!(
        error,
        ClusterError::Interrupted { .. }
            | ClusterError::Unauthorized { .. }
            | ClusterError::Forbidden { .. }
            | ClusterError::Unreachable { .. }
            | ClusterError::Untrusted { .. }
    )
}

/// The requests that kubelets make for serving certificates.
pub(super) fn selector() -> String {
    format!("fieldSelector={}", escaped(&format!("spec.signerName={KUBELET_SERVING}")))
}

fn short(message: &str) -> String {
    message.chars().take(LONGEST_MESSAGE).collect()
}
