//! The three standard streams of a process of ours, and what a caller hands over through a stream.
//!
//! In: nothing, or a path that may be a pipe (`/dev/stdin`, `<(…)`). Out: streams that are open; what came through one. A
//! file that is opened while one of them is closed (`>&-`) gets its number, and what is printed would go into that file.

#![allow(clippy::disallowed_methods)] // `/dev/null` is no file of a node's

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, IntoRawFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// How often it is looked whether to go on waiting.
const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// How a stream is opened: a pipe that nobody writes to is waited for where that can be stopped.
const READING: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// How much of a stream is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// All of it.
    End,
    /// Its first line, however long the other end stays open.
    LineBreak,
}

/// What a file, a pipe or stdin (`-`) holds, but no more than `limit` bytes and one. The only copy is the answer.
///
/// # Errors
/// What the system says; [`io::ErrorKind::Interrupted`] when `is_stopped` says so while it waits.
pub fn read(place: &Path, until: Until, limit: usize, is_stopped: &dyn Fn() -> bool) -> io::Result<Secret> {
    if place == Path::new("-") {
        return read_from(rustix::stdio::stdin(), until, limit, is_stopped);
    }
    read_from(open(place, READING, Mode::empty())?.as_fd(), until, limit, is_stopped)
}

/// All that comes through the pipe at `place`, named or of a shell's `<(…)`; none where there is no pipe. Nothing else is
/// opened, for that alone makes some devices act.
///
/// # Errors
/// As [`read`].
pub fn read_pipe(place: &Path, limit: usize, is_stopped: &dyn Fn() -> bool) -> io::Result<Option<Secret>> {
    let Ok(seen) = open(place, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) else { return Ok(None) };
    if FileType::from_raw_mode(fstat(&seen)?.st_mode) != FileType::Fifo {
        return Ok(None);
    }
    // What was looked at, whatever has taken its place since.
    let pipe = open(format!("/proc/self/fd/{}", seen.as_raw_fd()), READING, Mode::empty())?;
    read_from(pipe.as_fd(), Until::End, limit, is_stopped).map(Some)
}

fn read_from(source: BorrowedFd<'_>, until: Until, limit: usize, is_stopped: &dyn Fn() -> bool) -> io::Result<Secret> {
    let mut buffer = Zeroizing::new(vec![0; limit.saturating_add(1)]);
    let mut filled = 0;
    while filled < buffer.len() {
        if is_stopped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match poll(&mut [PollFd::new(&source, PollFlags::IN)], Some(&MOMENT)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let end = if until == Until::End { buffer.len() } else { filled + 1 };
        match rustix::io::read(source, &mut buffer[filled..end]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
        if until == Until::LineBreak && buffer[..filled].last() == Some(&b'\n') {
            break;
        }
    }
    Ok(Secret::new(buffer[..filled].to_vec()))
}

/// Puts `/dev/null` in the place of each standard stream that the caller has closed.
pub fn open_closed() {
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        if rustix::io::fcntl_getfd(stream).is_err()
            && let Ok(nowhere) = OpenOptions::new().read(true).write(true).open("/dev/null")
        {
            // The lowest free number is this one; it stays open for the process's life.
            let _ = nowhere.into_raw_fd();
        }
    }
}
