//! Serving certificates of kubelets in a living cluster, as Python sees them.
//!
//! In: the fields of a request. Out: a report. What a signal handler raises while the cluster is waited for goes before the
//! work's own error.

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::Signals;
use super::data::request;
use super::operations::moment;
use super::values::{ServingReport, ServingRequirement, ServingSetup};
use crate::ops::apply::Continue;
use crate::ops::enable_serving::{EnableServingRequest, Enabling};
use crate::ops::require_serving::{RequireServingRequest, Requiring};
use crate::ops::serving::{Answers, Approver, ServingRequest};

/// Looks at the requests that wait, and answers them where `approve` says so.
///
/// # Errors
/// As [`Approver::review`].
#[pyfunction]
#[pyo3(signature = (serving_request, approve=false, deny=false, now=None))]
pub(super) fn kubelet_csrs(
    py: Python<'_>,
    serving_request: &Bound<'_, PyDict>,
    approve: bool,
    deny: bool,
    now: Option<DateTime<Utc>>,
) -> PyResult<ServingReport> {
    let (wanted, now): (ServingRequest, _) = (request(serving_request)?, moment(now));
    let signals = Signals::default();
    let mut tell = signals.tell();
    let report = signals.detached(py, || Approver::new(&wanted, Answers { approve, deny }, &mut tell)?.review(now));
    report.map(ServingReport)
}

/// Has kubelets ask the cluster for their serving certificates; a dry run says what would change.
///
/// # Errors
/// As [`Enabling::read`] and [`Enabling::write`].
#[pyfunction]
#[pyo3(signature = (enable_request, dry_run=false, now=None))]
pub(super) fn enable_serving_certs(
    py: Python<'_>,
    enable_request: &Bound<'_, PyDict>,
    dry_run: bool,
    now: Option<DateTime<Utc>>,
) -> PyResult<ServingSetup> {
    let (wanted, now): (EnableServingRequest, _) = (request(enable_request)?, moment(now));
    let signals = Signals::default();
    let (mut tell, stop) = (signals.tell(), signals.stop());
    let setup = signals.detached(py, || {
        let enabling = Enabling::read(&wanted, &mut tell)?;
        if dry_run {
            return Ok(enabling.setup().clone());
        }
        enabling.write(now, &mut |_| if stop.has_come() { Continue::No } else { Continue::Yes })
    });
    setup.map(ServingSetup)
}

/// Has the API server of the node verify what kubelets serve; a dry run says what would change.
///
/// # Errors
/// As [`Requiring::read`] and [`Requiring::write`].
#[pyfunction]
#[pyo3(signature = (require_request, dry_run=false, now=None))]
pub(super) fn require_serving_certs(
    py: Python<'_>,
    require_request: &Bound<'_, PyDict>,
    dry_run: bool,
    now: Option<DateTime<Utc>>,
) -> PyResult<ServingRequirement> {
    let (wanted, now): (RequireServingRequest, _) = (request(require_request)?, moment(now));
    let signals = Signals::default();
    let (mut tell, stop) = (signals.tell(), signals.stop());
    let requirement = signals.detached(py, || {
        let requiring = Requiring::read(&wanted, now, &mut tell)?;
        if dry_run {
            return Ok(requiring.requirement().clone());
        }
        requiring.write(now, &mut |_| if stop.has_come() { Continue::No } else { Continue::Yes })
    });
    requirement.map(ServingRequirement)
}
