//! Which CA signs what, as a picture: CAs on the left, what each has signed on the right.
//!
//! In: the nodes of a page. Out: a [`Trust`], plain data with places; an SVG of it, which needs no style. A CA is one by its
//! subject and its key, on however many nodes it is; certificates of one name that one CA signed are one box with their number.
//! Issuers are found by their names; those of which a finding says that the chain does not hold are a box of their own, and its line
//! is broken.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use serde::Serialize;

use super::shown::{Shown, Standing};
use super::{Node, Page};
use crate::audit::{FindingCode, SeenCertificate};
use crate::report::certificate::{State, States};
use crate::text::counted;

/// So many CAs are drawn.
pub const MOST: usize = 24;

/// The CAs and what they have signed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Trust {
    /// On the left.
    pub authorities: Vec<Authority>,
    /// On the right.
    pub signed: Vec<Signed>,
    /// How many CAs there are besides.
    pub left_out: usize,
}

/// A CA.
#[derive(Clone, Debug, Serialize)]
pub struct Authority {
    /// Its subject.
    pub subject: String,
    /// The SHA-256 of its key; empty for an issuer whose certificate was not seen.
    pub public_key_sha256: String,
    /// On how many nodes it is, or signed something.
    pub nodes: usize,
    /// Its state in a word; `not seen` where its certificate was not.
    pub state: &'static str,
    /// The colour of that state.
    pub colour: &'static str,
    /// Where it is drawn, in rows from the top.
    pub row: f64,
}

/// Certificates of one name that one CA has signed.
#[derive(Clone, Debug, Serialize)]
pub struct Signed {
    /// The CA: its place among them.
    pub authority: usize,
    /// Their name.
    pub name: String,
    /// How many.
    pub count: usize,
    /// Whether they are CAs.
    pub is_ca: bool,
    /// The worst state of them in a word.
    pub state: &'static str,
    /// The colour of that state.
    pub colour: &'static str,
    /// Whether a chain does not hold.
    pub is_broken: bool,
    /// Where they are drawn, in rows from the top.
    pub row: usize,
}

/// A CA by its subject and its key.
type Key<'p> = (&'p str, &'p str);

/// What is gathered of a CA.
struct Gathered<'p> {
    state: Option<State>,
    nodes: BTreeSet<usize>,
    first: usize,
    signed: Vec<(&'p str, Group)>,
}

#[derive(Clone, Copy)]
struct Group {
    count: usize,
    is_ca: bool,
    state: State,
    is_broken: bool,
}

fn worse(one: State, other: State) -> State {
    if other.rank() > one.rank() { other } else { one }
}

/// What the CAs of a page have signed; CAs with trouble first, then those of most nodes.
#[must_use]
pub fn trust(page: &Page<'_>, most: usize) -> Trust {
    let mut all: BTreeMap<Key<'_>, Gathered<'_>> = BTreeMap::new();
    for (at, node) in page.nodes.iter().enumerate() {
        gather(&mut all, at, node, &States::of(node.findings, page.now()));
    }
    let mut all: Vec<_> = all.into_iter().collect();
    let trouble = |one: &Gathered<'_>| {
        let signed = one.signed.iter().map(|(_, group)| group.state.rank()).max();
        one.state.map_or(2, State::rank).max(signed.unwrap_or_default())
    };
    if page.nodes.len() > 1 {
        all.sort_by_cached_key(|(_, one)| (Reverse((trouble(one), one.nodes.len())), one.first));
    } else {
        all.sort_by_key(|(_, one)| one.first);
    }
    let left_out = all.len().saturating_sub(most);
    all.truncate(most);
    placed(all, left_out)
}

/// Adds the certificates of a node: each CA, and each certificate to the CA of its issuer's name.
fn gather<'p>(all: &mut BTreeMap<Key<'p>, Gathered<'p>>, at: usize, node: &Node<'p>, states: &States<'_>) {
    // The first of a name counts.
    let of_name = node.certificates.iter().rev().filter(|seen| seen.is_ca);
    let authorities: BTreeMap<&str, &SeenCertificate> = of_name.map(|seen| (seen.subject.as_str(), seen)).collect();
    for seen in node.certificates {
        let state = states.state(seen);
        if seen.is_ca {
            let one = gathered(all, (&seen.subject, &seen.public_key_sha256), at);
            one.state = Some(one.state.map_or(state, |known| worse(known, state)));
        }
        if seen.is_ca && seen.issuer == seen.subject {
            continue;
        }
        let key = authorities.get(seen.issuer.as_str()).map_or("", |issuer| &issuer.public_key_sha256);
        let is_broken = states.about(seen).iter().any(|one| one.code == FindingCode::CertificateUntrusted);
        let signed = &mut gathered(all, (&seen.issuer, key), at).signed;
        // Those whose chain does not hold are a box of their own.
        match signed.iter_mut().find(|(name, group)| *name == seen.name && group.is_broken == is_broken) {
            Some((_, group)) => {
                group.count += 1;
                group.state = worse(group.state, state);
            }
            None => signed.push((&seen.name, Group { count: 1, is_ca: seen.is_ca, state, is_broken })),
        }
    }
}

fn gathered<'a, 'p>(all: &'a mut BTreeMap<Key<'p>, Gathered<'p>>, key: Key<'p>, at: usize) -> &'a mut Gathered<'p> {
    let first = all.len();
    let fresh = || Gathered { state: None, nodes: BTreeSet::new(), first, signed: Vec::new() };
    let one = all.entry(key).or_insert_with(fresh);
    one.nodes.insert(at);
    one
}

/// Gives each its place: what was signed below one another, each CA beside the middle of its own.
fn placed(all: Vec<(Key<'_>, Gathered<'_>)>, left_out: usize) -> Trust {
    let mut trust = Trust { left_out, ..Trust::default() };
    let mut row = 0;
    for (authority, ((subject, key), one)) in all.into_iter().enumerate() {
        let standing = one.state.map(Standing::of_state);
        let rows = one.signed.len().max(1);
        trust.authorities.push(Authority {
            subject: Shown::of(subject).to_string(),
            public_key_sha256: key.to_owned(),
            nodes: one.nodes.len(),
            state: standing.map_or("not seen", |standing| standing.word),
            colour: standing.map_or("currentColor", Standing::colour),
            row: half(2 * row + rows - 1),
        });
        for (at, (name, group)) in one.signed.into_iter().enumerate() {
            let standing = Standing::of_state(group.state);
            trust.signed.push(Signed {
                authority,
                name: Shown::of(name).to_string(),
                count: group.count,
                is_ca: group.is_ca,
                state: standing.word,
                colour: standing.colour(),
                is_broken: group.is_broken,
                row: row + at,
            });
        }
        // A gap, so that it is seen where the next begins.
        row += rows + 1;
    }
    trust
}

fn half(rows: usize) -> f64 {
    f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / 2.0
}

#[derive(Template)]
#[template(path = "trust.svg", escape = "html")]
struct Picture {
    height: usize,
    description: String,
    authorities: Vec<Box>,
    signed: Vec<Box>,
    note: String,
    note_y: usize,
}

struct Box {
    label: Shown,
    whole: Shown,
    second: Shown,
    y: f64,
    from_y: f64,
    colour: &'static str,
    is_dashed: bool,
}

#[derive(Template)]
#[template(path = "trust_narrow.svg", escape = "html")]
struct Narrow {
    height: usize,
    description: String,
    authorities: Vec<Box>,
    signed: Vec<Box>,
    note: String,
    note_y: usize,
}

const ROW: f64 = 26.0;

/// The SVG.
#[must_use]
pub fn svg(trust: &Trust) -> String {
    // Writing to a string cannot fail.
    drawn(trust).render().unwrap_or_default()
}

/// The same for a phone: each CA above what it signs.
#[must_use]
pub fn narrow_svg(trust: &Trust) -> String {
    let Picture { description, mut authorities, mut signed, note, .. } = drawn(trust);
    let mut y = 4.0;
    for (at, authority) in authorities.iter_mut().enumerate() {
        authority.y = y;
        y += 42.0;
        for (_, one) in trust.signed.iter().zip(&mut signed).filter(|(one, _)| one.authority == at) {
            (one.from_y, one.y) = (authority.y, y);
            y += ROW;
        }
        y += 12.0;
    }
    let rows = trust.signed.len() * 26 + trust.authorities.len() * 54;
    let height = rows + if note.is_empty() { 8 } else { 32 };
    Narrow { height, description, authorities, signed, note, note_y: rows + 20 }.render().unwrap_or_default()
}

fn drawn(trust: &Trust) -> Picture {
    let y = |row: f64| 8.0 + row * ROW;
    let authority = |one: &Authority| {
        let nodes = if one.nodes > 1 { format!(", on {}", counted(one.nodes, "node")) } else { String::new() };
        let key = one.public_key_sha256.chars().take(12).collect::<String>();
        let key = if key.is_empty() { String::new() } else { format!(", key {key}…") };
        Box {
            label: Shown::of(&one.subject).shortened(36),
            whole: Shown::of(format!("{}: {}{key}{nodes}", one.subject, one.state)),
            second: Shown::of(format!("{}{nodes}", one.state)),
            y: y(one.row),
            from_y: y(one.row),
            colour: one.colour,
            is_dashed: one.public_key_sha256.is_empty(),
        }
    };
    let signed = |one: &Signed| {
        let times = if one.count > 1 { format!(" × {}", one.count) } else { String::new() };
        let kind = if one.is_ca { " (CA)" } else { "" };
        let state = if one.is_broken { "this CA did not sign it" } else { one.state };
        Box {
            label: Shown::of(&one.name).shortened(34),
            whole: Shown::of(format!("{}{kind}{times}: {state}", one.name)),
            second: Shown::of(match state {
                "ok" => format!("{kind}{times}"),
                state => format!("{kind}{times}, {state}"),
            }),
            y: y(half(2 * one.row)),
            from_y: trust.authorities.get(one.authority).map_or(0.0, |from| y(from.row)),
            colour: one.colour,
            is_dashed: one.is_broken,
        }
    };
    let rows = trust.signed.last().map_or(0, |one| one.row + 1).max(trust.authorities.len() * 2);
    let height = rows * 26 + 24;
    Picture {
        height: if trust.left_out > 0 { height + 20 } else { height },
        description: description(trust),
        authorities: trust.authorities.iter().map(authority).collect(),
        signed: trust.signed.iter().map(signed).collect(),
        note: if trust.left_out > 0 {
            format!("{} more are not drawn", counted(trust.left_out, "CA"))
        } else {
            String::new()
        },
        note_y: height + 6,
    }
}

/// What the picture says, in words.
fn description(trust: &Trust) -> String {
    let of = |(at, one): (usize, &Authority)| {
        let count: usize = trust.signed.iter().filter(|signed| signed.authority == at).map(|signed| signed.count).sum();
        format!("{} signs {}", one.subject, counted(count, "certificate"))
    };
    let all: Vec<_> = trust.authorities.iter().enumerate().map(of).take(12).collect();
    if all.is_empty() { "no CA was seen".to_owned() } else { all.join("; ") }
}
