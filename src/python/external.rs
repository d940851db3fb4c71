//! External CAs, as Python sees them: what was signed elsewhere is imported and embedded, and the rest
//! cleaned up.
//!
//! In: dictionaries of the fields of the request types in [`crate::ops`]. Out: `plan` and `warnings`, to be applied by
//! `apply_plan`.

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::operations::{PlannedFields, answer, moment, request};
use crate::ops::cleanup::{self, CleanupRequest};
use crate::ops::embed::{self, EmbedRequest};
use crate::ops::import::{self, ImportRequest};

/// Plans the import of certificates that were signed elsewhere: `plan` and `warnings`.
///
/// # Errors
/// As [`import::plan`].
#[pyfunction]
#[pyo3(signature = (import_request, now=None))]
pub(super) fn plan_import<'py>(
    py: Python<'py>,
    import_request: &Bound<'py, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted: ImportRequest = request(import_request)?;
    let now = moment(now);
    let planned = detached(py, || import::plan(&wanted, now))?;
    answer(py, &PlannedFields { plan: &planned.plan, warnings: &planned.warnings })
}

/// Plans what is embedded into kubeconfigs: `plan` and `warnings`.
///
/// # Errors
/// As [`embed::plan`].
#[pyfunction]
#[pyo3(signature = (embed_request, now=None))]
pub(super) fn plan_embed<'py>(
    py: Python<'py>,
    embed_request: &Bound<'py, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted: EmbedRequest = request(embed_request)?;
    let now = moment(now);
    let planned = detached(py, || embed::plan(&wanted, now))?;
    answer(py, &PlannedFields { plan: &planned.plan, warnings: &planned.warnings })
}

/// Plans what goes: requests, embedded certificates, CA keys: `plan` and `warnings`.
///
/// # Errors
/// As [`cleanup::plan`].
#[pyfunction]
#[pyo3(signature = (cleanup_request, now=None))]
pub(super) fn plan_cleanup<'py>(
    py: Python<'py>,
    cleanup_request: &Bound<'py, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted: CleanupRequest = request(cleanup_request)?;
    let now = moment(now);
    let planned = detached(py, || cleanup::plan(&wanted, now))?;
    answer(py, &PlannedFields { plan: &planned.plan, warnings: &planned.warnings })
}
