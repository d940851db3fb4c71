//! Rotations of CAs and of the service accounts' key, as Python sees them.
//!
//! In: the fields of a request, a verb. Out: how far nodes are, what would come, what was done. What `progress` or a signal handler raises ends
//! what only looks at once, and a rotation after the step that is being done.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::Signals;
use super::command::script;
use super::data::request;
use super::operations::moment;
use super::values::{NodeRotation, RotationPlan, RotationReport, SeenNode};
use crate::ops::rotate::conduct::{ConductRequest, DoneStep, Event, RotatedNodes, Wish, conduct, foresee, survey};
use crate::ops::rotate::{NodeRotationRequest, status};

/// How far this node is.
///
/// # Errors
/// As [`status`].
#[pyfunction]
#[pyo3(signature = (rotation_request, now=None))]
pub(super) fn node_rotation(
    py: Python<'_>,
    rotation_request: &Bound<'_, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<NodeRotation> {
    let (wanted, now): (NodeRotationRequest, _) = (request(rotation_request)?, moment(now));
    let signals = Signals::default();
    let mut tell = signals.tell();
    signals.detached(py, || status(&wanted, now, &mut tell)).map(NodeRotation)
}

/// How far every node is.
///
/// # Errors
/// As [`survey`].
#[pyfunction]
pub(super) fn rotation_status(py: Python<'_>, rotated_nodes: &Bound<'_, PyDict>) -> PyResult<Vec<SeenNode>> {
    let (wanted, program): (RotatedNodes, _) = (request(rotated_nodes)?, PathBuf::from(script(py)?));
    let signals = Signals::default();
    let stop = signals.stop();
    let nodes = signals.detached(py, || survey(&wanted, &program, &stop))?;
    Ok(nodes.into_iter().map(SeenNode).collect())
}

/// What a verb would do.
///
/// # Errors
/// As [`foresee`].
#[pyfunction]
pub(super) fn plan_rotation(
    py: Python<'_>,
    verb: &Bound<'_, PyAny>,
    conduct_request: &Bound<'_, PyDict>,
) -> PyResult<RotationPlan> {
    let (wish, wanted): (Wish, ConductRequest) = (request(verb)?, request(conduct_request)?);
    let program = PathBuf::from(script(py)?);
    let signals = Signals::default();
    let stop = signals.stop();
    signals.detached(py, || foresee(&wanted, wish, &program, &stop)).map(RotationPlan)
}

/// Does what a verb says, on all nodes.
///
/// # Errors
/// As [`conduct`]; what `progress` or a signal handler raised.
#[pyfunction]
#[pyo3(signature = (verb, conduct_request, progress=None))]
pub(super) fn rotate(
    py: Python<'_>,
    verb: &Bound<'_, PyAny>,
    conduct_request: &Bound<'_, PyDict>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<RotationReport> {
    let (wish, wanted): (Wish, ConductRequest) = (request(verb)?, request(conduct_request)?);
    let program = PathBuf::from(script(py)?);
    let progress = progress.map(Bound::unbind);
    let signals = Signals::default();
    let stop = signals.stop();
    let mut go_on = signals.tell();
    let mut tell = |event: &Event<'_>| {
        if let (Some(callable), Some((node, kind, text))) = (&progress, told(event))
            && let Err(error) = Python::attach(|py| callable.call1(py, (node, kind, text)).map(drop))
        {
            signals.raise(error);
        }
        go_on()
    };
    signals.detached(py, || conduct(&wanted, wish, &program, &stop, &mut tell)).map(RotationReport)
}

/// The node, what happens there, and more of it.
fn told<'e>(event: &Event<'e>) -> Option<(&'e str, &'static str, String)> {
    Some(match event {
        Event::Keeping { node } => (node, "keeping", String::new()),
        Event::Kept { node, snapshot } => (node, "kept", snapshot.file.display().to_string()),
        Event::Begins { node, phase, authorities } => (node, "begins", format!("{phase} ({})", authorities.join(", "))),
        Event::Said { node, line } => (node, "says", (*line).to_owned()),
        Event::Ended(DoneStep { node, phase, seconds, .. }) => (node, "ended", format!("{phase}, {seconds:.1} s")),
        Event::Unused(said) => ("", "unused", (*said).to_owned()),
        Event::Looking => return None,
    })
}
