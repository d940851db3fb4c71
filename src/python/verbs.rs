//! The verbs that need no more than their request and the moment, as Python sees them: one row each.
//!
//! In: a dictionary of the fields of the request. Out: a plan, or what was done. Errors are the verb's.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::de::DeserializeOwned;

use super::call::{Signals, detached};
use super::data::request;
use super::operations::moment;
use super::values::{AccessReport, Plan, ProbeReport, PruneReport, SignedCertificate};
use crate::error::Result;
use crate::ops::{
    Planned, access as looking, backup, cleanup, embed, generate_csr, import, init, probe as probing, renew, renew_ca,
    sign,
};
use crate::request::{OfAuthorities, RestoreRequest, SignRequest, SignTextRequest};
use crate::secret::Secret;

fn answered<R: DeserializeOwned + Sync, T: Send>(
    py: Python<'_>,
    fields: &Bound<'_, PyDict>,
    now: Option<DateTime<Utc>>,
    verb: fn(&R, DateTime<Utc>) -> Result<T>,
) -> PyResult<T> {
    let (wanted, now) = (request(fields)?, moment(now));
    detached(py, || verb(&wanted, now))
}

/// Says who gets in with a certificate; a log is long, and Python sees its signals meanwhile.
///
/// # Errors
/// As [`looking::access`]; what a signal handler raised.
#[pyfunction]
#[pyo3(signature = (access_request, now=None))]
pub(super) fn access(
    py: Python<'_>,
    access_request: &Bound<'_, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<AccessReport> {
    let (wanted, now, signals) = (request(access_request)?, moment(now), Signals::default());
    signals.detached(py, || looking::access(&wanted, now, &signals.stop())).map(AccessReport)
}

/// A secret for all CAs, or by their names.
#[derive(FromPyObject)]
pub(super) enum GivenSecrets {
    Every(Vec<u8>),
    Each(BTreeMap<String, Vec<u8>>),
}

fn of_authorities(given: Option<GivenSecrets>) -> OfAuthorities {
    match given {
        None => OfAuthorities::None,
        Some(GivenSecrets::Every(secret)) => OfAuthorities::Every(Secret::new(secret)),
        Some(GivenSecrets::Each(secrets)) => {
            OfAuthorities::Each(secrets.into_iter().map(|(name, secret)| (name, Secret::new(secret))).collect())
        }
    }
}

/// Answers one request given as text, and writes nothing; the key's text and passphrase apart from the request.
///
/// # Errors
/// As [`sign::sign_text`].
#[pyfunction]
#[pyo3(signature = (sign_request, ca_key_content=None, ca_key_passphrase=None, now=None))]
pub(super) fn sign_csr(
    py: Python<'_>,
    sign_request: &Bound<'_, PyDict>,
    ca_key_content: Option<GivenSecrets>,
    ca_key_passphrase: Option<GivenSecrets>,
    now: Option<DateTime<Utc>>,
) -> PyResult<SignedCertificate> {
    let mut wanted: SignTextRequest = request(sign_request)?;
    wanted.ca_key_content = of_authorities(ca_key_content);
    wanted.ca_key_passphrase = of_authorities(ca_key_passphrase);
    let now = moment(now);
    detached(py, || sign::sign_text(&wanted, now)).map(SignedCertificate)
}

/// Plans the certificates that answer signing requests; the keys' passphrase apart from the request.
///
/// # Errors
/// As [`sign::plan`].
#[pyfunction]
#[pyo3(signature = (sign_request, ca_key_passphrase=None, now=None))]
pub(super) fn plan_sign(
    py: Python<'_>,
    sign_request: &Bound<'_, PyDict>,
    ca_key_passphrase: Option<Vec<u8>>,
    now: Option<DateTime<Utc>>,
) -> PyResult<Plan> {
    let mut wanted: SignRequest = request(sign_request)?;
    wanted.ca_key_passphrase = ca_key_passphrase.map(Secret::new);
    let now = moment(now);
    detached(py, || sign::plan(&wanted, now)).map(Plan)
}

fn plan_restored(wanted: &RestoreRequest, now: DateTime<Utc>) -> Result<Planned> {
    Ok(Planned { plan: backup::plan_restore(wanted, now)?, warnings: Vec::new() })
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident($request:ident) -> $class:ident = $verb:path;)*) => {$(
        $(#[$doc])*
        #[pyfunction]
        #[pyo3(signature = ($request, now=None))]
        pub(super) fn $name(
            py: Python<'_>,
            $request: &Bound<'_, PyDict>,
            now: Option<DateTime<Utc>>,
        ) -> PyResult<$class> {
            answered(py, $request, now, $verb).map($class)
        }
    )*};
}

verbs! {
    /// Plans what a node lacks.
    plan_init(init_request) -> Plan = init::plan;

    /// Plans the renewal of certificates.
    plan_renew(renew_request) -> Plan = renew::plan;

    /// Plans the renewal of CAs, with their keys.
    plan_renew_ca(renew_ca_request) -> Plan = renew_ca::plan;

    /// Plans keys and signing requests.
    plan_generate_csr(generate_request) -> Plan = generate_csr::plan;

    /// Plans the import of certificates that were signed elsewhere.
    plan_import(import_request) -> Plan = import::plan;

    /// Plans what is embedded into kubeconfigs.
    plan_embed(embed_request) -> Plan = embed::plan;

    /// Plans what goes: requests, embedded certificates, CA keys.
    plan_cleanup(cleanup_request) -> Plan = cleanup::plan;

    /// Plans to restore a backup.
    plan_restore(restore_request) -> Plan = plan_restored;

    /// Looks at what servers present.
    probe(probe_request) -> ProbeReport = probing::probe;

    /// Removes whole backups that are old.
    prune_backups(prune_request) -> PruneReport = backup::prune;
}
