//! What the other CA has signed is renewed: on a control plane by the CA's key here, on a worker by a request of the node's own.

use chrono::{DateTime, Utc};

use super::{Place, RotateStepRequest};
use crate::audit::rotation::{AuthorityRotation, Stage};
use crate::catalogue::{API_SERVER, CLUSTER_CA, KUBELET_CONF};
use crate::error::Result;
use crate::ops::apply::{Report, apply};
use crate::ops::restart::{Phase as RestartPhase, Progress};
use crate::ops::{Continue, OperationError, renew};
use crate::plan::Plan;
use crate::plan::generate::Selection;
use crate::plan::rotate::RotateError;
use crate::request::{ClusterAccess, IssuedBy, RenewRequest, Signing};

/// What is renewed, by the catalogue's names.
fn names(rotations: &[AuthorityRotation]) -> Vec<String> {
    let concerned =
        rotations.iter().filter(|one| matches!(one.stage, Stage::IssueOld | Stage::IssueNew | Stage::TrustBoth));
    let old = concerned.clone().flat_map(AuthorityRotation::outdated_leaves).filter(|leaf| !leaf.is_requested);
    let mut names: Vec<_> = old.map(|leaf| leaf.name.clone()).collect();
    if concerned.into_iter().any(|one| one.lacks_bridge) && !names.iter().any(|name| name == API_SERVER) {
        names.push(API_SERVER.to_owned());
    }
    names
}

fn request(request: &RotateStepRequest, place: &Place, names: Vec<String>) -> Result<RenewRequest, RotateError> {
    let is_worker = place.is_worker();
    let is_elsewhere = !place.node.store.is_of_this_machine();
    // The node asks for itself, as its kubelet does; that of a disk names a server, and may name a program, of its writer's choice.
    let own = Some(place.node.layout.kubeconfig(KUBELET_CONF)).filter(|_| is_worker && !is_elsewhere);
    let kubeconfig = request.access.kubeconfig.clone().or(own);
    if is_worker && kubeconfig.is_none() && !names.is_empty() {
        return Err(RotateError::NotHere {
            authority: CLUSTER_CA.to_owned(),
            reason: format!(
                "the cluster signs for a worker, and below --rootfs no kubeconfig is used that was not named: {}",
                names.join(", ")
            ),
            hint: "name one of this cluster, as the kubelet.conf below the root directory: --kubeconfig FILE"
                .to_owned(),
        });
    }
    let issuer = if is_worker { IssuedBy::Kubernetes } else { IssuedBy::Ca };
    Ok(RenewRequest {
        names: Selection::Names(names),
        kubelet_dir: request.kubelet_dir.clone(),
        signing: Signing { issuer, timeout: Some(request.how.timeout), ..Signing::default() },
        access: ClusterAccess { kubeconfig, ..request.access.clone() },
        backups: request.backups.clone(),
        node: request.node.clone(),
        ..RenewRequest::default()
    })
}

/// Plans it.
pub(super) fn plan(
    step: &RotateStepRequest,
    place: &Place,
    rotations: &[AuthorityRotation],
    now: DateTime<Utc>,
) -> Result<Plan> {
    let names = names(rotations);
    Ok(renew::plan(&request(step, place, names)?, now)?.plan)
}

/// Renews it, and looks whether the right CA has signed.
pub(super) fn reissue(
    step: &RotateStepRequest,
    place: &Place,
    authorities: &[&str],
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Report> {
    let rotations = place.rotations(authorities)?;
    let names = names(&rotations);
    if names.is_empty() {
        return Ok(Report { changed: Vec::new(), backup: None });
    }
    let plan = renew::plan(&request(step, place, names.clone())?, now)?.plan;
    if plan.is_blocked() {
        return Err(OperationError::Blocked { findings: plan.findings }.into());
    }
    if plan.is_empty() {
        return Err(RotateError::LeavesLeft {
            authority: CLUSTER_CA.to_owned(),
            leaves: names,
            hint: "the key of the CA that signs is elsewhere: ask it for them, `kubepki certs generate-csr NAME --renew`, and install what it has signed, `kubepki certs import`".to_owned(),
        }
        .into());
    }
    let mut tell = |made: &crate::ops::Progress| {
        progress(&Progress {
            component: "certificates".to_owned(),
            phase: RestartPhase::Inspected,
            seconds: 0.0,
            detail: made.waits_for.clone(),
        })
    };
    let report = apply(&plan, &mut tell)?;
    let after = Place::open(&step.node, &step.kubelet_dir, step.how.manifests_dir.as_deref())?;
    let rotations = after.rotations(authorities)?;
    let is_renewed = |name: &str| report.changed.iter().any(|one| one.name == name);
    let others: Vec<_> = rotations
        .iter()
        .flat_map(AuthorityRotation::outdated_leaves)
        .map(|leaf| leaf.name.clone())
        .filter(|name| is_renewed(name))
        .collect();
    if others.is_empty() {
        return Ok(report);
    }
    Err(RotateError::LeavesLeft {
        authority: CLUSTER_CA.to_owned(),
        leaves: others,
        hint: "a controller manager still signs with the other CA: the step issue-new comes first, on every control-plane node; then run this again".to_owned(),
    }
    .into())
}
