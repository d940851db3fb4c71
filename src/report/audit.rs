//! An audit of many trees as text: the sum first, then the worst trees, then what is wrong by its cause.
//!
//! In: reports of trees as they come; what is known of all. Out: [`Digest`], whose size is bounded however many trees come
//! by, and its text.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::moment::ends;
use super::{check, table};
use crate::audit::node::Status;
use crate::audit::{Finding, Severity};
use crate::ops::audit::{FleetFinding, FleetSummary, TreeReport};
use crate::text::{counted, printable};

/// As many trees are shown by name, and as many places of one cause.
const WORST: usize = 20;
const EXAMPLES: usize = 3;

/// As many causes are told from each other: there are fewer codes.
const CAUSES: usize = 1000;

/// What is shown of one tree.
#[derive(Clone, Debug)]
struct Line {
    rank: (u8, usize, usize),
    cells: [String; 6],
    /// Why it could not be read.
    problem: Option<String>,
}

/// Findings of one cause.
#[derive(Clone, Debug, Default)]
struct Cause {
    findings: usize,
    trees: usize,
    /// Where, and what was seen there.
    examples: Vec<(String, Finding)>,
    /// The first of its remedies.
    remedies: Vec<String>,
    /// Whether it has more.
    has_more: bool,
}

/// What is shown of all trees.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    worst: Vec<Line>,
    causes: BTreeMap<(std::cmp::Reverse<Severity>, &'static str), Cause>,
}

impl Digest {
    /// Takes one more tree.
    pub fn add(&mut self, tree: &TreeReport, now: DateTime<Utc>) {
        let findings = tree.report.as_ref().map(|report| report.findings.as_slice()).unwrap_or_default();
        let mut here: BTreeMap<_, usize> = BTreeMap::new();
        for finding in findings {
            *here.entry((std::cmp::Reverse(finding.severity), finding.code.as_str())).or_default() += 1;
        }
        for (key, count) in here {
            if self.causes.len() >= CAUSES && !self.causes.contains_key(&key) {
                continue;
            }
            let cause = self.causes.entry(key).or_default();
            cause.findings += count;
            cause.trees += 1;
            let mut own = findings.iter().filter(|one| (std::cmp::Reverse(one.severity), one.code.as_str()) == key);
            own.clone().for_each(|one| cause.remedy(&one.remedy));
            if let (true, Some(first)) = (cause.examples.len() < EXAMPLES, own.next()) {
                cause.examples.push((tree.place(), first.clone()));
            }
        }
        if tree.status != Status::Ok {
            self.worst.push(line(tree, findings, now));
            if self.worst.len() > 4 * WORST {
                self.keep_worst();
            }
        }
    }

    fn keep_worst(&mut self) {
        // Stable: those that are equally bad stay in the order in which they were found.
        self.worst.sort_by_key(|line| std::cmp::Reverse(line.rank));
        self.worst.truncate(WORST);
    }

    /// All of it.
    #[must_use]
    pub fn text(mut self, summary: &FleetSummary, width: Option<usize>) -> String {
        self.keep_worst();
        let mut parts = vec![printable(&first_line(summary)).into_owned()];
        if !self.worst.is_empty() {
            let header = ["TREE", "STATUS", "NODE", "CRITICAL", "WARNING", "FIRST TO EXPIRE"];
            parts.push(table(width, header, self.worst.iter().map(|line| line.cells.clone())));
            parts.extend(self.worst.iter().filter_map(|line| line.problem.clone()));
            let counts = summary.counts;
            let left = (counts.warning + counts.critical + counts.unknown).saturating_sub(self.worst.len());
            if left > 0 {
                parts.push(format!("and {} more; -o jsonl has all", counted(left, "tree")));
            }
        }
        parts.extend(summary.findings.iter().map(between));
        parts.extend(self.causes.iter().map(|((severity, code), cause)| cause.text(severity.0, code)));
        parts.join("\n\n")
    }
}

impl Cause {
    fn remedy(&mut self, remedy: &str) {
        if self.remedies.iter().any(|known| known == remedy) {
            return;
        }
        if self.remedies.len() < EXAMPLES {
            self.remedies.push(remedy.to_owned());
        } else {
            self.has_more = true;
        }
    }

    fn text(&self, severity: Severity, code: &str) -> String {
        let mut lines = vec![format!(
            "{severity}: {} in {} [{code}]",
            counted(self.findings, "finding"),
            counted(self.trees, "tree")
        )];
        for (place, finding) in &self.examples {
            lines.push(format!("  {place}: {}: {}", finding.subject, finding.evidence));
        }
        if self.trees > self.examples.len() {
            lines.push(format!("  and {} more", counted(self.trees - self.examples.len(), "tree")));
        }
        lines.extend(self.remedies.iter().map(|remedy| format!("  remedy: {remedy}")));
        if self.has_more {
            lines.push(
                "  and other remedies: -o html has all, kubepki check --rootfs TREE those of one tree".to_owned(),
            );
        }
        lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
    }
}

/// One line that says it all, as monitoring shows it.
#[must_use]
pub fn first_line(summary: &FleetSummary) -> String {
    let counts = summary.counts;
    let each =
        [(counts.critical, "critical"), (counts.unknown, "unknown"), (counts.warning, "warning"), (counts.ok, "ok")];
    let each: Vec<_> =
        each.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let between = match summary.findings.len() {
        0 => String::new(),
        count => format!("; {} between trees", counted(count, "finding")),
    };
    format!(
        "{}: {} of {}, {}: {}{between}",
        check::word(summary.status),
        counted(counts.total(), "tree"),
        counted(summary.clusters, "cluster"),
        counted(summary.certificates, "certificate"),
        if each.is_empty() { "nothing was found".to_owned() } else { each.join(", ") },
    )
}

/// What is wrong between trees.
fn between(one: &FleetFinding) -> String {
    let FleetFinding { finding, trees } = one;
    let mut lines = vec![format!("{}: {}: {} [{}]", finding.severity, finding.subject, finding.evidence, finding.code)];
    lines.extend(trees.iter().take(WORST).map(|tree| format!("  tree: {tree}")));
    if trees.len() > WORST {
        lines.push(format!("  and {} more", counted(trees.len() - WORST, "tree")));
    }
    lines.push(format!("  remedy: {}", finding.remedy));
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

fn line(tree: &TreeReport, findings: &[Finding], now: DateTime<Utc>) -> Line {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (critical, warning) = (of(Severity::Critical), of(Severity::Warning));
    let certificates = tree.report.as_ref().map(|report| report.certificates.as_slice()).unwrap_or_default();
    let first = certificates.iter().min_by_key(|seen| seen.not_after);
    let last = first.map(|first| format!("{}, {}", first.name, ends(first.not_after, now))).unwrap_or_default();
    let problem = tree.problem.as_ref().map(|problem| {
        let what = format!("{}: {} [{}]", tree.place(), problem.message, problem.code);
        format!("{}\n  hint: {}", printable(&what), printable(&problem.hint))
    });
    let status = check::word(tree.status).to_lowercase();
    let node = tree.node.clone().unwrap_or_default();
    let cells = [tree.place(), status, node, critical.to_string(), warning.to_string(), last];
    Line { rank: (tree.status.rank(), critical, warning), cells, problem }
}
