//! Plans, and what they changed, as tables.
//!
//! In: a plan, or a report of what one changed. Out: a row for each artefact; where certificates make way for others, with what
//! is there beside what will be.

use std::path::{Path, PathBuf};

use super::cell::{minute, path, paths};
use super::table;
use crate::audit::SeenCertificate;
use crate::ops::apply::{Changed, Report};
use crate::plan::{Artefact, Plan, PlannedFile, Step};
use crate::text::printable;
use crate::x509::CertificateTemplate;

/// The plan as a table that fits a width.
#[must_use]
pub fn text(plan: &Plan, width: Option<usize>) -> String {
    if plan.artefacts.iter().any(|artefact| artefact.current.is_some()) {
        let header = ["NAME", "ACTION", "REASON", "ENDS", "WILL END", "SERIAL", "KEY", "NAMES", "FILES"];
        return table(width, header, plan.artefacts.iter().map(with_current));
    }
    let row = |artefact: &Artefact| {
        [
            artefact.name.clone(),
            artefact.action().to_string(),
            artefact.reason.clone(),
            minute(artefact.expires_at),
            files(artefact),
        ]
    };
    table(width, ["NAME", "ACTION", "REASON", "EXPIRES", "FILES"], plan.artefacts.iter().map(row))
}

fn with_current(artefact: &Artefact) -> [String; 9] {
    let current = artefact.current.as_ref();
    let changes = artefact.step.is_change();
    let only_if = |given: bool, text: &dyn Fn() -> String| if given { text() } else { String::new() };
    let added = names_added(artefact).into_iter().map(|name| format!("+{name}"));
    let removed = names_removed(artefact).into_iter().map(|name| format!("-{name}"));
    [
        artefact.name.clone(),
        artefact.action().to_string().replace('_', " "),
        artefact.reason.clone(),
        minute(current.map(|current| current.not_after)),
        only_if(changes, &|| minute(artefact.expires_at)),
        current.map(|current| current.serial.clone()).unwrap_or_default(),
        only_if(changes, &|| key(artefact, current)),
        added.chain(removed).collect::<Vec<_>>().join(", "),
        only_if(changes, &|| files(artefact)),
    ]
}

/// One artefact: what happens to it and why, and its files, a line each.
#[must_use]
pub fn artefact(artefact: &Artefact) -> String {
    let head = format!("{}: {}, {}", artefact.name, artefact.action(), artefact.reason);
    let files = artefact.files.iter().map(|one| format!("  {}", file(one)));
    let ends = artefact.expires_at.map(|end| format!("  until {}", minute(Some(end))));
    [printable(&head).into_owned()].into_iter().chain(files).chain(ends).collect::<Vec<_>>().join("\n")
}

/// The file's path.
#[must_use]
pub fn file(file: &PlannedFile) -> String {
    printable(&path(&file.path)).into_owned()
}

/// What was changed, as a table that fits a width, and where the files are that made way.
#[must_use]
pub fn report(report: &Report, width: Option<usize>) -> String {
    if report.changed.is_empty() {
        return "nothing was changed".into();
    }
    let row = |changed: &Changed| {
        let serial = changed.serial.clone().unwrap_or_default();
        let files = paths(changed.files.iter().map(PathBuf::as_path));
        [changed.name.clone(), changed.action.to_string(), minute(changed.expires_at), serial, files]
    };
    let changed = table(width, ["NAME", "ACTION", "EXPIRES", "SERIAL", "FILES"], report.changed.iter().map(row));
    let kept = report.backup.as_ref().map(|folder| format!("\n{}", printable(&previous_files(folder))));
    changed + &kept.unwrap_or_default()
}

/// Where the files are that made way.
#[must_use]
pub fn previous_files(backup: &Path) -> String {
    format!("the previous files are kept in {}", backup.display())
}

fn files(artefact: &Artefact) -> String {
    paths(artefact.files.iter().map(|file| file.path.as_path()))
}

fn key(artefact: &Artefact, current: Option<&SeenCertificate>) -> String {
    match (artefact.step.new_key(), current) {
        (None, _) if matches!(artefact.step, Step::Renew { .. } | Step::RenewAuthority(_)) => "kept".into(),
        (None, _) => String::new(),
        (Some(new), Some(current)) if current.key != new.as_str() => format!("{} -> {new}", current.key),
        (Some(new), _) => new.to_string(),
    }
}

/// The alternative names of its new certificate, as `DNS:localhost`; none where none is made.
#[must_use]
pub fn subject_alt_names(artefact: &Artefact) -> Vec<String> {
    artefact.step.certificate().map(names).unwrap_or_default()
}

/// The alternative names that the new certificate has, and the current one has not.
#[must_use]
pub fn names_added(artefact: &Artefact) -> Vec<String> {
    let Some(current) = &artefact.current else { return Vec::new() };
    without(&subject_alt_names(artefact), &current.subject_alt_names)
}

/// The alternative names that the current certificate has, and the new one has not.
#[must_use]
pub fn names_removed(artefact: &Artefact) -> Vec<String> {
    match (&artefact.current, artefact.step.certificate()) {
        (Some(current), Some(new)) => without(&current.subject_alt_names, &names(new)),
        _ => Vec::new(),
    }
}

fn names(certificate: &CertificateTemplate) -> Vec<String> {
    certificate.subject_alt_names.iter().map(ToString::to_string).collect()
}

fn without(names: &[String], others: &[String]) -> Vec<String> {
    names.iter().filter(|name| !others.contains(name)).cloned().collect()
}
