//! The systemd units of a schedule as Python sees them.
//!
//! In: the fields of [`Schedule`] and [`UnitsRequest`]. Out: [`Unit`]s, and what was done to which file.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::data::request;
use super::values::{Unit, UnitChange};
use crate::ops::systemd::{self, UnitsRequest};
use crate::plan::units::{Schedule, units};

/// The units.
///
/// # Errors
/// As [`units`].
#[pyfunction]
pub(super) fn schedule_units(py: Python<'_>, schedule: &Bound<'_, PyDict>) -> PyResult<Vec<Unit>> {
    let schedule: Schedule = request(schedule)?;
    Ok(detached(py, || Ok(units(&schedule)?))?.map(Unit).into())
}

/// Writes the units.
///
/// # Errors
/// As [`systemd::install`].
#[pyfunction]
pub(super) fn install_units(
    py: Python<'_>,
    schedule: &Bound<'_, PyDict>,
    units_request: &Bound<'_, PyDict>,
) -> PyResult<Vec<UnitChange>> {
    let (schedule, wanted): (Schedule, UnitsRequest) = (request(schedule)?, request(units_request)?);
    Ok(changes(detached(py, || systemd::install(&schedule, &wanted))?))
}

/// Removes the units.
///
/// # Errors
/// As [`systemd::remove`].
#[pyfunction]
pub(super) fn remove_units(py: Python<'_>, units_request: &Bound<'_, PyDict>) -> PyResult<Vec<UnitChange>> {
    let wanted: UnitsRequest = request(units_request)?;
    Ok(changes(detached(py, || systemd::remove(&wanted))?))
}

fn changes(done: Vec<systemd::UnitChange>) -> Vec<UnitChange> {
    done.into_iter().map(UnitChange).collect()
}
