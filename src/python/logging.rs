//! Rust's log records reach Python's `logging`: target `kubepki::store` is the logger `kubepki.store`.
//!
//! In: nothing. Out: an installed bridge, from the first call on at whose start Python's `logging` is loaded: a program
//! without it hears nothing in any case, and loading it costs more than all of us. Levels are cached, so that a disabled
//! record in a hot loop costs no GIL; [`refresh`] at the start of each call makes a level that Python changed in between
//! count. A record is one printable line. What Python raises while it logs (Ctrl-C is heard there too) is kept for [`raised`]: a record has no
//! way to return it, and work that is half done must not be left.

use std::cell::RefCell;
use std::cmp;
use std::sync::OnceLock;

use log::{LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;
use pyo3_log::{Caching, Logger, ResetHandle};

use crate::text::printable;

/// Nothing within when another logger was there before.
static LEVELS: OnceLock<Option<ResetHandle>> = OnceLock::new();

thread_local! {
    /// The first that was raised while this thread logged.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Installs the bridge where `logging` is loaded by now, and forgets the cached levels: the next record asks Python again.
pub(super) fn refresh(py: Python<'_>) {
    match LEVELS.get() {
        Some(Some(levels)) => levels.reset(),
        // A `logging` that cannot be used has no bridge; the work goes on.
        None if is_in_use(py).unwrap_or(false) => drop(install(py)),
        Some(None) | None => {}
    }
}

fn is_in_use(py: Python<'_>) -> PyResult<bool> {
    py.import("sys")?.getattr("modules")?.contains("logging")
}

/// A second call, as in another subinterpreter, keeps the first bridge; so does one after another logger was installed.
fn install(py: Python<'_>) -> PyResult<()> {
    let (others, ours) = (LevelFilter::Warn, LevelFilter::Trace);
    let logger = Logger::new(py, Caching::LoggersAndLevels)?.filter(others).filter_target("kubepki".to_owned(), ours);
    let handle = logger.reset_handle();
    let is_ours = log::set_boxed_logger(Box::new(Bridge(logger))).is_ok();
    if is_ours {
        log::set_max_level(cmp::max(others, ours));
    }
    let _ = LEVELS.set(is_ours.then_some(handle));
    Ok(())
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
