//! A problem of a configuration as text.

use crate::config::Problem;
use crate::text::printable;

/// How bad it is, where and what, followed by `more`; and what to do.
#[must_use]
pub fn lines(problem: &Problem, more: &str) -> Vec<String> {
    let hint = Some(&problem.hint).filter(|hint| !hint.is_empty()).map(|hint| format!("  hint: {}", printable(hint)));
    let what = printable(&problem.to_string()).into_owned();
    [format!("{}: {what}{more}", problem.severity)].into_iter().chain(hint).collect()
}
