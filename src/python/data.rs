//! Plain data: dictionaries, lists and texts of Python, and what the core reads from them and writes as them.
//!
//! In: fields of requests; values. Out: requests; fields.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::converted;

/// A request of the core from a dictionary of its fields.
pub(super) fn request<T: DeserializeOwned>(value: &Bound<'_, PyAny>) -> PyResult<T> {
    converted(|| pythonize::depythonize(value).map_err(|error| PyTypeError::new_err(error.to_string())))
}

/// Plain data from a value of the core.
pub(super) fn answer<'py, T: Serialize>(py: Python<'py>, value: &T) -> PyResult<Bound<'py, PyAny>> {
    converted(|| pythonize::pythonize(py, value).map_err(|error| PyValueError::new_err(error.to_string())))
}
