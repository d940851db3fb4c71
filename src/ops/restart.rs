//! `kubepki restart`: components that do not use what is on disk are restarted, one at a time.
//!
//! In: a request. Out: a [`RestartPlan`], a [`RestartReport`], or an error after which every manifest is in its place.
//! A static pod is restarted as kubeadm's documentation has it: its manifest is moved out of the kubelet's sight and
//! back. Certificates are not its business.
//!
//! | part | what it holds |
//! |---|---|
//! | `node` | what runs on this node |
//! | `look` | what can be seen of it |
//! | `living` | what a check says of that |
//! | `holding` | the place where a manifest is meanwhile, and the way back |
//! | `change` | one restart |
//! | `patience` | waiting that can be interrupted |
//! | `tokens` | what a restart would do to service accounts' tokens |
//!
//! Source: kubeadm documentation, "Manual certificate renewal"; kubelet `pkg/kubelet/config/file.go`.

mod change;
mod error;
mod holding;
mod living;
mod look;
mod node;
mod patience;
mod tokens;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use error::RestartError;
pub(super) use holding::{HOLDING_DIR, held, unseen};
pub(super) use living::{Living, living};
pub use patience::{Phase, Progress};

use self::change::{Limits, endpoints};
use self::node::{Components, Member};
use self::patience::Patience;
use super::OperationError;
use super::keys::Continue;
use crate::audit::certificate::judge_files;
use crate::audit::{Finding, Pair, Severity, complete_remedies};
use crate::error::Result;
use crate::plan::generate::Selection;
use crate::plan::restart::{
    ComponentPlan, EndpointPlan, Evidence, KUBELET, RestartAction, RestartPlan, judge, start_of,
};
use crate::store::{Session, Store};

/// Where kubeadm puts static-pod manifests, if the kubelet's configuration does not say otherwise.
const MANIFESTS_DIR: &str = "/etc/kubernetes/manifests";

/// Longer than anybody waits, and short enough to be added to every moment.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Another restart takes longer than anybody would wait for.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// What `restart` is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RestartRequest {
    /// Which components; the kubelet only by its name.
    pub components: Selection,
    /// Whether those that are up to date are restarted too.
    pub force: bool,
    /// Whether the kubelet is asked for too.
    pub kubelet: bool,
    /// How long each component may take to end, and again to come back, in seconds.
    pub timeout_seconds: f64,
    /// The kubelet's directory, with its `config.yaml`.
    pub kubelet_dir: PathBuf,
    /// Where the manifests are, instead of what the kubelet's configuration says.
    pub manifests_dir: Option<PathBuf>,
    /// The directory in front of every path.
    pub rootfs: Option<PathBuf>,
}

impl Default for RestartRequest {
    fn default() -> Self {
        Self {
            components: Selection::All,
            force: false,
            kubelet: false,
            timeout_seconds: 300.0,
            kubelet_dir: "/var/lib/kubelet".into(),
            manifests_dir: None,
            rootfs: None,
        }
    }
}

/// One component that was restarted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Restarted {
    /// Its name.
    pub name: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// When it started, where that can be seen.
    pub started_at: Option<DateTime<Utc>>,
    /// What it serves now.
    pub endpoints: Vec<EndpointPlan>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RestartReport {
    /// Components whose manifest an earlier run had left outside: it is back, and they are well.
    pub put_back: Vec<String>,
    /// Components that were restarted, in order.
    pub restarted: Vec<Restarted>,
    /// The plan that was followed.
    pub plan: RestartPlan,
}

/// Looks at every component that is asked for, and changes nothing.
///
/// # Errors
/// A name that is unknown or not here; a manifest or the kubelet's configuration that cannot be read;
/// [`RestartError::Interrupted`] when `progress` says so. A component that cannot be seen is a reason, not an error.
pub fn plan(
    request: &RestartRequest,
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<RestartPlan> {
    let store = Store::new(request.rootfs.clone())?;
    let components = Components::read(request, &store)?;
    let held = holding::held(&store);
    if held.is_empty() {
        request.refuse_unknown(&components)?;
    }
    let mut plan = make_plan(request, &components, now, &mut Patience::new(progress))?;
    for component in &mut plan.components {
        if held.iter().any(|one| one.component == component.name) {
            component.reasons = vec!["its manifest is held, and is put back first".into()];
        }
    }
    plan.held = held;
    Ok(plan)
}

/// The right to restart components of a node. Work that a restart follows takes it first, so that the restart is not
/// refused when the work is done.
pub struct Reservation {
    request: RestartRequest,
    store: Store,
    session: Session,
    timeout: Duration,
}

/// Refuses what could not be restarted in any case, then takes the lock of the manifests.
///
/// # Errors
/// As [`plan`]; [`RestartError::BadTimeout`]; `store.locked` when another run is at it.
pub fn reserve(request: &RestartRequest) -> Result<Reservation> {
    let seconds = request.timeout_seconds;
    let is_measurable = |timeout: &Duration| !timeout.is_zero() && *timeout <= LONGEST_WAIT;
    let timeout = Duration::try_from_secs_f64(seconds).ok().filter(is_measurable);
    let timeout = timeout.ok_or(RestartError::BadTimeout { seconds })?;
    let store = Store::new(request.rootfs.clone())?.with_lock_wait(LOCK_WAIT);
    let components = Components::read(request, &store)?;
    if holding::held(&store).is_empty() {
        request.refuse_unknown(&components)?;
    }
    let mut folders = vec![components.manifests_dir.as_path()];
    // A run that was killed has left its lock there too.
    folders.extend(Some(Path::new(HOLDING_DIR)).filter(|folder| store.list(folder).is_ok()));
    let session = store.lock(&folders)?;
    Ok(Reservation { request: request.clone(), store, session, timeout })
}

/// Puts back what an earlier run has left outside, and restarts what must be.
///
/// # Errors
/// As [`reserve`]; [`OperationError::Blocked`] when a component would not come up again; [`RestartError`]. Components
/// that were not reached stay as they are.
pub fn restart(
    request: &RestartRequest,
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<RestartReport> {
    restart_reserved(reserve(request)?, now, progress)
}

/// The same with the right that was taken before.
///
/// # Errors
/// As [`restart`], but for the lock.
pub fn restart_reserved(
    reservation: Reservation,
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<RestartReport> {
    let Reservation { request, store, mut session, timeout } = reservation;
    let (request, store) = (&request, &store);
    let components = Components::read(request, store)?;
    let limits = Limits { file_check_frequency: components.file_check_frequency, timeout };
    let mut patience = Patience::new(progress);
    let put_back = put_back_all(&mut session, store, request, &limits, &mut patience)?;

    // What was put back is a component of this node again.
    let components = Components::read(request, store)?;
    request.refuse_unknown(&components)?;
    let plan = make_plan(request, &components, now, &mut patience)?;
    if plan.is_blocked() {
        return Err(OperationError::Blocked { findings: plan.findings }.into());
    }
    let start = Instant::now();
    let mut restarted = Vec::new();
    for member in &components.members {
        let is_due = plan.restarts().any(|due| due.name == member.name);
        let Some(component) = member.component.as_ref().filter(|_| is_due) else { continue };
        let begun = Instant::now();
        let moment = now + TimeDelta::from_std(start.elapsed()).unwrap_or_default();
        let evidence = match &member.manifest {
            Some(manifest) => {
                change::static_pod(component, manifest, &mut session, store, &limits, moment, &mut patience)?
            }
            None => change::kubelet(component, store, &limits, &mut patience)?,
        };
        let seconds = begun.elapsed().as_secs_f64();
        log::info!("{}: restarted in {seconds:.1} s", member.name);
        patience.restarted.push(member.name.to_owned());
        restarted.push(Restarted {
            name: member.name.to_owned(),
            seconds,
            started_at: start_of(component, &evidence),
            endpoints: endpoints(component, &evidence),
        });
    }
    Ok(RestartReport { put_back, restarted, plan })
}

/// Puts back every manifest that an earlier run has left outside, and waits for its component before anything else is
/// stopped.
fn put_back_all(
    session: &mut Session,
    store: &Store,
    request: &RestartRequest,
    limits: &Limits,
    patience: &mut Patience<'_>,
) -> Result<Vec<String>> {
    let held = holding::held(store);
    for manifest in &held {
        log::warn!("{}: an earlier restart was interrupted; its manifest is put back", manifest.component);
        holding::put_back(session, store, manifest)?;
    }
    let components = Components::read(request, store)?;
    for manifest in &held {
        if let Some(component) = components.component(&manifest.component) {
            change::wait_until_well(component, store, None, limits, patience)?;
        }
    }
    Ok(held.into_iter().map(|manifest| manifest.component).collect())
}

fn make_plan(
    request: &RestartRequest,
    components: &Components,
    now: DateTime<Utc>,
    patience: &mut Patience<'_>,
) -> Result<RestartPlan> {
    patience.begin("node", Phase::Inspected)?;
    let looked_at = components.clone();
    let seen = patience.during(move || look_at_all(&looked_at))?;
    let mut findings = Vec::new();
    let mut planned = Vec::new();
    for (member, evidence) in components.members.iter().zip(&seen) {
        planned.push(plan_component(request, components, member, evidence.as_ref(), &mut findings));
    }
    findings.extend(tokens::outlived(components, &seen));
    complete_remedies(&mut findings, &super::node::caller_below(request.rootfs.as_deref()));
    Ok(RestartPlan {
        made_at: now,
        rootfs: request.rootfs.clone(),
        manifests_dir: components.manifests_dir.clone(),
        file_check_frequency_seconds: components.file_check_frequency.as_secs_f64(),
        held: Vec::new(),
        components: planned,
        findings,
    })
}

/// What can be seen of each component that is here, all at once.
fn look_at_all(components: &Components) -> Vec<Option<Evidence>> {
    let store = &components.store;
    thread::scope(|scope| {
        let looks: Vec<_> = components
            .members
            .iter()
            .map(|member| {
                let component = member.component.as_ref();
                scope.spawn(move || component.map(|component| look::evidence(store, component)))
            })
            .collect();
        looks.into_iter().map(|look| look.join().unwrap_or_default()).collect()
    })
}

fn plan_component(
    request: &RestartRequest,
    components: &Components,
    member: &Member,
    evidence: Option<&Evidence>,
    findings: &mut Vec<Finding>,
) -> ComponentPlan {
    let mut planned = ComponentPlan {
        name: member.name.to_owned(),
        action: RestartAction::Skip,
        reasons: Vec::new(),
        awaited: Vec::new(),
        manifest: member.manifest.clone(),
        started_at: None,
        endpoints: Vec::new(),
    };
    let (Some(component), Some(evidence)) = (&member.component, evidence) else {
        planned.reasons.push("this node has no manifest for it".into());
        return planned;
    };
    planned.started_at = start_of(component, evidence);
    planned.endpoints = endpoints(component, evidence);
    let judgement = judge(component, evidence);
    planned.reasons = judgement.reasons();
    if !member.is_wanted {
        if member.name == KUBELET && !planned.reasons.is_empty() {
            planned.reasons.push("it is restarted only on request (--kubelet)".into());
        } else if member.name != KUBELET {
            planned.reasons = vec!["it was not selected".into()];
        }
        return planned;
    }
    if planned.reasons.is_empty() && request.force {
        planned.reasons.push("the restart was requested".into());
    }
    planned.action = if planned.reasons.is_empty() { RestartAction::Keep } else { RestartAction::Restart };
    if planned.action == RestartAction::Keep {
        planned.awaited = judgement.awaited;
    }
    if planned.action == RestartAction::Restart {
        let mut unusable = unusable_files(&components.store, member, component);
        unusable.extend(tokens::unusable(components, component));
        unusable.extend(living::signing(&components.store, component, Severity::Critical));
        if !unusable.is_empty() {
            planned.action = RestartAction::Blocked;
            unusable.retain(|finding| !findings.contains(finding));
            findings.extend(unusable);
        }
    }
    planned
}

/// The certificates and keys with which the component would not come up again.
fn unusable_files(store: &Store, member: &Member, component: &crate::plan::restart::Component) -> Vec<Finding> {
    // The kubelet makes what it lacks.
    if member.name == KUBELET {
        return Vec::new();
    }
    let judged = component.pairs.iter().flat_map(|(certificate, key)| {
        let tree = store.read([certificate, key]);
        let pair = Pair::read(&tree, certificate.clone(), key.clone());
        judge_files(member.name, &pair, &tree)
    });
    judged.filter(Finding::is_critical).collect()
}
