//! When certificates end, as a picture: one bar each from its first moment to its last, the first to end on top.
//!
//! In: the nodes of a page. Out: a [`Timeline`], plain data; an SVG of it, which needs no style: its text has the colour of the text
//! around it, so that it can be read on a light and on a dark ground. A CA's ten years would make days invisible: the axis is as
//! long as what is not a CA, and a longer bar ends in an arrow.

use askama::Template;
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use serde::Serialize;

use super::Page;
use super::shown::{Shown, Standing, name_of};
use crate::audit::SeenCertificate;
use crate::report::certificate::{States, left};
use crate::text::counted;

/// So many bars are drawn.
pub const MOST: usize = 40;

/// The bars and the axis below them.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// The moment for which it holds.
    pub now: DateTime<Utc>,
    /// Where the axis begins.
    pub from: DateTime<Utc>,
    /// Where it ends.
    pub until: DateTime<Utc>,
    /// The first to end, at most [`MOST`].
    pub bars: Vec<Bar>,
    /// How many certificates there are besides.
    pub left_out: usize,
    /// How many of all end within which time.
    pub spans: Vec<Span>,
}

/// One certificate.
#[derive(Clone, Debug, Serialize)]
pub struct Bar {
    /// Its node, where there are several.
    pub node: String,
    /// Its name.
    pub name: String,
    /// Its state in a word.
    pub state: &'static str,
    /// The colour of that state.
    pub colour: &'static str,
    /// Its first moment.
    pub not_before: DateTime<Utc>,
    /// Its last moment.
    pub not_after: DateTime<Utc>,
    /// What is left of it, in words.
    pub left: String,
}

/// How many certificates end within a time.
#[derive(Clone, Debug, Serialize)]
pub struct Span {
    /// The time.
    pub label: &'static str,
    /// How many certificates.
    pub count: usize,
}

/// The timeline of a page.
#[must_use]
pub fn timeline(page: &Page<'_>, most: usize) -> Timeline {
    let mut all: Vec<(usize, &SeenCertificate)> = page
        .nodes
        .iter()
        .enumerate()
        .flat_map(|(at, node)| node.certificates.iter().map(move |seen| (at, seen)))
        .collect();
    all.sort_by_key(|(at, seen)| (seen.not_after, *at));
    let states: Vec<_> = page.nodes.iter().map(|node| States::of(node.findings, page.now())).collect();
    let has_many = page.nodes.len() > 1;
    let bar = |(at, seen): &(usize, &SeenCertificate)| {
        let standing = states
            .get(*at)
            .map_or(Standing::of_severity(crate::audit::Severity::Info), |of| Standing::of_state(of.state(seen)));
        let node = page.nodes.get(*at).filter(|_| has_many).map(|node| Shown::of(&node.name).to_string());
        Bar {
            node: node.unwrap_or_default(),
            name: name_of(seen).to_string(),
            state: standing.word,
            colour: standing.colour(),
            not_before: seen.not_before,
            not_after: seen.not_after,
            left: left(seen.residual_seconds),
        }
    };
    let drawn: Vec<_> = all.iter().take(most).collect();
    let (from, until) = axis(page.now(), &drawn.iter().map(|(_, seen)| *seen));
    Timeline {
        now: page.now(),
        from,
        until,
        bars: drawn.into_iter().map(bar).collect(),
        left_out: all.len().saturating_sub(most),
        spans: spans(all.iter().map(|(_, seen)| seen.residual_seconds)),
    }
}

/// As long as the validity of what is no CA, at most two years to either side.
fn axis<'s>(
    now: DateTime<Utc>,
    all: &(impl Iterator<Item = &'s SeenCertificate> + Clone),
) -> (DateTime<Utc>, DateTime<Utc>) {
    let leaves = || all.clone().filter(|seen| !seen.is_ca);
    let (month, longest) = (TimeDelta::days(30), TimeDelta::days(730));
    let first = leaves().map(|seen| seen.not_before).min().unwrap_or(now - month * 12);
    let last = leaves().map(|seen| seen.not_after).max().unwrap_or(now + month * 12);
    let from = first.clamp(now - longest, now - month);
    let until = last.clamp(now + month, now + longest);
    (from, until + (until - from) / 25)
}

fn spans(residual_seconds: impl Iterator<Item = i64>) -> Vec<Span> {
    const DAY: i64 = 86_400;
    let bounds = [
        ("expired", 0),
        ("7 days", 7 * DAY),
        ("30 days", 30 * DAY),
        ("90 days", 90 * DAY),
        ("a year", 366 * DAY),
        ("three years", 3 * 366 * DAY),
        ("later", i64::MAX),
    ];
    let mut counts = bounds.map(|(label, _)| Span { label, count: 0 });
    for left in residual_seconds {
        let at = bounds.iter().position(|(_, bound)| left < *bound).unwrap_or(bounds.len() - 1);
        counts[at].count += 1;
    }
    counts.to_vec()
}

const HEAD: i64 = 28;

/// How a picture is laid out.
struct Layout {
    /// Where the axis begins, and how long it is.
    axis: (i64, i64),
    /// The height of a row, its text's baseline, and the top of its bar.
    row: (i64, i64, i64),
    /// So many characters of a name are shown.
    label: usize,
}

/// Names beside the bars.
const WIDE: Layout = Layout { axis: (250, 565), row: (22, 15, 5), label: 34 };

/// Names above the bars, for a phone.
const NARROW: Layout = Layout { axis: (4, 384), row: (38, 15, 20), label: 30 };

#[derive(Template)]
#[template(path = "timeline_narrow.svg", escape = "html")]
struct Narrow {
    height: i64,
    description: String,
    bars: Vec<Drawn>,
    ticks: Vec<Tick>,
    now: i64,
    top: i64,
    bottom: i64,
    note: String,
}

#[derive(Template)]
#[template(path = "timeline.svg", escape = "html")]
struct Picture {
    height: i64,
    description: String,
    bars: Vec<Drawn>,
    ticks: Vec<Tick>,
    now: i64,
    top: i64,
    bottom: i64,
    spans: Vec<Column>,
    note: String,
}

struct Drawn {
    label: Shown,
    whole: Shown,
    text_y: i64,
    y: i64,
    x: i64,
    width: i64,
    colour: &'static str,
    is_longer: bool,
    left: String,
}

struct Tick {
    x: i64,
    label: String,
}

struct Column {
    label: &'static str,
    count: usize,
    x: i64,
    y: i64,
    height: i64,
}

/// The SVG.
#[must_use]
pub fn svg(timeline: &Timeline) -> String {
    let spans = if timeline.left_out > 0 { columns(&timeline.spans) } else { Vec::new() };
    let head = if spans.is_empty() { 0 } else { COLUMNS + 44 };
    // Writing to a string cannot fail.
    drawn(timeline, &WIDE, head, spans).render().unwrap_or_default()
}

/// The same for a phone, less wide and higher; without the columns.
#[must_use]
pub fn narrow_svg(timeline: &Timeline) -> String {
    let Picture { height, description, bars, ticks, now, top, bottom, note, .. } =
        drawn(timeline, &NARROW, 0, Vec::new());
    Narrow { height, description, bars, ticks, now, top, bottom, note }.render().unwrap_or_default()
}

fn drawn(timeline: &Timeline, layout: &Layout, head: i64, spans: Vec<Column>) -> Picture {
    let (from, length) = layout.axis;
    let (row, baseline, bar_top) = layout.row;
    let place = |moment: DateTime<Utc>| {
        let (span, part) =
            ((timeline.until - timeline.from).num_seconds().max(1), (moment - timeline.from).num_seconds());
        from + part.clamp(0, span) * length / span
    };
    let mut y = head + HEAD;
    let mut bars = Vec::new();
    for bar in &timeline.bars {
        let (x, end) = (place(bar.not_before), place(bar.not_after));
        let whole = if bar.node.is_empty() { bar.name.clone() } else { format!("{}: {}", bar.node, bar.name) };
        bars.push(Drawn {
            label: Shown::of(&whole).shortened(layout.label),
            whole: Shown::of(format!("{whole}, {}", ends(bar))),
            text_y: y + baseline,
            y: y + bar_top,
            x,
            width: (end - x).max(3),
            colour: bar.colour,
            is_longer: bar.not_after > timeline.until,
            left: match bar.state {
                "ok" | "expired" => bar.left.clone(),
                state => format!("{}, {state}", bar.left),
            },
        });
        y += row;
    }
    let bottom = y + 4;
    let note = match timeline.left_out {
        0 => String::new(),
        more => format!("{} end later and are not drawn", counted(more, "certificate")),
    };
    Picture {
        height: bottom + if timeline.left_out > 0 { 40 } else { 22 },
        description: description(timeline),
        ticks: ticks(timeline).into_iter().map(|(moment, label)| Tick { x: place(moment), label }).collect(),
        now: place(timeline.now),
        top: head + HEAD + 4,
        bars,
        bottom,
        spans,
        note,
    }
}

fn ends(bar: &Bar) -> String {
    format!("{}, {} to {}", bar.state, bar.not_before.format("%Y-%m-%d"), bar.not_after.format("%Y-%m-%d"))
}

/// What the picture says, in words.
fn description(timeline: &Timeline) -> String {
    let first = timeline.bars.first().map(|bar| format!("; the first to end is {} ({})", bar.name, bar.left));
    let all = counted(timeline.bars.len() + timeline.left_out, "certificate");
    format!("{all}{}. The list of certificates says the same in words.", first.unwrap_or_default())
}

const COLUMNS: i64 = 60;

fn columns(spans: &[Span]) -> Vec<Column> {
    let most = spans.iter().map(|span| span.count).max().unwrap_or_default().max(1);
    let column = |(at, span): (i64, &Span)| {
        let height =
            i64::try_from(span.count.saturating_mul(60) / most).unwrap_or(COLUMNS).max(i64::from(span.count > 0));
        Column { label: span.label, count: span.count, x: 20 + at * 130, y: 18 + COLUMNS - height, height }
    };
    (0..).zip(spans).map(column).collect()
}

/// The first day of every month, quarter or year, so that there are about eight.
fn ticks(timeline: &Timeline) -> Vec<(DateTime<Utc>, String)> {
    let months = (timeline.until - timeline.from).num_days() / 30;
    let step = [1, 2, 3, 6].into_iter().find(|step| months / step <= 9).unwrap_or(12);
    let mut all = Vec::new();
    let mut month = i64::from(timeline.from.year()) * 12 + i64::from(timeline.from.month0());
    loop {
        month += 1;
        let (year, number) = (i32::try_from(month.div_euclid(12)), u32::try_from(month.rem_euclid(12) + 1));
        let (Ok(year), Ok(number)) = (year, number) else { return all };
        let Some(day) = chrono::NaiveDate::from_ymd_opt(year, number, 1) else { return all };
        let moment = day.and_time(chrono::NaiveTime::MIN).and_utc();
        if moment > timeline.until {
            return all;
        }
        if month % step == 0 {
            all.push((moment, moment.format("%Y-%m").to_string()));
        }
    }
}
