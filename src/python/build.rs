//! What was built: the answer to "which kubepki is this?" in a bug report.
//!
//! In: nothing. Out: constants of the build as a dictionary, and which way RSA keys are made by this processor.

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The facts of this build: `version`, `profile` (`release` or `debug`), `os`, `architecture`, and
/// `key_generation`, how RSA keys are made on this machine.
///
/// # Errors
/// Only Python's own, out of memory for example.
#[pyfunction]
pub(super) fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("version", env!("CARGO_PKG_VERSION"))?;
    facts.set_item("profile", if cfg!(debug_assertions) { "debug" } else { "release" })?;
    facts.set_item("os", std::env::consts::OS)?;
    facts.set_item("architecture", std::env::consts::ARCH)?;
    facts.set_item("key_generation", crate::key::generation_method())?;
    Ok(facts)
}
