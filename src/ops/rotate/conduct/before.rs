//! What is looked at before a rotation goes on, over all nodes: what one of them would refuse in the middle is refused before the first.
//!
//! In: the nodes as they were seen. Out: nothing, or a [`ConductError`].

use chrono::{DateTime, TimeDelta, Utc};

use super::super::material::read_new_ca;
use super::super::nodes::{Member, NodesError, long_patience, question, step_patience};
use super::super::obstacles::ObstacleError;
use super::super::{NodeRotation, Settled, StepReport, unused};
use super::{ConductError, Conductor, Event, Wish};
use crate::audit::rotation::{Anchor, AuthorityRotation, Stage};
use crate::catalogue::{SERVICE_ACCOUNT, components};
use crate::clock::SystemClock;
use crate::edge::transport::Input;
use crate::error::Result;
use crate::ops::etcd_snapshot::EtcdSnapshot;
use crate::plan::rotate::course::{Goal, Leg, direction, next};
use crate::plan::rotate::{Phase, RotateError, refuse_lacking};
use crate::text::printable;

/// How far clocks may be apart: certificates are valid from five minutes before they are made.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(2);

impl Conductor<'_, '_> {
    pub(super) fn refuse_clocks(&self, asked_at: DateTime<Utc>) -> Result<(), ConductError> {
        let answered_at = SystemClock.now();
        for (name, seen) in &self.seen {
            let away = (asked_at - seen.looked_at).max(seen.looked_at - answered_at);
            if away > CLOCKS_APART {
                return Err(ConductError::Clocks { node: name.clone(), seconds: away.num_seconds() });
            }
        }
        Ok(())
    }

    /// Without a file of nodes the one node is this machine.
    pub(super) fn refuse_no_node(&self) -> Result<(), NodesError> {
        let is_here =
            |seen: &NodeRotation| seen.node.is_some() || seen.authorities.iter().any(|one| one.stage != Stage::Absent);
        if self.request.on.nodes.is_some() || self.seen.values().any(is_here) {
            Ok(())
        } else {
            Err(NodesError::NoNode)
        }
    }

    /// Where some control planes have the key of a CA and others do not, each is given that of the new one: said before it begins.
    pub(super) fn keys_that_spread(&self, wish: Wish) -> Vec<String> {
        let has_key = |name: &str, seen: &NodeRotation| {
            let one = seen.authorities.iter().find(|one| one.name == name && one.stage == Stage::Single)?;
            Some(one.issuing.is_some())
        };
        let warned = self.names.iter().filter(|_| wish == Wish::Start).filter_map(|name| {
            let control_planes = self.seen.iter().filter(|(_, seen)| !seen.is_worker);
            let all = control_planes.filter_map(|(node, seen)| Some((node.as_str(), has_key(name, seen)?)));
            let (having, lacking): (Vec<_>, Vec<_>) = all.partition(|(_, has_key)| *has_key);
            let names: Vec<_> = lacking.into_iter().map(|(node, _)| node).collect();
            (!having.is_empty() && !names.is_empty()).then(|| {
                format!(
                    "not on {}: the key of {name}; a control plane is given the key of the new one, and signs with it",
                    names.join(", ")
                )
            })
        });
        warned.collect()
    }

    /// The service-account key that has signed lately is given up only when its tokens cannot be in use any more.
    pub(super) fn waits_for_tokens(&self, wish: Wish) -> Option<String> {
        let has_signed = |one: &AuthorityRotation| one.name == SERVICE_ACCOUNT && one.stage == Stage::IssueNew;
        let is_meant = wish == Wish::Abort && self.names.contains(&SERVICE_ACCOUNT);
        let signs = self.seen.values().flat_map(|seen| &seen.authorities).any(has_signed);
        (is_meant && signs).then(|| {
            "the new service-account key has signed tokens: `kubepki rotate abort` stops before it gives that key up, until they have ended \
             (--token-life); others go first where --authority names them alone"
                .to_owned()
        })
    }

    pub(super) fn refuse_unseen(&self) -> Result<(), ConductError> {
        let unseen = self.seen.iter().find_map(|(node, seen)| Some((node, seen.unseen.as_ref()?)));
        unseen.map_or(Ok(()), |(node, problem)| {
            Err(ConductError::Unseen { node: node.clone(), reason: problem.message.clone() })
        })
    }

    pub(super) fn refuse_versions(&self) -> Result<(), ConductError> {
        let own = env!("CARGO_PKG_VERSION");
        if self.seen.values().all(|seen| seen.version == own) {
            return Ok(());
        }
        let versions = self.seen.iter().map(|(name, seen)| format!("{name} {}", seen.version));
        Err(ConductError::Versions { versions: versions.chain([format!("here {own}")]).collect() })
    }

    /// Before the old CA goes: what the audit logs say, where some are given.
    pub(super) fn refuse_old_credentials(&self, wish: Wish) -> Result<Option<String>> {
        // Where nothing can be finished, something else says why.
        if wish != Wish::Finish || direction(&self.stops(), &self.names).is_err() {
            return Ok(None);
        }
        let (unused, now) = (&self.request.unused, SystemClock.now());
        unused::refuse_old_credentials(unused, &self.names, &self.fleet, self.seen.values(), now, self.stop)
    }

    /// Without its API server a cluster of one control plane says nothing: what a restart has left outside is put back first.
    pub(super) fn put_back_what_is_held(&mut self) -> Result<()> {
        let held: Vec<_> = self.seen.iter().filter(|(_, seen)| !seen.held.is_empty()).collect();
        if held.is_empty() {
            return Ok(());
        }
        for (node, seen) in held {
            let Some(member) = self.fleet.get(node) else { continue };
            // What a node says becomes no word of a command that it has not.
            if let Some(other) = seen.held.iter().find(|name| !components().contains(&name.as_str())) {
                return Err(member.bad_answer(format!("{:?} is no component", printable(other))).into());
            }
            let arguments: Vec<_> =
                ["restart"].into_iter().chain(seen.held.iter().map(String::as_str)).chain(["-o", "json"]).collect();
            let (tell, patience) = (&mut self.tell, step_patience(self.request.timeout()?, &self.lets_go));
            member
                .call(&arguments, Input::Nothing, patience, &mut |line| {
                    let _ = tell(&Event::Said { node, line });
                })
                .map_err(|error| error.in_a_step(&member.name))?;
        }
        self.look()
    }

    /// A node that no file names would be cut off from the cluster at the end.
    pub(super) fn refuse_missing_nodes(&mut self) -> Result<Option<Settled>> {
        let Some(first) = self.fleet.first().cloned() else { return Ok(None) };
        let arguments = ["rotate", "step", "cluster", "--dry-run", "-o", "json"];
        let seen: StepReport = first.ask(&arguments, None, question(self.stop), &mut |_| {})?;
        self.is_asked = true;
        let nodes = seen.cluster.as_ref().map(|cluster| cluster.nodes.as_slice()).unwrap_or_default();
        let missing: Vec<_> = nodes.iter().filter(|name| self.fleet.get(name).is_none()).cloned().collect();
        if missing.is_empty() { Ok(seen.cluster) } else { Err(ConductError::NodesMissing { nodes: missing }.into()) }
    }

    /// Why clients that know the old CA alone will fail, where one is to be replaced.
    pub(super) fn failing_clients(&self, wish: Wish) -> Option<String> {
        let mut all = self.seen.iter().filter(|_| wish == Wish::Start);
        all.find_map(|(name, seen)| Some(format!("{name}: {}", seen.failing_clients.as_ref()?)))
    }

    /// Refuses before the first step what a node would refuse in the middle.
    pub(super) fn refuse_elsewhere(&self) -> Result<()> {
        let given = self.request.coming.new_ca.as_deref().map(read_new_ca).transpose()?;
        for (node, seen) in &self.seen {
            let is_meant = |one: &&AuthorityRotation| self.names.contains(&one.name.as_str());
            for one in seen.authorities.iter().filter(is_meant).filter(|one| one.stage != Stage::Absent) {
                let comes = given.as_ref().map(|given| given.read(&one.name)).transpose()?.unwrap_or_default();
                let comes: Vec<_> = comes.iter().map(Anchor::of).collect();
                refuse_lacking(one, &comes).map_err(|error| match error {
                    RotateError::Elsewhere { authority, reason, hint } => {
                        RotateError::Elsewhere { authority: format!("{node}: {authority}"), reason, hint }
                    }
                    other => other,
                })?;
            }
        }
        Ok(())
    }

    /// What a step would refuse only after others are done, or nothing would say before the cluster is without a signer.
    pub(super) fn refuse_obstacles(&self) -> Result<(), ObstacleError> {
        let all = self.seen.iter().flat_map(|(node, seen)| seen.obstacles.iter().map(move |one| (node, one)));
        let mut concerned = all.filter(|(_, one)| self.names.iter().any(|name| one.concerns(name)));
        concerned.next().map_or(Ok(()), |(node, one)| Err(one.error(Some(node))))
    }

    pub(super) fn refuse_under_way(&self) -> Result<(), ConductError> {
        let is_begun = |one: &AuthorityRotation| {
            self.names.contains(&one.name.as_str()) && (one.stage.trusts_both() || one.stage == Stage::Prepared)
        };
        let stages: Vec<_> = self
            .seen
            .iter()
            .flat_map(|(node, seen)| seen.authorities.iter().map(move |one| (node, one)))
            .filter(|(_, one)| is_begun(one))
            .map(|(node, one)| format!("{node}: {} is {}", one.name, one.stage.as_str()))
            .collect();
        if stages.is_empty() { Ok(()) } else { Err(ConductError::UnderWay { stages }) }
    }

    /// Whether a rotation is under way now: a step that failed may have changed files before.
    pub(super) fn has_begun(&mut self) -> bool {
        let is_known = !self.steps.is_empty() || self.seen.is_empty() || self.look().is_err();
        if is_known { !self.steps.is_empty() } else { direction(&self.stops(), &self.names).is_ok() }
    }

    /// A pod that may not know the new CA would fail when the old one goes.
    pub(super) fn refuse_left_pods(&self) -> Result<(), ConductError> {
        let cluster = self.steps.last().and_then(|step| step.cluster.as_ref());
        let left = cluster.into_iter().flat_map(|cluster| &cluster.pods);
        let pods: Vec<_> =
            left.filter_map(|pod| Some(format!("{}/{}: {}", pod.namespace, pod.name, pod.left.as_ref()?))).collect();
        if pods.is_empty() { Ok(()) } else { Err(ConductError::PodsLeft { pods }) }
    }

    /// Whether the key of an authority is not on the node, and on the first control plane.
    fn lacks_a_key(&self, member: &Member, leg: &Leg) -> bool {
        let is_first = self.fleet.first().is_some_and(|first| first.name == member.name);
        let seen = self.seen.get(&member.name).into_iter().flat_map(|seen| &seen.authorities);
        let mut meant = seen.filter(|one| leg.authorities.contains(&one.name));
        !is_first && meant.any(|one| one.issuing.is_none())
    }

    /// The control planes that have one already of what the others are to give up.
    fn given_up(&self, leg: &Leg) -> Vec<String> {
        let has_one = |seen: &&NodeRotation| {
            let mut meant = seen.authorities.iter().filter(|one| leg.authorities.contains(&one.name));
            !seen.is_worker && meant.any(|one| one.stage == Stage::Single)
        };
        self.seen.iter().filter(|(_, seen)| has_one(seen)).map(|(node, _)| node.clone()).collect()
    }

    /// Whether every control plane could begin is asked before the first does, and before etcd is read.
    pub(super) fn rehearse_the_beginning(&mut self) -> Result<()> {
        match next(&self.stops(), &self.names, Goal::Forward)? {
            Some(leg) if leg.phase == Phase::TrustBoth => self.rehearse(&leg),
            _ => Ok(()),
        }
    }

    /// Nothing is begun without a way back to what etcd holds.
    pub(super) fn keep_etcd(&mut self) -> Result<Option<EtcdSnapshot>> {
        let Some(first) = self.fleet.first().cloned().filter(|_| !self.request.keeping.no_etcd_snapshot) else {
            return Ok(None);
        };
        let node = first.name.as_str();
        self.go_on(&Event::Keeping { node })?;
        let file = self.request.keeping.etcd_snapshot.as_ref().map(|file| file.display().to_string());
        let mut arguments = vec!["etcd", "snapshot", "-o", "json"];
        arguments.extend(file.as_deref().into_iter().flat_map(|file| ["--", file]));
        let tell = &mut self.tell;
        let taken = first.ask::<EtcdSnapshot>(&arguments, None, long_patience(&self.lets_go), &mut |line| {
            let _ = tell(&Event::Said { node, line });
        });
        let snapshot = taken.map_err(|error| match error {
            NodesError::Failed { node, reason, .. } => ConductError::NoSnapshot { node, reason }.into(),
            other => crate::error::Error::from(other.in_a_step(node)),
        })?;
        self.go_on(&Event::Kept { node, snapshot: &snapshot })?;
        Ok(Some(snapshot))
    }

    /// What one control plane refuses is refused before another one has changed anything.
    pub(super) fn rehearse(&mut self, leg: &Leg) -> Result<()> {
        let (listed, life) = (leg.authorities.join(","), format!("{}s", self.request.leaving.token_life.seconds()));
        let step = ["rotate", "step", leg.phase.as_str(), "--dry-run", "--authority", listed.as_str()];
        let arguments = [step.as_slice(), &["--token-life", life.as_str(), "-o", "json"]].concat();
        let members = leg.nodes.iter().filter_map(|node| self.fleet.get(node)).filter(|member| !member.is_worker());
        for member in members.cloned().collect::<Vec<_>>() {
            let material = self.material(&member, leg.phase, &leg.authorities)?;
            // What it is given when its turn comes, nobody has yet.
            if leg.phase == Phase::TrustBoth && material.is_none() && self.lacks_a_key(&member, leg) {
                continue;
            }
            let given: &[&str] = if material.is_some() { &["--material", "-"] } else { &[] };
            // Whether clients may fail is asked elsewhere, of who has begun this.
            let accepted: &[&str] = if leg.phase == Phase::TrustBoth { &["--allow-failing-clients"] } else { &[] };
            let arguments = [arguments.as_slice(), accepted, given].concat();
            match member.call(&arguments, material.as_ref().into(), question(self.stop), &mut |_| {}) {
                Err(NodesError::Refused { node, reason, .. }) if leg.phase != Phase::TrustBoth => {
                    return Err(ConductError::NotYet { node, reason, given_up: self.given_up(leg) }.into());
                }
                other => other?,
            };
        }
        Ok(())
    }
}
