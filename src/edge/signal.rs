//! Asking a process to end.
//!
//! In: a [`Process`] that was seen before. Out: a [`Target`], which is that process and no other: it is held by a file
//! descriptor of the kernel's, so a process that gets the same id later is never signalled. It decides nothing about who
//! shall end.
//! Source: Linux `pidfd_open(2)`, `pidfd_send_signal(2)`, `pid_namespaces(7)`.

// The kernel's tables are files, but none of a node's: this is no work for `store`.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::listener::Process;

/// A process that can be asked to end.
#[derive(Debug)]
pub struct Target {
    descriptor: OwnedFd,
    process: Process,
}

impl Target {
    /// Takes hold of a process; `None` when it has ended, when its id is one of another namespace of processes, or when
    /// the kernel has no such descriptors (before 5.3).
    #[must_use]
    pub fn open(process: Process) -> Option<Self> {
        if !shows_this_namespace() {
            return None;
        }
        let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw)?;
        let descriptor = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // Looked at after the descriptor was opened: if it is the same one now, it is the one that the descriptor holds.
        process.is_running().then_some(Self { descriptor, process })
    }

    /// Whether this user may signal it.
    #[must_use]
    pub fn may_be_signalled(&self) -> bool {
        // Signal 0 asks for the right and does nothing; rustix has no name for it in `pidfd_send_signal`.
        i32::try_from(self.process.pid)
            .ok()
            .and_then(Pid::from_raw)
            .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
    }

    /// Asks it to end (SIGTERM). One that has ended meanwhile is no failure.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn terminate(&self) -> std::io::Result<()> {
        self.send(Signal::TERM)
    }

    /// Ends it (SIGKILL). One that has ended meanwhile is no failure.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn kill(&self) -> std::io::Result<()> {
        self.send(Signal::KILL)
    }

    fn send(&self, signal: Signal) -> std::io::Result<()> {
        match pidfd_send_signal(&self.descriptor, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether `/proc` shows the processes of this process's own namespace: in a container it may be the host's, with other ids.
fn shows_this_namespace() -> bool {
    let own = fs::read_link("/proc/self").ok();
    own.and_then(|path| path.to_str()?.parse::<u32>().ok()) == Some(std::process::id())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command};

    use super::*;

    fn sleeping() -> (Child, Process) {
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let process = Process::of(child.id()).unwrap();
        (child, process)
    }

    #[test]
    fn a_process_is_asked_to_end_or_ended() {
        for (end, signal) in [(Target::terminate as fn(&Target) -> _, Signal::TERM), (Target::kill, Signal::KILL)] {
            let (mut child, process) = sleeping();
            let target = Target::open(process).unwrap();
            assert!(target.may_be_signalled());
            end(&target).unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
            // It is gone for good: whoever has its id next is not meant.
            end(&target).unwrap();
        }
    }

    #[test]
    fn another_process_of_the_same_id_is_not_the_one_that_was_seen() {
        let (mut child, process) = sleeping();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Target::open(process).is_none());
        let (mut other, seen) = sleeping();
        assert!(Target::open(seen.started_before(process)).is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
