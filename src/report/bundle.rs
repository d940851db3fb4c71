//! What is in a bundle, or would be.

use super::table;
use crate::ops::bundle::ExportedEntry;

/// The entries as a table that fits a width.
#[must_use]
pub fn text(entries: &[ExportedEntry], width: Option<usize>) -> String {
    let row = |entry: &ExportedEntry| {
        let path = entry.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        [entry.name.clone(), path, if entry.is_empty { "empty".to_owned() } else { String::new() }]
    };
    table(width, ["ENTRY", "FILE", "NOTE"], entries.iter().map(row))
}
