//! Who gets in with a certificate, as text: a line for each, those that only the log knows, what the log holds.

use chrono::{DateTime, Utc};

use super::{finding, table};
use crate::audit::access::{AuditLog, Credential, CredentialUse, Power, UnknownCredential};
use crate::ops::access::AccessReport;
use crate::text::{counted, printable};

/// All of it.
#[must_use]
pub fn text(report: &AccessReport, width: Option<usize>) -> String {
    text_with(
        report,
        width,
        finding::grouped(&report.findings).iter().map(|group| finding::group_text(group)).collect(),
    )
}

/// The same with findings that are text already.
#[must_use]
pub fn text_with(report: &AccessReport, width: Option<usize>, findings: Vec<String>) -> String {
    let problems =
        report.problems.iter().map(|fault| printable(&format!("{} [{}]", fault.message, fault.code)).into_owned());
    let parts = known(report, width)
        .into_iter()
        .chain(unknown(&report.unknown, width))
        .chain(report.log.as_ref().map(log))
        .chain(problems)
        .chain(findings);
    let text = parts.collect::<Vec<_>>().join("\n\n");
    if text.is_empty() { "no client certificate was found".to_owned() } else { text }
}

fn known(report: &AccessReport, width: Option<usize>) -> Option<String> {
    if report.credentials.is_empty() {
        return None;
    }
    let rows = &report.credentials;
    if report.log.is_none() {
        let header = ["NAME", "USER", "GROUPS", "CAN", "UNTIL", "KEY"];
        return Some(table(width, header, rows.iter().map(|one| fixed(one, report.looked_at))));
    }
    let header = ["NAME", "USER", "GROUPS", "CAN", "UNTIL", "KEY", "LAST USED", "REQUESTS", "FROM"];
    let with_use = |one: &Credential| {
        let [name, user, groups, can, until, key] = fixed(one, report.looked_at);
        let [last, requests, from] = used(one);
        [name, user, groups, can, until, key, last, requests, from]
    };
    Some(table(width, header, rows.iter().map(with_use)))
}

fn fixed(one: &Credential, now: DateTime<Utc>) -> [String; 6] {
    let is_over = one.not_after < now;
    let until = if is_over { "expired".to_owned() } else { one.not_after.format("%Y-%m-%d").to_string() };
    let key = match (one.has_key, one.is_key_unreadable) {
        (true, _) => "here",
        (false, true) => "not readable",
        (false, false) => "elsewhere",
    };
    [one.name.clone(), one.user.clone(), one.groups.join(","), can(one.power).to_owned(), until, key.to_owned()]
}

fn used(one: &Credential) -> [String; 3] {
    match &one.used {
        Some(used) => seen(used),
        // Neither etcd nor an aggregated API server writes this log.
        None if matches!(one.power, Power::Etcd | Power::AnyUser) => {
            ["not logged".to_owned(), String::new(), String::new()]
        }
        None => ["never".to_owned(), "0".to_owned(), String::new()],
    }
}

fn seen(used: &CredentialUse) -> [String; 3] {
    let mut addresses: Vec<_> = used.addresses.iter().collect();
    addresses.sort_by_key(|(address, requests)| (std::cmp::Reverse(**requests), (*address).clone()));
    let mut from: Vec<_> = addresses.into_iter().map(|(address, _)| address.clone()).collect();
    if used.other_addresses > 0 {
        from.push("others".to_owned());
    }
    [used.last_at.format("%Y-%m-%d %H:%M UTC").to_string(), used.requests.to_string(), from.join(",")]
}

fn unknown(unknown: &[UnknownCredential], width: Option<usize>) -> Option<String> {
    let row = |one: &UnknownCredential| {
        let [last, requests, from] = seen(&one.used);
        let sha256 = one.sha256.get(..16).unwrap_or(&one.sha256).to_owned();
        [sha256, one.used.user.clone(), one.used.groups.join(","), can(one.power).to_owned(), last, requests, from]
    };
    let header = ["IN NO FILE", "USER", "GROUPS", "CAN", "LAST USED", "REQUESTS", "FROM"];
    (!unknown.is_empty()).then(|| table(width, header, unknown.iter().map(row)))
}

fn log(log: &AuditLog) -> String {
    let minute = |moment: DateTime<Utc>| moment.format("%Y-%m-%d %H:%M UTC").to_string();
    let events = usize::try_from(log.events).unwrap_or(usize::MAX);
    let period = match (log.first_at, log.last_at) {
        (Some(first), Some(last)) => format!(" from {} to {}", minute(first), minute(last)),
        _ => String::new(),
    };
    let damaged = match usize::try_from(log.damaged_lines).unwrap_or(usize::MAX) {
        0 => String::new(),
        lines => format!(", {} that cannot be read", counted(lines, "line")),
    };
    let without = log.without_certificate;
    format!("audit log: {}{period}, {without} without a certificate{damaged}", counted(events, "event"))
}

const fn can(power: Power) -> &'static str {
    match power {
        Power::Unrestricted => "everything, unrestricted",
        Power::AnyUser => "be any user",
        Power::Etcd => "all of etcd",
        Power::ClusterAdmin => "everything, by its binding",
        Power::Component => "what its component may",
        Power::Node => "what a node may",
        Power::Bound => "what is bound to it",
    }
}
