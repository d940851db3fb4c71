//! Bundles and certificate keys as Python sees them.
//!
//! In: the fields of the requests, the certificate key and the bundle's text apart from them. Out: what may be shown,
//! the sealed text, and the certificate key for the one who must hand it on.

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde::Serialize;
use zeroize::Zeroizing;

use super::call::detached;
use super::data::{answer, request};
use super::operations::moment;
use super::values::{Plan, Report};
use crate::audit::Finding;
use crate::bundle::Recipient;
use crate::certificate_key::CertificateKey;
use crate::config::Problem;
use crate::error::Result;
use crate::ops::Planned;
use crate::ops::bundle::{self, ExportRequest, ExportedEntry, ImportRequest};
use crate::secret::Secret;

fn key(digits: Option<String>) -> Result<Option<CertificateKey>> {
    let digits = digits.map(|digits| Secret::new(digits.into_bytes()));
    Ok(digits.as_ref().map(CertificateKey::from_hex).transpose()?)
}

fn text(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(secret.expose()).into_owned())
}

/// A new certificate key as 64 hexadecimal digits.
///
/// # Errors
/// `certificate_key.library`.
#[pyfunction]
pub(super) fn certificate_key(py: Python<'_>) -> PyResult<Bound<'_, PyString>> {
    let digits = detached(py, || Ok(text(&CertificateKey::random()?.to_hex())))?;
    Ok(PyString::new(py, &digits))
}

#[derive(Serialize)]
struct Exported<'a> {
    recipient: Recipient,
    entries: &'a [ExportedEntry],
    findings: &'a [Finding],
    warnings: &'a [Problem],
    key: Option<&'a str>,
    yaml: Option<String>,
    json: Option<String>,
    pem: Option<String>,
}

/// Reads what a joining node needs, and seals it unless it is a dry run: `entries`, `findings`, `warnings`, and `key`,
/// `yaml` and `json` for a control-plane node, `pem` for a worker.
///
/// # Errors
/// As [`bundle::collect`]; `certificate_key.*`.
#[pyfunction]
#[pyo3(signature = (export_request, digits=None, rbac=false, dry_run=false, now=None))]
pub(super) fn export_bundle<'py>(
    py: Python<'py>,
    export_request: &Bound<'py, PyDict>,
    digits: Option<String>,
    rbac: bool,
    dry_run: bool,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted: ExportRequest = request(export_request)?;
    let now = moment(now);
    let given = detached(py, || key(digits))?;
    let collected = detached(py, || bundle::collect(&wanted, now))?;
    let digits;
    let mut exported = Exported {
        recipient: wanted.recipient,
        entries: &collected.entries,
        findings: &collected.findings,
        warnings: &collected.warnings,
        key: None,
        yaml: None,
        json: None,
        pem: None,
    };
    match wanted.recipient {
        _ if dry_run => {}
        Recipient::Worker => exported.pem = Some(String::from_utf8_lossy(collected.authority()).into_owned()),
        Recipient::ControlPlane => {
            let (key, manifest) = detached(py, || {
                let key = given.map_or_else(CertificateKey::random, Ok)?;
                let manifest = collected.seal(&key)?;
                Ok((key, manifest))
            })?;
            digits = text(&key.to_hex());
            exported.key = Some(&digits);
            exported.yaml = Some(manifest.to_yaml(rbac));
            exported.json = Some(manifest.to_json(rbac));
        }
    }
    answer(py, &exported)
}

/// Opens a bundle and plans to put it on a node.
///
/// # Errors
/// As [`bundle::plan_import`]; `certificate_key.*`.
#[pyfunction]
#[pyo3(signature = (import_request, bundle, digits=None, now=None))]
pub(super) fn plan_import_bundle(
    py: Python<'_>,
    import_request: &Bound<'_, PyDict>,
    bundle: &[u8],
    digits: Option<String>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Plan> {
    let wanted: ImportRequest = request(import_request)?;
    let now = moment(now);
    detached(py, || bundle::plan_import(&wanted, bundle, key(digits)?.as_ref(), now))
        .map(|planned| Plan(Planned { plan: planned.plan, warnings: planned.warnings }))
}

/// Opens a bundle and puts its files on a node: a report.
///
/// # Errors
/// As [`bundle::import`]; `certificate_key.*`.
#[pyfunction]
#[pyo3(signature = (import_request, bundle, digits=None, now=None))]
pub(super) fn import_bundle(
    py: Python<'_>,
    import_request: &Bound<'_, PyDict>,
    bundle: &[u8],
    digits: Option<String>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Report> {
    let wanted: ImportRequest = request(import_request)?;
    let now = moment(now);
    detached(py, || bundle::import(&wanted, bundle, key(digits)?.as_ref(), now)).map(Report)
}
