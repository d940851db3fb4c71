//! `kubepki restart`: components that do not use what is on disk are restarted, one at a time.
//!
//! In: a request. Out: a [`RestartPlan`], a [`RestartReport`], or an error after which every manifest is in its place.
//! A static pod's process is asked to end, and the kubelet starts its container again; where neither process nor container
//! can be seen, its manifest is moved out of the kubelet's sight and back, as kubeadm's documentation has it. Certificates
//! are not its business.
//!
//! | part | what it holds |
//! |---|---|
//! | `node` | what runs on this node |
//! | `kubelet` | what the kubelet is told, and whether it can react |
//! | `look` | what can be seen of a component |
//! | `inspect` | looking at all of them, for a plan |
//! | `living` `serving` | what a check says of that, and of what is served |
//! | `runtime` | its containers |
//! | `quorum` | etcd's members |
//! | `manifest` | a component whose manifest has changed |
//! | `holding` | the place where a manifest is meanwhile, and the way back |
//! | `change` | one restart |
//! | `progress` `patience` | how far it is; waiting that can be interrupted |
//! | `tokens` | what a restart would do to service accounts' tokens |
//!
//! Source: kubeadm documentation, "Manual certificate renewal"; kubelet `pkg/kubelet/config/file.go`.

mod change;
mod error;
mod holding;
mod inspect;
mod kubelet;
mod living;
mod look;
mod manifest;
mod node;
mod patience;
mod progress;
mod quorum;
mod runtime;
mod serving;
mod tokens;

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use error::RestartError;
pub(super) use holding::{HOLDING_DIR, held, unseen};
pub(super) use kubelet::kubelet_that_runs;
pub(super) use living::living;
pub use progress::{Phase, Progress};
pub(super) use serving::serving;

use self::change::{Change, Limits};
use self::holding::Holding;
use self::inspect::{Planned, kubelet_problem, make_plan};
use self::node::Components;
use self::patience::Patience;
use super::OperationError;
use super::keys::Continue;
use super::node::runs_here;
use crate::catalogue::KUBELET;
use crate::error::Result;
use crate::plan::restart::{EndpointPlan, RestartPlan, Step, Way, start_of, steps};
pub use crate::request::RestartRequest;
use crate::store::{Session, Store};

/// Another restart takes longer than anybody would wait for.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// One component that was restarted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restarted {
    /// Its name.
    pub name: String,
    /// How it was to be restarted.
    pub way: Option<Way>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// When it started, where that can be seen.
    pub started_at: Option<DateTime<Utc>>,
    /// What it serves now.
    pub endpoints: Vec<EndpointPlan>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestartReport {
    /// Components whose manifest an earlier run had left outside: it is back, and they are well.
    pub put_back: Vec<String>,
    /// Components that were restarted, in order.
    pub restarted: Vec<Restarted>,
    /// The plan that was followed.
    pub plan: RestartPlan,
}

/// Refuses a root directory whose node does not run here: ports, processes and services of this machine are not its own.
///
/// # Errors
/// [`RestartError::NotThisMachine`]; `store.root_not_a_directory`.
pub fn refuse_elsewhere(request: &RestartRequest) -> Result<()> {
    store_of(request).map(drop)
}

fn store_of(request: &RestartRequest) -> Result<Store> {
    let store = Store::new(request.rootfs.dir())?;
    if runs_here(&store) {
        return Ok(store);
    }
    Err(RestartError::NotThisMachine { rootfs: store.root_directory().to_owned() }.into())
}

/// Looks at every component that is asked for, and changes nothing.
///
/// # Errors
/// As [`refuse_elsewhere`]; a name that is unknown or not here; a manifest or the kubelet's configuration that cannot be read;
/// [`RestartError::Interrupted`] when `progress` says so. A component that cannot be seen is a reason, not an error.
pub fn plan(
    request: &RestartRequest,
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<RestartPlan> {
    let store = store_of(request)?;
    let components = Components::read(request, &store)?;
    let held = holding::held(&store);
    if held.is_empty() {
        request.refuse_unknown(&components)?;
    }
    let mut patience = Patience::new(progress);
    let Planned { mut plan, .. } = make_plan(request, &components, now, &mut patience)?;
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
/// As [`plan`]; `restart.bad_timeout`; `store.locked` when another run is at it; [`RestartError::NoKubelet`].
pub fn reserve(request: &RestartRequest, now: DateTime<Utc>) -> Result<Reservation> {
    let Feasible { timeout, store, components } = feasible(request)?;
    let mut folders = vec![components.manifests_dir.as_path()];
    // A run that was killed has left its lock there too.
    folders.extend(Some(Path::new(HOLDING_DIR)).filter(|folder| store.list(folder).is_ok()));
    let session = store.lock(&folders)?;
    refuse_stuck(&components, &store, now)?;
    Ok(Reservation { request: request.clone(), store, session, timeout })
}

/// Refuses what could not be restarted in any case, for work that ends with a restart not to begin; takes no lock.
///
/// # Errors
/// As [`reserve`], but for the lock.
pub fn refuse_early(request: &RestartRequest, now: DateTime<Utc>) -> Result<()> {
    let Feasible { store, components, .. } = feasible(request)?;
    refuse_stuck(&components, &store, now)
}

struct Feasible {
    timeout: Duration,
    store: Store,
    components: Components,
}

fn feasible(request: &RestartRequest) -> Result<Feasible> {
    let timeout = request.timeout()?;
    let store = store_of(request)?.with_lock_wait(LOCK_WAIT);
    let components = Components::read(request, &store)?;
    if holding::held(&store).is_empty() {
        request.refuse_unknown(&components)?;
    }
    Ok(Feasible { timeout, store, components })
}

/// Refuses static pods that no kubelet would start again. What is held goes back in any case, and a kubelet that is restarted may be the
/// cure.
fn refuse_stuck(components: &Components, store: &Store, now: DateTime<Utc>) -> Result<()> {
    let is_restarted = components.member(KUBELET).is_some_and(|kubelet| kubelet.is_wanted);
    if is_restarted || !holding::held(store).is_empty() {
        return Ok(());
    }
    components.kubelet.stuck(store, now).map_or(Ok(()), |problem| Err(problem.into()))
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
    restart_reserved(reserve(request, now)?, now, progress)
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
    let begun = Instant::now();
    let mut patience = Patience::new(progress);
    let put_back = put_back_all(&mut session, store, request, timeout, (now, begun), &mut patience)?;

    // What was put back is a component of this node again.
    let components = Components::read(request, store)?;
    request.refuse_unknown(&components)?;
    let Planned { plan, obstacles, has_quorum, kubelet_goes_first } =
        make_plan(request, &components, now, &mut patience)?;
    if plan.is_blocked() {
        return Err(OperationError::Blocked { findings: plan.findings }.into());
    }
    if let Some(obstacle) = obstacles.into_iter().next() {
        return Err(obstacle.into());
    }
    let limits = Limits { file_check_frequency: components.kubelet.file_check_frequency, timeout };
    let runtime = components.runtime();
    let holding = Holding::new(&mut session, store);
    let patience = &mut patience;
    let mut change = Change { holding, components: &components, runtime, limits, has_quorum, now, begun, patience };
    let mut restarted = Vec::new();
    for step in steps(&components.members, &plan, kubelet_goes_first) {
        let started = Instant::now();
        let done = match step {
            Step::One(member, planned) if member.name == "etcd" => {
                vec![(member, planned, change.etcd(member, planned)?)]
            }
            Step::One(member, planned) => vec![(member, planned, change.component(member, planned)?)],
            Step::Around { server, etcd } => {
                let [of_etcd, of_server] = change.around_etcd(server, etcd)?;
                vec![(etcd.0, etcd.1, of_etcd), (server.0, server.1, of_server)]
            }
        };
        let seconds = started.elapsed().as_secs_f64();
        for (member, planned, evidence) in done {
            let Some(component) = &member.component else { continue };
            log::info!("{}: restarted in {seconds:.1} s", member.name);
            change.patience.restarted.push(member.name.to_owned());
            restarted.push(Restarted {
                name: member.name.to_owned(),
                way: planned.way,
                seconds,
                started_at: start_of(component, &evidence),
                endpoints: evidence.endpoints(component),
            });
        }
    }
    drop(change);
    Ok(RestartReport { put_back, restarted, plan })
}

/// Puts back every manifest that an earlier run has left outside, and waits for its component before anything else is
/// stopped.
fn put_back_all(
    session: &mut Session,
    store: &Store,
    request: &RestartRequest,
    timeout: Duration,
    (now, begun): (DateTime<Utc>, Instant),
    patience: &mut Patience<'_>,
) -> Result<Vec<String>> {
    let mut held = holding::held(store);
    if held.is_empty() {
        return Ok(Vec::new());
    }
    // The API server's goes out before etcd's, so etcd's comes back first.
    held.sort_by_key(|manifest| manifest.component != "etcd");
    for manifest in &held {
        log::warn!("{}: an earlier restart was interrupted; its manifest is put back", manifest.component);
        holding::put_back(session, store, manifest)?;
    }
    let components = Components::read(request, store)?;
    if kubelet_problem(&components, now, patience)?.is_some() {
        return Ok(held.into_iter().map(|manifest| manifest.component).collect());
    }
    let limits = Limits { file_check_frequency: components.kubelet.file_check_frequency, timeout };
    let runtime = components.runtime();
    let holding = Holding::new(session, store);
    // It is asked for only when etcd is about to restart.
    let has_quorum = false;
    let mut change = Change { holding, components: &components, runtime, limits, has_quorum, now, begun, patience };
    for manifest in &held {
        if let Some(member) = components.member(&manifest.component)
            && let Some(component) = &member.component
        {
            change.wait_until_well(component, member.manners.as_ref(), None, Duration::ZERO)?;
        }
    }
    drop(change);
    Ok(held.into_iter().map(|manifest| manifest.component).collect())
}
