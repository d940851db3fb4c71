//! `kubepki recover`: changes that were interrupted.

use clap::Args;

use super::options::{Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::ops::recover::{self, RecoverRequest};
use crate::report;

/// Complete changes that were interrupted, or take them back.
///
/// A run that was killed leaves records of its change. Every run that changes files ends such a change first; this
/// command does nothing else. What had been committed is completed, anything else is taken back.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki recover --dry-run
  kubepki recover
  kubepki recover --keep old --rootfs /mnt/node")]
pub(super) struct Recover {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: RecoverRequest,
}

impl Run for Recover {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let done = recover::recover(&self.request)?;
        if self.output.form != Form::Text {
            session.structured(&done, self.output.form)?;
        }
        for change in &done.waiting {
            session.screen.say(&report::recover::waiting(change));
        }
        for recovery in &done.recovered {
            session.screen.say(&report::recover::recovered(recovery));
        }
        if done.waiting.is_empty() && done.recovered.is_empty() {
            session.screen.say("no interrupted change waits");
        }
        Ok(if *self.request.dry_run { 0 } else { session.ended(0) })
    }
}
