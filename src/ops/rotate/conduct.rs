//! `kubepki rotate start|resume|finish|abort`: the steps of a rotation over all nodes, one after the other, with gates between.
//!
//! In: a request, where it is to go. Out: a [`Conducted`]. How far each node is, is asked before every step, and nothing is noted
//! anywhere: a run that broke off is gone on with by the next one.

mod before;
mod error;
mod given;
mod reservations;
mod survey;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use self::error::ConductError;
use self::reservations::Reservations;
use self::survey::look;
pub use self::survey::{due, survey};
use super::cluster::are_handed_out;
use super::nodes::{Fleet, Member, NodesError, long_patience, step_patience};
use super::{NodeRotation, Settled, StepReport, vouching};
use crate::audit::rotation::{AuthorityRotation, Stage};
use crate::catalogue::{CLUSTER_CA, rotated_names};
use crate::clock::SystemClock;
use crate::error::{Error, Fault, Result};
use crate::ops::etcd_snapshot::EtcdSnapshot;
use crate::plan::rotate::Phase;
use crate::plan::rotate::course::{CourseError, DueRestart, Goal, Leg, Stop, direction, imagined, is_begun, next};
use crate::remedy::command;
pub use crate::request::{ConductRequest, RotatedNodes, Wish};
use crate::workers::StopSignal;

/// One node as it was seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeenNode {
    /// Its name.
    pub name: String,
    /// Whether the file has it as a worker.
    pub is_worker: bool,
    /// How far it is.
    pub rotation: Option<NodeRotation>,
    /// Why that is not known.
    pub problem: Option<Fault>,
}

impl SeenNode {
    fn stop(&self) -> Option<Stop<'_>> {
        let NodeRotation { is_worker, authorities, to_restart, serves_other, .. } = self.rotation.as_ref()?;
        Some(Stop { name: &self.name, is_worker: *is_worker, authorities, to_restart, serves_other })
    }
}

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoneStep {
    /// The step.
    pub phase: Phase,
    /// The node.
    pub node: String,
    /// What it was about.
    pub authorities: Vec<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The names of what was changed.
    pub changed: Vec<String>,
    /// The components that were restarted.
    pub restarted: Vec<String>,
    /// What the cluster says, where that was the step.
    pub cluster: Option<Settled>,
}

/// What comes, as far as it can be foreseen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Foreseen {
    /// The node on which etcd's snapshot is taken first; none where none is taken.
    pub etcd_snapshot: Option<String>,
    /// The steps.
    pub legs: Vec<Leg>,
    /// What the cluster says now.
    pub cluster: Option<Settled>,
    /// What the audit logs say of the old CA's certificates, where some were given.
    #[serde(default)]
    pub unused: Option<String>,
    /// What it is to be known for.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// What was done, and how far everything is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conducted {
    /// Where it went, by authority.
    pub goals: Vec<(Goal, Vec<String>)>,
    /// What etcd held before the first step, where that was kept.
    pub etcd_snapshot: Option<EtcdSnapshot>,
    /// Every step, in order.
    pub steps: Vec<DoneStep>,
    /// The nodes at the end.
    pub nodes: Vec<SeenNode>,
    /// What `kubeadm join --discovery-token-ca-cert-hash` takes from now on.
    pub discovery_hashes: Vec<String>,
}

/// What goes on.
#[derive(Debug)]
pub enum Event<'e> {
    /// What etcd holds is being kept.
    Keeping {
        /// The node.
        node: &'e str,
    },
    /// It is kept.
    Kept {
        /// The node.
        node: &'e str,
        /// Where.
        snapshot: &'e EtcdSnapshot,
    },
    /// A step begins on a node.
    Begins {
        /// The node.
        node: &'e str,
        /// The step.
        phase: Phase,
        /// What it is about.
        authorities: &'e [String],
    },
    /// A node says something.
    Said {
        /// The node.
        node: &'e str,
        /// A line.
        line: &'e str,
    },
    /// A step has ended.
    Ended(&'e DoneStep),
    /// What the audit logs say of the old CA's certificates.
    Unused(&'e str),
    /// Nothing happens yet.
    Looking,
}

/// What is told, and asked whether to go on.
pub type Tell<'t> = dyn FnMut(&Event<'_>) -> ControlFlow<()> + 't;

/// The steps that come, as far as they can be foreseen; nothing is changed.
///
/// # Errors
/// As [`conduct`].
pub fn foresee(request: &ConductRequest, wish: Wish, program: &Path, stop: &StopSignal) -> Result<Foreseen> {
    foreseen(request, wish, program, stop).map_err(|error| going_on(error, wish, true))
}

fn foreseen(request: &ConductRequest, wish: Wish, program: &Path, stop: &StopSignal) -> Result<Foreseen> {
    let mut nothing = |_: &Event<'_>| ControlFlow::Continue(());
    let mut conductor = Conductor::new(request, wish, program, stop, &mut nothing)?;
    conductor.look_first()?;
    let unused = conductor.refuse_old_credentials(wish)?;
    let cluster = conductor.refuse_missing_nodes()?;
    let mut legs = Vec::new();
    let objection = conductor.failing_clients(wish).map(|reason| {
        format!(
            "the old CA cannot vouch for the new one: pods and users that know it alone fail from the step reissue on: {reason}; \
             `kubepki rotate start` wants --allow-failing-clients"
        )
    });
    let warnings =
        objection.into_iter().chain(conductor.keys_that_spread(wish)).chain(conductor.waits_for_tokens(wish)).collect();
    for (goal, names) in conductor.goals(wish)? {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        while let Some(leg) = next(&conductor.stops(), &names, goal)? {
            if legs.last() == Some(&leg) {
                break;
            }
            let is_first = legs.is_empty() && (wish == Wish::Start || leg.phase != Phase::TrustBoth);
            if is_first && matches!(leg.phase, Phase::TrustBoth | Phase::TrustNew | Phase::TrustOld) {
                conductor.rehearse(&leg)?;
            }
            let signs = conductor.signing();
            let whole = conductor.whole_ones();
            for (_, seen) in conductor.seen.iter_mut().filter(|(node, _)| leg.nodes.contains(node)) {
                let worker_of = signs.as_deref().filter(|_| seen.is_worker);
                seen.to_restart.clear();
                for one in seen.authorities.iter_mut().filter(|one| leg.authorities.contains(&one.name)) {
                    *one = imagined(one, leg.phase, worker_of, whole.get(&one.name));
                }
            }
            legs.push(leg);
        }
    }
    let begins = wish == Wish::Start && !request.keeping.no_etcd_snapshot && !legs.is_empty();
    let first = conductor.fleet.first().filter(|_| begins);
    Ok(Foreseen { etcd_snapshot: first.map(|member| member.name.clone()), legs, cluster, unused, warnings })
}

/// Does all steps until the wish is fulfilled. `stop` ends what only looks; a step ends before `tell` is asked whether to go on, unless
/// somebody insists.
///
/// # Errors
/// [`ConductError`], [`NodesError`], [`crate::plan::rotate::course::CourseError`]: nodes that are done stay done.
pub fn conduct(
    request: &ConductRequest,
    wish: Wish,
    program: &Path,
    stop: &StopSignal,
    tell: &mut Tell<'_>,
) -> Result<Conducted> {
    let mut conductor = Conductor::new(request, wish, program, stop, tell)?;
    conducted(&mut conductor, wish).map_err(|error| {
        let is_untouched = wish == Wish::Start && !conductor.has_begun();
        going_on(error, wish, is_untouched)
    })
}

/// What broke off is gone on with by what broke off: `resume` goes forward, and what has not begun cannot be resumed.
fn going_on(error: Error, wish: Wish, is_untouched: bool) -> Error {
    let of_nodes = [NodesError::FAILED, NodesError::REFUSED, NodesError::INTERRUPTED, NodesError::LET_GO];
    let is_of_nodes = of_nodes.contains(&error.code());
    let is_repeated = match wish {
        Wish::Abort => true,
        Wish::Finish => is_of_nodes,
        Wish::Start => is_of_nodes && is_untouched,
        Wish::Resume => false,
    };
    if !is_repeated {
        return error;
    }
    let mut fault = Fault::from(error);
    fault.hint =
        fault.hint.replace(&command(["kubepki", "rotate", "resume"]), &command(["kubepki", "rotate", wish.as_str()]));
    fault.into()
}

fn conducted(conductor: &mut Conductor<'_, '_>, wish: Wish) -> Result<Conducted> {
    conductor.look_first()?;
    conductor.be_alone()?;
    // What was seen before may be another run's, which has ended since.
    conductor.look()?;
    if let Some(said) = conductor.refuse_old_credentials(wish)? {
        conductor.go_on(&Event::Unused(&said))?;
    }
    conductor.put_back_what_is_held()?;
    let goals = match conductor.goals(wish) {
        Err(error) if error.code() == CourseError::NONE && conductor.ends_the_last_step()? => Vec::new(),
        other => other?,
    };
    match conductor.refuse_missing_nodes() {
        // The way back begins with files; before the new CA is given up, the cluster is asked again.
        Err(error) if wish == Wish::Abort && error.code() != ConductError::NODES_MISSING => {
            log::warn!("the cluster does not say which nodes it has: {error}");
        }
        other => {
            other?;
        }
    }
    vouching::refuse(conductor.failing_clients(wish), &conductor.request.coming)?;
    let mut etcd_snapshot = None;
    if wish == Wish::Start {
        conductor.keys_that_spread(wish).iter().for_each(|warning| log::warn!("{warning}"));
        conductor.rehearse_the_beginning()?;
        etcd_snapshot = conductor.keep_etcd()?;
    }
    for (goal, names) in &goals {
        conductor.go(*goal, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    conductor.names = rotated_names();
    conductor.look()?;
    let node = |member: &Member| SeenNode {
        name: member.name.clone(),
        is_worker: member.is_worker(),
        rotation: conductor.seen.get(&member.name).cloned(),
        problem: None,
    };
    Ok(Conducted {
        goals,
        etcd_snapshot,
        nodes: conductor.fleet.members.iter().map(node).collect(),
        discovery_hashes: discovery_hashes(conductor.seen.values()),
        steps: std::mem::take(&mut conductor.steps),
    })
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The hashes of the cluster's CAs that the first control plane trusts.
fn discovery_hashes<'n>(mut nodes: impl Iterator<Item = &'n NodeRotation>) -> Vec<String> {
    let first = nodes.find(|node| !node.is_worker);
    let ca = first.and_then(|node| node.authorities.iter().find(|one| one.name == CLUSTER_CA));
    let trusted = ca.map(|ca| ca.trusted.as_slice()).unwrap_or_default();
    trusted.iter().map(|anchor| format!("sha256:{}", anchor.public_key_sha256)).collect()
}

struct Conductor<'c, 't> {
    request: &'c ConductRequest,
    fleet: Fleet,
    /// What every node is asked about.
    names: Vec<&'static str>,
    seen: BTreeMap<String, NodeRotation>,
    steps: Vec<DoneStep>,
    /// Keeps other runs away.
    reservations: Reservations,
    /// Whether the cluster has said which nodes it has.
    is_asked: bool,
    /// Ends what only looks.
    stop: &'c StopSignal,
    /// Lets go of a node in the middle of a step.
    lets_go: StopSignal,
    tell: &'c mut Tell<'t>,
}

impl<'c, 't> Conductor<'c, 't> {
    fn new(
        request: &'c ConductRequest,
        wish: Wish,
        program: &Path,
        stop: &'c StopSignal,
        tell: &'c mut Tell<'t>,
    ) -> Result<Self> {
        request.refuse_unused_options(wish)?;
        request.timeout()?;
        let (names, fleet) = (request.chosen()?, Fleet::read(request.on.nodes.as_deref(), program)?);
        let lets_go = stop.insisted();
        Ok(Self {
            request,
            fleet,
            names,
            seen: BTreeMap::new(),
            steps: Vec::new(),
            reservations: Reservations::default(),
            is_asked: false,
            stop,
            lets_go,
            tell,
        })
    }

    /// The cluster's CA that signs, by the first control plane.
    fn signing(&self) -> Option<String> {
        let first = self.fleet.first().and_then(|member| self.seen.get(&member.name))?;
        first.authorities.iter().find(|one| one.name == CLUSTER_CA)?.issuing.clone()
    }

    /// What a control plane has that lacks nothing, by authority.
    fn whole_ones(&self) -> BTreeMap<String, AuthorityRotation> {
        let all = self.seen.values().filter(|seen| !seen.is_worker).flat_map(|seen| &seen.authorities);
        let whole = all.filter(|one| (one.stage.trusts_both() || one.stage == Stage::Prepared) && !one.lacks_other());
        whole.map(|one| (one.name.clone(), one.clone())).collect()
    }

    /// Asks every node; all have to answer.
    fn look(&mut self) -> Result<()> {
        self.go_on(&Event::Looking)?;
        let seen = look(&self.fleet, &self.names, self.stop);
        // The one node of a cluster that no file names.
        for (member, seen) in self.fleet.members.iter_mut().zip(&seen).filter(|(member, _)| member.name.is_empty()) {
            member.name.clone_from(&seen.name);
        }
        for (member, seen) in self.fleet.members.iter().zip(seen) {
            match (seen.rotation, seen.problem) {
                (Some(rotation), _) => self.seen.insert(member.name.clone(), rotation),
                (None, Some(problem)) => return Err(problem.into()),
                (None, None) => None,
            };
        }
        Ok(())
    }

    /// The same at the beginning, and refuses what nobody can judge by.
    fn look_first(&mut self) -> Result<()> {
        let asked_at = SystemClock.now();
        self.look()?;
        self.refuse_no_node()?;
        self.refuse_clocks(asked_at)?;
        self.refuse_versions()?;
        Ok(self.refuse_unseen()?)
    }

    fn be_alone(&mut self) -> Result<(), NodesError> {
        self.reservations.keep(&self.fleet, self.stop)
    }

    fn go_on(&mut self, event: &Event<'_>) -> Result<(), NodesError> {
        if (self.tell)(event).is_break() { Err(NodesError::Interrupted) } else { Ok(()) }
    }

    fn stops(&self) -> Vec<Stop<'_>> {
        self.fleet.members.iter().filter_map(|member| Some(member.stop(self.seen.get(&member.name)?))).collect()
    }

    fn goals(&self, wish: Wish) -> Result<Vec<(Goal, Vec<String>)>> {
        let goal = match wish {
            Wish::Start => {
                self.refuse_under_way()?;
                self.refuse_obstacles()?;
                self.refuse_elsewhere()?;
                Goal::Forward
            }
            Wish::Resume => return Ok(direction(&self.stops(), &self.names)?),
            // Something must be under way.
            Wish::Finish => direction(&self.stops(), &self.names).map(|_| Goal::Finish)?,
            Wish::Abort => direction(&self.stops(), &self.names).map(|_| Goal::Back)?,
        };
        Ok(vec![(goal, owned(&self.names))])
    }

    fn go(&mut self, goal: Goal, names: &[&str]) -> Result<()> {
        let mut before: Option<Leg> = None;
        while let Some(leg) = next(&self.stops(), names, goal)? {
            if before.as_ref() == Some(&leg) {
                return Err(self.no_progress(&leg).into());
            }
            if matches!(leg.phase, Phase::TrustNew | Phase::TrustOld) {
                if !self.is_asked {
                    self.refuse_missing_nodes()?;
                }
                self.rehearse(&leg)?;
            }
            // What every node trusts must have reached what the cluster hands out before anybody relies on it. Between two control
            // planes of a step the cluster hands out the one or the other: it was looked at before the first.
            let is_relied_on = matches!(leg.phase, Phase::IssueNew | Phase::TrustNew | Phase::TrustOld);
            if is_relied_on && !is_begun(&self.stops(), &leg, goal)? {
                self.cluster(&leg.authorities, self.request.evicting.restart_pods && leg.phase == Phase::TrustNew)?;
                self.refuse_left_pods()?;
            }
            for node in &leg.nodes {
                self.step(node, leg.phase, &leg.authorities, &[])?;
            }
            before = Some(leg);
            self.look()?;
        }
        self.cluster(&owned(names), false)
    }

    /// Every node has one again; a run that broke off may have left the cluster's objects behind. Whether they were.
    fn ends_the_last_step(&mut self) -> Result<bool> {
        if !are_handed_out(&self.names) {
            return Ok(false);
        }
        self.cluster(&owned(&self.names), false)?;
        let last = self.steps.last().and_then(|step| step.cluster.as_ref());
        Ok(last.is_some_and(|cluster| !cluster.objects.is_empty()))
    }

    fn no_progress(&self, leg: &Leg) -> ConductError {
        let of_leg = |node: &String| {
            let all = self.seen.get(node).map(|seen| seen.authorities.as_slice()).unwrap_or_default();
            all.iter()
                .filter(|one| leg.authorities.contains(&one.name))
                .map(|one| one.behind.join(", "))
                .collect::<Vec<_>>()
        };
        let restarts = |node: &String| {
            let all = self.seen.get(node).map(|seen| seen.to_restart.as_slice()).unwrap_or_default();
            all.iter().map(DueRestart::said).collect::<Vec<_>>()
        };
        let all = |node: &String| [of_leg(node), restarts(node)].concat().join(", ");
        let left = leg.nodes.iter().map(|node| format!("{node}: {}", all(node))).collect();
        ConductError::NoProgress { phase: leg.phase.as_str(), nodes: leg.nodes.clone(), left }
    }

    /// The cluster's objects, by the first control plane's files.
    fn cluster(&mut self, authorities: &[String], restarts_pods: bool) -> Result<()> {
        let Some(first) = self.fleet.first().map(|member| member.name.clone()) else { return Ok(()) };
        let more: &[&str] = if restarts_pods { &["--restart-pods"] } else { &[] };
        self.step(&first, Phase::Cluster, authorities, more)
    }

    fn step(&mut self, node: &str, phase: Phase, authorities: &[String], more: &[&str]) -> Result<()> {
        self.be_alone()?;
        self.go_on(&Event::Begins { node, phase, authorities })?;
        let Some(member) = self.fleet.get(node).cloned() else { return Ok(()) };
        let material = self.material(&member, phase, authorities)?;
        let listed = authorities.join(",");
        let life = format!("{}s", self.request.leaving.token_life.seconds());
        let timeout = format!("{}s", self.request.patience.timeout.seconds());
        let mut arguments = vec!["rotate", "step", phase.as_str(), "--authority", listed.as_str(), "-o", "json"];
        arguments.extend(["--token-life", life.as_str(), "--timeout", timeout.as_str()]);
        arguments.extend(more);
        arguments.extend(self.request.coming.allow_failing_clients.then_some("--allow-failing-clients"));
        if material.is_some() {
            arguments.extend(["--material", "-"]);
        }
        let began = Instant::now();
        let tell = &mut self.tell;
        let timeout = self.request.timeout()?;
        // Every pod may take that long.
        let lets_go = &self.lets_go;
        let patience = if more.is_empty() { step_patience(timeout, lets_go) } else { long_patience(lets_go) };
        let asked = member.ask(&arguments, material.as_ref(), patience, &mut |line| {
            let _ = tell(&Event::Said { node, line });
        });
        let report: StepReport = asked.map_err(|error| error.in_a_step(node))?;
        if let Some(seen) = self.seen.get_mut(node) {
            for one in report.authorities {
                match seen.authorities.iter_mut().find(|known| known.name == one.name) {
                    Some(known) => *known = one,
                    None => seen.authorities.push(one),
                }
            }
        }
        let done = DoneStep {
            phase,
            node: node.to_owned(),
            authorities: authorities.to_vec(),
            seconds: began.elapsed().as_secs_f64(),
            changed: report.changed.into_iter().map(|one| one.name).collect(),
            restarted: report.restarted,
            cluster: report.cluster,
        };
        let is_stopped = (self.tell)(&Event::Ended(&done)).is_break();
        self.steps.push(done);
        if is_stopped { Err(NodesError::Interrupted.into()) } else { Ok(()) }
    }
}
