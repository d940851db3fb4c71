//! Restarts, as Python sees them.
//!
//! In: the fields of [`RestartRequest`]. Out: a [`RestartPlan`] or a [`RestartReport`]. While it is waited, signals are looked
//! for twenty times a second, and `progress(component, phase, seconds, detail)` is called when something of it is new,
//! and once a second in any case; either may raise to stop the work.

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::detached;
use super::data::request;
use super::logging;
use super::operations::moment;
use super::values::{RestartPlan, RestartReport};
use crate::error::Result;
use crate::ops::apply::Continue;
use crate::ops::restart::{self as restarting, Phase, Progress, RestartRequest};

/// Looks at the components, and says what a restart would do.
///
/// # Errors
/// As [`restarting::plan`].
#[pyfunction]
#[pyo3(signature = (restart_request, now=None))]
pub(super) fn plan_restart(
    py: Python<'_>,
    restart_request: &Bound<'_, PyDict>,
    now: Option<DateTime<Utc>>,
) -> PyResult<RestartPlan> {
    let wanted: RestartRequest = request(restart_request)?;
    let now = moment(now);
    telling(py, None, |tell| restarting::plan(&wanted, now, tell)).map(RestartPlan)
}

/// The components that do not load by themselves what was changed of these names, in the order of the restarts.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // as pyo3 hands it over
pub(super) fn must_restart(changed: Vec<String>) -> Vec<&'static str> {
    crate::catalogue::must_restart(&changed)
}

/// Restarts what must be restarted.
///
/// # Errors
/// As [`restarting::restart`]; what `progress` or a signal handler raised.
#[pyfunction]
#[pyo3(signature = (restart_request, progress=None, now=None))]
pub(super) fn restart(
    py: Python<'_>,
    restart_request: &Bound<'_, PyDict>,
    progress: Option<Bound<'_, PyAny>>,
    now: Option<DateTime<Utc>>,
) -> PyResult<RestartReport> {
    let wanted: RestartRequest = request(restart_request)?;
    let now = moment(now);
    telling(py, progress, |tell| restarting::restart(&wanted, now, tell)).map(RestartReport)
}

/// Does `work` with the GIL released; what the callback or a signal handler raises goes before the work's own error.
fn telling<T: Send>(
    py: Python<'_>,
    progress: Option<Bound<'_, PyAny>>,
    work: impl FnOnce(&mut dyn FnMut(&Progress) -> Continue) -> Result<T> + Send,
) -> PyResult<T> {
    let progress = progress.map(Bound::unbind);
    let mut raised: Option<PyErr> = None;
    let mut told: Option<(String, Phase, String, u64)> = None;
    let outcome = detached(py, || {
        work(&mut |state| match tell(progress.as_ref(), state, &mut told) {
            Ok(()) => Continue::Yes,
            Err(error) => {
                raised = Some(error);
                Continue::No
            }
        })
    });
    match raised {
        Some(error) => Err(error),
        None => outcome,
    }
}

fn tell(
    progress: Option<&Py<PyAny>>,
    state: &Progress,
    told: &mut Option<(String, Phase, String, u64)>,
) -> PyResult<()> {
    let second = std::time::Duration::try_from_secs_f64(state.seconds).unwrap_or_default().as_secs();
    let now = Some((state.component.clone(), state.phase, state.detail.clone(), second));
    if let Some(error) = logging::raised() {
        return Err(error);
    }
    Python::attach(|py| {
        py.check_signals()?;
        let Some(callable) = progress.filter(|_| *told != now) else { return Ok(()) };
        *told = now;
        callable.call1(py, (&state.component, state.phase.to_string(), state.seconds, &state.detail)).map(drop)
    })
}
