//! What is looked at before a rotation goes on, over all nodes: what one of them would refuse in the middle is refused before the first.
//!
//! In: the nodes as they were seen. Out: nothing, or a [`ConductError`].

use chrono::{DateTime, TimeDelta, Utc};

use super::super::material::read_new_ca;
use super::super::nodes::{NodesError, question, step_patience};
use super::super::obstacles::ObstacleError;
use super::super::{Settled, StepReport};
use super::{ConductError, Conductor, Event, Wish};
use crate::audit::rotation::{Anchor, AuthorityRotation, Stage};
use crate::catalogue::components;
use crate::clock::SystemClock;
use crate::error::Result;
use crate::plan::rotate::course::Leg;
use crate::plan::rotate::{RotateError, refuse_lacking};
use crate::text::printable;

/// How it begins what a node says that refuses.
const REFUSED: &str = "exit code 4: ";

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
                let reason = format!("{:?} is no component", printable(other));
                return Err(NodesError::BadAnswer { node: node.clone(), reason }.into());
            }
            let arguments: Vec<_> =
                ["restart"].into_iter().chain(seen.held.iter().map(String::as_str)).chain(["-o", "json"]).collect();
            let tell = &mut self.tell;
            let _: serde_json::Value =
                member.ask(&arguments, None, step_patience(self.request.timeout()?), &mut |line| {
                    let _ = tell(&Event::Said { node, line });
                })?;
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

    /// What one control plane refuses is refused before another one has given anything up.
    pub(super) fn rehearse(&self, leg: &Leg) -> Result<()> {
        let (listed, life) = (leg.authorities.join(","), format!("{}s", self.request.leaving.token_life.seconds()));
        let step = ["rotate", "step", leg.phase.as_str(), "--dry-run", "--authority", listed.as_str()];
        let arguments = [step.as_slice(), &["--token-life", life.as_str(), "-o", "json"]].concat();
        let members = leg.nodes.iter().filter_map(|node| self.fleet.get(node)).filter(|member| !member.is_worker());
        for member in members {
            let answer: Result<serde_json::Value, _> = member.ask(&arguments, None, question(self.stop), &mut |_| {});
            match answer {
                Err(NodesError::Failed { node, reason, .. }) if reason.starts_with(REFUSED) => {
                    return Err(ConductError::NotYet { node, reason: reason.replacen(REFUSED, "", 1) }.into());
                }
                other => other?,
            };
        }
        Ok(())
    }
}
