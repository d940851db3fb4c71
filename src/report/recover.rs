//! Interrupted changes as text: what waits, and what was made of it.

use super::cell::path;
use crate::store::{Interrupted, Outcome, Recovery};

/// A change that waits, in a sentence.
#[must_use]
pub fn waits(change: &Interrupted) -> String {
    format!("{}: an interrupted change of {} files waits", path(&change.directory), change.paths.len())
}

/// A change that waits, and what ends it; a line for each of its files below.
#[must_use]
pub fn waiting(change: &Interrupted) -> String {
    let first = format!("{}; {}", waits(change), change.command.trim_matches('`'));
    [first]
        .into_iter()
        .chain(change.paths.iter().map(|file| format!("  {}", path(file))))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A change that was ended, in a sentence.
#[must_use]
pub fn was_ended(recovery: &Recovery) -> String {
    let done = match recovery.outcome {
        Outcome::Completed => "completed: all files are the new ones",
        Outcome::TakenBack => "taken back: all files are the old ones",
        Outcome::LeftAsFound => "ended: all files are as they were found",
    };
    format!("an interrupted change of {} files was {done}", recovery.paths.len())
}

/// A change that was ended; a line for each of its files below.
#[must_use]
pub fn recovered(recovery: &Recovery) -> String {
    let files = recovery.paths.iter().map(|file| format!("  {}", path(file)));
    [was_ended(recovery)].into_iter().chain(files).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_where_it_is_what_ends_it_and_what_became_of_it() {
        let paths = vec!["/etc/kubernetes/pki/ca.crt".into()];
        let change = Interrupted {
            transaction: "00".into(),
            directory: "/etc/kubernetes/pki".into(),
            paths: paths.clone(),
            is_committed: true,
            command: "`kubepki recover`".into(),
        };
        assert_eq!(
            waiting(&change),
            "/etc/kubernetes/pki: an interrupted change of 1 files waits; kubepki recover\n  /etc/kubernetes/pki/ca.crt"
        );
        let recovery = Recovery { transaction: "00".into(), outcome: Outcome::TakenBack, paths };
        assert_eq!(
            recovered(&recovery),
            "an interrupted change of 1 files was taken back: all files are the old ones\n  /etc/kubernetes/pki/ca.crt"
        );
    }
}
