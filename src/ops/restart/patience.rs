//! Waiting that can be interrupted.
//!
//! In: a callback that is told how far the work is, and may stop it. Out: [`Patience`], through which everything that
//! takes time is done. The callback is asked twenty times a second, on the thread that called.

use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::keys::Continue;
use super::error::RestartError;
use crate::error::Evidence;
use crate::workers::{self, TICK};

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It is looked at.
    Inspected,
    /// It has been asked to end, and it is waited until it has.
    Stopped,
    /// Its manifest is out, and it is waited until it has ended.
    Held,
    /// It is to come back, and it is waited until it is well.
    Started,
    /// It is well, and serves what is on disk.
    Done,
}

impl Evidence for Phase {
    fn evidence(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Inspected => "inspected",
            Self::Stopped => "stopped",
            Self::Held => "held",
            Self::Started => "started",
            Self::Done => "done",
        })
    }
}

/// How far a restart is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// The component.
    pub component: String,
    /// What is being done with it.
    pub phase: Phase,
    /// For how long, in seconds.
    pub seconds: f64,
    /// What is still waited for; empty at the start of a phase.
    pub detail: String,
}

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
