//! How far every node is, and what is left to do.
//!
//! In: the nodes. Out: each as it was seen; the steps that are due. Where files say that nothing is, the cluster is asked whether its
//! objects hold what the files do: they are written last.

use std::path::Path;

use super::super::NodeRotation;
use super::super::cluster::are_handed_out;
use super::super::nodes::{Fleet, Member, NodesError, question};
use super::{RotatedNodes, SeenNode};
use crate::error::{Error, Fault, Result};
use crate::plan::rotate::course::{CourseError, Leg, direction, next};
use crate::text::printable;
use crate::workers::{self, StopSignal};

/// Asks every node how far it is; nodes that do not answer are in the list with their problem.
///
/// # Errors
/// The file with the nodes cannot be used; a name is unknown; [`NodesError::Interrupted`].
pub fn survey(on: &RotatedNodes, program: &Path, stop: &StopSignal) -> Result<Vec<SeenNode>> {
    let names = on.chosen()?;
    let fleet = Fleet::read(on.nodes.as_deref(), program)?;
    let mut seen = look(&fleet, &names, stop);
    if are_done(&seen, &names) {
        ask_the_cluster(&fleet, &names, &mut seen, stop);
    }
    if stop.has_come() { Err(NodesError::Interrupted.into()) } else { Ok(seen) }
}

/// Whether no node has anything left to do, and the cluster's objects may.
fn are_done(seen: &[SeenNode], names: &[&str]) -> bool {
    let is_done = match due(seen, names) {
        Ok(legs) => legs.is_empty(),
        Err(error) => error.code() == CourseError::NONE,
    };
    is_done && are_handed_out(names) && seen.iter().all(|node| node.rotation.is_some())
}

/// One control plane says what the cluster's objects do not hold; the first one says why that is not known where none does.
fn ask_the_cluster(fleet: &Fleet, names: &[&str], seen: &mut [SeenNode], stop: &StopSignal) {
    let mut first_problem = None;
    for (at, member) in fleet.members.iter().enumerate() {
        let Some(rotation) = seen.get_mut(at).and_then(|node| node.rotation.as_mut()) else { continue };
        if rotation.is_worker || rotation.version != env!("CARGO_PKG_VERSION") || stop.has_come() {
            continue;
        }
        match ask(member, names, &["--cluster"], stop) {
            Ok(NodeRotation { objects: None, .. }) => {}
            Ok(NodeRotation { objects, .. }) => {
                rotation.objects = objects;
                return;
            }
            Err(error) => first_problem = first_problem.or_else(|| Some((at, Fault::from(Error::from(error))))),
        }
    }
    if let Some((at, problem)) = first_problem
        && let Some(rotation) = seen.get_mut(at).and_then(|node| node.rotation.as_mut())
    {
        rotation.objects_problem = Some(problem);
    }
}

fn ask(member: &Member, names: &[&str], more: &[&str], stop: &StopSignal) -> Result<NodeRotation, NodesError> {
    let authorities = names.join(",");
    let arguments = ["rotate", "status", "--local", "--authority", authorities.as_str(), "-o", "json"];
    let seen = member.ask::<NodeRotation>(&[&arguments, more].concat(), None, question(stop), &mut |_| {})?;
    checked(member, names, seen)
}

pub(super) fn look(fleet: &Fleet, names: &[&str], stop: &StopSignal) -> Vec<SeenNode> {
    workers::at_once(&fleet.members, |member| {
        let asked = ask(member, names, &[], stop);
        let (rotation, problem) = match asked {
            // Of the cluster speaks who is asked about it.
            Ok(rotation) => (Some(NodeRotation { objects: None, objects_problem: None, ..rotation }), None),
            Err(error) => (None, Some(Error::from(error).into())),
        };
        let said = rotation.as_ref().and_then(|rotation| rotation.node.clone());
        let name = if member.name.is_empty() { said.unwrap_or_default() } else { member.name.clone() };
        SeenNode { name, is_worker: member.is_worker(), rotation, problem }
    })
}

/// What is due next of a rotation that is under way, by authority; nothing where each is where it goes.
///
/// # Errors
/// [`crate::plan::rotate::course::CourseError`]: nothing is under way, or nodes do not fit each other.
pub fn due(nodes: &[SeenNode], names: &[&str]) -> Result<Vec<Leg>> {
    let stops: Vec<_> = nodes.iter().filter_map(SeenNode::stop).collect();
    let mut legs = Vec::new();
    for (goal, names) in direction(&stops, names)? {
        legs.extend(next(&stops, &names.iter().map(String::as_str).collect::<Vec<_>>(), goal)?);
    }
    Ok(legs)
}

/// Refuses a node that is not who the file says it is, and one that says what no node can be.
fn checked(member: &Member, names: &[&str], seen: NodeRotation) -> Result<NodeRotation, NodesError> {
    if let Some(reason) = seen.contradiction(names) {
        return Err(member.bad_answer(reason));
    }
    let other = |said: String| Err(NodesError::OtherNode { given: member.name.clone(), said });
    match &seen.node {
        // The node that kubepki runs on is what it is.
        _ if member.name.is_empty() => Ok(seen),
        Some(name) if *name != member.name => other(printable(name).into_owned()),
        None => other("none that has joined a cluster: no file there says its name".to_owned()),
        _ if seen.is_worker != member.is_worker() => {
            other(format!("{} ({})", member.name, if seen.is_worker { "a worker" } else { "a control-plane node" }))
        }
        _ => Ok(seen),
    }
}
