//! How far CAs are replaced, as text.
//!
//! In: what one step has done; how far nodes are. Out: tables.

use super::table;
use crate::audit::rotation::AuthorityRotation;
use crate::ops::rotate::conduct::{Conducted, SeenNode, anchors};
use crate::ops::rotate::{NodeRotation, StepReport};
use crate::plan::rotate::course::{Goal, Leg};
use crate::remedy::command;

/// What a step has changed, and how far each authority is.
#[must_use]
pub fn step(report: &StepReport, width: Option<usize>) -> String {
    let files = report.changed.iter().map(|one| {
        let files: Vec<_> = one.files.iter().map(|file| file.display().to_string()).collect();
        [one.name.clone(), one.action.to_string(), files.join(", ")]
    });
    let settings = report.settings.iter().map(|one| [one.place.clone(), "set".to_owned(), one.says.clone()]);
    let restarts = report.restarted.iter().map(|name| [name.clone(), "restart".to_owned(), String::new()]);
    let changes: Vec<_> = files.chain(settings).chain(restarts).collect();
    let node = report.node.as_deref().unwrap_or_default();
    let state = authorities(node, &report.authorities, width);
    if changes.is_empty() {
        return state;
    }
    format!("{}\n\n{state}", table(width, ["NAME", "ACTION", "WHAT"], changes))
}

/// How far a node is.
#[must_use]
pub fn status(rotation: &NodeRotation, width: Option<usize>) -> String {
    authorities(rotation.node.as_deref().unwrap_or_default(), &rotation.authorities, width)
}

/// How far every node is.
#[must_use]
pub fn nodes(nodes: &[SeenNode], width: Option<usize>) -> String {
    let rows = nodes.iter().flat_map(|node| match &node.rotation {
        Some(rotation) => rotation.authorities.iter().map(|one| row(&node.name, one)).collect(),
        None => vec![[node.name.clone(), String::new(), "unknown".to_owned(), String::new(), String::new()]],
    });
    table(width, HEADER, rows)
}

/// The steps that come, in order.
#[must_use]
pub fn legs(legs: &[Leg], width: Option<usize>) -> String {
    let rows = legs.iter().map(|leg| [leg.phase.to_string(), leg.authorities.join(", "), leg.nodes.join(", ")]);
    table(width, ["STEP", "AUTHORITIES", "NODES"], rows)
}

/// What comes next, a line each.
#[must_use]
pub fn afterwards(conducted: &Conducted) -> Vec<String> {
    let mut lines = Vec::new();
    if conducted.goals.iter().any(|(goal, _)| *goal == Goal::Forward) {
        let (finish, abort) = (command(["kubepki", "rotate", "finish"]), command(["kubepki", "rotate", "abort"]));
        lines.push(format!("the new CA signs, and both are trusted: when all clients outside of the cluster have it, {finish}; to go back, {abort}"));
    }
    for hash in &conducted.discovery_hashes {
        lines.push(format!("kubeadm join --discovery-token-ca-cert-hash {hash}"));
    }
    lines
}

const HEADER: [&str; 5] = ["NODE", "AUTHORITY", "STAGE", "TRUSTED", "LEFT TO DO"];

fn authorities(node: &str, all: &[AuthorityRotation], width: Option<usize>) -> String {
    table(width, HEADER, all.iter().map(|one| row(node, one)))
}

fn row(node: &str, one: &AuthorityRotation) -> [String; 5] {
    [node.to_owned(), one.name.clone(), one.stage.as_str().to_owned(), anchors(&one.trusted), one.behind.join("; ")]
}
