//! Looking at every component of the node for a plan.
//!
//! In: the request and the node's components. Out: [`Planned`]. Every look has a time limit, and is waited for patiently.

use chrono::{DateTime, Utc};

use super::super::node::caller_below;
use super::error::RestartError;
use super::node::Components;
use super::patience::Patience;
use super::progress::Phase;
use super::quorum;
use super::{RestartRequest, living, look, tokens};
use crate::audit::certificate::judge_files;
use crate::audit::{Finding, Severity, complete_remedies};
use crate::catalogue::KUBELET;
use crate::component::STATIC_PODS;
use crate::error::{Diagnostic, Result};
use crate::inventory::Found;
use crate::plan::restart::{Component, Inspection, Member, Quorum, RestartPlan, Sight, draft};
use crate::remedy::Caller;
use crate::store::Store;

/// A plan, and what was seen beside it.
pub(super) struct Planned {
    pub(super) plan: RestartPlan,
    /// What of the node itself stands against it.
    pub(super) obstacles: Vec<RestartError>,
    /// Whether etcd has a quorum that is to be there again afterwards.
    pub(super) has_quorum: bool,
    /// Whether the kubelet does not run and is to be restarted.
    pub(super) kubelet_goes_first: bool,
}

/// Looks at every component, and plans.
pub(super) fn make_plan(
    request: &RestartRequest,
    components: &Components,
    now: DateTime<Utc>,
    patience: &mut Patience<'_>,
) -> Result<Planned> {
    patience.begin("node", Phase::Inspected)?;
    let looked_at = components.clone();
    let seen = patience.during(move || look_at_all(&looked_at, now))?;
    let (planned, mut findings) = draft(&components.members, &seen, request.force);
    let evidence: Vec<_> = seen.iter().map(|seen| seen.as_ref().map(|seen| &seen.evidence)).collect();
    findings.extend(tokens::outlived(components, &evidence));
    let mut plan = RestartPlan {
        made_at: now,
        rootfs: request.rootfs.dir(),
        manifests_dir: components.manifests_dir.clone(),
        file_check_frequency_seconds: components.kubelet.file_check_frequency.as_secs_f64(),
        held: Vec::new(),
        components: planned,
        findings,
        obstacles: Vec::new(),
    };
    let is_restarted = |plan: &RestartPlan, name: &str| plan.restarts().any(|planned| planned.name == name);
    let mut obstacles = Vec::new();
    let problem = kubelet_problem(components, now, patience)?;
    let kubelet_goes_first = problem.is_some() && is_restarted(&plan, KUBELET);
    obstacles.extend(problem.filter(|_| !kubelet_goes_first));
    let mut quorum = Quorum::default();
    if is_restarted(&plan, "etcd") {
        let asked = components.clone();
        quorum = patience.during(move || quorum::ask(&asked))?;
    }
    if !quorum.missing.is_empty() && !request.how.ignore_quorum {
        obstacles.push(RestartError::QuorumAtRisk { members: quorum.members, missing: quorum.missing.clone() });
    }
    plan.obstacles = obstacles.iter().map(Diagnostic::fault).collect();
    let caller = Caller { is_at_the_node: true, ..caller_below(request.rootfs.as_deref()) };
    complete_remedies(&mut plan.findings, &caller);
    Ok(Planned { plan, obstacles, has_quorum: quorum.exists, kubelet_goes_first })
}

/// Why the kubelet cannot react; none when it can.
pub(super) fn kubelet_problem(
    components: &Components,
    now: DateTime<Utc>,
    patience: &mut Patience<'_>,
) -> Result<Option<RestartError>> {
    patience.begin(KUBELET, Phase::Inspected)?;
    let (kubelet, store) = (components.kubelet.clone(), components.store.clone());
    Ok(patience.during(move || kubelet.stuck(&store, now))?)
}

/// What can be seen of each component that is here, all at once.
fn look_at_all(components: &Components, now: DateTime<Utc>) -> Vec<Option<Inspection>> {
    components.at_once(|member| {
        look::wait_while_starting(member.component.as_ref()?, member.manners.as_ref()?, now);
        Some(())
    });
    // Asked after the waiting: what has just started is among them.
    let runtime = components.runtime();
    let containers = runtime.containers(&STATIC_PODS);
    components.at_once(|member| {
        let component = member.component.as_ref()?;
        let manners = member.manners.as_ref();
        let sight = manners
            .map(|manners| look::sight(&components.store, (&runtime, containers.as_deref()), component, manners, now));
        let longest_back_off = components.kubelet.longest_back_off;
        let sight = Sight { longest_back_off, ..sight.unwrap_or_default() };
        let evidence = look::evidence(&components.store, component);
        Some(Inspection { evidence, sight, unusable: unusable(components, member, component) })
    })
}

/// Why the component would not come up again.
fn unusable(components: &Components, member: &Member, component: &Component) -> Vec<Finding> {
    let mut found = unusable_files(&components.store, member, component);
    found.extend(tokens::unusable(components, component));
    found.extend(living::signing(&components.store, component, Severity::Critical));
    found
}

/// The certificates and keys with which the component would not come up again.
fn unusable_files(store: &Store, member: &Member, component: &Component) -> Vec<Finding> {
    // The kubelet makes what it lacks.
    if member.name == KUBELET {
        return Vec::new();
    }
    let judged = component.pairs.iter().flat_map(|(certificate, key)| {
        let tree = store.read([certificate, key]);
        let pair = Found::pair(&tree, certificate.clone(), key.clone());
        judge_files(member.name, &pair, &tree)
    });
    judged.filter(Finding::is_critical).collect()
}
