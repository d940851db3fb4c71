//! Rust's log records reach Python's `logging`: target `kubepki::store` is the logger `kubepki.store`.
//!
//! In: nothing. Out: an installed bridge. Levels are cached, so that a disabled record in a hot loop costs no
//! GIL; [`refresh_levels`] at the start of each call makes a level that Python changed in between count.

use std::sync::OnceLock;

use log::LevelFilter;
use pyo3::prelude::*;
use pyo3_log::{Caching, Logger, ResetHandle};

static LEVELS: OnceLock<ResetHandle> = OnceLock::new();

/// Installs the bridge; a second call, as in another subinterpreter, keeps the first.
///
/// # Errors
/// When Python's `logging` cannot be imported.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    let bridge = Logger::new(py, Caching::LoggersAndLevels)?
        .filter(LevelFilter::Warn)
        .filter_target("kubepki".to_owned(), LevelFilter::Trace);
    if let Ok(handle) = bridge.install() {
        let _ = LEVELS.set(handle);
    }
    Ok(())
}

/// Forgets the cached levels: the next record asks Python again.
pub(super) fn refresh_levels() {
    if let Some(levels) = LEVELS.get() {
        levels.reset();
    }
}
