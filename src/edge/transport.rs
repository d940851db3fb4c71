//! kubepki on another node: a program that the operator names (`ssh cp2 kubepki`) runs it there.
//!
//! In: the words of the operator, arguments, what goes into stdin, how long it may take. Out: how it ended and what it printed on
//! stdout; what comes through stderr is handed on line by line. No shell is involved here. The program has the operator's own
//! environment, as an agent of SSH is found by it, and no terminal: what would ask there (a password, an unknown host key) fails at once.

// This is the floor that the ban on processes elsewhere exists for.
#![allow(clippy::disallowed_methods)]

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::process::{GRACE, PAUSE, Pipe};
use super::program;
use crate::clock::SystemClock;
use crate::secret::Secret;
use crate::workers::StopSignal;

/// No answer is longer, in bytes.
pub const MOST: usize = 16 << 20;

/// So much of a line is kept, in bytes.
const LONGEST_LINE: usize = 4 << 10;

/// So many last lines are kept.
const KEPT: usize = 20;

/// The program of util-linux and of `BusyBox` that gives another one a session of its own.
const SETSID: &str = "setsid";

/// How long a run may take, and what ends it before.
#[derive(Clone, Copy, Debug)]
pub struct Patience<'s> {
    /// After so long it is ended.
    pub limit: Duration,
    /// Ends it at once; none for what may be in the middle of a change.
    pub stop: Option<&'s StopSignal>,
}

/// What goes into stdin.
#[derive(Clone, Copy, Debug)]
pub enum Input<'i> {
    /// Nothing.
    Nothing,
    /// All of this, and then its end.
    All(&'i Secret),
    /// A line break every so often, for as long as it runs: when they end, whoever called has gone, or wants it to end.
    Beats(&'i Beats),
}

/// Line breaks, and when the last one was sent.
#[derive(Debug)]
pub struct Beats {
    every: Duration,
    /// By the clock of the day, which goes on while this machine sleeps; none once one was late.
    last: Mutex<Option<DateTime<Utc>>>,
}

impl Beats {
    /// One every so often, from now on.
    #[must_use]
    pub fn every(every: Duration) -> Self {
        Self { every, last: Mutex::new(Some(SystemClock.exact())) }
    }

    /// Whether none was late by more than two times what is between them, and none is now.
    #[must_use]
    pub fn are_in_time(&self) -> bool {
        self.last().is_some()
    }

    fn is_sent(&self) {
        let mut last = self.last();
        *last = last.map(|_| SystemClock.exact());
    }

    /// None once one was late.
    fn last(&self) -> MutexGuard<'_, Option<DateTime<Utc>>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_in_time =
            |last: &DateTime<Utc>| (SystemClock.exact() - *last).to_std().is_ok_and(|gap| gap < self.every * 3);
        *last = last.filter(is_in_time);
        last
    }
}

impl<'i> From<Option<&'i Secret>> for Input<'i> {
    fn from(all: Option<&'i Secret>) -> Self {
        all.map_or(Self::Nothing, Self::All)
    }
}

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

/// Why a run has no end of its own. Whatever ran is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It cannot be started, or followed.
    Failed(String),
    /// The time is up.
    Timeout,
    /// The stop signal has come.
    Stopped,
    /// It prints more than [`MOST`].
    TooMuch,
    /// It asks something on the terminal.
    Asks,
}

/// Runs `words` with `arguments` behind them, to its end. A signal that stops this process does not stop that one: it ends when
/// `patience` does.
///
/// # Errors
/// [`CallError`].
pub fn call(
    words: &[String],
    arguments: &[String],
    input: Input<'_>,
    patience: Patience<'_>,
    see: &mut dyn FnMut(&str),
) -> Result<Ended, CallError> {
    // One that others could change is not run.
    let setsid = program::find(SETSID).ok().flatten();
    call_by(setsid.as_deref(), words, arguments, input, patience, see)
}

/// The same by a given `setsid`. Without one it keeps the terminal, in the background: there the kernel stops what asks.
fn call_by(
    setsid: Option<&Path>,
    words: &[String],
    arguments: &[String],
    input: Input<'_>,
    patience: Patience<'_>,
    see: &mut dyn FnMut(&str),
) -> Result<Ended, CallError> {
    let failed = |error: std::io::Error| CallError::Failed(error.to_string());
    let (program, rest) = words.split_first().ok_or_else(|| CallError::Failed("it names no program".to_owned()))?;
    let mut command = match setsid {
        None => {
            let mut command = Command::new(program);
            command.process_group(0);
            command
        }
        // It becomes the program, as it leads no group yet: its id is that of the new session.
        Some(setsid) => {
            if !is_there(program) {
                return Err(CallError::Failed(format!("there is no program {program}")));
            }
            let mut command = Command::new(setsid);
            command.args(["--", program]);
            command
        }
    };
    let mut child = command
        .args(rest)
        .args(arguments)
        .stdin(if matches!(input, Input::Nothing) { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let answer = Run::of(&mut child, input).and_then(|run| run.follow(&mut child, patience, setsid.is_none(), see));
    match answer {
        Ok(Ok(ended)) => Ok(ended),
        Ok(Err(why)) => end(&mut child).map_err(failed).and(Err(why)),
        Err(error) => end(&mut child).and(Err(error)).map_err(failed),
    }
}

/// Whether a program is where the kernel, or `PATH`, has it.
fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).exists();
    }
    let folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    folders.iter().any(|folder| folder.join(program).is_file())
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Ends it, and what it has started.
fn end(child: &mut Child) -> std::io::Result<()> {
    if let Some(group) = pid(child) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    child.kill().and_then(|()| child.wait()).map(drop)
}

/// Whether the kernel has stopped it.
fn is_stopped(child: &Child) -> bool {
    let look = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let seen = pid(child).and_then(|pid| waitid(WaitId::Pid(pid), look).ok().flatten());
    seen.is_some_and(|status| status.stopped())
}

/// A child's streams.
struct Run<'i> {
    feed: Feed<'i>,
    out: Pipe,
    err: Pipe,
    lines: Lines,
}

impl<'i> Run<'i> {
    fn of(child: &mut Child, input: Input<'i>) -> std::io::Result<Self> {
        Ok(Self {
            feed: Feed::of(child.stdin.take(), input)?,
            // One byte more says that there is more.
            out: Pipe::of(child.stdout.take(), MOST + 1)?,
            err: Pipe::of(child.stderr.take(), MOST)?,
            lines: Lines::default(),
        })
    }

    fn follow(
        mut self,
        child: &mut Child,
        patience: Patience<'_>,
        may_ask: bool,
        see: &mut dyn FnMut(&str),
    ) -> std::io::Result<Result<Ended, CallError>> {
        let mut end = Instant::now() + patience.limit;
        let mut status: Option<ExitStatus> = None;
        let mut is_leaving = false;
        loop {
            let has_come = [self.feed.write(), self.out.read(), self.err.read()].contains(&true);
            self.lines.take(&mut self.err.bytes, see);
            if self.out.bytes.len() > MOST {
                return Ok(Err(CallError::TooMuch));
            }
            if status.is_none() {
                if !is_leaving && patience.stop.is_some_and(StopSignal::has_come) {
                    if !self.feed.ends_it() {
                        return Ok(Err(CallError::Stopped));
                    }
                    is_leaving = true;
                    end = end.min(Instant::now() + GRACE);
                }
                status = child.try_wait()?;
                if status.is_some() {
                    // What it has started may hold the pipes open for as long as it likes.
                    end = end.min(Instant::now() + GRACE);
                } else if may_ask && is_stopped(child) {
                    return Ok(Err(CallError::Asks));
                }
            }
            let is_late = Instant::now() >= end;
            match status {
                Some(status) if is_late || self.out.source.is_none() && self.err.source.is_none() => {
                    self.lines.end(see);
                    let Self { out: Pipe { bytes: stdout, .. }, lines: Lines { said, .. }, .. } = self;
                    return Ok(Ok(Ended { code: status.code(), stdout, said }));
                }
                None if is_late => return Ok(Err(CallError::Timeout)),
                _ => {}
            }
            if !has_come {
                thread::sleep(PAUSE);
            }
        }
    }
}

/// What goes into stdin, as fast as it is read there. Whoever does not read it says why on stderr.
struct Feed<'i> {
    sink: Option<OwnedFd>,
    rest: &'i [u8],
    /// There is more, every so often.
    beats: Option<&'i Beats>,
    /// When there is.
    next: Instant,
}

impl<'i> Feed<'i> {
    fn of(sink: Option<impl Into<OwnedFd>>, input: Input<'i>) -> std::io::Result<Self> {
        let sink = sink.map(Into::into);
        sink.as_ref().map_or(Ok(()), |sink| rustix::io::ioctl_fionbio(sink, true))?;
        let (rest, beats): (&[u8], _) = match input {
            Input::Nothing => (&[], None),
            Input::All(secret) => (secret.expose(), None),
            Input::Beats(beats) => (&[], Some(beats)),
        };
        Ok(Self { sink, rest, beats, next: Instant::now() })
    }

    /// Whether what runs hears by its stdin that it is to end; it does now.
    fn ends_it(&mut self) -> bool {
        let has_beats = self.beats.take().is_some();
        if has_beats {
            self.sink = None;
        }
        has_beats
    }

    /// Writes what there is room for; false when there is none.
    fn write(&mut self) -> bool {
        if let Some(beats) = self.beats
            && self.rest.is_empty()
        {
            if Instant::now() < self.next {
                return false;
            }
            self.rest = b"\n";
            self.next = Instant::now() + beats.every;
        }
        let Some(sink) = self.sink.as_ref().filter(|_| !self.rest.is_empty()) else {
            self.sink = None;
            return false;
        };
        match rustix::io::write(sink, self.rest) {
            Ok(written @ 1..) => {
                self.rest = self.rest.get(written..).unwrap_or_default();
                self.beats.iter().for_each(|beats| beats.is_sent());
                true
            }
            Err(Errno::AGAIN | Errno::INTR) => false,
            _ => {
                self.sink = None;
                false
            }
        }
    }
}

/// Lines as they come, each cut where it is too long.
#[derive(Default)]
struct Lines {
    open: Vec<u8>,
    said: Vec<String>,
}

impl Lines {
    fn take(&mut self, bytes: &mut Vec<u8>, see: &mut dyn FnMut(&str)) {
        for part in std::mem::take(bytes).split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.open.len());
            self.open.extend(part.iter().take(room));
            if part.ends_with(b"\n") {
                self.note(see);
            }
        }
    }

    /// What has no end of line behind it.
    fn end(&mut self, see: &mut dyn FnMut(&str)) {
        if !self.open.is_empty() {
            self.note(see);
        }
    }

    fn note(&mut self, see: &mut dyn FnMut(&str)) {
        let line = std::mem::take(&mut self.open);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        see(text);
        if self.said.len() == KEPT {
            self.said.remove(0);
        }
        self.said.push(text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn words(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script, "sh"].map(str::to_owned).to_vec()
    }

    fn within(limit: Duration) -> Patience<'static> {
        Patience { limit, stop: None }
    }

    /// Both ways: with a session of its own, and without.
    fn ways() -> [Option<PathBuf>; 2] {
        [Some(program::find(SETSID).unwrap().unwrap()), None]
    }

    #[test]
    fn what_is_given_is_read_and_what_is_said_is_handed_on() {
        for way in ways() {
            let mut seen = Vec::new();
            let script = "cat; echo one >&2; echo two >&2; printf last >&2; echo $1; exit 3";
            let input = Secret::new(vec![b'x'; 300_000]);
            let mut see = |line: &str| seen.push(line.to_owned());
            let arguments = ["argument".to_owned()];
            let ended = call_by(way.as_deref(), &words(script), &arguments, Input::All(&input), within(LONG), &mut see)
                .unwrap();
            assert_eq!(ended.code, Some(3));
            assert_eq!(ended.stdout.len(), 300_000 + "argument\n".len());
            assert_eq!(seen, ["one", "two", "last"]);
            assert_eq!(ended.said, seen);
        }
    }

    #[test]
    fn whoever_is_to_hear_that_somebody_is_here_hears_line_breaks_until_it_has_heard_enough() {
        for way in ways() {
            let beats = Beats::every(Duration::from_millis(5));
            let beats = Input::Beats(&beats);
            let script = "read one && read two && test -z \"$one$two\" && echo heard";
            let ended = call_by(way.as_deref(), &words(script), &[], beats, within(LONG), &mut |_| {}).unwrap();
            assert_eq!((ended.code, ended.stdout.as_slice()), (Some(0), b"heard\n".as_slice()));
        }
    }

    #[test]
    fn a_line_break_that_was_late_is_not_forgotten() {
        let beats = Beats::every(LONG);
        beats.is_sent();
        assert!(beats.are_in_time());
        let late = Beats::every(Duration::from_millis(5));
        thread::sleep(Duration::from_millis(20));
        late.is_sent();
        assert!(!late.are_in_time());
    }

    #[test]
    fn what_hears_that_it_is_to_end_may_tidy_up() {
        let stop = StopSignal::new(|| true);
        let patience = Patience { limit: LONG, stop: Some(&stop) };
        let beats = Beats::every(LONG);
        let beats = Input::Beats(&beats);
        let ended = call(&words("cat >/dev/null; echo tidy"), &[], beats, patience, &mut |_| {}).unwrap();
        assert_eq!(ended.stdout, b"tidy\n");
        let deaf = call(&words("exec sleep 1000"), &[], beats, patience, &mut |_| {});
        assert_eq!(deaf, Err(CallError::Timeout));
    }

    #[test]
    fn what_does_not_end_is_ended_and_what_is_no_program_is_named() {
        for way in ways() {
            let call = |words: &[String]| {
                call_by(way.as_deref(), words, &[], Input::Nothing, within(Duration::from_millis(100)), &mut |_| {})
                    .unwrap_err()
            };
            assert_eq!(call(&words("sleep 1000")), CallError::Timeout);
            // Nobody who closes what he says is waited for without end.
            assert_eq!(call(&words("exec >&- 2>&-; sleep 1000")), CallError::Timeout);
            assert!(matches!(call(&["/no/such/program".to_owned()]), CallError::Failed(_)));
            assert!(matches!(call(&["no-such-program-of-kubepki".to_owned()]), CallError::Failed(_)));
        }
    }

    #[test]
    fn the_stop_signal_ends_what_hangs_and_what_prints_for_ever_with_all_that_it_has_started() {
        let place = tempfile::tempdir().unwrap();
        for (at, script) in ["sleep 1000 & echo $! > $1; wait", "yes >&2 & echo $! > $1; wait"].iter().enumerate() {
            let noted = place.path().join(at.to_string());
            let stop = Arc::new(AtomicBool::new(false));
            let heard = Arc::clone(&stop);
            let signal = StopSignal::new(move || heard.load(Ordering::SeqCst));
            let file = noted.clone();
            // It comes once the grandchild runs.
            let watch = thread::spawn(move || {
                while std::fs::read_to_string(&file).map_or(true, |text| !text.ends_with('\n')) {
                    thread::sleep(PAUSE);
                }
                stop.store(true, Ordering::SeqCst);
            });
            let arguments = [noted.display().to_string()];
            let patience = Patience { limit: LONG * 10, stop: Some(&signal) };
            assert_eq!(
                call(&words(script), &arguments, Input::Nothing, patience, &mut |_| {}),
                Err(CallError::Stopped)
            );
            watch.join().unwrap();
            let pid = std::fs::read_to_string(noted).unwrap();
            let ended = || {
                let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
                status.map_or(true, |status| status.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
            };
            let start = Instant::now();
            while !ended() {
                assert!(start.elapsed() < LONG, "the grandchild still runs");
                thread::sleep(PAUSE);
            }
        }
    }

    #[test]
    fn no_answer_and_no_line_grows_without_end() {
        let error = call(&words("yes"), &[], Input::Nothing, within(LONG * 10), &mut |_| {}).unwrap_err();
        assert_eq!(error, CallError::TooMuch);
        let mut longest = 0;
        let script = "head -c 9000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2";
        let ended =
            call(&words(script), &[], Input::Nothing, within(LONG), &mut |line| longest = longest.max(line.len()));
        assert_eq!(longest, LONGEST_LINE);
        assert_eq!(ended.unwrap().said.last().unwrap(), "end");
    }

    #[test]
    fn what_the_kernel_stops_as_it_asks_in_the_background_is_not_waited_for() {
        let error = call_by(None, &words("kill -STOP $$"), &[], Input::Nothing, within(LONG), &mut |_| {}).unwrap_err();
        assert_eq!(error, CallError::Asks);
    }

    #[test]
    fn what_is_called_has_no_terminal() {
        // Fields 6 and 7 of a status (`proc_pid_stat(5)`).
        let session_and_terminal = |status: &str| {
            let mut fields = status.rsplit_once(')').unwrap().1.split_whitespace().skip(3).map(str::to_owned);
            (fields.next().unwrap(), fields.next().unwrap())
        };
        let ended = call(&words("cat /proc/self/stat"), &[], Input::Nothing, within(LONG), &mut |_| {}).unwrap();
        let (session, terminal) = session_and_terminal(&String::from_utf8(ended.stdout).unwrap());
        // Our own is 0 where it was begun outside of this process namespace.
        let (own, _) = session_and_terminal(&std::fs::read_to_string("/proc/self/stat").unwrap());
        assert_ne!(session, own);
        assert_eq!(terminal, "0");
    }
}
