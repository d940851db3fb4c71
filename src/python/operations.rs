//! The operations, as Python sees them: a request goes in as a dictionary, a plan or a report comes out.
//!
//! In: dictionaries of the fields of the request types in [`crate::request`]. Out: the classes of [`values`](super::values).

use std::path::PathBuf;

use chrono::{DateTime, SubsecRound, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::{detached, finished};
use super::data::request;
use super::logging;
use super::values::{
    Certificate, CertificateFile, CheckReport, Configuration, ExpirationReport, Plan, Read, Report, Reported,
};
use crate::audit::Finding;
use crate::clock::SystemClock;
use crate::config::{Problem, Severity};
use crate::error::{Error, Result};
use crate::ops::apply::{Continue, Progress};
use crate::ops::check::{CheckFilesRequest, CheckRequest};
use crate::ops::check_expiration::{self, Checked};
use crate::ops::{self, NodeRequest};
use crate::secret::Secret;

/// The caller's moment in whole seconds, or the system's.
pub(super) fn moment(now: Option<DateTime<Utc>>) -> DateTime<Utc> {
    now.map_or_else(|| SystemClock.now(), |now| now.trunc_subsecs(0))
}

/// A moment as text (`+30d`, `20301231235959Z`, RFC 3339).
///
/// # Errors
/// `cli.moment`.
#[pyfunction]
#[pyo3(signature = (text, now=None))]
pub(super) fn parse_moment(text: &str, now: Option<DateTime<Utc>>) -> PyResult<DateTime<Utc>> {
    Ok(crate::request::moment(text, moment(now)).map_err(Error::from)?)
}

/// Reads and judges a kubeadm configuration.
///
/// # Errors
/// `config.*` when it is invalid, `store.*` when it cannot be read.
#[pyfunction]
pub(super) fn load_configuration(py: Python<'_>, node: &Bound<'_, PyDict>) -> PyResult<Configuration> {
    let node: NodeRequest = request(node)?;
    let loaded = detached(py, || ops::configuration(&node))?;
    Ok(Configuration(Read { spec: loaded.spec, warnings: loaded.warnings }))
}

/// Every name that `certs init` takes, in kubeadm's order.
#[pyfunction]
pub(super) fn certificate_names() -> Vec<&'static str> {
    crate::catalogue::certificate_names()
}

/// Every name that `kubeconfig init` takes, in kubeadm's order.
#[pyfunction]
pub(super) fn kubeconfig_names() -> Vec<&'static str> {
    crate::catalogue::kubeconfig_names()
}

/// Every name that `certs generate-csr` and `certs sign` take, in kubeadm's order.
#[pyfunction]
pub(super) fn leaf_names() -> Vec<&'static str> {
    crate::catalogue::request_names()
}

/// Every name that `certs renew` takes: kubeadm's eleven, then the kubelet's.
#[pyfunction]
pub(super) fn renewable_names() -> Vec<&'static str> {
    crate::catalogue::renewable_names()
}

/// Applies a plan: the report, and what was raised too late. `progress(done, total, name)` is called on this thread, many
/// times a second; it, or a signal handler, may raise to stop the work before anything is changed.
///
/// # Errors
/// As [`ops::apply::apply`]; what `progress` or a signal handler raised.
#[pyfunction]
#[pyo3(signature = (plan, ca_key_passphrase=None, progress=None))]
pub(super) fn apply_plan(
    py: Python<'_>,
    plan: &Bound<'_, Plan>,
    ca_key_passphrase: Option<Vec<u8>>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<(Report, Option<PyErr>)> {
    let plan = &plan.get().0.plan;
    let passphrase = ca_key_passphrase.map(Secret::new);
    let apply =
        |progress: &mut dyn FnMut(&Progress) -> Continue| ops::apply::apply_behind(plan, passphrase.as_ref(), progress);
    let (report, late) = with_progress(py, progress, apply)?;
    Ok((Report(report), late))
}

/// Runs `work` without the GIL; its progress calls `progress(done, total, name)` and lets signal handlers run. What
/// either raises stops the work, and is raised; what was raised too late for that is returned beside the result.
pub(super) fn with_progress<T: Send>(
    py: Python<'_>,
    progress: Option<Bound<'_, PyAny>>,
    work: impl FnOnce(&mut dyn FnMut(&Progress) -> Continue) -> Result<T> + Send,
) -> PyResult<(T, Option<PyErr>)> {
    let progress = progress.map(Bound::unbind);
    let mut stopped: Option<PyErr> = None;
    let (outcome, late) = finished(py, || {
        work(&mut |state| match tell(progress.as_ref(), state) {
            Ok(()) => Continue::Yes,
            Err(error) => {
                stopped = Some(error);
                Continue::No
            }
        })
    });
    match (stopped, outcome) {
        (Some(error), Err(_)) => Err(error),
        (None, Err(error)) => Err(late.unwrap_or(error)),
        // Work that was done is done, whatever was raised meanwhile.
        (stopped, Ok(done)) => Ok((done, stopped.or(late).or_else(|| py.check_signals().err()))),
    }
}

fn tell(progress: Option<&Py<PyAny>>, state: &Progress) -> PyResult<()> {
    if let Some(error) = logging::raised() {
        return Err(error);
    }
    Python::attach(|py| {
        py.check_signals()?;
        match progress {
            Some(callable) => callable.call1(py, (state.done, state.total, &state.name)).map(drop),
            None => Ok(()),
        }
    })
}

/// Checks a node.
///
/// # Errors
/// As [`ops::check::check`].
#[pyfunction]
#[pyo3(signature = (check_request, now=None))]
pub(super) fn check(
    py: Python<'_>,
    check_request: &Bound<'_, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<CheckReport> {
    let wanted: CheckRequest = request(check_request)?;
    let now = moment(now);
    Ok(CheckReport(detached(py, || ops::check::check(&wanted, now))?.into()))
}

/// Checks files and text.
///
/// # Errors
/// As [`ops::check::check_files`].
#[pyfunction]
#[pyo3(signature = (files_request, now=None))]
pub(super) fn check_files(
    py: Python<'_>,
    files_request: &Bound<'_, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<CheckReport> {
    let wanted: CheckFilesRequest = request(files_request)?;
    let now = moment(now);
    Ok(CheckReport(detached(py, || ops::check::check_files(&wanted, now))?.into()))
}

/// Says what applying a plan would be refused for, and makes nothing.
///
/// # Errors
/// As [`ops::apply::rehearse`].
#[pyfunction]
pub(super) fn rehearse_plan(py: Python<'_>, plan: &Bound<'_, Plan>) -> PyResult<()> {
    let plan = &plan.get().0.plan;
    detached(py, || ops::apply::rehearse(plan))
}

/// kubeadm's expiration report; interrupted changes are among its warnings.
///
/// # Errors
/// As [`check_expiration::check_expiration`].
#[pyfunction]
#[pyo3(signature = (node, now=None))]
pub(super) fn expiration(
    py: Python<'_>,
    node: &Bound<'_, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<ExpirationReport> {
    let node: NodeRequest = request(node)?;
    let now = now.unwrap_or_else(|| SystemClock.exact());
    let Checked { report, mut warnings, findings } = detached(py, || check_expiration::check_expiration(&node))?;
    // The rows may be of two generations then.
    warnings.extend(findings.into_iter().map(warning));
    Ok(ExpirationReport(Reported { document: report.at(now), warnings }))
}

/// What was found of a file, among the warnings of a configuration's reader.
fn warning(finding: Finding) -> Problem {
    Problem {
        severity: Severity::Warning,
        code: finding.code,
        file: finding.path.unwrap_or_default().to_string_lossy().into_owned(),
        line: None,
        column: None,
        field: String::new(),
        message: finding.evidence,
        hint: finding.remedy,
    }
}

/// Reads certificates from many files at once.
///
/// # Errors
/// `rootfs` is no directory.
#[pyfunction]
#[pyo3(signature = (paths, rootfs=None, now=None))]
// A slice cannot be taken from Python, and work without the GIL needs the paths owned.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn read_certificates(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    rootfs: Option<PathBuf>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Vec<CertificateFile>> {
    let now = moment(now);
    let read = detached(py, || ops::certificates::read(&paths, rootfs, now))?;
    Ok(read.into_iter().map(CertificateFile).collect())
}

/// Reads the certificates of PEM text.
///
/// # Errors
/// As [`ops::certificates::parse`].
#[pyfunction]
#[pyo3(signature = (content, now=None))]
// A slice cannot outlive the GIL, and work without it needs the text owned.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn parse_certificates(
    py: Python<'_>,
    content: Vec<u8>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Vec<Certificate>> {
    let now = moment(now);
    // A key may stand beside them.
    let content = Secret::new(content);
    let seen = detached(py, || ops::certificates::parse(content.expose(), now))?;
    Ok(seen.into_iter().map(Certificate).collect())
}

/// A dictionary of plain data as YAML, in the layout of the Kubernetes tools.
///
/// # Errors
/// A value that is not plain data.
#[pyfunction]
pub(super) fn to_yaml(fields: &Bound<'_, PyDict>) -> PyResult<String> {
    Ok(crate::yaml::to_yaml(&request(fields)?))
}
