//! Reports that were made elsewhere: what Ansible's role `audit` collects, what `check -o json` and `audit -o json` print.
//!
//! In: a JSON file, or one with a value on each line. Out: a [`TreeReport`] of each host. What it says is believed, and
//! nothing of it is judged again.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::error::AuditError;
use super::{TreeKind, TreeReport};
use crate::audit::node::{Status, status};
use crate::audit::{Finding, SeenCertificate, Severity};
use crate::error::Diagnostic as _;
use crate::ops::check::CheckReport;

/// What the role writes of one host.
#[derive(Deserialize)]
struct Host {
    #[serde(rename = "host")]
    name: String,
    status: Status,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    checked_at: String,
    #[serde(default)]
    certificates: Vec<Value>,
    #[serde(default)]
    findings: Vec<Value>,
}

// Messages do not quote the value: a file named by mistake may hold keys.
const NOT_OF_A_TREE: &str = "a tree in it is none that `kubepki audit` has written";
const NOT_OF_A_CHECK: &str = "it is not a report written by `kubepki check`";
const NOT_OF_A_HOST: &str = "a host in it is none that the role audit has written";

/// What the findings of a report make of it, whatever it says itself.
fn worst(report: &CheckReport) -> Status {
    status(&report.certificates, &report.findings)
}

/// Every report of a file.
pub(super) fn read(path: &Path, content: &[u8], now: DateTime<Utc>) -> Result<Vec<TreeReport>, AuditError> {
    let bad = |reason: String| AuditError::BadReport { path: path.to_owned(), reason };
    let mut reports = Vec::new();
    let mut is_empty = true;
    for value in serde_json::Deserializer::from_slice(content).into_iter::<Value>() {
        let value =
            value.map_err(|error| bad(format!("it is not JSON (line {}, column {})", error.line(), error.column())))?;
        is_empty = false;
        reports.extend(of_value(path, value, now).map_err(bad)?);
    }
    if is_empty { Err(bad("it is empty".to_owned())) } else { Ok(reports) }
}

fn of_value(path: &Path, mut value: Value, now: DateTime<Utc>) -> Result<Vec<TreeReport>, String> {
    let part = |part: Value| {
        let tree: TreeReport = serde_json::from_value(part).map_err(|_| NOT_OF_A_TREE.to_owned())?;
        let found = tree.report.as_ref().map_or(Status::Unknown, worst);
        Ok(tree.at_least(found))
    };
    if let Some(Value::Array(trees)) = value.get_mut("trees").map(Value::take) {
        return trees.into_iter().map(part).collect();
    }
    if let Some(Value::Array(hosts)) = value.get_mut("hosts").map(Value::take) {
        return Ok(hosts.into_iter().map(|host| of_host(path, host, now)).collect());
    }
    if value.get("kind").is_some() && value.get("path").is_some() {
        return part(value).map(|tree| vec![tree]);
    }
    if value.get("checked_at").is_some() {
        let report: CheckReport = serde_json::from_value(value).map_err(|_| NOT_OF_A_CHECK.to_owned())?;
        let found = worst(&report);
        return Ok(vec![TreeReport::found(path, None, TreeKind::Report, report).at_least(found)]);
    }
    // The last line of an audit says what is wrong between its trees, which is found again.
    if value.get("counts").is_some() {
        return Ok(Vec::new());
    }
    Err("it is none of a check, of an audit, or of the role audit".to_owned())
}

/// A host of the role's report: what it says beyond what is known is passed over.
fn of_host(path: &Path, host: Value, now: DateTime<Utc>) -> TreeReport {
    let bad = |member: Option<String>, reason: String| {
        let fault = AuditError::BadReport { path: path.to_owned(), reason }.fault();
        TreeReport::unread(path, member, TreeKind::Report, fault)
    };
    let name = host.get("host").and_then(Value::as_str).map(str::to_owned);
    let host: Host = match serde_json::from_value(host) {
        Ok(host) => host,
        Err(_) => return bad(name, NOT_OF_A_HOST.to_owned()),
    };
    if host.status == Status::Unknown && host.certificates.is_empty() && host.findings.is_empty() {
        let fault = AuditError::NotChecked { reason: host.reason }.fault();
        return TreeReport::unread(path, name, TreeKind::Report, fault);
    }
    let certificates: Result<Vec<SeenCertificate>, _> =
        host.certificates.into_iter().map(|one| serde_json::from_value(certificate(one))).collect();
    let findings: Result<Vec<Finding>, _> = host.findings.into_iter().map(serde_json::from_value).collect();
    match (certificates, findings) {
        (Ok(certificates), Ok(mut findings)) => {
            findings.sort_by_key(|finding| std::cmp::Reverse::<Severity>(finding.severity));
            let checked_at = DateTime::parse_from_rfc3339(&host.checked_at).map_or(now, |moment| moment.to_utc());
            let report = CheckReport { checked_at, status: host.status, certificates, findings, warnings: Vec::new() };
            let found = worst(&report);
            TreeReport::found(path, Some(host.name), TreeKind::Report, report).at_least(found)
        }
        (Err(_), _) | (_, Err(_)) => bad(Some(host.name), NOT_OF_A_HOST.to_owned()),
    }
}

/// The role leaves out what an answer does not have; nothing is said of the usages then.
fn certificate(mut seen: Value) -> Value {
    if let Some(fields) = seen.as_object_mut() {
        for name in ["key_usages", "extended_key_usages"] {
            if fields.get(name).is_some_and(Value::is_null) {
                fields.remove(name);
            }
        }
        fields.entry("subject_alt_names").or_insert_with(|| Value::Array(Vec::new()));
    }
    seen
}
