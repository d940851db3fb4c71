//! Keys for a whole plan, made on all cores.
//!
//! In: the algorithms wanted, in order. Out: keys in the same order. Progress is told on the calling thread, many
//! times a second even when no key is ready, so that a caller can look for Ctrl-C.

use std::ops::ControlFlow;

use super::OperationError;
use crate::error::{Error, Result};
use crate::key::{Algorithm, KeyError, PrivateKey};
use crate::workers;

/// How far the keys of a plan are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Keys that are ready.
    pub done: usize,
    /// Keys in all.
    pub total: usize,
    /// What the newest key is for; empty at the start and when nothing is new.
    pub name: String,
    /// What in the cluster is waited for, when the keys are ready; empty otherwise.
    pub waits_for: String,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continue {
    /// Go on.
    Yes,
    /// Stop; nothing has been changed yet.
    No,
}

/// Makes one key for each (name, algorithm).
///
/// # Errors
/// [`OperationError::Interrupted`] when `progress` says to stop; [`KeyError::Library`] when generation fails.
pub(super) fn generate_all(
    wanted: &[(String, Algorithm)],
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Vec<PrivateKey>> {
    let mut keys: Vec<Option<PrivateKey>> = wanted.iter().map(|_| None).collect();
    let mut done = 0;
    let ended = workers::watched(wanted, |(_, algorithm)| PrivateKey::generate(*algorithm), &mut |made| {
        let mut name = String::new();
        if let Some((index, key)) = made {
            let key = match key {
                Ok(key) => key,
                Err(error) => return ControlFlow::Break(Error::from(error)),
            };
            if let (Some(place), Some((for_what, _))) = (keys.get_mut(index), wanted.get(index)) {
                *place = Some(key);
                done += 1;
                name.clone_from(for_what);
            }
        }
        match progress(&Progress { done, total: wanted.len(), name, waits_for: String::new() }) {
            Continue::Yes => ControlFlow::Continue(()),
            Continue::No => ControlFlow::Break(OperationError::Interrupted.into()),
        }
    });
    if let ControlFlow::Break(error) = ended {
        return Err(error);
    }
    let all: Option<Vec<_>> = keys.into_iter().collect();
    all.ok_or_else(|| KeyError::Library { operation: "generate a key" }.into())
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
