//! Before `kubepki rotate finish`: whether the API servers' audit logs still know certificates of the old CA.
//!
//! In: the logs and the new kubeconfigs of this machine, the nodes. Out: what was looked at; or those that are still used. The nodes say
//! which certificates of the new CA they have; users' kubeconfigs are nowhere but where they are named.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::conduct::{SeenNode, survey};
use super::nodes::{Fleet, question};
use crate::audit::access::{StillUsed, still_used};
use crate::catalogue::CLUSTER_CA;
use crate::digest::sha256_hex;
use crate::error::{Result, faults};
use crate::ops::access::{client_certificates, read_logs};
use crate::plan::rotate::Material;
pub use crate::request::UnusedRequest;
use crate::request::{RequestError, RotatedNodes};
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

/// What was looked at, in words.
///
/// # Errors
/// [`UnusedError`]; a file cannot be read, or is not of the new CA; a node does not answer.
pub fn refuse_old_credentials(
    request: &UnusedRequest,
    on: &RotatedNodes,
    program: &Path,
    now: DateTime<Utc>,
    stop: &StopSignal,
) -> Result<String> {
    let span = request.span()?;
    if !on.chosen()?.contains(&CLUSTER_CA) {
        return Err(RequestError::bad(
            "--audit-log is about the cluster's CA, which is not among those that are replaced",
            "leave it out, or add the CA: --authority ca",
        )
        .into());
    }
    let Some(log) = read_logs(&request.audit_log, stop)? else { return Ok(String::new()) };
    let mut known = known_to_nodes(&survey(on, program, stop)?)?;
    if !request.new_credential.is_empty() {
        known.extend(known_to_users(request, new_authority(on, program, stop)?.as_ref())?);
    }
    let used = still_used(&log, &known, now, span).map_err(|reason| UnusedError::AuditLog { reason })?;
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

/// The certificates on the nodes that the CA has signed which signs now.
fn known_to_nodes(nodes: &[SeenNode]) -> Result<BTreeSet<String>> {
    if let Some(problem) = nodes.iter().find_map(|node| node.problem.clone()) {
        return Err(problem.into());
    }
    let rotations = nodes.iter().filter_map(|node| node.rotation.as_ref());
    let all: Vec<_> = rotations
        .flat_map(|seen| seen.authorities.iter().map(|one| (seen.is_worker, one)))
        .filter(|(_, one)| one.name == CLUSTER_CA)
        .collect();
    let signs = all.iter().find(|(is_worker, _)| !is_worker).and_then(|(_, one)| one.signs());
    let leaves = all.iter().flat_map(|(_, one)| &one.leaves);
    Ok(leaves.filter(|leaf| leaf.signed_by.as_deref() == signs).map(|leaf| leaf.sha256.clone()).collect())
}

/// The CA that signs now: the first that a control plane hands out.
fn new_authority(on: &RotatedNodes, program: &Path, stop: &StopSignal) -> Result<Option<Certificate>> {
    let fleet = Fleet::read(on.nodes.as_deref(), program)?;
    let Some(first) = fleet.first() else { return Ok(None) };
    let arguments = ["rotate", "export", "--to", "worker", "--authority", CLUSTER_CA];
    let material: Material = first.ask(&arguments, None, question(stop), &mut |_| {})?;
    let given = material.get(CLUSTER_CA).map(|given| read_certificates(given.certificates.as_bytes())).transpose()?;
    Ok(given.and_then(|all| all.into_iter().next()))
}

/// What users have been given; one that the old CA has signed is none of them.
fn known_to_users(request: &UnusedRequest, new: Option<&Certificate>) -> Result<Vec<String>> {
    let held = client_certificates(&request.new_credential)?;
    let is_new = |one: &Certificate| new.is_some_and(|new| new.has_signed(one));
    if let Some(other) = held.iter().find(|one| !is_new(&one.certificate)) {
        return Err(RequestError::bad(
            format!("{}: its client certificate is not signed by the new CA", other.name),
            "give its user one that is: `kubepki kubeconfig user`",
        )
        .into());
    }
    Ok(held.iter().map(|one| sha256_hex(one.certificate.as_der())).collect())
}
