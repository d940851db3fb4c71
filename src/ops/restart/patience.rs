//! Waiting that can be interrupted.
//!
//! In: a callback that is told how far the work is, and may stop it. Out: [`Patience`], through which everything that
//! takes time is done. The callback is asked twenty times a second, on the thread that called.

use std::thread;
use std::time::{Duration, Instant};

use super::super::keys::Continue;
use super::error::RestartError;
use super::progress::{Phase, Progress};
use crate::workers::{self, TICK};

/// The way to wait.
pub(super) struct Patience<'p> {
    tell: &'p mut dyn FnMut(&Progress) -> Continue,
    state: Progress,
    since: Instant,
    /// What has been restarted so far.
    pub(super) restarted: Vec<String>,
}

impl<'p> Patience<'p> {
    pub(super) fn new(tell: &'p mut dyn FnMut(&Progress) -> Continue) -> Self {
        let state = Progress { component: "node".into(), phase: Phase::Inspected, seconds: 0.0, detail: String::new() };
        Self { tell, state, since: Instant::now(), restarted: Vec::new() }
    }

    /// Goes over to another phase.
    pub(super) fn begin(&mut self, component: &str, phase: Phase) -> Result<(), RestartError> {
        self.state = Progress { component: component.to_owned(), phase, seconds: 0.0, detail: String::new() };
        self.since = Instant::now();
        self.tick()
    }

    /// Notes what is still waited for.
    pub(super) fn note(&mut self, detail: &str) {
        detail.clone_into(&mut self.state.detail);
    }

    /// How long the phase has taken.
    pub(super) fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    /// Waits.
    pub(super) fn pause(&mut self, pause: Duration) -> Result<(), RestartError> {
        let until = Instant::now() + pause;
        loop {
            self.tick()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(TICK));
        }
    }

    /// Does work that takes time, beside this thread. Work that is not waited for any more ends by itself: everything
    /// that is done here has a time limit.
    pub(super) fn during<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, RestartError> {
        workers::beside(work, || self.tick())
    }

    fn tick(&mut self) -> Result<(), RestartError> {
        self.state.seconds = self.since.elapsed().as_secs_f64();
        match (self.tell)(&self.state) {
            Continue::Yes => Ok(()),
            Continue::No => Err(RestartError::Interrupted {
                component: self.state.component.clone(),
                phase: self.state.phase,
                restarted: self.restarted.clone(),
            }),
        }
    }
}
