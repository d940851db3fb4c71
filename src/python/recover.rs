//! `recover` as Python sees it.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::data::{answer, request};
use crate::ops::recover::{self as recovery, RecoverRequest};

/// Ends interrupted changes: `recovered`, or for a dry run `waiting`.
///
/// # Errors
/// As [`recovery::recover`].
#[pyfunction]
pub(super) fn recover<'py>(py: Python<'py>, recover_request: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let wanted: RecoverRequest = request(recover_request)?;
    answer(py, &detached(py, || recovery::recover(&wanted))?)
}
