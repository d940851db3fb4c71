//! Programs of the host: found in the system's folders, run with fixed arguments, a clean environment and a time limit.
//!
//! In: a name, arguments, a timeout. Out: what the program printed on stdout; or why it did not succeed. No shell is
//! involved, and no secret of this process's environment is passed on. It decides nothing about what the output means.

// This is the floor that the ban on processes elsewhere exists for.
#![allow(clippy::disallowed_methods)]

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::program::{self, Distrust, FOLDERS};
use crate::error::faults;

const PAUSE: Duration = Duration::from_millis(20);

/// No more of an output is kept than this, in bytes.
const LIMIT: usize = 4 << 20;

/// How long pipes are waited for once the program has ended.
const GRACE: Duration = Duration::from_secs(2);

/// The variables that programs get: the language, the time zone, and where `crictl` finds the container runtime.
const PASSED_ON: [&str; 6] =
    ["LANG", "LC_ALL", "LC_MESSAGES", "TZ", "CONTAINER_RUNTIME_ENDPOINT", "IMAGE_SERVICE_ENDPOINT"];

faults! {
    /// Why a program did not succeed.
    pub enum ProcessError {
        /// `systemctl` is in none of the system's folders (`/usr/local/sbin`, `/usr/local/bin`, `/usr/sbin`, `/usr/bin`,
        /// `/sbin`, `/bin`, `/opt/bin`), and it is needed. `PATH` is not asked.
        #[error("there is no program {program} in {}", FOLDERS.join(", "))]
        #[fault("process.not_found", Environment, format!("install {program}, or put its folder into PATH"))]
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
    // Both are read all the time, or a full pipe would keep the program from ending.
    let printed = [child.stdout.take().map(Printed::read), child.stderr.take().map(Printed::read)];
    let Some(status) = wait(&mut child, end).map_err(|error| failed(error.to_string()))? else {
        return Err(ProcessError::Timeout { command, waited: timeout });
    };
    // What it has started may hold the pipes open for as long as it likes; what the program itself printed is there.
    let end = end.min(Instant::now() + GRACE);
    let [stdout, stderr] = printed.map(|printed| printed.map(|printed| printed.until(end)).unwrap_or_default());
    if status.success() {
        return Ok(stdout);
    }
    let said = String::from_utf8_lossy(&stderr).trim().to_owned();
    Err(failed(if said.is_empty() { status.to_string() } else { said }))
}

/// What a pipe has brought so far.
struct Printed {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Printed {
    fn read(mut source: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, ended) = channel();
        let kept = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = source.read(&mut buffer) {
                let Ok(mut kept) = kept.lock() else { return };
                let room = LIMIT.saturating_sub(kept.len());
                kept.extend(buffer.iter().take(length.min(room)));
            }
            drop(sender);
        });
        Self { bytes, ended }
    }

    fn until(self, end: Instant) -> Vec<u8> {
        let _ = self.ended.recv_timeout(end.saturating_duration_since(Instant::now()));
        self.bytes.lock().map(|mut bytes| std::mem::take(&mut *bytes)).unwrap_or_default()
    }
}

/// How the child ended; `None` when it had to be ended, with all that it started.
fn wait(child: &mut Child, end: Instant) -> std::io::Result<Option<std::process::ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
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
