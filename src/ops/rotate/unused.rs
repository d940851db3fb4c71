//! Before the old CA goes: whether the API servers' audit logs still know certificates of it.
//!
//! In: the logs and the new kubeconfigs of this machine; the nodes, for `kubepki rotate finish`, or what others have asked them, for
//! `kubepki rotate unused`. Out: what was looked at; or those that are still used. The nodes say which certificates of the new CA they
//! have; users' kubeconfigs are nowhere but where they are named.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::nodes::{Fleet, question};
use super::{NodeRotation, Place};
use crate::audit::access::{AuditLog, StillUsed, still_used};
use crate::audit::rotation::{AuthorityRotation, Stage};
use crate::catalogue::{CLUSTER_CA, SYSTEM_NODE};
use crate::digest::sha256_hex;
use crate::error::{Result, faults};
use crate::ops::access::{client_certificates, read_logs};
use crate::ops::named::read_named;
use crate::plan::rotate::course::CourseError;
use crate::plan::rotate::{Material, RotateError};
use crate::request::RequestError;
pub use crate::request::{UnusedHereRequest, UnusedRequest};
use crate::text::printable;
use crate::workers::StopSignal;
use crate::x509::{Certificate, read_certificates};

/// So many are named.
const NAMED: usize = 20;

faults! {
    /// Why the old CA is not given up yet, by the audit logs.
    pub enum UnusedError {
        /// Certificates that are not known to be the new CA's were used lately: whoever has one is locked out when the old CA goes.
        #[error("certificates that are not known to be of the new CA were used: {}", used.join("; "))]
        #[fault("rotate.old_credentials", Refused,
            "give each user a new certificate, and name those that have one: --new-credential FILE; a user that may be locked out is no reason to wait: leave --audit-log out",
            context = crate::error::evidence!(used))]
        OldCredentials {
            /// Each with its user, its last use and its fingerprint.
            used: Vec<String>,
        },
        /// The audit logs do not tell whether certificates of the old CA were used.
        #[error("the audit logs do not tell whether the old CA is still used: {reason}")]
        #[fault("rotate.audit_log", Refused,
            "give the logs of every API server, with those that were rotated, up to now; or ask for less: --unused-for 12h")]
        AuditLog {
            /// Why.
            reason: String,
        },
    }
}

/// What was looked at, in words; none where no log is given.
///
/// # Errors
/// [`UnusedError`]; a file cannot be read, or is not of the new CA; a node does not answer.
pub(super) fn refuse_old_credentials<'n>(
    request: &UnusedRequest,
    authorities: &[&str],
    fleet: &Fleet,
    seen: impl Iterator<Item = &'n NodeRotation>,
    now: DateTime<Utc>,
    stop: &StopSignal,
) -> Result<Option<String>> {
    if !request.is_wanted() {
        return Ok(None);
    }
    let span = request.span()?;
    if !authorities.contains(&CLUSTER_CA) {
        return Err(RequestError::bad(
            "--audit-log is about the cluster's CA, which is not among those that are replaced",
            "leave it out, or add the CA: --authority ca",
        )
        .into());
    }
    let Some(log) = read_logs(&request.audit_log, stop)? else { return Ok(None) };
    let mut known = known_to_nodes(seen);
    if !request.new_credential.is_empty() {
        known.all.extend(known_to_users(request, new_authority(fleet, stop)?.as_ref())?);
    }
    judge(&log, &known, now, span).map(Some)
}

/// What other nodes and users have, for `kubepki rotate unused`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Known {
    authorities: Vec<AuthorityRotation>,
    workers: BTreeMap<String, Vec<AuthorityRotation>>,
    certificates: String,
}

impl Known {
    fn read(request: &UnusedHereRequest) -> Result<Self> {
        let content = match (&request.known_content, &request.known) {
            (Some(content), _) => content.clone(),
            (None, Some(path)) => read_named(path, None)?,
            (None, None) => return Ok(Self::default()),
        };
        // It is not quoted: somebody may give a file with a key.
        serde_json::from_slice(content.expose()).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let message = format!(
                "--known is not a mapping of authorities, workers and certificates: line {line}, column {column}"
            );
            RequestError::bad(message, "see what it takes: `kubepki rotate unused --help`").into()
        })
    }
}

/// What was looked at of the API server of this node alone, in words.
///
/// # Errors
/// [`UnusedError`]; the new CA does not sign here; a file cannot be read, or is not of the new CA.
pub fn refuse_old_credentials_here(
    request: &UnusedHereRequest,
    now: DateTime<Utc>,
    stop: &StopSignal,
) -> Result<String> {
    let span = request.unused.span()?;
    let given = Known::read(request)?;
    let place = Place::open(&request.node, &request.kubelet_dir, None)?;
    let own = place.rotations(&[CLUSTER_CA])?;
    let inventory = place.inventory()?;
    let signs = own.iter().find(|one| one.stage == Stage::IssueNew).and_then(AuthorityRotation::signs);
    let new = inventory.get(CLUSTER_CA).and_then(|item| item.certificates().first());
    let (Some(signs), Some(new)) = (signs, new) else {
        let stage = own.first().map_or(Stage::Absent, |one| one.stage);
        if matches!(stage, Stage::Single | Stage::Absent) {
            return Err(CourseError::None.into());
        }
        let stage = stage.as_str();
        return Err(RotateError::WrongStage { authority: CLUSTER_CA.to_owned(), stage, phase: "unused" }.into());
    };
    let Some(log) = read_logs(&request.unused.audit_log, stop)? else {
        return Err(
            RequestError::bad("no audit log is given", "name those of this API server: --audit-log FILE").into()
        );
    };
    let workers = given.workers.iter().map(|(node, authorities)| (node.as_str(), authorities.as_slice()));
    let mut known = Vouched::of(own.iter().chain(&given.authorities), workers, signs);
    if !given.certificates.is_empty() {
        let all = read_certificates(given.certificates.as_bytes())?;
        let named = all.into_iter().map(|one| (one.subject().to_string(), one));
        known.all.extend(of_the_new_one(named, Some(new))?);
    }
    known.all.extend(known_to_users(&request.unused, Some(new))?);
    judge(&log, &known, now, span)
}

fn judge(log: &AuditLog, known: &Vouched, now: DateTime<Utc>, span: TimeDelta) -> Result<String> {
    let mut used = still_used(log, &known.all, now, span).map_err(|reason| UnusedError::AuditLog { reason })?;
    used.retain(|one| !known.of_workers.contains(&(one.user.clone(), one.sha256.clone())));
    if used.is_empty() {
        let events = log.events;
        return Ok(format!("no certificate of the old CA was used in the audit logs ({events} events)"));
    }
    let more = used.len().saturating_sub(NAMED);
    let mut shown: Vec<_> = used.iter().take(NAMED).map(in_words).collect();
    shown.extend((more > 0).then(|| format!("{more} more")));
    Err(UnusedError::OldCredentials { used: shown }.into())
}

fn in_words(one: &StillUsed) -> String {
    let moment = one.last_at.format("%Y-%m-%d %H:%M UTC");
    format!("{} on {moment} (SHA-256 {})", printable(&one.user), one.sha256)
}

/// Certificates that nodes say the new CA has signed.
#[derive(Default)]
struct Vouched {
    /// Whoever uses them.
    all: BTreeSet<String>,
    /// What a worker says that it has, with its own user: it vouches for nobody else.
    of_workers: BTreeSet<(String, String)>,
}

impl Vouched {
    fn of<'r>(
        control_planes: impl Iterator<Item = &'r AuthorityRotation>,
        workers: impl Iterator<Item = (&'r str, &'r [AuthorityRotation])>,
        signs: &str,
    ) -> Self {
        let of_worker = |(node, authorities): (&str, &'r [AuthorityRotation])| {
            let user = format!("{SYSTEM_NODE}{node}");
            signed_by(authorities.iter(), signs).into_iter().map(move |sha256| (user.clone(), sha256))
        };
        Self { all: signed_by(control_planes, signs), of_workers: workers.flat_map(of_worker).collect() }
    }
}

/// What nodes have of the CA that signs on the first control plane.
fn known_to_nodes<'n>(nodes: impl Iterator<Item = &'n NodeRotation>) -> Vouched {
    let (workers, control_planes): (Vec<_>, Vec<_>) = nodes.partition(|seen| seen.is_worker);
    let all = control_planes.into_iter().flat_map(|seen| &seen.authorities);
    let first = all.clone().find(|one| one.name == CLUSTER_CA);
    let workers = workers.into_iter().filter_map(|seen| Some((seen.node.as_deref()?, seen.authorities.as_slice())));
    first.and_then(AuthorityRotation::signs).map(|signs| Vouched::of(all, workers, signs)).unwrap_or_default()
}

fn signed_by<'r>(all: impl Iterator<Item = &'r AuthorityRotation>, signs: &str) -> BTreeSet<String> {
    let leaves = all.filter(|one| one.name == CLUSTER_CA).flat_map(|one| &one.leaves);
    leaves.filter(|leaf| leaf.signed_by.as_deref() == Some(signs)).map(|leaf| leaf.sha256.clone()).collect()
}

/// The CA that signs now: the first that a control plane hands out.
fn new_authority(fleet: &Fleet, stop: &StopSignal) -> Result<Option<Certificate>> {
    let Some(first) = fleet.first() else { return Ok(None) };
    let arguments = ["rotate", "export", "--to", "worker", "--authority", CLUSTER_CA];
    let material: Material = first.receive(&arguments, None, question(stop), &mut |_| {})?;
    let given = material.get(CLUSTER_CA).map(|given| read_certificates(given.certificates.as_bytes())).transpose()?;
    Ok(given.and_then(|all| all.into_iter().next()))
}

/// What users have been given; one that the old CA has signed is none of them.
fn known_to_users(request: &UnusedRequest, new: Option<&Certificate>) -> Result<Vec<String>> {
    let held = client_certificates(&request.new_credential)?;
    of_the_new_one(held.into_iter().map(|one| (one.name, one.certificate)), new)
}

fn of_the_new_one(
    named: impl Iterator<Item = (String, Certificate)>,
    new: Option<&Certificate>,
) -> Result<Vec<String>> {
    let digest = |(name, certificate): (String, Certificate)| {
        if new.is_some_and(|new| new.has_signed(&certificate)) {
            return Ok(sha256_hex(certificate.as_der()));
        }
        Err(RequestError::bad(
            format!("{}: its client certificate is not signed by the new CA", printable(&name)),
            "give its user one that is: `kubepki kubeconfig user`",
        )
        .into())
    };
    named.map(digest).collect()
}
