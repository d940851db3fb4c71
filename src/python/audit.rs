//! Audits of many trees, as Python sees them: an iterator of reports, and what they say about each other.
//!
//! In: the fields of an [`AuditRequest`]; reports. Out: [`TreeReport`]s as they come, a [`FleetReport`] of any of them. Some
//! trees are looked at at once, with the GIL released; between those, and within an archive, Python sees its signals.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::{Signals, detached};
use super::data::request;
use super::operations::moment;
use super::values::{FleetFinding, FleetReport, TreeReport};
use crate::ops::audit::{self, Audit, Gathered};
use crate::request::AuditRequest;

/// The trees of an audit as they come.
#[pyclass(frozen, module = "kubepki._core")]
pub(super) struct Trees(Mutex<Audit>, Signals);

#[pymethods]
impl Trees {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<TreeReport>> {
        let next = || Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).next());
        self.1.detached(py, next).map(|report| report.map(TreeReport))
    }
}

/// What is kept of trees that came by.
#[pyclass(frozen, module = "kubepki._core")]
#[derive(Default)]
pub(super) struct Seen(Mutex<Gathered>);

#[pymethods]
impl Seen {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Takes one more.
    fn add(&self, py: Python<'_>, tree: &Bound<'_, TreeReport>) -> PyResult<()> {
        let tree = &tree.get().0;
        detached(py, || {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).add(tree);
            Ok(())
        })
    }

    /// What is wrong between them.
    fn findings(&self, py: Python<'_>) -> PyResult<Vec<FleetFinding>> {
        let signals = Signals::default();
        let stop = signals.stop();
        let findings = || Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).summary(&stop).findings);
        Ok(signals.detached(py, findings)?.into_iter().map(FleetFinding).collect())
    }
}

/// Begins an audit.
///
/// # Errors
/// As [`Audit::new`].
#[pyfunction]
#[pyo3(signature = (audit_request, now=None))]
pub(super) fn audit_trees(
    py: Python<'_>,
    audit_request: &Bound<'_, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Trees> {
    let wanted: AuditRequest = request(audit_request)?;
    let now = moment(now);
    let signals = Signals::default();
    let audit = signals.detached(py, || Audit::new(&wanted, now, signals.stop()))?;
    Ok(Trees(audit.into(), signals))
}

/// Every place that an audit would look at.
///
/// # Errors
/// As [`audit::places`].
#[pyfunction]
pub(super) fn audit_places(py: Python<'_>, audit_request: &Bound<'_, PyDict>) -> PyResult<Vec<PathBuf>> {
    let wanted: AuditRequest = request(audit_request)?;
    let signals = Signals::default();
    signals.detached(py, || audit::places(&wanted, signals.stop()))
}

/// Puts reports of trees together.
///
/// # Errors
/// None of its own.
#[pyfunction]
#[pyo3(signature = (trees, now=None))]
#[allow(clippy::needless_pass_by_value)] // as pyo3 hands it over
pub(super) fn fleet_report(
    py: Python<'_>,
    trees: Vec<Bound<'_, TreeReport>>,
    now: Option<DateTime<Utc>>,
) -> PyResult<FleetReport> {
    let trees: Vec<_> = trees.iter().map(|tree| tree.get().0.clone()).collect();
    let now = moment(now);
    let signals = Signals::default();
    signals.detached(py, || Ok(audit::FleetReport::of(trees, now, &signals.stop()))).map(FleetReport)
}
