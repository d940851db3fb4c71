//! Log records on stderr: warnings always, more with `-v` and `-vv`.
//!
//! In: records of the core. Out: one printable line each.

use std::io::Write as _;

use log::{LevelFilter, Log, Metadata, Record};

use crate::text::printable;

struct ToStderr;

impl Log for ToStderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What libraries warn of, our errors say: it is a detail.
        let is_detail = metadata.level() <= log::Level::Warn && log::max_level() >= LevelFilter::Debug;
        is_detail || metadata.target().starts_with("kubepki")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // Nobody can be told that nobody can be told.
            let _ = writeln!(std::io::stderr().lock(), "{}", printable(&record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

/// Shows warnings from now on.
pub(super) fn install() {
    // Within Python another logger may be there already; then records go where Python wants them.
    if log::set_logger(&ToStderr).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}

/// Shows more: with one `-v` what is done, with two all details.
pub(super) fn show_more(times: u8) {
    let level = match times {
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        2 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    };
    log::set_max_level(level);
}
