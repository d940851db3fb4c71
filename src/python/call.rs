//! How Python calls the core: with the GIL released, log levels fresh, and errors mapped.
//!
//! In: a closure that owns or borrows Rust values only. Out: its value, or the Python exception of its error.
//! Every native function that computes, reads or writes goes through [`detached`]; only conversions of
//! arguments and results happen with the GIL held. A panic never reaches Python, where it would pass every
//! `except Exception`: it is an error with a code.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use super::logging;
use crate::edge::dump::{self, NotDumped};
use crate::error::{Error, Result, without_panic};
use crate::workers::StopSignal;

/// Runs `work` with the GIL released, so that other Python threads go on meanwhile.
///
/// # Errors
/// What `work` returned, as the exception that `kubepki.errors` has for its category; `internal.panic` when it panicked;
/// what was raised while it logged.
pub(super) fn detached<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce() -> Result<T> + Send,
{
    let (outcome, raised) = finished(py, work);
    raised.map_or(outcome, Err)
}

/// Runs `work` as [`detached`] does, and returns how it ended beside what was raised while it logged: for work whose
/// result must not be lost.
pub(super) fn finished<T, F>(py: Python<'_>, work: F) -> (PyResult<T>, Option<PyErr>)
where
    T: Send,
    F: FnOnce() -> Result<T> + Send,
{
    logging::refresh(py);
    let _keys_are_held = NotDumped::hold();
    let outcome = without_panic(|| py.detach(work)).map_err(Error::from).flatten().map_err(PyErr::from);
    (outcome, logging::raised())
}

/// What signal handlers of Python raise during long work of the core, which ends then.
#[derive(Clone, Default)]
pub(super) struct Signals(Arc<Mutex<Option<PyErr>>>);

impl Signals {
    /// What the work asks between its pieces; Python runs its handlers on its first thread alone.
    pub(super) fn stop(&self) -> StopSignal {
        let raised = Arc::clone(&self.0);
        StopSignal::new(move || {
            if raised.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                return true;
            }
            // Not under the lock: whoever has the GIL may be waiting for it.
            let heard = Python::attach(|py| py.check_signals().err());
            let mut raised = raised.lock().unwrap_or_else(PoisonError::into_inner);
            *raised = raised.take().or(heard);
            raised.is_some()
        })
    }

    /// Has what a callback raised end the work, as what a signal handler raises.
    pub(super) fn raise(&self, error: PyErr) {
        let mut raised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *raised = raised.take().or(Some(error));
    }

    /// The same as a cluster's client asks it.
    pub(super) fn tell(&self) -> impl FnMut() -> ControlFlow<()> + Send + use<> {
        let stop = self.stop();
        move || if stop.has_come() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Runs `work` as [`detached`] does; what a handler raised goes before what the work says.
    pub(super) fn detached<T, F>(&self, py: Python<'_>, work: F) -> PyResult<T>
    where
        T: Send,
        F: FnOnce() -> Result<T> + Send,
    {
        let outcome = detached(py, work);
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(raised) => Err(raised),
            None => outcome,
        }
    }
}

/// Converts an argument or a result, which a panic turns into an error too.
pub(super) fn converted<T>(convert: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    without_panic(convert).map_err(|panicked| PyErr::from(Error::from(panicked))).flatten()
}

/// Panics where all work is done, for the test that no panic reaches Python.
#[pyfunction]
#[allow(clippy::panic)]
pub(super) fn _panic(py: Python<'_>) -> PyResult<()> {
    detached(py, || panic!("a panic that was asked for"))
}

/// Refuses memory dumps for the rest of the process's life: for a program of ours, not for one that imports us.
#[pyfunction]
pub(super) fn refuse_core_dumps() {
    dump::refuse();
}
