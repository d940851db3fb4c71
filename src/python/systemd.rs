//! The systemd units of a schedule as Python sees them.
//!
//! In: the fields of [`Schedule`] and [`UnitsRequest`]. Out: texts, and what was done to which file.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::data::{answer, request};
use crate::ops::systemd::{self, UnitsRequest};
use crate::plan::units::{Schedule, units};

/// The texts of the units: for each `name` and `text`.
///
/// # Errors
/// As [`units`].
#[pyfunction]
pub(super) fn schedule_units<'py>(py: Python<'py>, schedule: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let schedule: Schedule = request(schedule)?;
    answer(py, &detached(py, || Ok(units(&schedule)?))?)
}

/// Writes the units: for each `path` and `action`.
///
/// # Errors
/// As [`systemd::install`].
#[pyfunction]
pub(super) fn install_units<'py>(
    py: Python<'py>,
    schedule: &Bound<'py, PyDict>,
    units_request: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let (schedule, wanted): (Schedule, UnitsRequest) = (request(schedule)?, request(units_request)?);
    answer(py, &detached(py, || systemd::install(&schedule, &wanted))?)
}

/// Removes the units: for each `path` and `action`.
///
/// # Errors
/// As [`systemd::remove`].
#[pyfunction]
pub(super) fn remove_units<'py>(py: Python<'py>, units_request: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let wanted: UnitsRequest = request(units_request)?;
    answer(py, &detached(py, || systemd::remove(&wanted))?)
}
