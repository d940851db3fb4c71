//! Backups as Python sees them.
//!
//! In: the fields of the requests in [`crate::request`]. Out: the fields of backups.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::data::{answer, request};
use crate::ops::backup::{self, BackupPlace};

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
