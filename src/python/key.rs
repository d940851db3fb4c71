//! Key algorithms, as Python sees them: kubeadm's names.
//!
//! In: text. Out: text. The enumeration that users hold is `kubepki.types.Algorithm`.

use pyo3::prelude::*;

use super::call::detached;
use crate::key::Algorithm;

/// kubeadm's names of all key algorithms, in the order of kubeadm's own error message.
#[pyfunction]
pub(super) fn algorithm_names() -> Vec<&'static str> {
    Algorithm::ALL.into_iter().map(Algorithm::as_str).collect()
}

/// The algorithm's name, if it is one.
///
/// # Errors
/// `ConfigurationError` with code `key.unknown_algorithm` otherwise.
#[pyfunction]
pub(super) fn parse_algorithm(py: Python<'_>, name: &str) -> PyResult<&'static str> {
    detached(py, || Ok(name.parse::<Algorithm>()?.as_str()))
}
