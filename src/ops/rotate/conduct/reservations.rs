//! No other run works on the same nodes meanwhile, from whichever machine: every control plane is reserved for this one.
//!
//! In: the nodes. Out: [`Reservations`]. What keeps a node runs on it, and hears line breaks from here; it ends when this run does,
//! however that ends, or a minute after the last one when nobody can reach it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::edge::host;
use crate::edge::transport::{Beats, Input, Patience};
use crate::ops::rotate::nodes::{Fleet, LOOK, Member, NodesError};
use crate::ops::rotate::reserve::{BEAT, RESERVED, ReserveError, UNGUARDED};
use crate::text::is_plain_word;
use crate::workers::{StopSignal, TICK};

/// No run is longer.
const LONGEST_RUN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The control planes that are reserved, for as long as this lives.
#[derive(Default)]
pub(super) struct Reservations {
    all: Vec<Reservation>,
}

impl Reservations {
    /// Reserves what is not, or not any more. In the order of names: of two runs that begin at once, one goes on.
    ///
    /// # Errors
    /// [`NodesError::Busy`]; those of asking a node.
    pub(super) fn keep(&mut self, fleet: &Fleet, stop: &StopSignal) -> Result<(), NodesError> {
        self.all.retain(Reservation::is_kept);
        let mut missing: Vec<_> =
            fleet.members.iter().filter(|member| !member.is_worker() && !self.has(member)).collect();
        missing.sort_by_key(|member| &member.name);
        for member in missing {
            self.all.push(Reservation::of(member, stop)?);
        }
        Ok(())
    }

    fn has(&self, member: &Member) -> bool {
        self.all.iter().any(|one| one.node == member.name)
    }
}

impl Drop for Reservations {
    fn drop(&mut self) {
        // Nobody waits for one after the other.
        self.all.iter().for_each(Reservation::leave);
    }
}

/// A node that is reserved.
struct Reservation {
    node: String,
    beats: Arc<Beats>,
    has_gone: Arc<AtomicBool>,
    keeper: Option<JoinHandle<Result<(), NodesError>>>,
}

impl Reservation {
    fn of(member: &Member, stop: &StopSignal) -> Result<Self, NodesError> {
        let (sender, receiver) = channel();
        let has_gone = Arc::new(AtomicBool::new(false));
        let is_taken = Arc::new(AtomicBool::new(false));
        let beats = Arc::new(Beats::every(BEAT));
        let keeper = {
            let (member, beats) = (member.clone(), Arc::clone(&beats));
            let (has_gone, is_taken) = (Arc::clone(&has_gone), Arc::clone(&is_taken));
            let code = format!("code: {}", ReserveError::TAKEN);
            thread::spawn(move || {
                let gone = StopSignal::new(move || has_gone.load(Ordering::SeqCst));
                let patience = Patience { limit: LONGEST_RUN, stop: Some(&gone) };
                let arguments = ["rotate", "reserve", "--by", &own_name()];
                let mut see = |line: &str| {
                    if line == UNGUARDED {
                        log::warn!("{}: no lock can be taken there, and nothing keeps another run away", member.name);
                    }
                    if [RESERVED, UNGUARDED].contains(&line) {
                        // Whoever has stopped waiting says so by `gone`.
                        let _ = sender.send(());
                    }
                    if line.trim() == code {
                        is_taken.store(true, Ordering::SeqCst);
                    }
                };
                member.call(&arguments, Input::Beats(&beats), patience, &mut see).map(drop)
            })
        };
        let mut made = Self { node: member.name.clone(), beats, has_gone, keeper: Some(keeper) };
        let began = Instant::now();
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(()) => return Ok(made),
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = match made.end() {
                        Err(NodesError::Refused { node, reason, .. }) if is_taken.load(Ordering::SeqCst) => {
                            return Err(NodesError::Busy { node, reason });
                        }
                        Err(error) => return Err(error),
                        Ok(()) => "it ended at once".to_owned(),
                    };
                    return Err(member.failed("rotate reserve", reason));
                }
                Err(RecvTimeoutError::Timeout) if stop.has_come() => return Err(NodesError::Interrupted),
                Err(RecvTimeoutError::Timeout) if began.elapsed() > LOOK => {
                    return Err(member.failed("rotate reserve", format!("no answer within {} s", LOOK.as_secs())));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Whether it runs, and has heard of this run all the time: after a sleep of this machine others may have the node, and what keeps it
    /// for us not have ended here yet.
    fn is_kept(&self) -> bool {
        let runs = self.keeper.as_ref().is_some_and(|keeper| !keeper.is_finished());
        runs && self.beats.are_in_time()
    }

    fn leave(&self) {
        self.has_gone.store(true, Ordering::SeqCst);
    }

    fn end(&mut self) -> Result<(), NodesError> {
        self.leave();
        let Some(keeper) = self.keeper.take() else { return Ok(()) };
        keeper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // That it has been ended is no news.
        let _ = self.end();
    }
}

/// This run, as `ps` on a node shows it.
fn own_name() -> String {
    let host = host::facts().hostname.filter(|name| is_plain_word(name)).unwrap_or_else(|| "unknown".to_owned());
    format!("{host}:{}", std::process::id())
}
