//! Keys for a whole plan, made on all cores.
//!
//! In: the algorithms wanted, in order. Out: keys in the same order. Progress is told on the calling thread, many
//! times a second even when no key is ready, so that a caller can look for Ctrl-C.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::OperationError;
use crate::error::Result;
use crate::key::{Algorithm, KeyError, PrivateKey};

/// How far the keys of a plan are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Keys that are ready.
    pub done: usize,
    /// Keys in all.
    pub total: usize,
    /// What the newest key is for; empty at the start and when nothing is new.
    pub name: String,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continue {
    /// Go on.
    Yes,
    /// Stop; nothing has been changed yet.
    No,
}

const TICK: Duration = Duration::from_millis(50);

/// Makes one key for each (name, algorithm).
///
/// # Errors
/// [`OperationError::Interrupted`] when `progress` says to stop; [`KeyError::Library`] when generation fails.
pub(super) fn generate_all(
    wanted: &[(String, Algorithm)],
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Vec<PrivateKey>> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let workers = thread::available_parallelism().map_or(1, usize::from).min(wanted.len());
    let mut keys: Vec<Option<PrivateKey>> = wanted.iter().map(|_| None).collect();

    let outcome = thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..workers {
            let sender = sender.clone();
            let (next, stop) = (&next, &stop);
            scope.spawn(move || work(wanted, next, stop, &sender));
        }
        drop(sender);
        let mut done = 0;
        let mut name = String::new();
        loop {
            if progress(&Progress { done, total: wanted.len(), name: std::mem::take(&mut name) }) == Continue::No {
                stop.store(true, Ordering::Relaxed);
                return Err(OperationError::Interrupted.into());
            }
            match receiver.recv_timeout(TICK) {
                Ok((index, key)) => {
                    let key = key.inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
                    if let (Some(place), Some((for_what, _))) = (keys.get_mut(index), wanted.get(index)) {
                        *place = Some(key);
                        done += 1;
                        name.clone_from(for_what);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    });
    outcome.and_then(|()| {
        let all: Option<Vec<_>> = keys.into_iter().collect();
        all.ok_or_else(|| KeyError::Library { operation: "generate a key" }.into())
    })
}

type Made = (usize, std::result::Result<PrivateKey, KeyError>);

fn work(wanted: &[(String, Algorithm)], next: &AtomicUsize, stop: &AtomicBool, sender: &Sender<Made>) {
    while !stop.load(Ordering::Relaxed) {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some((_, algorithm)) = wanted.get(index) else { return };
        if sender.send((index, PrivateKey::generate(*algorithm))).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(count: usize) -> Vec<(String, Algorithm)> {
        (0..count)
            .map(|index| {
                let algorithm = if index % 2 == 0 { Algorithm::EcdsaP256 } else { Algorithm::EcdsaP384 };
                (format!("key-{index}"), algorithm)
            })
            .collect()
    }

    #[test]
    fn keys_come_in_the_order_asked_for_and_each_is_told_once() {
        let mut told = Vec::new();
        let keys = generate_all(&wanted(9), &mut |progress| {
            if !progress.name.is_empty() {
                told.push(progress.name.clone());
            }
            assert_eq!(progress.total, 9);
            Continue::Yes
        })
        .unwrap();
        let kinds: Vec<_> = keys.iter().map(PrivateKey::kind).collect();
        let expected: Vec<_> = wanted(9).iter().map(|(_, algorithm)| algorithm.to_string()).collect();
        assert_eq!(kinds, expected);
        told.sort();
        assert_eq!(told.len(), 9);
        told.dedup();
        assert_eq!(told.len(), 9);
    }

    #[test]
    fn a_caller_can_stop_it() {
        let error = generate_all(&wanted(9), &mut |_| Continue::No).unwrap_err();
        assert_eq!(error.code(), "plan.interrupted");
        assert_eq!(error.category().exit_code(), 130);
    }

    #[test]
    fn no_keys_are_quickly_made() {
        assert!(generate_all(&[], &mut |_| Continue::Yes).unwrap().is_empty());
    }
}
