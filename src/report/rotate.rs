//! How far CAs are replaced, as text.
//!
//! In: what one step has done; how far nodes are. Out: tables.

use super::table;
use crate::audit::rotation::{AuthorityRotation, shown};
use crate::error::Result;
use crate::ops::etcd_snapshot::EtcdSnapshot;
use crate::ops::rotate::conduct::{Conducted, Foreseen, SeenNode};
use crate::ops::rotate::{NodeRotation, Settled, StepReport};
use crate::plan::rotate::Phase;
use crate::plan::rotate::course::{DueRestart, Goal, Leg};
use crate::plan::rotate::objects::{ChangedObject, Gate};
use crate::remedy::command;
use crate::text::printable;

/// What a step has changed, and how far each authority is.
#[must_use]
pub fn step(report: &StepReport, width: Option<usize>) -> String {
    let files = report.changed.iter().map(|one| {
        let files: Vec<_> = one.files.iter().map(|file| file.display().to_string()).collect();
        [one.name.clone(), one.action.to_string(), files.join(", ")]
    });
    let settings = report.settings.iter().map(|one| [one.place.clone(), "set".to_owned(), one.says.clone()]);
    let restarts = report.restarted.iter().map(|name| [name.clone(), "restart".to_owned(), String::new()]);
    let objects = report.cluster.iter().flat_map(|cluster| &cluster.objects);
    let objects = objects.map(|one| [one.object.clone(), "write".to_owned(), one.says.clone()]);
    let changes: Vec<_> = files.chain(settings).chain(objects).chain(restarts).collect();
    let node = report.node.as_deref().unwrap_or_default();
    let mut state = authorities(node, &report.authorities, width);
    if let Some(cluster) = &report.cluster {
        state = format!("{}\n\n{state}", settled(cluster, width));
    }
    if changes.is_empty() {
        return state;
    }
    format!("{}\n\n{state}", table(width, ["NAME", "ACTION", "WHAT"], changes))
}

/// The gates, and what holds on to the CA that goes.
#[must_use]
pub fn settled(cluster: &Settled, width: Option<usize>) -> String {
    let row = |gate: &Gate| {
        let state = if gate.is_open { "open" } else { "closed" };
        [gate.name.to_string(), state.to_owned(), gate.seen.clone(), gate.waits_for.clone()]
    };
    let gates = table(width, ["GATE", "STATE", "SEEN", "WAITS FOR"], cluster.gates.iter().map(row));
    let pods = cluster.pods.iter().map(|pod| {
        let reason = pod.left.clone().unwrap_or_else(|| "restarted".to_owned());
        ["pod".to_owned(), format!("{}/{}", pod.namespace, pod.name), reason]
    });
    let held = cluster.affected.iter().map(|one| [one.kind.to_string(), one.object.clone(), one.reason.clone()]);
    let rows: Vec<_> = pods.chain(held).collect();
    if rows.is_empty() {
        return gates;
    }
    format!("{gates}\n\n{}", table(width, ["HOLDS THE OLD CA", "OBJECT", "WHY"], rows))
}

/// How far a node is.
#[must_use]
pub fn status(rotation: &NodeRotation, width: Option<usize>) -> String {
    authorities(rotation.node.as_deref().unwrap_or_default(), &rotation.authorities, width)
}

/// How far every node is, and which step is due there.
#[must_use]
pub fn nodes(nodes: &[SeenNode], due: &[Leg], width: Option<usize>) -> String {
    let left = |node: &str, to_restart: &[DueRestart], one: &AuthorityRotation| {
        let is_of = |leg: &&Leg| leg.authorities.contains(&one.name) && leg.nodes.iter().any(|name| name == node);
        let mut row = row(node, one);
        let steps: Vec<_> = due.iter().filter(is_of).map(|leg| leg.phase.to_string()).collect();
        let waiting =
            to_restart.iter().filter(|due| !steps.is_empty() && due.concerns(&one.name)).map(DueRestart::said);
        row[4] = one.behind.iter().cloned().chain(waiting).chain(steps.iter().cloned()).collect::<Vec<_>>().join("; ");
        row
    };
    let rows = nodes.iter().flat_map(|node| match &node.rotation {
        Some(rotation) => rotation.authorities.iter().map(|one| left(&node.name, &rotation.to_restart, one)).collect(),
        None => vec![[node.name.clone(), String::new(), "unknown".to_owned(), String::new(), String::new()]],
    });
    table(width, HEADER, rows)
}

/// The steps that come, in order, and what the cluster says now.
#[must_use]
pub fn foreseen(foreseen: &Foreseen, width: Option<usize>) -> String {
    let first = foreseen.etcd_snapshot.iter().map(|node| ["etcd snapshot".to_owned(), String::new(), node.clone()]);
    let legs = legs(first, &foreseen.legs, width);
    foreseen.cluster.as_ref().map_or_else(|| legs.clone(), |cluster| format!("{legs}\n\n{}", settled(cluster, width)))
}

fn legs(first: impl Iterator<Item = [String; 3]>, legs: &[Leg], width: Option<usize>) -> String {
    let steps = legs.iter().map(|leg| [leg.phase.to_string(), leg.authorities.join(", "), leg.nodes.join(", ")]);
    let rows: Vec<_> = first.chain(steps).collect();
    table(width, ["STEP", "AUTHORITIES", "NODES"], rows)
}

/// Where what etcd held is kept.
#[must_use]
pub fn kept(node: &str, snapshot: &EtcdSnapshot) -> String {
    let EtcdSnapshot { file, size, sha256, .. } = snapshot;
    format!("{node}: snapshot of etcd: {} ({size} bytes, SHA-256 {sha256})", printable(&file.display().to_string()))
}

/// What comes next, a line each.
#[must_use]
pub fn afterwards(conducted: &Conducted) -> Vec<String> {
    let mut lines = Vec::new();
    if conducted.goals.iter().any(|(goal, _)| *goal == Goal::Forward) {
        let (finish, abort) = (command(["kubepki", "rotate", "finish"]), command(["kubepki", "rotate", "abort"]));
        let last = conducted.steps.iter().rev().find_map(|step| step.cluster.as_ref());
        let held = last.map(|cluster| cluster.affected.as_slice()).unwrap_or_default();
        lines.extend(held.iter().map(|one| format!("holds the old CA: {} {}: {}", one.kind, one.object, one.reason)));
        lines.push(format!("the new CA signs, and both are trusted: when all clients outside of the cluster have it, {finish}; to go back, {abort}"));
    }
    if !conducted.discovery_hashes.is_empty() {
        let hashes = conducted.discovery_hashes.join(" or ");
        lines.push(format!("nodes join by kubeadm join --discovery-token-ca-cert-hash {hashes}"));
    }
    lines
}

/// What comes next, or why that cannot be said.
#[must_use]
pub fn comes(due: &Result<Vec<Leg>>) -> String {
    let (resume, finish) = (command(["kubepki", "rotate", "resume"]), command(["kubepki", "rotate", "finish"]));
    match due {
        Err(error) => error.to_string(),
        Ok(legs) if legs.is_empty() => {
            format!("the new one signs, and both are trusted: {finish} gives up the old one")
        }
        Ok(legs) => {
            let leg = |leg: &Leg| format!("{} ({}) on {}", leg.phase, leg.authorities.join(", "), leg.nodes.join(", "));
            let next = legs.iter().map(leg).collect::<Vec<_>>().join("; ");
            // The files of an abort that has not ended are those of a rotation that has not.
            let is_either_way = legs.iter().all(|leg| !matches!(leg.phase, Phase::TrustNew | Phase::TrustOld));
            let abort = command(["kubepki", "rotate", "abort"]);
            let back =
                if is_either_way { format!("; to go back, or on with an abort: {abort}") } else { String::new() };
            format!("next: {next}: {resume}{back}")
        }
    }
}

/// An object of the cluster that does not hold what the nodes' files do.
#[must_use]
pub fn object_behind(object: &ChangedObject) -> String {
    format!("the cluster's {} is to say {}", printable(&object.object), printable(&object.says))
}

/// What makes the cluster's objects follow.
#[must_use]
pub fn objects_follow() -> String {
    format!("next: the cluster's objects: {}", command(["kubepki", "rotate", "resume"]))
}

const HEADER: [&str; 5] = ["NODE", "AUTHORITY", "STAGE", "TRUSTED", "LEFT TO DO"];

fn authorities(node: &str, all: &[AuthorityRotation], width: Option<usize>) -> String {
    table(width, HEADER, all.iter().map(|one| row(node, one)))
}

fn row(node: &str, one: &AuthorityRotation) -> [String; 5] {
    [node.to_owned(), one.name.clone(), one.stage.as_str().to_owned(), shown(&one.trusted), one.behind.join("; ")]
}
