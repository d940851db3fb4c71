//! `kubepki kubeconfig user`: a kubeconfig for a person or a program.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::input::{first_line, with_configuration_by};
use super::options::{DryRun, Form, Out, Output};
use super::progress::KeyProgress;
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::config::Problem;
use crate::ops::output::{Access, refuse_place, write_secret};
use crate::ops::user::{self, Order, Present, UserFacts, UserRequest};
use crate::report;
use crate::request::{RequestError, Signing, Span};
use crate::secret::Secret;

/// Print a kubeconfig for a user, on stdout, as `kubeadm kubeconfig user` prints it.
///
/// A certificate needs the CA's key on this machine, or --issuer kubernetes; a token needs neither. Nothing is written but with --out.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki kubeconfig user --client-name jane --organization developers --validity 30d
  kubepki kubeconfig user --client-name jane --organization developers --out jane.conf
  kubepki kubeconfig user --client-name jane --validity 30d --renew-before 7d --out jane.conf
  kubepki kubeconfig user --client-name jane --issuer kubernetes --approve --validity 24h --out jane.conf
  kubepki kubeconfig user --client-name robot --token-file token --config kubeadm.yaml")]
pub(super) struct User {
    /// Use this token, no certificate; others see it in the list of processes.
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// The same from a file, or from stdin (`-`).
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    out: Out,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: UserRequest,
    /// With --issuer kubernetes: how long the certificate is waited for.
    #[arg(long, value_name = "DURATION", default_value = "5m", help_heading = "Who signs")]
    timeout: Span,
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a UserFacts,
    kubeconfig: Option<&'a str>,
    warnings: &'a [Problem],
}

impl Run for User {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let token = match (&self.token_file, &self.token) {
            (Some(file), _) => Some(first_line(session, file)?),
            (None, given) => given.clone().map(|token| Secret::new(token.into_bytes())),
        };
        if token.is_some() && !self.request.organizations.is_empty() {
            session.screen.say("note: --organization is not used: the API server knows the groups of a token");
        }
        let mut request = UserRequest {
            token,
            signing: Signing { timeout: Some(self.timeout), ..self.request.signing.clone() },
            ..self.request.clone()
        };
        with_configuration_by(session, &mut request.node, &request.access)?;
        if request.renew_before.is_some() {
            return self.ensure(session, &request);
        }
        let planned = user::plan(&request, session.now)?;
        // Nobody is asked to sign for a file that cannot be written.
        if let (false, Some(file)) = (*self.dry_run, self.out.file()) {
            refuse_place(file, self.out.force, Access::default())?;
        }
        let made = if *self.dry_run {
            None
        } else {
            let mut progress = KeyProgress::new(session);
            Some(planned.make(request.token.as_ref(), &mut |state| progress.show(state))?)
        };
        session.go_on()?;
        session.screen.warn(&planned.warnings);
        let dry = planned.facts();
        let facts = made.as_ref().map_or(&dry, |made| &made.facts);
        session.screen.say_findings(&facts.findings);
        let text = made.as_ref().map(|made| &made.text);
        let shown = Shown { session, facts, warnings: &planned.warnings, form: self.output.form };
        match (text, self.out.file()) {
            (Some(text), Some(file)) => {
                write_secret(file, text, self.out.force, Access::default())?;
                shown.print(None)?;
                session.screen.say(&format!("wrote {}", file.display()));
                Ok(session.ended(0))
            }
            (text, _) => {
                shown.print(text)?;
                if text.is_none() {
                    session.screen.say("dry run: nothing was made");
                }
                Ok(0)
            }
        }
    }
}

impl User {
    /// Keeps the file that is there, or makes it.
    fn ensure(&self, session: &Session, request: &UserRequest) -> Result<u8, Stop> {
        let file = self.out.file().ok_or_else(|| {
            RequestError::bad(
                "--renew-before says when a file is kept, and no file is named",
                "name it with --out FILE",
            )
        })?;
        let order = Order {
            present: Present::File(file.to_owned()),
            force: self.out.force,
            dry_run: *self.dry_run,
            access: Access::default(),
        };
        let mut progress = KeyProgress::new(session);
        let ensured = user::ensure(request, &order, session.now, &mut |state| progress.show(state))?;
        drop(progress);
        session.screen.warn(&ensured.warnings);
        session.screen.say_findings(&ensured.facts.findings);
        Shown { session, facts: &ensured.facts, warnings: &ensured.warnings, form: self.output.form }.print(None)?;
        let file = file.display();
        let said = match &ensured.reason {
            None => format!("kept {file}"),
            Some(reason) if *self.dry_run => format!("dry run: {file} would be written: {}", reason.text),
            Some(reason) => format!("wrote {file}: {}", reason.text),
        };
        session.screen.say(&said);
        Ok(session.ended(0))
    }
}

/// What goes to stdout.
struct Shown<'a> {
    session: &'a Session,
    facts: &'a UserFacts,
    warnings: &'a [Problem],
    form: Form,
}

impl Shown<'_> {
    fn print(&self, kubeconfig: Option<&Secret>) -> Result<(), Stop> {
        let kubeconfig = kubeconfig.and_then(|text| std::str::from_utf8(text.expose()).ok());
        match kubeconfig {
            _ if self.form != Form::Text => {
                self.session.structured(&Answer { user: self.facts, kubeconfig, warnings: self.warnings }, self.form)
            }
            Some(text) => {
                self.session.screen.data(text)?;
                // kubeadm prints an empty line behind it.
                self.session.screen.data("\n")
            }
            None => self.session.screen.show(&report::user::text(self.facts)),
        }
    }
}
