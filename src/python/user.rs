//! `kubeconfig user` as Python sees it, and files with secrets that a user asks for.
//!
//! In: the fields of [`UserRequest`], the token apart from them. Out: a [`UserKubeconfig`], which has
//! its text to itself until it is asked for.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Deserialize;

use super::call::detached;
use super::data::request;
use super::operations::{moment, with_progress};
use super::values::{EnsuredUser, Kept, Made, UserKubeconfig};
use crate::error::Error;
use crate::ops;
use crate::ops::output::Access;
use crate::ops::user::{self, Order, Present, UserRequest};
use crate::request::RequestError;
use crate::secret::Secret;

/// Plans or makes a user's kubeconfig; a dry run's has no text.
///
/// # Errors
/// As [`user::plan`] and [`user::Planned::make`]; what `progress` or a signal handler raised.
#[pyfunction]
#[pyo3(signature = (user_request, token=None, dry_run=false, progress=None, now=None))]
pub(super) fn user_kubeconfig(
    py: Python<'_>,
    user_request: &Bound<'_, PyDict>,
    token: Option<String>,
    dry_run: bool,
    progress: Option<Bound<'_, PyAny>>,
    now: Option<DateTime<Utc>>,
) -> PyResult<UserKubeconfig> {
    let mut wanted: UserRequest = request(user_request)?;
    wanted.token = token.map(|token| Secret::new(token.into_bytes()));
    let now = moment(now);
    let planned = detached(py, || user::plan(&wanted, now))?;
    if dry_run {
        return Ok(UserKubeconfig(Made { facts: planned.facts(), warnings: planned.warnings, text: None }));
    }
    let (made, late) = with_progress(py, progress, |progress| planned.make(wanted.token.as_ref(), progress))?;
    if let Some(error) = late {
        return Err(error);
    }
    Ok(UserKubeconfig(Made { facts: made.facts, warnings: planned.warnings, text: Some(made.text) }))
}

/// Where the kubeconfig is that is there, and what is done about it.
#[derive(Deserialize)]
struct Wanted {
    path: Option<PathBuf>,
    content: Option<String>,
    force: bool,
    dry_run: bool,
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
}

impl TryFrom<Wanted> for Order {
    type Error = Error;

    fn try_from(wanted: Wanted) -> Result<Self, Error> {
        if wanted.path.is_some() && wanted.content.is_some() {
            let hint = "give the file that is kept or written, or the text of the one that is there";
            return Err(RequestError::bad("a kubeconfig is given as a file and as text", hint).into());
        }
        let text = wanted.content.map(|text| Secret::new(text.into_bytes()));
        Ok(Self {
            present: wanted.path.map_or(Present::Text(text), Present::File),
            force: wanted.force,
            dry_run: wanted.dry_run,
            access: Access { mode: wanted.mode, uid: wanted.uid, gid: wanted.gid },
        })
    }
}

/// Keeps a user's kubeconfig that will do, and makes it otherwise.
///
/// # Errors
/// As [`user::ensure`]; what `progress` or a signal handler raised.
#[pyfunction]
#[pyo3(signature = (user_request, token, order, progress=None, now=None))]
pub(super) fn ensure_user(
    py: Python<'_>,
    user_request: &Bound<'_, PyDict>,
    token: Option<String>,
    order: &Bound<'_, PyDict>,
    progress: Option<Bound<'_, PyAny>>,
    now: Option<DateTime<Utc>>,
) -> PyResult<EnsuredUser> {
    let mut wanted: UserRequest = request(user_request)?;
    wanted.token = token.map(|token| Secret::new(token.into_bytes()));
    let order = Order::try_from(request::<Wanted>(order)?)?;
    let now = moment(now);
    let (ensured, late) = with_progress(py, progress, |progress| user::ensure(&wanted, &order, now, progress))?;
    late.map_or_else(|| Ok(EnsuredUser(Kept::from(ensured))), Err)
}

/// Writes a text with secrets into a file of mode 0600, or of the mode, owner and group that are given.
///
/// # Errors
/// As [`ops::output::write_secret`].
#[pyfunction]
#[pyo3(signature = (path, text, force=false, mode=None, uid=None, gid=None))]
// Work without the GIL needs the path owned.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn write_secret_file(
    py: Python<'_>,
    path: PathBuf,
    text: String,
    force: bool,
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
) -> PyResult<()> {
    let text = Secret::new(text.into_bytes());
    detached(py, || ops::output::write_secret(&path, &text, force, Access { mode, uid, gid }))
}
