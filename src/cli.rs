//! The command line: `kubepki`, as the script of the Python package runs it and as a program of its own.
//!
//! In: arguments. Out: an exit code; data on stdout, talk on stderr. It converts arguments into requests, calls the
//! verb in [`crate::ops`] and prints what [`crate::report`] makes of the answer; it decides nothing about certificates.
//!
//! | part | what it holds |
//! |---|---|
//! | `verbs` | every command, its line in the help, and what answers it |
//! | `line` | arguments before they are parsed: options in front of the verb, words in the wrong place |
//! | `usage` | what the parser refuses, as errors of ours |
//! | `input` | what comes through files, pipes and stdin |
//! | `options` | the options that belong to no request: `-o`, `--dry-run`, files of secrets |
//! | `session` | what a verb works with: the streams, the time, the signals |
//! | `carry_out` | what verbs that change a node do with their plan |
//! | `run` | what every verb offers |
//! | `codes`, `callers` | every code that there is; those of Python and Ansible |
//! | `pages` | completion and manual pages, made from the parser |
//! | `stop`, `failure` | why a run stops; how that is said, and the exit code |

mod access;
mod audit;
mod backup;
mod bundle;
mod callers;
mod carry_out;
mod check;
mod cleanup;
pub mod codes;
mod config;
mod embed;
mod error;
mod etcd_snapshot;
mod explain;
mod failure;
mod generate_csr;
mod import;
mod init;
mod input;
mod kubelet;
mod line;
mod logging;
mod metrics;
mod options;
mod pages;
mod probe;
mod progress;
mod recover;
mod renew;
mod renew_ca;
mod restart;
mod rotate;
mod run;
mod screen;
mod serving;
mod session;
mod show;
mod sign;
mod signer;
mod stop;
mod systemd;
#[cfg(test)]
mod tests;
mod usage;
mod user;
mod verbs;
mod version;

use std::ffi::OsString;

pub use error::CommandError;
use session::Session;
use stop::Stop;

use crate::edge::{dump, streams};
use crate::error::{Error, without_panic};

/// Runs `kubepki` and returns its exit code. `arguments` begins with the program's own path.
///
/// It is for a process that is ours for the rest of its life: it takes over signals, and refuses core dumps.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> u8 {
    streams::open_closed();
    dump::refuse();
    logging::install();
    let session = Session::begin(&arguments);
    match without_panic(|| verbs::run(&session, arguments)) {
        Ok(Ok(code)) => code,
        Ok(Err(stop)) => failure::report(&session, stop),
        Err(panicked) => failure::report(&session, Stop::from(Error::from(panicked))),
    }
}

/// The command line as the parser knows it, for completion, manual pages and tests.
#[must_use]
pub fn command() -> clap::Command {
    verbs::command()
}
