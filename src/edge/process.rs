//! Programs of the host: found in the system's folders, run with fixed arguments, a clean environment and a time limit.
//!
//! In: a name, arguments, a timeout. Out: what the program printed on stdout; or why it did not succeed. No shell is
//! involved, and no secret of this process's environment is passed on. It decides nothing about what the output means.

// This is the floor that the ban on processes elsewhere exists for.
#![allow(clippy::disallowed_methods)]

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::program::{self, Distrust, FOLDERS};
use crate::error::faults;

/// Between two looks.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// No more of an output is kept than this, in bytes.
const LIMIT: usize = 4 << 20;

/// How long pipes are waited for once the program has ended.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// The variables that programs get: the language, the time zone, and where `crictl` finds the container runtime.
const PASSED_ON: [&str; 6] =
    ["LANG", "LC_ALL", "LC_MESSAGES", "TZ", "CONTAINER_RUNTIME_ENDPOINT", "IMAGE_SERVICE_ENDPOINT"];

faults! {
    /// Why a program did not succeed.
    pub enum ProcessError {
        /// `systemctl` is in none of the system's folders (`/usr/local/sbin`, `/usr/local/bin`, `/usr/sbin`, `/usr/bin`,
        /// `/sbin`, `/bin`, `/opt/bin`), and it is needed. `PATH` is not asked.
        #[error("there is no program {program} in {}", FOLDERS.join(", "))]
        #[fault("process.not_found", Environment, format!("install {program} in one of them; a link there will do, if only root can change where it leads"))]
        NotFound {
            /// Its name.
            program: String,
        },
        /// The program that would be run as root is in a folder, or behind a link, that another user can change.
        #[error("{program} is not run: {}: {reason}", place.display())]
        #[fault("process.untrusted", Refused,
            format!("let it belong to root, and nobody else write to it: {}", place.display()))]
        Untrusted {
            /// Its name.
            program: String,
            /// The file, folder or link that somebody else can change.
            place: PathBuf,
            /// Who, and why.
            reason: String,
        },
        /// The program failed; the message has what it said.
        #[error("`{command}` failed: {reason}")]
        #[fault("process.failed", Environment, format!("run `{command}` by hand and see what it says"))]
        Failed {
            /// The program and its arguments.
            command: String,
            /// What it printed on stderr, or how it ended.
            reason: String,
        },
        /// The program did not end in time, and was ended.
        #[error("`{command}` did not end within {} s", waited.as_secs_f32())]
        #[fault("process.timeout", Environment, format!("run `{command}` by hand and see what it says"))]
        Timeout {
            /// The program and its arguments.
            command: String,
            /// How long it was waited for.
            waited: Duration,
        },
    }
}

/// The absolute path of a program of the system.
///
/// # Errors
/// [`ProcessError::NotFound`], [`ProcessError::Untrusted`].
pub fn find(program: &str) -> Result<PathBuf, ProcessError> {
    match program::find(program) {
        Ok(Some(path)) => Ok(path),
        Ok(None) => Err(ProcessError::NotFound { program: program.to_owned() }),
        Err(Distrust { place, reason }) => Err(ProcessError::Untrusted { program: program.to_owned(), place, reason }),
    }
}

/// Runs a program to its end, and returns what it printed on stdout. It gets none of this process's variables but those
/// of `PASSED_ON`.
///
/// # Errors
/// [`ProcessError::Failed`] when it cannot be started or does not end with 0; [`ProcessError::Timeout`].
pub fn run(program: &Path, arguments: &[&str], timeout: Duration) -> Result<Vec<u8>, ProcessError> {
    let end = Instant::now() + timeout;
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let command = std::iter::once(name.as_ref()).chain(arguments.iter().copied()).collect::<Vec<_>>().join(" ");
    let failed = |reason: String| ProcessError::Failed { command: command.clone(), reason };
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", FOLDERS.join(":"))
        .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // What it starts is ended with it.
        .process_group(0)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    match follow(&mut child, end) {
        Ok((Some(status), [stdout, _])) if status.success() => Ok(stdout),
        Ok((Some(status), [_, stderr])) => {
            // A message is one line.
            let said = String::from_utf8_lossy(&stderr);
            let said: Vec<_> =
                said.lines().map(|line| line.trim().trim_end_matches('.')).filter(|line| !line.is_empty()).collect();
            let said = said.join("; ");
            Err(failed(if said.is_empty() { status.to_string() } else { said }))
        }
        Ok((None, _)) => {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            child.kill().and_then(|()| child.wait()).map_err(|error| failed(error.to_string()))?;
            Err(ProcessError::Timeout { command, waited: timeout })
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// How the child ended, `None` when the time is up before, and what it printed on stdout and stderr. Both are read all the
/// time, or a full pipe would keep it from ending.
fn follow(child: &mut Child, mut end: Instant) -> std::io::Result<(Option<ExitStatus>, [Vec<u8>; 2])> {
    let mut pipes = [Pipe::of(child.stdout.take(), LIMIT)?, Pipe::of(child.stderr.take(), LIMIT)?];
    let mut status = None;
    loop {
        let has_come = pipes.each_mut().map(Pipe::read).contains(&true);
        if status.is_none() {
            status = child.try_wait()?;
            if status.is_some() {
                // What it has started may hold the pipes open for as long as it likes; what it printed itself is there.
                end = end.min(Instant::now() + GRACE);
            }
        }
        let is_all = status.is_some() && pipes.iter().all(|pipe| pipe.source.is_none());
        if is_all || Instant::now() >= end {
            return Ok((status, pipes.map(|pipe| pipe.bytes)));
        }
        if !has_come {
            thread::sleep(PAUSE);
        }
    }
}

/// A pipe, until it ends, and what it has brought so far.
pub(super) struct Pipe {
    pub(super) source: Option<OwnedFd>,
    pub(super) bytes: Vec<u8>,
    /// No more is kept at once; what comes beyond it is read and forgotten.
    limit: usize,
}

impl Pipe {
    pub(super) fn of(source: Option<impl Into<OwnedFd>>, limit: usize) -> std::io::Result<Self> {
        let source = source.map(Into::into);
        source.as_ref().map_or(Ok(()), |source| rustix::io::ioctl_fionbio(source, true))?;
        Ok(Self { source, bytes: Vec::new(), limit })
    }

    /// Reads what is there; false when nothing is.
    pub(super) fn read(&mut self) -> bool {
        let mut buffer = [0; 8192];
        match self.source.as_ref().map(|source| rustix::io::read(source, &mut buffer)) {
            Some(Ok(length @ 1..)) => {
                let room = self.limit.saturating_sub(self.bytes.len());
                self.bytes.extend(buffer.iter().take(length.min(room)));
                true
            }
            Some(Err(Errno::AGAIN | Errno::INTR)) => false,
            _ => {
                self.source = None;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnostic;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn a_program_is_found_by_its_name_and_its_output_returned() {
        let shell = find("sh").unwrap();
        assert!(shell.is_absolute());
        assert_eq!(run(&shell, &["-c", "echo out; echo err >&2"], SOON).unwrap(), b"out\n");
        assert_eq!(find("no-such-program-of-kubepki").unwrap_err().code(), "process.not_found");
    }

    #[test]
    fn a_failure_says_what_the_program_said() {
        let error = run(&find("sh").unwrap(), &["-c", "echo no endpoint >&2; exit 3"], SOON).unwrap_err();
        assert_eq!(error.code(), "process.failed");
        assert!(error.to_string().ends_with("failed: no endpoint"), "{error}");
    }

    #[test]
    fn what_holds_a_pipe_open_is_not_waited_for_and_ends_with_the_program() {
        let shell = find("sh").unwrap();
        let start = Instant::now();
        assert_eq!(run(&shell, &["-c", "sleep 1000 & echo $!"], SOON * 60).unwrap().last(), Some(&b'\n'));
        assert!(start.elapsed() < SOON * 30);

        let place = tempfile::tempdir().unwrap();
        let noted = place.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", noted.display());
        let error = run(&shell, &["-c", &script], Duration::from_secs(2)).unwrap_err();
        assert_eq!(error.code(), "process.timeout");
        let pid = std::fs::read_to_string(noted).unwrap();
        let ended = || {
            let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            status.map_or(true, |status| status.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
        };
        while !ended() {
            assert!(start.elapsed() < SOON * 3, "the grandchild still runs");
            thread::sleep(PAUSE);
        }
    }

    #[test]
    fn no_variable_is_passed_on_that_the_program_does_not_need() {
        let printed = run(&find("env").unwrap(), &[], SOON).unwrap();
        let text = String::from_utf8(printed).unwrap();
        let names: Vec<_> = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        assert!(names.contains(&"PATH"));
        assert!(names.iter().all(|name| *name == "PATH" || PASSED_ON.contains(name)), "{text}");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let error = run(&find("sleep").unwrap(), &["60"], Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.code(), "process.timeout");
    }
}
