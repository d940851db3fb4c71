//! What a living cluster is asked for, as Python sees it.
//!
//! In: the fields of the requests. Out: text, a report. What a signal handler raises while the cluster is waited for goes before the work's
//! own error.

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::Signals;
use super::data::request;
use super::operations::moment;
use super::values::SignersReport;
use crate::ops::cluster::read_configuration;
use crate::ops::{NodeRequest, signer};
use crate::request::{ClusterAccess, SignerRequest};

/// kubeadm's configuration as the cluster has it, of a node whose request says `config="cluster"`.
///
/// # Errors
/// As [`read_configuration`].
#[pyfunction]
pub(super) fn cluster_configuration(
    py: Python<'_>,
    node: &Bound<'_, PyDict>,
    access: &Bound<'_, PyDict>,
) -> PyResult<Option<String>> {
    let (mut node, access): (NodeRequest, ClusterAccess) = (request(node)?, request(access)?);
    let signals = Signals::default();
    let mut tell = signals.tell();
    signals.detached(py, || {
        read_configuration(&mut node, &access, &mut tell)?;
        Ok(node.config_text)
    })
}

/// Looks at the signers of the controller manager.
///
/// # Errors
/// As [`signer::show`].
#[pyfunction]
#[pyo3(signature = (signer_request, now=None))]
pub(super) fn show_signers(
    py: Python<'_>,
    signer_request: &Bound<'_, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<SignersReport> {
    let (wanted, now): (SignerRequest, _) = (request(signer_request)?, moment(now));
    let signals = Signals::default();
    let mut tell = signals.tell();
    signals.detached(py, || signer::show(&wanted, now, &mut tell)).map(SignersReport)
}
