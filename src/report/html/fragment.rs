//! A report as notebooks show it: a table and its findings, without a script, as wide as the cell.
//!
//! In: a [`Page`]. Out: one element. What colours there are can be read on a light and on a dark ground; where a viewer takes
//! the style away, as GitHub does, tables and words are left.

use askama::Template;

use super::Page;
use super::cause::{Cause, causes};
use super::listing::{Tree, trees, worst_first};
use super::shown::{Shown, Standing};
use crate::text::counted;

/// So many rows and causes are shown.
const MOST: usize = 30;

#[derive(Template)]
#[template(path = "fragment.html")]
struct Element {
    title: Shown,
    standing: Standing,
    summary: String,
    has_many: bool,
    trees: Vec<Tree>,
    causes: Vec<Cause>,
    note: String,
}

/// The element of a page. Long lists are cut, and it is said.
#[must_use]
pub fn fragment(mut page: Page<'_>) -> String {
    worst_first(&mut page);
    let mut causes = causes(&page);
    let certificates: usize = page.nodes.iter().map(|node| node.certificates.len()).sum();
    let findings = page.nodes.iter().map(|node| node.findings.len()).sum::<usize>() + page.across.len();
    let has_many = page.nodes.len() > 1;
    let mut parts = vec![counted(certificates, "certificate"), counted(findings, "finding")];
    if has_many {
        parts.insert(0, counted(page.nodes.len(), "node"));
    }
    let rows = if has_many { page.nodes.len() } else { certificates };
    let left_out = [
        (rows.saturating_sub(MOST), if has_many { "node" } else { "certificate" }),
        (causes.len().saturating_sub(MOST), "cause"),
    ];
    let note = left_out.into_iter().filter(|(number, _)| *number > 0).map(|(number, noun)| counted(number, noun));
    let note: Vec<_> = note.collect();
    causes.truncate(MOST);
    page.nodes.truncate(MOST);
    let mut trees = trees(&page, &causes);
    for tree in &mut trees {
        tree.certificates.truncate(if has_many { 0 } else { MOST });
    }
    let element = Element {
        title: Shown::of(&page.title),
        standing: Standing::of_status(page.status),
        summary: parts.join(", "),
        has_many,
        trees,
        causes,
        note: note.join(" and "),
    };
    // Writing to a string cannot fail.
    element.render().unwrap_or_default()
}
