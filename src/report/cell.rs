//! Times and paths as they stand in tables and sentences.
//!
//! In: values. Out: text; what is not there is empty.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

/// A moment to the minute.
pub(super) fn minute(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| time.format("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
}

/// A moment to the second.
pub(super) fn second(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A path without repeated or trailing slashes.
pub(super) fn path(path: &Path) -> String {
    path.components().collect::<PathBuf>().to_string_lossy().into_owned()
}

/// Several, with commas between them.
pub(super) fn paths<'p>(all: impl IntoIterator<Item = &'p Path>) -> String {
    all.into_iter().map(path).collect::<Vec<_>>().join(", ")
}
