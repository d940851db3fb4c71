//! Findings by cause: all of one code and severity together, and within it those with one remedy.
//!
//! In: the nodes of a page. Out: causes, the worst first; each with what its code means, where it is, and what to do once for
//! all places that need the same.

use std::collections::{BTreeMap, BTreeSet};

use super::Page;
use super::shown::{Shown, Standing};
use crate::audit::advice::rank;
use crate::audit::{Finding, FindingCode, RequestFault, Severity};
use crate::error::{Code, Declaration, Declared as _};
use crate::kubeconfig::Mismatch;
use crate::report::cell;
use crate::store::StoreError;
use crate::text::counted;
use crate::x509::X509Error;

/// So many places stand above a remedy, and so many remedies below a cause; the rest is folded.
const FIRST: usize = 8;

/// So many where there is little room.
const FEW: usize = 3;

/// All that is wrong by one code, as bad as it is.
#[derive(Debug)]
pub(super) struct Cause {
    pub(super) id: String,
    pub(super) code: Code,
    pub(super) standing: Standing,
    pub(super) count: String,
    pub(super) meaning: Shown,
    pub(super) source: Shown,
    pub(super) groups: Vec<Remedy>,
    pub(super) more: Vec<Remedy>,
}

/// What to do, and where.
#[derive(Debug)]
pub(super) struct Remedy {
    pub(super) pieces: Vec<Piece>,
    pub(super) first: Vec<Place>,
    pub(super) rest: Vec<Place>,
}

/// A piece of a remedy: words, or a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: Shown,
    pub(super) is_command: bool,
}

impl Piece {
    /// Its words, and whether each stays on one line: options do, long paths cannot.
    pub(super) fn words(&self) -> impl Iterator<Item = (Shown, bool)> {
        let text = self.text.to_string();
        let words: Vec<_> = text.split(' ').map(|word| (Shown::of(word), word.starts_with('-'))).collect();
        words.into_iter()
    }
}

impl Cause {
    /// Some of it, for where there is little room.
    pub(super) fn few(&self) -> impl Iterator<Item = &Remedy> {
        self.groups.iter().take(FEW)
    }
}

impl Remedy {
    /// Some of it, for where there is little room.
    pub(super) fn few(&self) -> impl Iterator<Item = &Place> {
        self.first.iter().take(FEW)
    }
}

/// One finding: which nodes, from 1, with a space on either side of each; their names where the page has several.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) trees: String,
    pub(super) node: Shown,
    pub(super) subject: Shown,
    pub(super) evidence: Shown,
    pub(super) path: Shown,
}

/// What makes findings one cause.
type Key = (Severity, Code);

/// A finding, and the nodes that it is about.
struct Found<'p> {
    finding: &'p Finding,
    nodes: Vec<usize>,
}

/// The causes of a page, the worst first, then what others follow from, then those of most nodes.
pub(super) fn causes(page: &Page<'_>) -> Vec<Cause> {
    let mut all: BTreeMap<Key, Vec<Found<'_>>> = BTreeMap::new();
    for found in found(page) {
        all.entry((found.finding.severity, found.finding.code)).or_default().push(found);
    }
    let nodes_of = |found: &[Found<'_>]| found.iter().flat_map(|one| &one.nodes).collect::<BTreeSet<_>>().len();
    let first = |found: &[Found<'_>]| found.iter().map(|one| rank(one.finding)).min();
    let mut all: Vec<_> = all.into_iter().map(|(key, found)| (key, nodes_of(&found), found)).collect();
    all.sort_by_key(|((severity, code), nodes, found)| {
        (std::cmp::Reverse(*severity), first(found), std::cmp::Reverse(*nodes), *code)
    });
    let has_many = page.nodes.len() > 1;
    let cause = |(at, (key, nodes, found)): (usize, (Key, usize, Vec<Found<'_>>))| {
        let (severity, code) = key;
        let findings = counted(found.len(), "finding");
        let declared = declared(code);
        let mut groups = remedies(page, &found);
        let more = folded(&mut groups);
        Cause {
            id: format!("cause-{}", at + 1),
            code,
            standing: Standing::of_severity(severity),
            count: if has_many { format!("{findings} on {}", counted(nodes, "node")) } else { findings },
            meaning: Shown::of(declared.map_or_else(String::new, |one| plain(one.meaning))),
            source: Shown::of(declared.map_or_else(String::new, |one| plain(one.source))),
            groups,
            more,
        }
    };
    all.into_iter().enumerate().map(cause).collect()
}

/// Those of each node, then those of several together.
fn found<'p>(page: &'p Page<'_>) -> Vec<Found<'p>> {
    let places: BTreeMap<&str, usize> = page.nodes.iter().enumerate().map(|(at, node)| (node.key(), at)).collect();
    let of_each = page
        .nodes
        .iter()
        .enumerate()
        .flat_map(|(at, node)| node.findings.iter().map(move |finding| Found { finding, nodes: vec![at] }));
    let together = page.across.iter().map(|across| Found {
        finding: across.finding,
        nodes: across.nodes.iter().filter_map(|name| places.get(name.as_str()).copied()).collect(),
    });
    of_each.chain(together).collect()
}

/// Those with one remedy together, the most first.
fn remedies(page: &Page<'_>, found: &[Found<'_>]) -> Vec<Remedy> {
    let mut by_remedy: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
    for Found { finding, nodes } in found {
        by_remedy.entry(&finding.remedy).or_default().push(Place {
            trees: format!(" {} ", nodes.iter().map(|at| (at + 1).to_string()).collect::<Vec<_>>().join(" ")),
            node: if page.nodes.len() > 1 { names(page, nodes) } else { Shown::default() },
            subject: Shown::of(&finding.subject),
            evidence: Shown::of(&finding.evidence),
            path: Shown::of(finding.path.as_deref().map(cell::path).unwrap_or_default()),
        });
    }
    let group = |(remedy, mut first): (&str, Vec<Place>)| {
        let rest = folded(&mut first);
        Remedy { pieces: pieces(remedy), first, rest }
    };
    let mut groups: Vec<_> = by_remedy.into_iter().map(group).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.first.len() + group.rest.len()));
    groups
}

/// Takes off what is folded; a fold is never longer than what is behind it.
fn folded<T>(list: &mut Vec<T>) -> Vec<T> {
    if list.len() > FIRST + 2 { list.split_off(FIRST) } else { Vec::new() }
}

/// The names of nodes, as many as can be read.
fn names(page: &Page<'_>, nodes: &[usize]) -> Shown {
    let all: Vec<_> = nodes.iter().filter_map(|at| page.nodes.get(*at)).map(|node| node.name.as_str()).collect();
    let more = all.len().saturating_sub(FIRST);
    let said = all.iter().take(FIRST).copied().collect::<Vec<_>>().join(", ");
    Shown::of(if more > 0 { format!("{said} and {more} more") } else { said })
}

/// A remedy in pieces: its commands stand between backquotes.
fn pieces(remedy: &str) -> Vec<Piece> {
    let piece = |(at, text): (usize, &str)| Piece { text: Shown::of(text), is_command: at % 2 == 1 };
    remedy.split('`').enumerate().filter(|(_, text)| !text.is_empty()).map(piece).collect()
}

fn declared(code: Code) -> Option<&'static Declaration> {
    let sets = [
        FindingCode::DECLARATIONS,
        StoreError::DECLARATIONS,
        X509Error::DECLARATIONS,
        Mismatch::DECLARATIONS,
        RequestFault::DECLARATIONS,
    ];
    sets.into_iter().flatten().find(|one| one.code == code)
}

/// A declaration's text without its Markdown: links by their words, code without backquotes.
fn plain(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('[') {
        said.push_str(before);
        let link = from.split_once("](").and_then(|(words, after)| Some((words, after.split_once(')')?.1)));
        let Some((words, after)) = link.filter(|(words, _)| !words.contains([']', '['])) else {
            said.push('[');
            rest = from;
            continue;
        };
        said.push_str(words);
        rest = after;
    }
    said.push_str(rest);
    said.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_words_and_commands() {
        let shown: Vec<_> =
            pieces("run `a b`, then `c`").iter().map(|one| (one.text.to_string(), one.is_command)).collect();
        let expected = [("run ", false), ("a b", true), (", then ", false), ("c", true)];
        assert_eq!(shown, expected.map(|(text, is_command)| (text.to_owned(), is_command)));
    }

    #[test]
    fn a_meaning_is_said_without_its_markdown() {
        assert_eq!(plain("one of [Go's rules](go-rules.md) of `x[1]` [open"), "one of Go's rules of x[1] [open");
    }
}
