//! Backups as Python sees them.
//!
//! In: the fields of the requests in [`crate::ops::backup`]. Out: the fields of backups, plans and what was pruned.

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::operations::{answer, moment, request};
use crate::ops::backup::{self, BackupPlace, PruneRequest, RestoreRequest};

/// Every backup, the oldest first.
///
/// # Errors
/// As [`backup::list`].
#[pyfunction]
pub(super) fn list_backups<'py>(py: Python<'py>, place: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let place: BackupPlace = request(place)?;
    answer(py, &detached(py, || backup::list(&place))?)
}

/// One backup, with its files held against those of the node.
///
/// # Errors
/// As [`backup::show`].
#[pyfunction]
pub(super) fn show_backup<'py>(py: Python<'py>, place: &Bound<'py, PyDict>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let place: BackupPlace = request(place)?;
    answer(py, &detached(py, || backup::show(&place, name))?)
}

/// Plans to restore a backup.
///
/// # Errors
/// As [`backup::plan_restore`].
#[pyfunction]
#[pyo3(signature = (restore_request, now=None))]
pub(super) fn plan_restore<'py>(
    py: Python<'py>,
    restore_request: &Bound<'py, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted: RestoreRequest = request(restore_request)?;
    let now = moment(now);
    answer(py, &detached(py, || backup::plan_restore(&wanted, now))?)
}

/// Removes whole backups that are old.
///
/// # Errors
/// As [`backup::prune`].
#[pyfunction]
#[pyo3(signature = (prune_request, now=None))]
pub(super) fn prune_backups<'py>(
    py: Python<'py>,
    prune_request: &Bound<'py, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted: PruneRequest = request(prune_request)?;
    let now = moment(now);
    answer(py, &detached(py, || backup::prune(&wanted, now))?)
}
