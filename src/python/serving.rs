//! Serving certificates of kubelets in a living cluster, as Python sees them.
//!
//! In: the fields of the request. Out: a report. What a signal handler raises while the cluster is waited for goes before the
//! work's own error.

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::Signals;
use super::data::request;
use super::operations::moment;
use super::values::ServingReport;
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
    let stop = signals.stop();
    let report = signals.detached(py, || {
        let mut tell = || if stop.has_come() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        Approver::new(&wanted, Answers { approve, deny }, &mut tell)?.review(now)
    });
    report.map(ServingReport)
}
