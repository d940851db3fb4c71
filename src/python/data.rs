//! Plain data: dictionaries, lists and texts of Python, and what the core reads from them and writes as them.
//!
//! In: fields of requests; values. Out: requests; fields.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::converted;

/// How deep plain data may be nested. None of ours comes near, and a list that holds itself would take all of the stack.
const DEEPEST: usize = 64;

/// A request of the core from a dictionary of its fields.
pub(super) fn request<T: DeserializeOwned>(value: &Bound<'_, PyAny>) -> PyResult<T> {
    converted(|| read(value).map_err(PyTypeError::new_err))
}

/// What is read from plain data, or why it cannot be.
pub(super) fn read<T: DeserializeOwned>(value: &Bound<'_, PyAny>) -> Result<T, String> {
    if is_deeper(value, DEEPEST) {
        return Err(format!("it is nested more than {DEEPEST} deep"));
    }
    pythonize::depythonize(value).map_err(|error| error.to_string())
}

fn is_deeper(value: &Bound<'_, PyAny>, than: usize) -> bool {
    let below = |inner: &Bound<'_, PyAny>| than == 0 || is_deeper(inner, than.saturating_sub(1));
    if let Ok(fields) = value.cast::<PyDict>() {
        fields.iter().any(|(_, inner)| below(&inner))
    } else if let Ok(items) = value.cast::<PyList>() {
        items.iter().any(|inner| below(&inner))
    } else if let Ok(items) = value.cast::<PyTuple>() {
        items.iter().any(|inner| below(&inner))
    } else {
        false
    }
}

/// Plain data from a value of the core.
pub(super) fn answer<'py, T: Serialize>(py: Python<'py>, value: &T) -> PyResult<Bound<'py, PyAny>> {
    converted(|| pythonize::pythonize(py, value).map_err(|error| PyValueError::new_err(error.to_string())))
}
