//! Signals that ask this process to stop: they are noted, and answered where nothing is half done.
//!
//! In: which signals. Out: [`Interrupts`], which says whether one has come. It is for a process of ours, which keeps these
//! handlers for its whole life; a program that only calls us has its own. A signal that the parent had ignored
//! (`nohup`, a background job of a shell) stays ignored.

// The kernel's tables are files, but none of a node's: this is no work for `store`.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What ends sooner after Ctrl-C needs no answer.
const ANSWERED_AFTER: Duration = Duration::from_secs(2);

/// How often it is looked whether another one has come.
const PAUSE: Duration = Duration::from_millis(100);

/// What has been heard so far.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    come: Arc<AtomicUsize>,
    insisted: Arc<AtomicBool>,
}

impl Interrupts {
    /// Notes Ctrl-C from now on.
    #[must_use]
    pub fn of_terminal() -> Self {
        let interrupts = Self::default();
        interrupts.note(SIGINT);
        interrupts
    }

    /// Notes, from now on, also what a service is stopped with, and what a terminal that goes away sends.
    pub fn note_ends(&self) {
        self.note(SIGTERM);
        self.note(SIGHUP);
    }

    /// Answers whoever waits after Ctrl-C, once: after two seconds, or when another one comes sooner. `say` is told how long ago the
    /// first came, on a thread of its own.
    pub fn answer(&self, say: impl Fn(Duration) + Send + 'static) {
        if is_ignored(SIGINT) {
            return;
        }
        // What cannot be answered is noted all the same.
        let Ok(mut signals) = Signals::new([SIGINT]) else { return };
        let insisted = Arc::clone(&self.insisted);
        let answer = move || {
            if signals.forever().next().is_none() {
                return;
            }
            let first = Instant::now();
            let mut is_told = false;
            loop {
                let has_come = signals.pending().next().is_some();
                if has_come && is_told {
                    insisted.store(true, Ordering::SeqCst);
                    return;
                }
                if has_come || !is_told && first.elapsed() >= ANSWERED_AFTER {
                    say(first.elapsed());
                    is_told = true;
                }
                thread::sleep(PAUSE);
            }
        };
        let _ = thread::Builder::new().name("interrupts".into()).spawn(answer);
    }

    /// Whether one has come.
    #[must_use]
    pub fn has_come(&self) -> bool {
        self.come.load(Ordering::SeqCst) != 0
    }

    /// Whether Ctrl-C has come again after its user was told what is waited for.
    #[must_use]
    pub fn are_insisted(&self) -> bool {
        self.insisted.load(Ordering::SeqCst)
    }

    fn note(&self, signal: i32) {
        if is_ignored(signal) {
            return;
        }
        // What cannot be registered keeps its effect, which ends the process.
        let _ = signal_hook::flag::register_usize(signal, Arc::clone(&self.come), 1);
    }
}

/// Whether the parent has this process ignore the signal, as far as the kernel's table tells it.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    ignored_mask(&status).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Source: `proc_pid_status(5)`, `SigIgn`.
fn ignored_mask(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_says_what_is_ignored() {
        assert_eq!(ignored_mask("Name:\tx\nSigIgn:\t0000000000001002\nSigCgt:\t0\n"), Some(0x1002));
        assert_eq!(ignored_mask("Name:\tx\n"), None);
    }
}
