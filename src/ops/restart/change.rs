//! Restarting one component, or etcd with the API server around it.
//!
//! In: a component, the way to restart it, the right to move manifests. Out: what it serves afterwards. While a manifest
//! is out nothing returns: whatever goes wrong while it is waited, the manifest goes back first. A process that has been
//! asked to end is started again by the kubelet, whether this run goes on or not.
//!
//! | way | what is done |
//! |---|---|
//! | in place | SIGTERM, or `crictl stop`; the kubelet starts the container again. If it does not, by manifest |
//! | by manifest | out, wait until it has ended, back |
//! | around etcd | the API server's manifest out, wait until it has ended, etcd in place, the manifest back |

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::error::RestartError;
use super::holding::Holding;
use super::look::{self, Running};
use super::node::Components;
use super::patience::Patience;
use super::progress::Phase;
use super::quorum;
use super::runtime::Runtime;
use crate::catalogue::KUBELET;
use crate::edge::listener;
use crate::edge::process;
use crate::edge::signal::Target;
use crate::error::Result;
use crate::plan::restart::{Component, ComponentPlan, Evidence, Manners, Member, Way};

/// Between two looks at whether something is well.
const PAUSE: Duration = Duration::from_millis(200);

/// Between two looks at a process that was asked to end: every moment of it is one in which the component is away.
const SHORT_PAUSE: Duration = Duration::from_millis(50);

/// How long the kubelet may take until it starts a container again, besides its back-off.
const REACTION: Duration = Duration::from_secs(6);

/// A back-off up to this is waited for: to move the manifest takes as long, on the average.
const SHORT_BACK_OFF: Duration = Duration::from_secs(20);

/// How long etcd may take until it finds the other members, where it had no quorum before.
const FORMING: Duration = Duration::from_secs(30);

/// So long nothing is asked of the runtime about a component that is coming back.
const PATIENT: Duration = Duration::from_secs(2);

/// How long a manifest stays out so that the kubelet forgets the old container, and with it the back-off, where that is
/// shorter than waiting for its end: the kubelet removes the containers of a pod that has gone within seconds or, when
/// it misses the moment, once a minute.
const FORGETTING: Duration = Duration::from_secs(4);
const FORGETTING_FOR_CERTAIN: Duration = Duration::from_secs(65);

/// Between two questions to the container runtime how a component that does not come back has ended.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(5);

/// What the waiting needs to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How long the kubelet may take to see that a manifest went or came, if it is not told.
    pub(super) file_check_frequency: Duration,
    /// How long the component may take to end, and again to come back.
    pub(super) timeout: Duration,
}

impl Limits {
    fn all(&self) -> Duration {
        self.file_check_frequency.saturating_add(self.timeout)
    }
}

/// What every restart of a run uses.
pub(super) struct Change<'a, 'p> {
    pub(super) holding: Holding<'a>,
    pub(super) components: &'a Components,
    pub(super) runtime: Runtime,
    pub(super) limits: Limits,
    /// Whether etcd had a quorum when the run began.
    pub(super) has_quorum: bool,
    /// The moment for which the plan was made, and when that was here.
    pub(super) now: DateTime<Utc>,
    pub(super) begun: Instant,
    pub(super) patience: &'a mut Patience<'p>,
}

impl Change<'_, '_> {
    /// Restarts one component by the way that was planned.
    pub(super) fn component(&mut self, member: &Member, plan: &ComponentPlan) -> Result<Evidence> {
        let Some(component) = &member.component else { return Ok(Evidence::default()) };
        let back_off = Duration::from_secs(plan.back_off_seconds);
        match (plan.way, &member.manners) {
            (Some(way @ (Way::InPlace | Way::Runtime)), Some(manners)) => {
                self.in_place(member, component, manners, way, back_off)
            }
            (_, Some(manners)) => self.by_manifest(member, component, manners, back_off),
            (_, None) => self.kubelet(component),
        }
    }

    /// Restarts etcd, and the API server of its node around it.
    pub(super) fn around_etcd(
        &mut self,
        (server, server_plan): (&Member, &ComponentPlan),
        (etcd, etcd_plan): (&Member, &ComponentPlan),
    ) -> Result<[Evidence; 2]> {
        let (Some(component), Some(manners)) = (&server.component, &server.manners) else {
            return Ok([self.etcd(etcd, etcd_plan)?, Evidence::default()]);
        };
        let before = self.look(component, Some(manners))?;
        let ended = self.take_out(server, component, manners, &before);
        let of_etcd = ended.and_then(|()| self.etcd(etcd, etcd_plan));
        self.holding.put_back(component.name)?;
        let of_etcd = of_etcd?;
        let back_off = Duration::from_secs(server_plan.back_off_seconds);
        Ok([of_etcd, self.wait_until_well(component, Some(manners), Some(&before), back_off)?])
    }

    /// Restarts etcd, and waits for the quorum if there was one.
    pub(super) fn etcd(&mut self, member: &Member, plan: &ComponentPlan) -> Result<Evidence> {
        let evidence = self.component(member, plan)?;
        let Some(component) = member.component.as_ref().filter(|_| self.has_quorum) else { return Ok(evidence) };
        loop {
            let components = self.components.clone();
            let answer = self.patience.during(move || quorum::is_there(&components))?;
            let Err(problem) = answer else { return Ok(evidence) };
            self.give_up_after(self.limits.all(), component.name, &problem)?;
            self.patience.note(&problem);
            self.patience.pause(SHORT_PAUSE)?;
        }
    }

    fn in_place(
        &mut self,
        member: &Member,
        component: &Component,
        manners: &Manners,
        way: Way,
        back_off: Duration,
    ) -> Result<Evidence> {
        let before = self.look(component, Some(manners))?;
        self.patience.begin(component.name, Phase::Stopped)?;
        let is_ended = if way == Way::Runtime {
            self.stop_container(manners, &before)?
        } else {
            self.end_process(component, manners, &before)?
        };
        if !is_ended {
            return self.by_manifest(member, component, manners, back_off);
        }
        self.patience.begin(component.name, Phase::Started)?;
        if self.is_started_again(component, manners, &before, back_off)? {
            return self.wait_until_well(component, Some(manners), Some(&before), back_off);
        }
        log::info!("{}: the kubelet does not start it at once; its manifest is moved out and back", component.name);
        self.by_manifest(member, component, manners, back_off.max(Duration::from_secs(1)))
    }

    /// Asks the process to end, and waits until it has. False when it cannot be asked.
    fn end_process(&mut self, component: &Component, manners: &Manners, before: &Running) -> Result<bool> {
        let Some(target) = before.process.and_then(Target::open) else {
            // It may have ended since the plan was made.
            return Ok(before.process.is_none_or(|process| !process.is_running()));
        };
        if let Err(error) = target.terminate() {
            log::warn!("{}: it cannot be asked to end: {error}", component.name);
            return Ok(false);
        }
        self.wait_until_ended(component, manners, before, Some(&target), true)?;
        Ok(true)
    }

    fn stop_container(&mut self, manners: &Manners, before: &Running) -> Result<bool> {
        let grace = manners.drain.map_or(manners.grace, |drain| drain.open_for() + drain.closed_for());
        for id in before.containers.clone() {
            let runtime = self.runtime.clone();
            if let Err(error) = self.patience.during(move || runtime.stop(&id, grace))? {
                log::warn!("{}: {error}", manners.name);
                return Ok(false);
            }
        }
        Ok(!before.containers.is_empty())
    }

    /// Whether the kubelet has started the container again, or is about to.
    fn is_started_again(
        &mut self,
        component: &Component,
        manners: &Manners,
        before: &Running,
        back_off: Duration,
    ) -> Result<bool> {
        let reaction = if back_off <= SHORT_BACK_OFF { REACTION + back_off } else { REACTION };
        loop {
            let (looked_at, recognised_by) = (component.clone(), manners.clone());
            let (old, runtime) = (before.clone(), self.runtime.clone());
            let is_after = move || old.now(&looked_at, Some(&recognised_by), &runtime).is_after(&old);
            if self.patience.during(is_after)? {
                return Ok(true);
            }
            if self.patience.waited() >= reaction {
                return Ok(false);
            }
            self.patience.note(&format!("the kubelet has not started it again yet{}", longest(back_off)));
            self.patience.pause(SHORT_PAUSE)?;
        }
    }

    fn by_manifest(
        &mut self,
        member: &Member,
        component: &Component,
        manners: &Manners,
        back_off: Duration,
    ) -> Result<Evidence> {
        let before = self.look(component, Some(manners))?;
        let ended = self.take_out(member, component, manners, &before);
        let forgotten = ended.and_then(|()| {
            let is_waited_for = !back_off.is_zero() || !before.is_seen();
            if is_waited_for { self.wait_until_forgotten(component, &before, back_off) } else { Ok(()) }
        });
        self.holding.put_back(component.name)?;
        forgotten?;
        self.wait_until_well(component, Some(manners), Some(&before), back_off)
    }

    /// Moves the manifest out, and waits until the component has ended.
    fn take_out(&mut self, member: &Member, component: &Component, manners: &Manners, before: &Running) -> Result<()> {
        let Some(manifest) = &member.manifest else { return Ok(()) };
        // Held before the kubelet asks it to end. To be asked twice would end an API server at once.
        let target = manners.drain.and(before.process).and_then(Target::open);
        self.patience.begin(component.name, Phase::Held)?;
        let now = self.now + TimeDelta::from_std(self.begun.elapsed()).unwrap_or_default();
        self.holding.take(component.name, manifest, now)?;
        self.wait_until_ended(component, manners, before, target.as_ref(), false)?;
        Ok(())
    }

    /// Waits until it has ended. An API server whose port is closed gets the time that its requests need, and is ended
    /// then: watches would keep it for a minute. Others that were asked by this run are ended after their grace period,
    /// as the kubelet would.
    fn wait_until_ended(
        &mut self,
        component: &Component,
        manners: &Manners,
        before: &Running,
        target: Option<&Target>,
        is_asked_by_us: bool,
    ) -> Result<(), RestartError> {
        let mut closed_at = None;
        loop {
            let (looked_at, old, runtime) = (component.clone(), before.clone(), self.runtime.clone());
            let ports_count = !is_asked_by_us;
            let remains = self.patience.during(move || old.remains(&looked_at, &runtime, ports_count))?;
            let Some(remains) = remains else { return Ok(()) };
            let waited = self.patience.waited();
            if let Some(target) = target {
                let is_over = match manners.drain {
                    Some(drain) => {
                        let is_closed = look::listening(component) != before.process;
                        if closed_at.is_none() && (is_closed || (is_asked_by_us && waited >= drain.open_for())) {
                            closed_at = Some(Instant::now());
                        }
                        closed_at
                            .is_some_and(|at| at.elapsed() >= drain.closed_for() || connections(component) == Some(0))
                    }
                    None => is_asked_by_us && waited >= manners.grace,
                };
                if is_over && let Err(error) = target.kill() {
                    log::warn!("{}: it cannot be ended: {error}", component.name);
                }
            }
            if waited >= self.limits.all() {
                return Err(RestartError::NotStopped {
                    component: component.name.to_owned(),
                    waited_seconds: waited.as_secs_f64(),
                    evidence: remains,
                    restarted: self.patience.restarted.clone(),
                });
            }
            let drains = closed_at.is_some().then(|| "it finishes the requests that are under way".to_owned());
            self.patience.note(&drains.unwrap_or(remains));
            self.patience.pause(SHORT_PAUSE)?;
        }
    }

    /// Waits until the kubelet has seen that the manifest is gone and has removed what is left of the pod, so that it
    /// does not count the next start as one more after a crash. Where nothing of that can be seen, as long as it may take to see it.
    fn wait_until_forgotten(&mut self, component: &Component, before: &Running, back_off: Duration) -> Result<()> {
        let bound = if back_off >= FORGETTING_FOR_CERTAIN { FORGETTING_FOR_CERTAIN } else { FORGETTING };
        let is_blind = !before.is_seen() && before.is_open;
        let since = Instant::now();
        loop {
            let (store, runtime, name) = (self.components.store.clone(), self.runtime.clone(), component.name);
            let left = self.patience.during(move || look::remnants(&store, &runtime, name))?;
            let bound = match left {
                Some(0) => return Ok(()),
                Some(_) => bound,
                None if is_blind => self.limits.file_check_frequency,
                None => FORGETTING.min(self.limits.file_check_frequency),
            };
            if since.elapsed() >= bound {
                return Ok(());
            }
            self.patience.note("the kubelet removes what is left of its pod");
            self.patience.pause(PAUSE)?;
        }
    }

    /// Restarts the kubelet.
    fn kubelet(&mut self, component: &Component) -> Result<Evidence> {
        self.patience.begin(KUBELET, Phase::Stopped)?;
        let systemctl = process::find("systemctl")?;
        let (looked_at, timeout, runtime) = (component.clone(), self.limits.timeout, self.runtime.clone());
        let before = self.patience.during(move || {
            let before = Running::of(&looked_at, None, &runtime);
            process::run(&systemctl, &["restart", "kubelet"], timeout).map(|_| before)
        })??;
        self.wait_until_well(component, None, Some(&before), Duration::ZERO)
    }

    /// Waits until the component is well and serves what is on disk; `before` is what must no longer be there.
    pub(super) fn wait_until_well(
        &mut self,
        component: &Component,
        manners: Option<&Manners>,
        before: Option<&Running>,
        back_off: Duration,
    ) -> Result<Evidence> {
        self.patience.begin(component.name, Phase::Started)?;
        let (mut asked_at, mut ended) = (None::<Instant>, String::new());
        loop {
            let (looked_at, store, old) = (component.clone(), self.components.store.clone(), before.cloned());
            let (runtime, recognised_by) = (self.runtime.clone(), manners.cloned());
            let (evidence, problem) = self.patience.during(move || {
                let evidence = look::evidence(&store, &looked_at);
                let is_new = || {
                    let Some(old) = &old else { return true };
                    !old.is_still(&old.now(&looked_at, recognised_by.as_ref(), &runtime))
                };
                let problem = problem(&looked_at, &evidence)
                    .or_else(|| (!is_new()).then(|| "the old process is still listening".into()));
                (evidence, problem)
            })?;
            let Some(mut problem) = problem else {
                self.patience.begin(component.name, Phase::Done)?;
                return Ok(evidence);
            };
            if component.name == "etcd" && self.lacks_members(component)? {
                return Err(RestartError::NoQuorum { restarted: self.patience.restarted.clone() }.into());
            }
            if evidence.process_started_at.is_none() && self.patience.waited() >= PATIENT {
                if asked_at.is_none_or(|at| at.elapsed() >= BETWEEN_QUESTIONS) {
                    (asked_at, ended) = (Some(Instant::now()), self.last_end(component, back_off)?);
                }
                problem.push_str(&ended);
            }
            self.give_up_after(self.limits.all(), component.name, &problem)?;
            self.patience.note(&problem);
            self.patience.pause(if self.patience.waited() < REACTION * 2 { SHORT_PAUSE * 2 } else { PAUSE * 2 })?;
        }
    }

    /// Whether etcd lives and only lacks the others: without them it serves no client, however long it is waited for.
    fn lacks_members(&mut self, etcd: &Component) -> Result<bool, RestartError> {
        if self.has_quorum || self.patience.waited() < FORMING {
            return Ok(false);
        }
        let (components, asked) = (self.components.clone(), etcd.clone());
        self.patience.during(move || look::health(&asked).is_ok() && quorum::is_there(&components).is_err())
    }

    /// `; its container ended with exit code 1 at …; the kubelet's back-off: up to 40 s`, as far as it is known.
    fn last_end(&mut self, component: &Component, back_off: Duration) -> Result<String, RestartError> {
        let (runtime, name) = (self.runtime.clone(), component.name);
        let ended = self.patience.during(move || {
            let containers = runtime.containers(&[name])?;
            let last = containers.into_iter().max_by_key(super::runtime::Container::attempt)?;
            if last.is_running() { None } else { runtime.end_of(&last) }
        })?;
        let ended = ended.map(|ended| format!("; {ended}")).unwrap_or_default();
        Ok(format!("{ended}{}", longest(back_off)))
    }

    fn give_up_after(&self, limit: Duration, component: &str, problem: &str) -> Result<(), RestartError> {
        let waited = self.patience.waited();
        if waited < limit {
            return Ok(());
        }
        Err(RestartError::NotHealthy {
            component: component.to_owned(),
            waited_seconds: waited.as_secs_f64(),
            evidence: problem.to_owned(),
            restarted: self.patience.restarted.clone(),
        })
    }

    fn look(&mut self, component: &Component, manners: Option<&Manners>) -> Result<Running, RestartError> {
        self.patience.begin(component.name, Phase::Inspected)?;
        let (component, manners, runtime) = (component.clone(), manners.cloned(), self.runtime.clone());
        self.patience.during(move || Running::of(&component, manners.as_ref(), &runtime))
    }
}

/// `; the kubelet's back-off: up to 40 s`, or nothing.
fn longest(back_off: Duration) -> String {
    let seconds = back_off.as_secs();
    if seconds > 0 { format!("; the kubelet's back-off: up to {seconds} s") } else { String::new() }
}

/// How many connections the API server still has.
fn connections(component: &Component) -> Option<usize> {
    listener::connections_to(component.endpoints.first()?.port)
}

/// What is not yet as it shall be.
fn problem(component: &Component, evidence: &Evidence) -> Option<String> {
    evidence.difference(component).or_else(|| look::health(component).err())
}
