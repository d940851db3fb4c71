//! Backups as Python sees them.
//!
//! In: the fields of the requests in [`crate::request`]. Out: [`Backup`]s.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::data::request;
use super::values::Backup;
use crate::ops::backup::{self, BackupPlace};

/// Every backup, the oldest first.
///
/// # Errors
/// As [`backup::list`].
#[pyfunction]
pub(super) fn list_backups(py: Python<'_>, place: &Bound<'_, PyDict>) -> PyResult<Vec<Backup>> {
    let place: BackupPlace = request(place)?;
    let backups = detached(py, || backup::list(&place))?;
    Ok(backups.into_iter().map(|each| Backup(each.into())).collect())
}

/// One backup, with its files held against those of the node.
///
/// # Errors
/// As [`backup::show`].
#[pyfunction]
pub(super) fn show_backup(py: Python<'_>, place: &Bound<'_, PyDict>, name: &str) -> PyResult<Backup> {
    let place: BackupPlace = request(place)?;
    Ok(Backup(detached(py, || backup::show(&place, name))?.into()))
}
