//! Programs of the host: found on `PATH`, run with fixed arguments and a time limit.
//!
//! In: a name, arguments, a timeout. Out: what the program printed on stdout; or why it did not succeed. No shell is
//! involved. It decides nothing about what the output means.

// This is the floor that the ban on processes elsewhere exists for.
#![allow(clippy::disallowed_methods)]

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Diagnostic;

const PAUSE: Duration = Duration::from_millis(20);

/// No more of an output is kept than this, in bytes.
const LIMIT: u64 = 4 << 20;

/// Why a program did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// No program of that name is on `PATH`.
    #[error("there is no program {program} on PATH")]
    NotFound {
        /// Its name.
        program: String,
    },
    /// It could not be started, or ended with a failure.
    #[error("`{command}` failed: {reason}")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// What it printed on stderr, or how it ended.
        reason: String,
    },
    /// It did not end in time, and was ended.
    #[error("`{command}` did not end within {} s", waited.as_secs_f32())]
    Timeout {
        /// The program and its arguments.
        command: String,
        /// How long it was waited for.
        waited: Duration,
    },
}

impl Diagnostic for ProcessError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "process.not_found",
            Self::Failed { .. } => "process.failed",
            Self::Timeout { .. } => "process.timeout",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::NotFound { program } => format!("install {program}, or put its folder into PATH"),
            Self::Failed { command, .. } | Self::Timeout { command, .. } => {
                format!("run `{command}` by hand and see what it says")
            }
        }
    }
}

/// The absolute path of a program on `PATH`.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|file| file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0))
}

/// Runs a program to its end, and returns what it printed on stdout.
///
/// # Errors
/// [`ProcessError::Failed`] when it cannot be started or does not end with 0; [`ProcessError::Timeout`].
pub fn run(program: &Path, arguments: &[&str], timeout: Duration) -> Result<Vec<u8>, ProcessError> {
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let command = std::iter::once(name.as_ref()).chain(arguments.iter().copied()).collect::<Vec<_>>().join(" ");
    let failed = |reason: String| ProcessError::Failed { command: command.clone(), reason };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    // Both are read all the time, or a full pipe would keep the program from ending.
    let printed = [child.stdout.take().map(read_all), child.stderr.take().map(read_all)];
    let Some(status) = wait(&mut child, timeout).map_err(|error| failed(error.to_string()))? else {
        return Err(ProcessError::Timeout { command, waited: timeout });
    };
    let [stdout, stderr] = printed.map(|reader| reader.and_then(|reader| reader.join().ok()).unwrap_or_default());
    if status.success() {
        return Ok(stdout);
    }
    let said = String::from_utf8_lossy(&stderr).trim().to_owned();
    Err(failed(if said.is_empty() { status.to_string() } else { said }))
}

fn read_all(source: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        let _ = source.take(LIMIT).read_to_end(&mut all);
        all
    })
}

/// How the child ended; `None` when it had to be ended.
fn wait(child: &mut Child, timeout: Duration) -> std::io::Result<Option<std::process::ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= timeout {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn a_program_is_found_by_its_name_and_its_output_returned() {
        let shell = find("sh").unwrap();
        assert!(shell.is_absolute());
        assert_eq!(run(&shell, &["-c", "echo out; echo err >&2"], SOON).unwrap(), b"out\n");
        assert_eq!(find("no-such-program-of-kubepki"), None);
    }

    #[test]
    fn a_failure_says_what_the_program_said() {
        let error = run(&find("sh").unwrap(), &["-c", "echo no endpoint >&2; exit 3"], SOON).unwrap_err();
        assert_eq!(error.code(), "process.failed");
        assert!(error.to_string().ends_with("failed: no endpoint"), "{error}");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let error = run(&find("sleep").unwrap(), &["60"], Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.code(), "process.timeout");
    }
}
