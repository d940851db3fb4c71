//! Signing requests, as Python sees them: planning them, and signing them.
//!
//! In and out: dictionaries, as in [`super::operations`].

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::operations::{PlannedFields, answer, moment, request};
use crate::ops::generate_csr::{self, GenerateCsrRequest};
use crate::ops::sign::{self, SignRequest, SignTextRequest};

/// Every name that `certs generate-csr` and `certs sign` take, in kubeadm's order.
#[pyfunction]
pub(super) fn leaf_names() -> Vec<&'static str> {
    crate::catalogue::request_names()
}

/// Plans keys and signing requests: `plan` and `warnings`.
///
/// # Errors
/// As [`generate_csr::plan`].
#[pyfunction]
#[pyo3(signature = (generate_request, now=None))]
pub(super) fn plan_generate_csr<'py>(
    py: Python<'py>,
    generate_request: &Bound<'py, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted: GenerateCsrRequest = request(generate_request)?;
    let now = moment(now);
    let planned = detached(py, || generate_csr::plan(&wanted, now))?;
    answer(py, &PlannedFields::of(&planned))
}

/// Plans the certificates that answer signing requests: `plan` and `warnings`.
///
/// # Errors
/// As [`sign::plan`].
#[pyfunction]
#[pyo3(signature = (sign_request, now=None))]
pub(super) fn plan_sign<'py>(
    py: Python<'py>,
    sign_request: &Bound<'py, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted: SignRequest = request(sign_request)?;
    let now = moment(now);
    let planned = detached(py, || sign::plan(&wanted, now))?;
    answer(py, &PlannedFields::of(&planned))
}

/// Signs one request given as text, and writes nothing: the fields of [`sign::SignedText`].
///
/// # Errors
/// As [`sign::sign_text`].
#[pyfunction]
#[pyo3(signature = (sign_request, now=None))]
pub(super) fn sign_csr<'py>(
    py: Python<'py>,
    sign_request: &Bound<'py, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted: SignTextRequest = request(sign_request)?;
    let now = moment(now);
    let signed = detached(py, || sign::sign_text(&wanted, now))?;
    answer(py, &signed)
}
