//! Rust's log records reach Python's `logging`: target `kubepki::store` is the logger `kubepki.store`.
//!
//! In: nothing. Out: an installed bridge. Levels are cached, so that a disabled record in a hot loop costs no
//! GIL; [`refresh_levels`] at the start of each call makes a level that Python changed in between count. A record is one
//! printable line. What Python raises while it logs (Ctrl-C is heard there too) is kept for [`raised`]: a record has no
//! way to return it, and work that is half done must not be left.

use std::cell::RefCell;
use std::cmp;
use std::sync::OnceLock;

use log::{LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;
use pyo3_log::{Caching, Logger, ResetHandle};

use crate::text::printable;

static LEVELS: OnceLock<ResetHandle> = OnceLock::new();

thread_local! {
    /// The first that was raised while this thread logged.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Installs the bridge; a second call, as in another subinterpreter, keeps the first.
///
/// # Errors
/// When Python's `logging` cannot be imported.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    let (others, ours) = (LevelFilter::Warn, LevelFilter::Trace);
    let logger = Logger::new(py, Caching::LoggersAndLevels)?.filter(others).filter_target("kubepki".to_owned(), ours);
    let handle = logger.reset_handle();
    if log::set_boxed_logger(Box::new(Bridge(logger))).is_ok() {
        log::set_max_level(cmp::max(others, ours));
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

/// What was raised while this thread logged, once.
pub(super) fn raised() -> Option<PyErr> {
    RAISED.with_borrow_mut(Option::take)
}

struct Bridge(Logger);

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.0.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        let line = printable(&text);
        // The logger leaves an exception pending, with which every further call into Python would be a `SystemError`.
        let error = Python::attach(|py| {
            let mut shown = Record::builder();
            shown.metadata(record.metadata().clone()).module_path(record.module_path());
            self.0.log(&shown.file(record.file()).line(record.line()).args(format_args!("{line}")).build());
            PyErr::take(py)
        });
        if let Some(error) = error {
            RAISED.with_borrow_mut(|kept| {
                kept.get_or_insert(error);
            });
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}
