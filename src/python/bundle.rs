//! Bundles and certificate keys as Python sees them.
//!
//! In: the fields of the requests, the certificate key and the bundle's text apart from them. Out: a [`Bundle`], which has
//! the certificate key to itself until it is asked for; plans and reports.

use std::path::Path;

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use zeroize::Zeroizing;

use super::call::{Signals, detached};
use super::data::request;
use super::operations::moment;
use super::values::{Bundle, Exported, Plan, Report, UploadedBundle};
use crate::catalogue::{ADMIN_CONF, DEFAULT_KUBECONFIG_DIR};
use crate::certificate_key::CertificateKey;
use crate::error::Result;
use crate::ops::Planned;
use crate::ops::bundle::{self, Collected, ExportRequest, ImportRequest, UploadRequest};
use crate::ops::cluster::{Api, own_kubeconfigs};
use crate::request::{ClusterAccess, Span};
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

/// Reads what a joining node needs, and seals it unless it is a dry run.
///
/// # Errors
/// As [`bundle::collect`]; `certificate_key.*`.
#[pyfunction]
#[pyo3(signature = (export_request, digits=None, rbac=false, dry_run=false, now=None))]
pub(super) fn export_bundle(
    py: Python<'_>,
    export_request: &Bound<'_, PyDict>,
    digits: Option<String>,
    rbac: bool,
    dry_run: bool,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bundle> {
    let wanted: ExportRequest = request(export_request)?;
    let now = moment(now);
    let recipient = wanted.role;
    let exported = detached(py, || {
        let given = key(digits)?;
        let collected = bundle::collect(&wanted, now)?;
        let contents = if dry_run { None } else { Some(collected.contents(recipient, given)?) };
        let Collected { entries, findings, warnings, .. } = collected;
        Ok(Exported { recipient, entries, findings, warnings, rbac, contents })
    });
    exported.map(Bundle)
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

/// Uploads the Secret of a bundle, for `ttl` seconds.
///
/// # Errors
/// As [`bundle::upload`]; `ValueError` for a worker's bundle, and after a dry run.
#[pyfunction]
#[pyo3(signature = (bundle, access, ttl, now=None))]
pub(super) fn upload_bundle(
    py: Python<'_>,
    bundle: &Bound<'_, Bundle>,
    access: &Bound<'_, PyDict>,
    ttl: f64,
    now: Option<DateTime<Utc>>,
) -> PyResult<UploadedBundle> {
    let manifest = bundle.get().0.manifest("yaml")?;
    let access: ClusterAccess = request(access)?;
    let wanted = UploadRequest { ttl: Span::of_precise(ttl), access, ..UploadRequest::default() };
    let now = moment(now);
    asked(py, &wanted.access, |api| bundle::upload(api, manifest, wanted.time_to_live()?, now)).map(UploadedBundle)
}

/// The Secret that is in the cluster, as JSON.
///
/// # Errors
/// As [`bundle::download`].
#[pyfunction]
pub(super) fn download_bundle(py: Python<'_>, access: &Bound<'_, PyDict>) -> PyResult<String> {
    let access: ClusterAccess = request(access)?;
    // It is sealed.
    asked(py, &access, |api| bundle::download(api).map(|secret| String::from_utf8_lossy(secret.expose()).into_owned()))
}

/// Asks the cluster for as long as no signal comes.
fn asked<T: Send>(
    py: Python<'_>,
    access: &ClusterAccess,
    ask: impl FnOnce(&mut Api<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    let signals = Signals::default();
    let mut tell = signals.tell();
    signals.detached(py, || {
        let own = own_kubeconfigs(None, Path::new(DEFAULT_KUBECONFIG_DIR), &[ADMIN_CONF]);
        ask(&mut Api::open(access, &own, &mut tell)?)
    })
}
