//! How the command line says that something went wrong, and with which exit code it ends.
//!
//! | exit code | it means |
//! |---|---|
//! | 0 | done |
//! | 1 | there are findings |
//! | 2 | the call or the configuration is wrong |
//! | 3 | the environment failed: files, permissions, space, network; or kubepki has a defect |
//! | 4 | refused: it would do harm |
//! | 5 | partly done |
//! | 130 | interrupted |
//! | 141 | the reader of stdout went away (128 + SIGPIPE, what a shell reports for any other filter) |

use std::io;

use serde_json::Value;

use super::error::{CommandError, STDOUT};
use super::session::Session;
use super::stop::{Given, Stop};
use crate::error::{Category, Error};
use crate::text::printable;

const BROKEN_PIPE: u8 = 141;

/// Says why the run stopped, and returns its exit code.
pub(super) fn report(session: &Session, stop: Stop) -> u8 {
    let (error, given) = match stop {
        Stop::Error(error, given) => (error, given),
        Stop::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return BROKEN_PIPE,
        Stop::Output(error) => (CommandError::io(STDOUT, &error).into(), Box::default()),
    };
    if error.category() == Category::Interrupted {
        session.screen.say(&error.to_string());
        return error.category().exit_code();
    }
    for line in lines(&error, &given) {
        session.screen.say(&printable(&line));
    }
    given.exit_code.unwrap_or_else(|| error.category().exit_code())
}

/// An error in three lines: what is wrong, what to do, and its code.
fn lines(error: &Error, given: &Given) -> Vec<String> {
    let problems = error.context().get("problems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    // One problem is the message itself; of several each has a hint of its own.
    let mut lines =
        if problems.len() > 1 { problems.iter().flat_map(listed).collect() } else { vec![format!("error: {error}")] };
    let hint = error.hint();
    if !hint.is_empty() {
        lines.push(format!("  hint: {}", given.complete(&hint)));
    }
    lines.push(format!("  code: {}", error.code()));
    lines
}

/// One of several problems of a configuration, with its hint.
fn listed(one: &Value) -> Vec<String> {
    let hint = one.get("hint").and_then(Value::as_str).filter(|hint| !hint.is_empty());
    [problem(one)].into_iter().chain(hint.map(|hint| format!("  hint: {hint}"))).collect()
}

/// A problem of a configuration in a line: how bad, where and what.
pub(super) fn problem(one: &Value) -> String {
    let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| one.get(name).and_then(Value::as_u64);
    let place = match (number("line"), number("column")) {
        (Some(line), Some(column)) => format!("{line}:{column}:"),
        _ => String::new(),
    };
    let field = if text("field").is_empty() { String::new() } else { format!("{}: ", text("field")) };
    format!("{}: {}:{place} {field}{}", text("severity"), text("file"), text("message"))
}
