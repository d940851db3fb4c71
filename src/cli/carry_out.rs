//! What verbs that change a node do with their plan: show it, do it unless it is a dry run, and say what came of it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::options::Form;
use super::progress::KeyProgress;
use super::session::Session;
use super::stop::Stop;
use crate::config::Problem;
use crate::error::{Category, Result};
use crate::ops::apply::{Report, apply};
use crate::ops::{Continue, Planned, Progress};
use crate::plan::{Plan, cleanup};
use crate::report;
use crate::store::Store;
use crate::text::counted;

/// How a verb says what it did (`made`), and that there was nothing to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) done: &'static str,
    pub(super) nothing: &'a str,
}

/// What does the work that a plan says.
pub(super) type Work<'a> = dyn FnOnce(&mut dyn FnMut(&Progress) -> Continue) -> Result<Report> + 'a;

/// What a change asks for next, a line each.
pub(super) type Afterwards<'a> = dyn Fn(&Report) -> Vec<String> + 'a;

/// A plan that is carried out.
pub(super) struct Carrying<'a> {
    pub(super) session: &'a Session,
    pub(super) plan: &'a Plan,
    pub(super) warnings: &'a [Problem],
    pub(super) words: Words<'a>,
    pub(super) form: Form,
    pub(super) is_dry_run: bool,
    /// What was done, in place of the plan's table.
    pub(super) text: Option<&'a dyn Fn(&Plan) -> String>,
    /// What a change asks for next.
    pub(super) afterwards: Option<&'a Afterwards<'a>>,
}

/// A plan as data, with what the configuration's reader warns of.
#[derive(Serialize)]
pub(super) struct PlanAnswer<'a> {
    #[serde(flatten)]
    pub(super) plan: &'a Plan,
    pub(super) warnings: &'a [Problem],
}

#[derive(Serialize)]
struct Answer<'a> {
    plan: PlanAnswer<'a>,
    report: Option<&'a Report>,
    warnings: &'a [Problem],
}

impl<'a> Carrying<'a> {
    /// A plan of which no configuration's reader warns.
    pub(super) const fn of_plan(
        session: &'a Session,
        plan: &'a Plan,
        words: Words<'a>,
        form: Form,
        is_dry_run: bool,
    ) -> Self {
        Self { session, plan, warnings: &[], words, form, is_dry_run, text: None, afterwards: None }
    }

    /// A plan as most verbs carry it out.
    pub(super) fn of(
        session: &'a Session,
        planned: &'a Planned,
        words: Words<'a>,
        form: Form,
        is_dry_run: bool,
    ) -> Self {
        let Planned { plan, warnings } = planned;
        Self { warnings, ..Self::of_plan(session, plan, words, form, is_dry_run) }
    }

    /// Prints the plan and its findings, does it unless it is blocked or a dry run, and returns the exit code.
    pub(super) fn carry_out(self) -> Result<u8, Stop> {
        let plan = self.plan;
        self.carry_out_by(Box::new(move |progress| apply(plan, progress)))
    }

    /// The same for a plan that [`apply`] cannot do: its files are secrets that it does not hold.
    pub(super) fn carry_out_by(self, work: Box<Work<'_>>) -> Result<u8, Stop> {
        let session = self.session;
        session.go_on()?;
        session.screen.warn(self.warnings);
        session.screen.say_findings(&self.plan.findings);
        if self.is_dry_run || self.plan.is_blocked() {
            self.print(None)?;
            return Ok(self.conclude(None));
        }
        let report = {
            let mut progress = KeyProgress::new(session);
            work(&mut |state| progress.show(state))?
        };
        self.print(Some(&report))?;
        let code = self.conclude(Some(&report));
        if let Some(afterwards) = self.afterwards.filter(|_| !report.changed.is_empty()) {
            for line in afterwards(&report) {
                session.screen.say(&line);
            }
        }
        Ok(session.ended(code))
    }

    fn print(&self, report: Option<&Report>) -> Result<(), Stop> {
        if self.form != Form::Text {
            let plan = PlanAnswer { plan: self.plan, warnings: self.warnings };
            return self.session.structured(&Answer { plan, report, warnings: self.warnings }, self.form);
        }
        // An empty table says nothing; the last line says that there is nothing.
        if self.plan.artefacts.is_empty() {
            return Ok(());
        }
        self.session.screen.show(&match self.text.filter(|_| report.is_some()) {
            Some(text) => text(self.plan),
            None => report::plan::text(self.plan, self.session.screen.width()),
        })
    }

    fn conclude(&self, report: Option<&Report>) -> u8 {
        let screen = &self.session.screen;
        if self.plan.is_blocked() {
            say_blocked(self.session, self.plan);
            return Category::Finding.exit_code();
        }
        match report {
            _ if self.plan.is_empty() => screen.say(self.words.nothing),
            None => {
                let changes = self.plan.changes().count();
                screen.say(&format!("dry run: nothing was changed; {changes} would be {}", self.words.done));
            }
            Some(report) => {
                screen.say(&format!("{} {}: {}", self.words.done, report.changed.len(), names(report)));
                say_backup(self.session, self.plan, report);
            }
        }
        0
    }
}

/// The names of what was changed.
pub(super) fn names(report: &Report) -> String {
    report.changed.iter().map(|changed| changed.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Says that critical findings stand against a plan.
pub(super) fn say_blocked(session: &Session, plan: &Plan) {
    let critical = plan.findings.iter().filter(|finding| finding.is_critical()).count();
    session.screen.say(&format!("nothing was changed: {}", counted(critical, "critical finding")));
}

/// Says where the previous files are, if they were kept.
pub(super) fn say_backup(session: &Session, plan: &Plan, report: &Report) {
    if let Some(backup) = &report.backup {
        // The keys of CAs may be kept on this machine, off the node.
        let rootfs = plan.rootfs.as_deref().filter(|_| !cleanup::keeps_on_machine(plan));
        session.screen.say(&previous_files(backup, rootfs));
    }
}

/// Where the previous files are on this machine.
pub(super) fn previous_files(backup: &Path, rootfs: Option<&Path>) -> String {
    report::plan::previous_files(&below(backup, rootfs))
}

/// A path of the node as this machine has it.
pub(super) fn below(path: &Path, rootfs: Option<&Path>) -> PathBuf {
    let store = Store::new(rootfs.map(Path::to_owned));
    store.map_or_else(|_| path.to_owned(), |store| store.place(path))
}
