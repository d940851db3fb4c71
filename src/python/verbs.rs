//! The verbs that need no more than their request and the moment, as Python sees them: one row each.
//!
//! In: a dictionary of the fields of the request. Out: plain data of what the verb answers: `plan` and `warnings`, or what
//! was done. Errors are the verb's.

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::detached;
use super::data::{answer, request};
use super::operations::moment;
use crate::error::Result;
use crate::ops::{backup, cleanup, embed, generate_csr, import, init, renew, sign};

fn answered<'py, R: DeserializeOwned + Sync, T: Serialize + Send>(
    py: Python<'py>,
    fields: &Bound<'py, PyDict>,
    now: Option<DateTime<Utc>>,
    verb: fn(&R, DateTime<Utc>) -> Result<T>,
) -> PyResult<Bound<'py, PyAny>> {
    let (wanted, now) = (request(fields)?, moment(now));
    answer(py, &detached(py, || verb(&wanted, now))?)
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident($request:ident) = $verb:path;)*) => {$(
        $(#[$doc])*
        #[pyfunction]
        #[pyo3(signature = ($request, now=None))]
        pub(super) fn $name<'py>(
            py: Python<'py>,
            $request: &Bound<'py, PyDict>,
            now: Option<DateTime<Utc>>,
        ) -> PyResult<Bound<'py, PyAny>> {
            answered(py, $request, now, $verb)
        }
    )*};
}

verbs! {
    /// Plans what a node lacks.
    plan_init(init_request) = init::plan;

    /// Plans the renewal of certificates.
    plan_renew(renew_request) = renew::plan;

    /// Plans keys and signing requests.
    plan_generate_csr(generate_request) = generate_csr::plan;

    /// Plans the certificates that answer signing requests.
    plan_sign(sign_request) = sign::plan;

    /// Signs one request given as text, and writes nothing.
    sign_csr(sign_request) = sign::sign_text;

    /// Plans the import of certificates that were signed elsewhere.
    plan_import(import_request) = import::plan;

    /// Plans what is embedded into kubeconfigs.
    plan_embed(embed_request) = embed::plan;

    /// Plans what goes: requests, embedded certificates, CA keys.
    plan_cleanup(cleanup_request) = cleanup::plan;

    /// Plans to restore a backup.
    plan_restore(restore_request) = backup::plan_restore;

    /// Removes whole backups that are old.
    prune_backups(prune_request) = backup::prune;
}
