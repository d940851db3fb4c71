//! `kubepki kubelet csrs` and `kubelet approve`: requests of kubelets for serving certificates.

use std::ops::ControlFlow;

use clap::Args;

use super::options::{DryRun, Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::audit::Finding;
use crate::error::Category;
use crate::ops::serving::{Answers, Approver, Outcome, ReviewedRequest, ServingReport, ServingRequest};
use crate::policy::serving::Verdict;
use crate::report;

/// List the serving certificates that kubelets wait for, and whether each can be approved.
///
/// A kubelet with `serverTLSBootstrap: true` asks the cluster for its serving certificate, and nothing approves it
/// automatically. Nothing is written.
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
/// from somewhere else: the certificate that the kubelet serves now (a renewal), --allow, --inventory, or --dns for nodes that are
/// in these. Names of services and of other nodes are never approved, and the API server's only where they are listed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki kubelet approve --allow worker1=10.0.0.11 --dry-run
  kubepki kubelet approve --inventory inventory.yml
  kubepki kubelet approve --watch --inventory inventory.yml --dns --reserve 192.0.2.9")]
pub(super) struct Approve {
    /// Go on: answer requests as they come, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// Deny what is wrong in itself, instead of leaving it to a person; what only lacks a source is left.
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
        let mut tell = || session.tell();
        let report = Approver::new(&self.request, Answers::default(), &mut tell)?.review(session.now)?;
        show(session, self.output.form, &report)?;
        Ok(0)
    }
}

impl Run for Approve {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut tell = || session.tell();
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
        let count = |is: &dyn Fn(&ReviewedRequest) -> bool| report.requests.iter().filter(|one| is(one)).count();
        let done = |outcome| count(&|one| one.outcome == outcome);
        let may = count(&|one| matches!(one.decision.verdict, Verdict::Approve { .. }));
        let left = count(&|one| one.outcome != Outcome::Approved && one.reasons().iter().any(Finding::is_critical));
        let parts = [
            (done(Outcome::Approved), "approved"),
            (done(Outcome::Denied), "denied"),
            (done(Outcome::Failed), "failed"),
            (done(Outcome::Gone), "answered by someone else"),
            (done(Outcome::Waits), "left"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        session.screen.say(&match (*self.dry_run, report.requests.len()) {
            (_, 0) => "no request waits".to_owned(),
            (true, all) => format!("dry run: nothing was written; {may} of {all} would be approved"),
            (false, _) => parts.collect::<Vec<_>>().join(", "),
        });
        Ok(if left + done(Outcome::Failed) == 0 { 0 } else { Category::Finding.exit_code() })
    }
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
