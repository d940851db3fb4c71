//! `kubepki restart`: components that do not use the certificates on disk are restarted, one at a time.

use std::io::Write as _;
use std::path::Path;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::options::{DryRun, Form, NodeWords, OneOf, Output, all_or, selection};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue::{self, KUBELET};
use crate::error::{Category, Error, Fault, Result};
use crate::ops::Continue;
use crate::ops::restart::{self, Phase, Progress, RestartError, RestartReport, RestartRequest};
use crate::plan::restart::{ComponentPlan, RestartAction, RestartPlan};
use crate::remedy;
use crate::report;
use crate::request::NodeRequest;
use crate::text::printable;

/// A dry run has found what a run would do: no error has this code, so that a monitor can tell the two apart.
const RESTART_IS_DUE: u8 = 10;

/// Restart what does not use the files on disk, one component at a time.
///
/// The certificate that each serves is compared with the one on disk, and the time when it started with the times when
/// the other files that it reads changed. Its process is then asked to end, and the kubelet starts it again, in the
/// order etcd, kube-apiserver, kube-controller-manager, kube-scheduler; the next one when the one before is well. While
/// etcd restarts, the API server that has no other is stopped. The exit code of a dry run is 10 when something would be
/// restarted.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki restart --dry-run
  kubepki restart
  kubepki restart kube-apiserver etcd --timeout 10m
  kubepki restart kubelet")]
pub(super) struct Restart {
    /// etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet; without any, all but the kubelet.
    #[arg(value_name = "COMPONENT", value_parser = OneOf(|| all_or(catalogue::components())), hide_possible_values = true)]
    names: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: RestartRequest,
    #[command(flatten)]
    _node: NodeWords,
}

#[derive(Serialize)]
struct Answer<'a> {
    plan: &'a RestartPlan,
    report: Option<serde_json::Value>,
}

impl Run for Restart {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let components = selection(&self.names);
        let request = RestartRequest { components, ..self.request };
        if *self.dry_run {
            let plan = restart::plan(&request, session.now, &mut |_| going_on(session))?;
            show(session, self.output.form, &plan, None)?;
            return conclude_dry_run(session, &plan);
        }
        let report = follow(session, |progress| restart::restart(&request, session.now, progress))?;
        show(session, self.output.form, &report.plan, Some(&report))?;
        conclude(session, &report);
        Ok(0)
    }
}

/// Restarts, and says on stderr how far it is; a closed terminal or a stopped service is heard as Ctrl-C is.
pub(super) fn follow(
    session: &Session,
    work: impl FnOnce(&mut dyn FnMut(&Progress) -> Continue) -> Result<RestartReport>,
) -> Result<RestartReport, Error> {
    talk(session, work).map_err(|error| match error.code() {
        RestartError::INTERRUPTED => {
            let message =
                "the restart was interrupted: every manifest is in its place; `kubepki restart` restarts the rest";
            Fault { message: message.into(), ..error.into() }.into()
        }
        _ => error,
    })
}

/// Does work that restarts something on the way, and says on stderr how far it is.
pub(super) fn talk<T>(
    session: &Session,
    work: impl FnOnce(&mut dyn FnMut(&Progress) -> Continue) -> Result<T>,
) -> Result<T, Error> {
    session.interrupts.note_ends();
    let mut talk = Talk::new(session);
    work(&mut |state| {
        talk.tell(state);
        going_on(session)
    })
}

fn going_on(session: &Session) -> Continue {
    if session.interrupts.has_come() { Continue::No } else { Continue::Yes }
}

/// Says what was done.
pub(super) fn conclude(session: &Session, report: &RestartReport) {
    let screen = &session.screen;
    if !report.put_back.is_empty() {
        screen.say(&format!("put back after an interrupted restart: {}", report.put_back.join(", ")));
    }
    if report.restarted.is_empty() {
        screen.say("nothing to restart: every selected component already uses the files on disk");
    } else {
        let names: Vec<_> = report.restarted.iter().map(|one| one.name.as_str()).collect();
        screen.say(&format!("restarted {}: {}", names.len(), names.join(", ")));
    }
    name_outdated_kubelet(session, &report.plan);
}

/// What was done, as data.
pub(super) fn data(report: &RestartReport) -> serde_json::Value {
    json!({ "put_back": report.put_back, "restarted": report.restarted })
}

fn show(session: &Session, form: Form, plan: &RestartPlan, report: Option<&RestartReport>) -> Result<(), Stop> {
    for held in &plan.held {
        let (component, place, manifest) = (&held.component, held.held.display(), held.manifest.display());
        let back = command(&["restart"], plan.rootfs.as_deref());
        session.screen.say(&format!("held: {component}: {place} belongs to {manifest}; {back} puts it back"));
    }
    session.screen.say_findings(&plan.findings);
    if form == Form::Text {
        return session.screen.show(&report::restart::text(plan, session.screen.width()));
    }
    session.structured(&Answer { plan, report: report.map(data) }, form)
}

fn conclude_dry_run(session: &Session, plan: &RestartPlan) -> Result<u8, Stop> {
    if plan.is_blocked() {
        session.screen.say("nothing would be done: there are critical findings");
        return Ok(Category::Finding.exit_code());
    }
    if let Some(obstacle) = plan.obstacles.first() {
        return Err(Error::from(Fault { category: Category::Environment, ..obstacle.clone() }).into());
    }
    let is_empty = plan.is_empty();
    session.screen.say(&if is_empty {
        "dry run: nothing to restart".to_owned()
    } else {
        format!("dry run: nothing was changed; {} would be restarted", plan.restarts().count())
    });
    name_outdated_kubelet(session, plan);
    Ok(if is_empty { 0 } else { RESTART_IS_DUE })
}

fn name_outdated_kubelet(session: &Session, plan: &RestartPlan) {
    let is_outdated = |kubelet: &ComponentPlan| {
        kubelet.action == RestartAction::Skip && kubelet.endpoints.iter().any(|one| one.is_current() == Some(false))
    };
    if plan.components.last().is_some_and(is_outdated) {
        let restart = command(&["restart", KUBELET], plan.rootfs.as_deref());
        session.screen.say(&format!("the kubelet does not serve the certificate on disk: {restart} restarts it"));
    }
}

/// A command of kubepki, between backquotes, below the same root directory; one that is for a node elsewhere says so.
pub(super) fn command(words: &[&str], rootfs: Option<&Path>) -> String {
    let node = NodeRequest { rootfs: rootfs.map(Path::to_owned).into(), ..NodeRequest::default() };
    node.complete_commands(&remedy::command(["kubepki"].into_iter().chain(words.iter().copied())))
}

/// Says once what is being done, and on a terminal what is still waited for.
struct Talk<'s> {
    session: &'s Session,
    said: (String, Phase),
    is_open: bool,
}

impl<'s> Talk<'s> {
    fn new(session: &'s Session) -> Self {
        Self { session, said: ("node".into(), Phase::Inspected), is_open: false }
    }

    fn tell(&mut self, state: &Progress) {
        let now = (state.component.clone(), state.phase);
        if now != self.said {
            self.end_line();
            let line = format!("{}: {}", state.component, phase(&state.component, state.phase));
            self.session.screen.say(&line);
            self.session.begin_work(format!("{line}; its manifest is put back"));
            self.said = now;
        } else if let Some(width) = self.session.screen.passing_width().filter(|_| !state.detail.is_empty()) {
            // A line that is wrapped could not be taken back.
            let line = format!("  {:.0} s: {}", state.seconds, printable(&state.detail));
            let line: String = line.chars().take(width.saturating_sub(1)).collect();
            write(&format!("\r\x1b[K{line}"));
            self.is_open = true;
        }
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.is_open) {
            write("\r\x1b[K");
        }
    }
}

impl Drop for Talk<'_> {
    fn drop(&mut self) {
        self.end_line();
    }
}

fn write(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // Nobody can be told that nobody can be told.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

fn phase(component: &str, phase: Phase) -> &'static str {
    match phase {
        Phase::Inspected => "looking",
        Phase::Stopped if component == KUBELET => "restarting the service",
        Phase::Stopped => "asked to end, waiting until it has ended",
        Phase::Held => "manifest moved out, waiting until it has ended",
        Phase::Started => "coming back, waiting until it is well",
        Phase::Done => "well, and serving what is on disk",
    }
}
