//! The whole page.
//!
//! In: a [`Page`]. Out: its document: the sum first, what is wrong by its cause, the two pictures, every certificate.

use std::collections::BTreeSet;

use askama::Template;

use super::cause::{Cause, causes};
use super::listing::{Tree, trees, worst_first};
use super::shown::{Shown, Standing};
use super::timeline::{self, timeline};
use super::trust::{self, trust};
use super::{Page, source};
use crate::audit::{SeenCertificate, Severity};
use crate::report::cell::second;
use crate::report::certificate::{States, left};
use crate::text::counted;

const STYLE: &str = include_str!("../../../templates/page.css");
const SCRIPT: &str = include_str!("../../../templates/page.js");

/// So many nodes stand in the table; the rest is folded.
const FIRST_NODES: usize = 25;

#[derive(Template)]
#[template(path = "page.html", whitespace = "preserve")]
struct Document {
    policy: String,
    version: &'static str,
    title: Shown,
    standing: Standing,
    summary: String,
    moment: String,
    machine_moment: String,
    tallies: Vec<Tally>,
    severities: Vec<&'static str>,
    codes: BTreeSet<String>,
    has_many: bool,
    causes: Vec<Cause>,
    timeline: String,
    narrow_timeline: String,
    trust: String,
    narrow_trust: String,
    trees: Vec<Tree>,
    style: &'static str,
    script: &'static str,
}

/// A number and what it counts.
struct Tally {
    number: usize,
    label: String,
    class: &'static str,
}

/// The page's document.
#[must_use]
pub fn page(mut page: Page<'_>) -> String {
    worst_first(&mut page);
    let causes = causes(&page);
    let trees = trees(&page, &causes);
    let is_there = |severity: &Severity| number_of(&page, *severity) > 0;
    let severities = [Severity::Critical, Severity::Warning, Severity::Info].into_iter().filter(is_there);
    let (timeline, trust) = (timeline(&page, timeline::MOST), trust(&page, trust::MOST));
    let document = Document {
        policy: format!(
            "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            source(STYLE),
            source(SCRIPT)
        ),
        version: env!("CARGO_PKG_VERSION"),
        title: Shown::of(&page.title),
        standing: Standing::of_status(page.status),
        summary: summary(&page),
        moment: page.made_at.map(second).unwrap_or_default(),
        machine_moment: page.now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        tallies: tallies(&page),
        severities: severities.map(|severity| Standing::of_severity(severity).word).collect(),
        codes: causes.iter().map(|cause| cause.code.to_string()).collect(),
        has_many: page.nodes.len() > 1,
        timeline: timeline::svg(&timeline),
        narrow_timeline: timeline::narrow_svg(&timeline),
        trust: trust::svg(&trust),
        narrow_trust: trust::narrow_svg(&trust),
        causes,
        trees,
        style: STYLE,
        script: SCRIPT,
    };
    // Writing to a string cannot fail.
    document.render().unwrap_or_default()
}

fn certificates<'p>(page: &'p Page<'_>) -> impl Iterator<Item = &'p SeenCertificate> {
    page.nodes.iter().flat_map(|node| node.certificates)
}

/// How many findings are that bad.
fn number_of(page: &Page<'_>, severity: Severity) -> usize {
    let of_each = page.nodes.iter().flat_map(|node| node.findings);
    of_each.chain(page.across.iter().map(|one| one.finding)).filter(|one| one.severity == severity).count()
}

/// How much was looked at, and what ends first.
fn summary(page: &Page<'_>) -> String {
    let mut parts = vec![counted(certificates(page).count(), "certificate")];
    if page.nodes.len() > 1 {
        parts.insert(0, counted(page.nodes.len(), "node"));
    }
    let first = page.nodes.iter().flat_map(|node| node.certificates.iter().map(move |seen| (node, seen)));
    if let Some((node, seen)) = first.min_by_key(|(_, seen)| seen.not_after) {
        let place = if page.nodes.len() > 1 { format!(" of {}", node.name) } else { String::new() };
        parts.push(format!("the first to end is {}{place} ({})", seen.name, left(seen.residual_seconds)));
    }
    Shown::of(parts.join(", ")).to_string()
}

/// Findings by severity, nodes that are not well, certificates that have expired or soon will.
fn tallies(page: &Page<'_>) -> Vec<Tally> {
    let mut all = Vec::new();
    for severity in [Severity::Critical, Severity::Warning, Severity::Info] {
        let standing = Standing::of_severity(severity);
        let number = number_of(page, severity);
        let label = format!("{} finding{}", standing.word, if number == 1 { "" } else { "s" });
        all.push(Tally { number, label, class: standing.class });
    }
    let states: Vec<_> = page
        .nodes
        .iter()
        .flat_map(|node| {
            let states = States::of(node.findings, page.now());
            node.certificates.iter().map(move |seen| states.state(seen).word()).collect::<Vec<_>>()
        })
        .collect();
    for (word, one, many, class) in [
        ("expired", "certificate expired", "certificates expired", "critical"),
        ("expires soon", "certificate expires soon", "certificates expire soon", "warning"),
    ] {
        let number = states.iter().filter(|state| **state == word).count();
        all.push(Tally { number, label: if number == 1 { one } else { many }.to_owned(), class });
    }
    if page.nodes.len() > 1 {
        let is_well = |standing: Standing| standing.class == "ok";
        let number = page.nodes.iter().filter(|node| is_well(Standing::of_status(node.status))).count();
        all.push(Tally { number, label: format!("of {} nodes ok", page.nodes.len()), class: "ok" });
    }
    all.retain(|tally| tally.number > 0 || tally.class == "ok");
    all
}
