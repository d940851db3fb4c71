//! Plans of restarts as tables.
//!
//! In: a plan. Out: a row for each port of each component: what is served there, and what is on disk.

use super::table;
use crate::plan::restart::{ComponentPlan, EndpointPlan, LiveCertificate, RestartAction, RestartPlan, Way};

/// The plan as a table that fits a width.
#[must_use]
pub fn text(plan: &RestartPlan, width: Option<usize>) -> String {
    let header = ["NAME", "ACTION", "HOW", "PORT", "SERVED", "ON DISK", "REASON"];
    table(width, header, plan.components.iter().flat_map(rows))
}

fn rows(component: &ComponentPlan) -> Vec<[String; 7]> {
    let reasons: Vec<_> =
        component.reasons.iter().chain(&component.awaited).chain(&component.way_reason).map(String::as_str).collect();
    let mut ports: Vec<_> = component.endpoints.iter().map(port).collect();
    if ports.is_empty() {
        ports.push(Default::default());
    }
    let row = |(number, [address, served, on_disk]): (usize, [String; 3])| {
        // What concerns the whole component stands beside its first port.
        let [name, action, how, reason] = if number > 0 {
            Default::default()
        } else {
            let way = component.way.map(way).unwrap_or_default();
            [component.name.clone(), action(component.action).into(), way.into(), reasons.join("; ")]
        };
        [name, action, how, address, served, on_disk, reason]
    };
    ports.into_iter().enumerate().map(row).collect()
}

fn port(endpoint: &EndpointPlan) -> [String; 3] {
    let on_disk = match (&endpoint.on_disk, &endpoint.path) {
        (Some(seen), _) => certificate(seen),
        (None, None) => "(in memory)".into(),
        (None, Some(_)) => String::new(),
    };
    let served = endpoint.served.as_ref().map_or_else(|| "(not seen)".into(), certificate);
    [endpoint.address.clone(), served, on_disk]
}

fn certificate(seen: &LiveCertificate) -> String {
    format!("{} until {}", seen.serial, seen.not_after.format("%Y-%m-%d %H:%M"))
}

/// What happens to a component, in a word.
#[must_use]
pub const fn action(action: RestartAction) -> &'static str {
    match action {
        RestartAction::Restart => "restart",
        RestartAction::Keep => "keep",
        RestartAction::Skip => "skip",
        RestartAction::Blocked => "blocked",
    }
}

/// How it is restarted, in words.
#[must_use]
pub const fn way(way: Way) -> &'static str {
    match way {
        Way::InPlace => "in place",
        Way::Runtime => "runtime",
        Way::Manifest => "manifest",
        Way::AroundEtcd => "around etcd",
        Way::Service => "service",
    }
}
