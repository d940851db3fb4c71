//! Nodes and their certificates as a page lists them.
//!
//! In: the nodes of a page, its causes. Out: a [`Tree`] each, the worst first, with a row for each certificate and all that is
//! known of it.

use std::cmp::Reverse;

use super::cause::Cause;
use super::shown::{Shown, Standing, name_of};
use super::{Node, Page};
use crate::audit::node::Status;
use crate::audit::{Finding, SeenCertificate, Severity};
use crate::error::Code;
use crate::report::cell::{path, second};
use crate::report::certificate::{States, left};
use crate::text::counted;

/// A node whose certificates are at most so many is unfolded, where it is alone.
const OPEN: usize = 60;

/// One node.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) id: String,
    pub(super) name: Shown,
    pub(super) standing: Standing,
    pub(super) critical: usize,
    pub(super) warnings: usize,
    pub(super) first: Shown,
    pub(super) facts: Shown,
    pub(super) summary: Shown,
    pub(super) reason: Shown,
    pub(super) place: Shown,
    pub(super) is_open: bool,
    pub(super) is_long: bool,
    pub(super) certificates: Vec<Row>,
}

/// One certificate.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: Shown,
    pub(super) standing: Standing,
    pub(super) ends: String,
    pub(super) left: String,
    pub(super) key: Shown,
    pub(super) details: Vec<(&'static str, Shown)>,
    pub(super) findings: Vec<Link>,
}

/// A code, and the place where its findings are.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: String,
    pub(super) code: Code,
}

/// Puts the worst nodes first; among those that are alike, as they were given.
pub(super) fn worst_first(page: &mut Page<'_>) {
    let order = |status: Status| match status {
        Status::Ok => 0,
        Status::Warning => 1,
        Status::Unknown => 2,
        Status::Critical => 3,
    };
    let critical = |node: &Node<'_>| node.findings.iter().filter(|one| one.severity == Severity::Critical).count();
    page.nodes.sort_by_cached_key(|node| Reverse((order(node.status), critical(node), node.findings.len())));
}

/// The nodes of a page, in its order.
pub(super) fn trees(page: &Page<'_>, causes: &[Cause]) -> Vec<Tree> {
    let is_alone = page.nodes.len() == 1;
    let tree =
        |(at, node): (usize, &Node<'_>)| Tree { id: format!("node-{}", at + 1), ..tree(page, node, causes, is_alone) };
    page.nodes.iter().enumerate().map(tree).collect()
}

fn tree(page: &Page<'_>, node: &Node<'_>, causes: &[Cause], is_alone: bool) -> Tree {
    let states = States::of(node.findings, page.now());
    let first = node.certificates.iter().min_by_key(|seen| seen.not_after);
    let first = first.map(|seen| format!("{} ({})", seen.name, left(seen.residual_seconds)));
    let of = |severity| node.findings.iter().filter(|one| one.severity == severity).count();
    let summary = [counted(node.certificates.len(), "certificate"), counted(node.findings.len(), "finding")];
    let facts = (!node.facts.is_empty()).then(|| node.facts.clone());
    let to_end = first.as_ref().map(|first| format!("first to end: {first}"));
    let is_long = node.certificates.len() > OPEN;
    Tree {
        id: String::new(),
        name: Shown::of(&node.name),
        critical: of(Severity::Critical),
        warnings: of(Severity::Warning),
        first: Shown::of(first.unwrap_or_default()),
        facts: Shown::of(if node.reason.is_empty() { &node.facts } else { &node.reason }),
        standing: Standing::of_status(node.status),
        summary: Shown::of(summary.into_iter().chain(to_end).chain(facts).collect::<Vec<_>>().join(", ")),
        reason: Shown::of(&node.reason),
        place: Shown::of(&node.place),
        is_open: is_alone && !is_long,
        is_long,
        certificates: node.certificates.iter().map(|seen| row(seen, &states, causes)).collect(),
    }
}

fn row(seen: &SeenCertificate, states: &States<'_>, causes: &[Cause]) -> Row {
    Row {
        name: name_of(seen),
        standing: Standing::of_state(states.state(seen)),
        ends: seen.not_after.format("%Y-%m-%d %H:%M").to_string(),
        left: left(seen.residual_seconds),
        key: Shown::of(&seen.key),
        details: details(seen),
        findings: links(states.about(seen), causes),
    }
}

/// What there is to say of a certificate; what it does not have is left out.
fn details(seen: &SeenCertificate) -> Vec<(&'static str, Shown)> {
    let usages: Vec<_> = seen.key_usages.iter().map(ToString::to_string).collect();
    let extended: Vec<_> = seen.extended_key_usages.iter().map(ToString::to_string).collect();
    let all = [
        ("Subject", seen.subject.clone()),
        ("Issuer", seen.issuer.clone()),
        ("Alternative names", seen.subject_alt_names.join(", ")),
        ("Valid", format!("{} to {}", second(seen.not_before), second(seen.not_after))),
        ("Serial number", seen.serial.clone()),
        ("Key usage", usages.join(", ")),
        ("Extended key usage", extended.join(", ")),
        ("Public key SHA-256", seen.public_key_sha256.clone()),
        ("File", path(&seen.path)),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, Shown::of(text))).collect()
}

/// Where the page has these findings, each place once.
fn links(findings: &[&Finding], causes: &[Cause]) -> Vec<Link> {
    let has = |cause: &&Cause| {
        let is_it = |one: &&Finding| one.code == cause.code && Standing::of_severity(one.severity) == cause.standing;
        findings.iter().any(is_it)
    };
    causes.iter().filter(has).map(|cause| Link { id: cause.id.clone(), code: cause.code }).collect()
}
