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

use super::error::{CommandError, STDOUT};
use super::session::Session;
use super::stop::{Given, Stop};
use crate::config::Problem;
use crate::error::{Category, Error};
use crate::report;
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
        // Who runs it again knows how; where another command is meant, it is said.
        if error.hint().contains("`kubepki ") {
            session.screen.say(&printable(&format!("  hint: {}", given.complete(&error.hint()))));
        }
        return error.category().exit_code();
    }
    for line in lines(&error, &given) {
        session.screen.say(&printable(&line));
    }
    given.exit_code.unwrap_or_else(|| error.category().exit_code())
}

/// An error in three lines: what is wrong, what to do, and its code.
fn lines(error: &Error, given: &Given) -> Vec<String> {
    let problems = Problem::all_of(error);
    // One problem is the message itself; of several each has a hint of its own.
    let mut lines = if problems.len() > 1 {
        problems.iter().flat_map(|one| report::problem::lines(one, "")).collect()
    } else {
        vec![format!("error: {error}")]
    };
    let hint = error.hint();
    if !hint.is_empty() {
        lines.push(format!("  hint: {}", given.complete(&hint)));
    }
    lines.push(format!("  code: {}", error.code()));
    lines
}
