//! kubepki on another node: a program that the operator names (`ssh cp2 kubepki`) runs it there.
//!
//! In: the words of the operator, arguments, what goes into stdin. Out: how it ended and what it printed on stdout; what comes through
//! stderr is handed on line by line. No shell is involved here. The program has the operator's own environment, as an agent of
//! SSH is found by it.

// This is the floor that the ban on processes elsewhere exists for.
#![allow(clippy::disallowed_methods)]

use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::process::{Pipe, ProcessError};
use crate::secret::Secret;

const PAUSE: Duration = Duration::from_millis(20);

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed on stdout.
    pub stdout: Vec<u8>,
    /// The last lines of what it printed on stderr.
    pub said: Vec<String>,
}

/// So many last lines are kept.
const KEPT: usize = 20;

/// Runs `words` with `arguments` behind them, to its end: a signal that stops this process does not stop that one, which may be in the
/// middle of a change.
///
/// # Errors
/// [`ProcessError::Failed`] when it cannot be started; [`ProcessError::Timeout`], after which it is ended.
pub fn call(
    words: &[String],
    arguments: &[String],
    input: Option<&Secret>,
    timeout: Duration,
    see: &mut dyn FnMut(&str),
) -> Result<Ended, ProcessError> {
    let shown = words.iter().chain(arguments).map(String::as_str).collect::<Vec<_>>().join(" ");
    let failed = |reason: String| ProcessError::Failed { command: shown.clone(), reason };
    let (program, rest) = words.split_first().ok_or_else(|| failed("it names no program".to_owned()))?;
    let mut child = Command::new(program)
        .args(rest)
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C on the terminal is for this process: it ends after the step.
        .process_group(0)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let ended = thread::scope(|scope| {
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // Whoever does not read it says why on stderr.
            scope.spawn(move || {
                let _ = stdin.write_all(input.expose());
            });
        }
        follow(&mut child, Instant::now() + timeout, see)
    });
    match ended {
        Ok(Some(ended)) => Ok(ended),
        Ok(None) => Err(ProcessError::Timeout { command: shown, waited: timeout }),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn follow(child: &mut Child, end: Instant, see: &mut dyn FnMut(&str)) -> std::io::Result<Option<Ended>> {
    let mut out = Pipe::of(child.stdout.take())?;
    let mut err = Pipe::of(child.stderr.take())?;
    let mut said = Vec::new();
    loop {
        let has_come = [out.read(), err.read()].contains(&true);
        lines(&mut err.bytes, &mut said, see);
        let status = if has_come { None } else { child.try_wait()? };
        if let Some(status) = status {
            // What it has printed between the last look and its end.
            while [out.read(), err.read()].contains(&true) && Instant::now() < end {}
            lines(&mut err.bytes, &mut said, see);
            let rest = std::mem::take(&mut err.bytes);
            if !rest.is_empty() {
                note(&rest, &mut said, see);
            }
            return Ok(Some(Ended { code: status.code(), stdout: out.bytes, said }));
        }
        if Instant::now() >= end {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            child.kill().and_then(|()| child.wait())?;
            return Ok(None);
        }
        if !has_come {
            thread::sleep(PAUSE);
        }
    }
}

/// Hands on the lines that are whole.
fn lines(bytes: &mut Vec<u8>, said: &mut Vec<String>, see: &mut dyn FnMut(&str)) {
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let line: Vec<u8> = bytes.drain(..=end).collect();
        note(&line, said, see);
    }
}

fn note(line: &[u8], said: &mut Vec<String>, see: &mut dyn FnMut(&str)) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    see(text);
    if said.len() == KEPT {
        said.remove(0);
    }
    said.push(text.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script, "sh"].map(str::to_owned).to_vec()
    }

    #[test]
    fn what_is_given_is_read_and_what_is_said_is_handed_on() {
        let mut seen = Vec::new();
        let script = "cat; echo one >&2; echo two >&2; printf last >&2; echo $1; exit 3";
        let input = Secret::new(vec![b'x'; 300_000]);
        let wait = Duration::from_secs(60);
        let ended =
            call(&words(script), &["argument".to_owned()], Some(&input), wait, &mut |line| seen.push(line.to_owned()))
                .unwrap();
        assert_eq!(ended.code, Some(3));
        assert_eq!(ended.stdout.len(), 300_000 + "argument\n".len());
        assert_eq!(seen, ["one", "two", "last"]);
        assert_eq!(ended.said, seen);
    }

    #[test]
    fn what_does_not_end_is_ended_and_what_is_no_program_is_named() {
        let error = call(&words("sleep 1000"), &[], None, Duration::from_millis(100), &mut |_| {}).unwrap_err();
        assert!(matches!(error, ProcessError::Timeout { .. }));
        // Nobody who closes what he says is waited for without end.
        let silent = words("exec >&- 2>&-; sleep 1000");
        let error = call(&silent, &[], None, Duration::from_millis(100), &mut |_| {}).unwrap_err();
        assert!(matches!(error, ProcessError::Timeout { .. }));
        let none = call(&["/no/such/program".to_owned()], &[], None, Duration::from_secs(1), &mut |_| {}).unwrap_err();
        assert!(none.to_string().contains("/no/such/program"));
    }
}
