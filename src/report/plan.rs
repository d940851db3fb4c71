//! Plans as tables.
//!
//! In: a plan. Out: a row for each artefact; where certificates make way for others, with what is there beside what will be.

use super::cell::{minute, paths};
use super::table;
use crate::audit::SeenCertificate;
use crate::plan::{Artefact, Plan, Step};
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
        artefact.action().to_string(),
        artefact.reason.clone(),
        minute(current.map(|current| current.not_after)),
        only_if(changes, &|| minute(artefact.expires_at)),
        current.map(|current| current.serial.clone()).unwrap_or_default(),
        only_if(changes, &|| key(artefact, current)),
        added.chain(removed).collect::<Vec<_>>().join(", "),
        only_if(changes, &|| files(artefact)),
    ]
}

fn files(artefact: &Artefact) -> String {
    paths(artefact.files.iter().map(|file| file.path.as_path()))
}

fn key(artefact: &Artefact, current: Option<&SeenCertificate>) -> String {
    match (artefact.step.new_key(), current) {
        (None, _) if matches!(artefact.step, Step::Renew { .. }) => "kept".into(),
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
