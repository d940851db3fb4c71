//! Unified diffs of text.

use similar::{Algorithm, TextDiff};

/// How a text becomes another, three lines around each change; nothing when both are the same.
#[must_use]
pub fn unified(before: &str, after: &str, from: &str, to: &str) -> String {
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(before, after);
    diff.unified_diff().header(from, to).to_string()
}
