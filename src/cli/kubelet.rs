//! `kubepki kubelet csrs` and `kubelet approve`: requests of kubelets for serving certificates.

use std::ops::ControlFlow;

use clap::Args;

use super::options::{DryRun, Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::error::Category;
use crate::ops::serving::{Answers, Approver, Outcome, ServingReport, ServingRequest};
use crate::report;

/// List the serving certificates that kubelets wait for, and what speaks for and against each.
///
/// A kubelet with `serverTLSBootstrap: true` asks the cluster for its serving certificate, and nobody approves it by
/// itself. Nothing is written.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki kubelet csrs
  kubepki kubelet csrs --allow worker1=10.0.0.11 -o json
  kubepki kubelet csrs --inventory inventory.yml --dns")]
pub(super) struct Csrs {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: ServingRequest,
}

/// Approve the serving certificates that kubelets may have; leave the others, and say why.
///
/// A kubelet writes the addresses of its Node object itself, so they prove nothing. Every name and every address has to be known
/// from somewhere else: the certificate that the kubelet serves now (a renewal), --allow, --inventory, or --dns. Names of
/// the API server, of services and of other nodes are never approved.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki kubelet approve --allow worker1=10.0.0.11 --dry-run
  kubepki kubelet approve --inventory inventory.yml
  kubepki kubelet approve --watch --dns --reserve 192.0.2.9")]
pub(super) struct Approve {
    /// Go on: answer requests as they come, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// Deny what may not be approved, instead of leaving it to a person.
    #[arg(long)]
    deny: bool,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: ServingRequest,
}

impl Run for Csrs {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut tell = || going_on(session);
        let report = Approver::new(&self.request, Answers::default(), &mut tell)?.review(session.now)?;
        show(session, self.output.form, &report)?;
        Ok(0)
    }
}

impl Run for Approve {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut tell = || going_on(session);
        let answers = Answers { approve: !*self.dry_run, deny: self.deny };
        if self.watch {
            session.interrupts.note_ends();
            let mut stopped = None;
            let mut approver = Approver::new(&self.request, answers, &mut tell)?;
            let ended = approver.follow(&mut |report| match show_line(session, self.output.form, report) {
                Ok(()) => ControlFlow::Continue(()),
                Err(stop) => {
                    stopped = Some(stop);
                    ControlFlow::Break(())
                }
            });
            return match (stopped, ended) {
                (Some(stop), _) => Err(stop),
                // It has no other end.
                (None, Err(error)) if error.category() == Category::Interrupted => Ok(0),
                (None, ended) => Ok(ended.map(|()| 0)?),
            };
        }
        let report = Approver::new(&self.request, answers, &mut tell)?.review(session.now)?;
        show(session, self.output.form, &report)?;
        let left =
            report.requests.iter().filter(|one| one.reasons().iter().any(crate::audit::Finding::is_critical)).count();
        let count = |outcome| report.requests.iter().filter(|one| one.outcome == outcome).count();
        let (approved, denied) = (count(Outcome::Approved), count(Outcome::Denied));
        session.screen.say(&match (*self.dry_run, report.requests.len()) {
            (_, 0) => "no request waits".to_owned(),
            (true, all) => format!("dry run: nothing was written; {} of {all} would be approved", all - left),
            (false, all) => format!("approved {approved} of {all}; denied {denied}"),
        });
        Ok(if left == 0 { 0 } else { Category::Finding.exit_code() })
    }
}

fn going_on(session: &Session) -> ControlFlow<()> {
    if session.interrupts.has_come() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn show(session: &Session, form: Form, report: &ServingReport) -> Result<(), Stop> {
    match form {
        Form::Text => {
            let all: Vec<_> = report.requests.iter().flat_map(|one| one.reasons().to_vec()).collect();
            let (width, findings) = (session.screen.width(), session.screen.findings(&all));
            session.screen.data(&format!("{}\n", report::serving::text_with(report, width, findings)))
        }
        form => session.structured(report, form),
    }
}

/// What is new, while requests are followed: a line for each, or a JSON document on a line.
fn show_line(session: &Session, form: Form, report: &ServingReport) -> Result<(), Stop> {
    match form {
        Form::Text => session.screen.show(&report::serving::lines(report)),
        Form::Json => session.screen.data(&format!("{}\n", report::structured::line(report)?)),
        Form::Yaml => session.screen.data(&format!("---\n{}", report::structured::yaml(report)?)),
    }
}
