//! `kubepki backup`: files that were kept before they were replaced or removed.

use clap::Args;
use serde::Serialize;

use super::carry_out::{Carrying, Words, below};
use super::options::{DryRun, Form, Output};
use super::restart::command;
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::error::Category;
use crate::ops::backup::{self, BackupPlace, PruneRequest, Pruned, RestoreRequest};
use crate::report;
use crate::store::backup::{Backup, State};
use crate::text::printable;

const WORDS: Words = Words { done: "restored", nothing: "nothing to do: every file is as in the backup" };

/// List the backups that are there, and verify their checksums.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki backup list
  kubepki backup list --rootfs /mnt/node -o json")]
pub(super) struct List {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: BackupPlace,
}

/// Show what is in a backup, and how it differs from what is there now.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki backup show latest")]
pub(super) struct Show {
    /// The backup's name, or `latest`.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: BackupPlace,
}

/// Put back what a backup holds, with mode, owner and group, all or nothing.
///
/// The backup is verified first. What is replaced is kept in a backup of its own, unless --no-backup says otherwise.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki backup restore latest --dry-run
  kubepki backup restore latest --only /etc/kubernetes/admin.conf")]
pub(super) struct Restore {
    #[command(flatten)]
    request: RestoreRequest,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
}

/// Remove whole backups that are old, and nothing else in their directory.
///
/// Incomplete ones, of runs that were interrupted, go once they are a day old.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki backup prune --keep 10 --dry-run
  kubepki backup prune --older-than 90d --keep 3")]
pub(super) struct Prune {
    #[command(flatten)]
    request: PruneRequest,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Answer<'a> {
    backups: &'a [Backup],
}

impl Run for List {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let backups = backup::list(&self.place)?;
        match self.output.form {
            Form::Text if backups.is_empty() => {}
            Form::Text => session.screen.show(&report::backup::list(&backups, session.screen.width()))?,
            form => session.structured(&Answer { backups: &backups }, form)?,
        }
        for each in &backups {
            for problem in &each.problems {
                session.screen.say(&format!("{}: {problem}", each.name));
            }
        }
        if backups.is_empty() {
            let below = self.place.rootfs.as_ref().map(|rootfs| format!(" below {}", rootfs.display()));
            let dir = self.place.backup_dir.display();
            session.screen.say(&format!("there are no backups in {dir}{}", below.unwrap_or_default()));
        }
        let is_bad = backups.iter().any(|each| matches!(each.state, State::Damaged | State::Untrusted));
        Ok(if is_bad { Category::Finding.exit_code() } else { 0 })
    }
}

impl Run for Show {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let shown = backup::show(&self.place, &self.name)?;
        match self.output.form {
            Form::Text => {
                let mut shown = shown.clone();
                shown.backup.path = below(&shown.backup.path, self.place.rootfs.as_deref());
                session.screen.show(&report::backup::text(&shown, session.screen.width()))?;
            }
            form => session.structured(&shown, form)?,
        }
        Ok(if shown.backup.state == State::Complete { 0 } else { Category::Finding.exit_code() })
    }
}

impl Run for Restore {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let dry_run = *self.dry_run;
        let request = RestoreRequest { recover: (!dry_run).into(), ..self.request };
        let plan = backup::plan_restore(&request, session.now)?;
        let restart = command(&["restart"], request.place.rootfs.as_deref());
        let next =
            format!("components keep what they have loaded until they are restarted: {}", restart.trim_matches('`'));
        let carrying = Carrying::of_plan(session, &plan, WORDS, self.output.form, dry_run);
        Carrying { afterwards: Some(&|_| vec![next.clone()]), ..carrying }.carry_out()
    }
}

impl Run for Prune {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let is_dry_run = *self.request.dry_run;
        let pruned = backup::prune(&self.request, session.now)?;
        if self.output.form != Form::Text {
            session.structured(&pruned, self.output.form)?;
        } else if !pruned.removed.is_empty() {
            let names: Vec<_> = pruned.removed.iter().map(|each| printable(&each.name)).collect();
            session.screen.show(&names.join("\n"))?;
        }
        let Pruned { removed, kept, failures } = &pruned;
        for failure in failures {
            session.screen.say_fault(&failure.fault.message, &failure.fault);
        }
        let done = if is_dry_run { "would be removed" } else { "removed" };
        session.screen.say(&format!("{done}: {}; kept: {}", removed.len(), kept.len()));
        let code = match (failures.is_empty(), removed.is_empty()) {
            (true, _) => 0,
            (false, false) => Category::Partial.exit_code(),
            (false, true) => Category::Environment.exit_code(),
        };
        Ok(if is_dry_run { code } else { session.ended(code) })
    }
}
