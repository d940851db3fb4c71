//! `recover` as Python sees it.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::data::request;
use super::values::RecoveryReport;
use crate::ops::recover::{self as recovery, RecoverRequest};

/// Ends interrupted changes: those that were ended, or for a dry run those that wait.
///
/// # Errors
/// As [`recovery::recover`].
#[pyfunction]
pub(super) fn recover(py: Python<'_>, recover_request: &Bound<'_, PyDict>) -> PyResult<RecoveryReport> {
    let wanted: RecoverRequest = request(recover_request)?;
    Ok(RecoveryReport(detached(py, || recovery::recover(&wanted))?))
}
