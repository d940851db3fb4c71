//! Key algorithms, as Python sees them: kubeadm's names.
//!
//! In: text. Out: text. The enumeration that users hold is `kubepki.types.Algorithm`.

use pyo3::prelude::*;

use super::call::detached;
use crate::key::Algorithm;

/// The algorithm's name, if it is one.
///
/// # Errors
/// `ConfigurationError` with code `key.unknown_algorithm` otherwise.
#[pyfunction]
pub(super) fn parse_algorithm(py: Python<'_>, name: &str) -> PyResult<&'static str> {
    detached(py, || Ok(name.parse::<Algorithm>()?.as_str()))
}
