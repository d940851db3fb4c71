//! `kubepki certs renew`: renews certificates, one, some or all, in one transaction; stdout holds kubeadm's lines.

use clap::Args;
use serde::Serialize;

use super::carry_out::{PlanAnswer, names, say_backup, say_blocked};
use super::check::nothing_seen;
use super::input::with_configuration_by;
use super::options::{DryRun, Form, OneOf, Output, UNUSED_KUBECONFIG, all_or};
use super::progress::KeyProgress;
use super::restart::{self, command};
use super::run::Run;
use super::screen::lines;
use super::session::Session;
use super::stop::Stop;
use crate::audit::{Finding, FindingCode, Severity};
use crate::catalogue::{self, KUBELET};
use crate::config::Problem;
use crate::error::{Category, Error, Fault};
use crate::ops::Planned;
use crate::ops::apply::{Report, apply};
use crate::ops::renew::{self, RenewRequest};
use crate::ops::restart::{Reservation, RestartReport, RestartRequest, refuse_elsewhere, reserve, restart_reserved};
use crate::plan::generate::Selection;
use crate::plan::renew::not_renewed;
use crate::plan::{Action, Artefact, Cause, Plan, Step};
use crate::report;
use crate::request::{NodeRequest, RestartOptions, Signing};

/// Renew certificates, one, some or all, in one transaction.
///
/// Everything is read from disk: certificates may have expired and the API server may be down. What a certificate says
/// stays as it is: its whole subject, names, usages. The output is kubeadm's.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki certs renew all --dry-run
  kubepki certs renew all --before 30d --restart
  kubepki certs renew apiserver --add-san api.example.com
  kubepki certs renew all --kubelet --validity 90d --algorithm ECDSA-P256
  kubepki certs renew admin.conf scheduler.conf --issuer kubernetes --approve --validity 90d")]
pub(super) struct Renew {
    #[arg(required = true, value_name = "NAME", value_parser = OneOf(|| all_or(catalogue::renewable_names())), hide_possible_values = true, help = format!(
        "all (what kubeadm renews), or some of: {}", catalogue::renewable_names().join(", ")))]
    names: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
    /// Show a diff of the decoded certificates (text output), and change nothing.
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    output: Output,
    /// Restart the components that do not use what is on disk afterwards, one at a time.
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    request: RenewRequest,
    #[command(flatten)]
    how: RestartOptions,
}

#[derive(Serialize)]
struct Answer<'a> {
    plan: PlanAnswer<'a>,
    report: Option<&'a Report>,
    restart: Option<&'a RestartReport>,
    /// What is due and left: a CA's key is elsewhere, no signer makes it, or its CA ends.
    not_renewed: Vec<&'a Finding>,
    warnings: &'a [Problem],
}

/// A renewal that is carried out.
#[allow(clippy::struct_excessive_bools)] // each is a flag of the command line
struct Renewing<'a> {
    session: &'a Session,
    /// As they were given.
    names: &'a [String],
    planned: &'a Planned,
    node: &'a NodeRequest,
    form: Form,
    is_dry_run: bool,
    is_diff: bool,
    restarts: bool,
    /// Whether alternative names were added or removed.
    changes_names: bool,
}

impl Run for Renew {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let signing = Signing { timeout: Some(self.how.timeout), ..self.request.signing.clone() };
        if !signing.asks_cluster() && !self.request.node.awaits_cluster() && self.request.access.kubeconfig.is_some() {
            session.screen.say(UNUSED_KUBECONFIG);
        }
        // Whatever only shows writes nothing.
        let is_dry_run = *self.dry_run || self.diff;
        let names = if self.names == ["all"] { Selection::All } else { Selection::Names(self.names.clone()) };
        let mut request = RenewRequest { names, recover: (!is_dry_run).into(), signing, ..self.request };
        with_configuration_by(session, &mut request.node, &request.access)?;
        let planned = renew::plan(&request, session.now)?;
        // The right to restart is taken before anything is renewed: a run that would not get it renews nothing.
        let restart = RestartRequest {
            kubelet: request.kubelet || self.names.iter().any(|name| name.starts_with(KUBELET)),
            kubelet_dir: request.kubelet_dir.clone(),
            rootfs: request.node.rootfs.clone(),
            how: self.how,
            ..RestartRequest::default()
        };
        if self.restart {
            refuse_elsewhere(&restart)?;
        }
        session.go_on()?;
        let renewing = Renewing {
            session,
            names: &self.names,
            planned: &planned,
            node: &request.node,
            form: self.output.form,
            is_dry_run,
            is_diff: self.diff,
            restarts: self.restart,
            changes_names: !(request.add_sans.is_empty() && request.remove_sans.is_empty()),
        };
        renewing.say_findings();
        if is_dry_run || planned.plan.is_blocked() {
            renewing.print(None, None)?;
            return Ok(renewing.conclude(None));
        }
        let reservation = self.restart.then(|| reserve(&restart, session.now)).transpose()?;
        renewing.carry_out(reservation)
    }
}

impl Renewing<'_> {
    fn plan(&self) -> &Plan {
        &self.planned.plan
    }

    fn say_findings(&self) {
        self.session.screen.warn(&self.planned.warnings);
        // What is missing or external has its line on stdout, as for kubeadm.
        let has_line = |finding: &Finding| {
            finding.severity == Severity::Info
                && (finding.code == FindingCode::FileMissing || finding.code == FindingCode::AuthorityExternal)
        };
        self.session.screen.say_findings(self.plan().findings.iter().filter(|finding| !has_line(finding)));
    }

    fn carry_out(&self, reservation: Option<Reservation>) -> Result<u8, Stop> {
        let report = {
            let mut progress = KeyProgress::new(self.session);
            apply(self.plan(), &mut |state| progress.show(state))?
        };
        let code = match reservation {
            Some(reservation) if !self.session.interrupts.has_come() => self.restart(&report, reservation)?,
            waiting => {
                self.print(Some(&report), None)?;
                if waiting.is_some() {
                    let restart = command(&["restart"], self.plan().rootfs.as_deref());
                    self.session.screen.say(&format!("nothing was restarted: {restart} does it"));
                }
                self.conclude(Some(&report))
            }
        };
        Ok(self.session.ended(code))
    }

    /// Restarts what does not use the new files, and prints both reports; the renewal's in any case.
    fn restart(&self, report: &Report, reservation: Reservation) -> Result<u8, Stop> {
        if self.form == Form::Text {
            self.print(Some(report), None)?;
        }
        self.summarise(Some(report));
        let now = self.session.now;
        let restarted = restart::follow(self.session, |progress| restart_reserved(reservation, now, progress));
        if self.form != Form::Text {
            self.print(Some(report), restarted.as_ref().ok())?;
        }
        let restarted = restarted.map_err(|error| after_renewal(error, !report.changed.is_empty()))?;
        restart::conclude(self.session, &restarted);
        Ok(self.exit_code())
    }

    fn print(&self, report: Option<&Report>, restart: Option<&RestartReport>) -> Result<(), Stop> {
        let screen = &self.session.screen;
        if self.form != Form::Text {
            let warnings = self.planned.warnings.as_slice();
            let plan = PlanAnswer { plan: self.plan(), warnings };
            let not_renewed = not_renewed(self.plan());
            return self.session.structured(&Answer { plan, report, restart, not_renewed, warnings }, self.form);
        }
        if self.is_diff {
            return screen.data(&lines(&report::difference::text(self.plan())?));
        }
        if self.is_dry_run || self.plan().is_blocked() {
            return screen.show(&report::plan::text(self.plan(), screen.width()));
        }
        self.print_lines()
    }

    /// Prints what kubeadm prints, in its order.
    fn print_lines(&self) -> Result<(), Stop> {
        for line in self.plan().artefacts.iter().filter_map(line) {
            self.session.screen.show(&line)?;
        }
        let changed: Vec<_> = self.plan().changes().map(|artefact| &artefact.name).collect();
        if self.names.iter().any(|name| name == "all") && !changed.is_empty() && !self.restarts {
            self.session.screen.show(&format!("\n{}", notice(&catalogue::must_restart(&changed))))?;
        }
        Ok(())
    }

    fn conclude(&self, report: Option<&Report>) -> u8 {
        if self.plan().is_blocked() {
            say_blocked(self.session, self.plan());
            return Category::Finding.exit_code();
        }
        self.summarise(report);
        if report.is_none() && self.restarts {
            self.session
                .screen
                .say("dry run: components that do not use the files on disk would be restarted afterwards");
        }
        self.exit_code()
    }

    fn exit_code(&self) -> u8 {
        let is_passed_over =
            |artefact: &&Artefact| artefact.action() == Action::Skip && self.names.contains(&artefact.name);
        let passed_over: Vec<_> =
            self.plan().artefacts.iter().filter(is_passed_over).map(|artefact| artefact.name.as_str()).collect();
        if passed_over.is_empty() {
            return 0;
        }
        // `all` passes over what cannot be renewed here; what was asked for by name was not done.
        self.session.screen.say(&format!("not renewed: {}", passed_over.join(", ")));
        let category = if self.plan().is_empty() { Category::Finding } else { Category::Partial };
        category.exit_code()
    }

    fn summarise(&self, report: Option<&Report>) {
        let screen = &self.session.screen;
        let kept = self.plan().artefacts.iter().filter(|artefact| artefact.action() == Action::Keep).count();
        let stays = if kept == 0 { String::new() } else { format!("; {kept} kept") };
        let Some(report) = report.filter(|_| !self.plan().is_empty()) else {
            let is_missing = |one: &Artefact| matches!(one.step, Step::Skip { cause: Cause::Missing });
            if self.plan().artefacts.len() > 1 && self.plan().artefacts.iter().all(is_missing) {
                screen.say(&nothing_seen(self.node));
            }
            screen.say(&if self.plan().is_empty() {
                format!("nothing to do{stays}")
            } else {
                let changes = self.plan().changes().count();
                format!("dry run: nothing was changed; {changes} would be renewed{stays}")
            });
            return;
        };
        screen.say(&format!("renewed {}: {}{stays}", report.changed.len(), names(report)));
        say_backup(self.session, self.plan(), report);
        if self.changes_names {
            self.remind_of_names(report);
        }
        let changed: Vec<_> = report.changed.iter().map(|one| &one.name).collect();
        let users = catalogue::must_restart(&changed);
        if !users.is_empty() && !self.restarts {
            let words: Vec<_> = ["restart"].into_iter().chain(users).collect();
            let restart = command(&words, self.plan().rootfs.as_deref());
            screen.say(&format!("to use them: {}", restart.trim_matches('`')));
        }
    }

    /// Says that kubeadm does not know of names that were changed here, and where it looks for them.
    fn remind_of_names(&self, report: &Report) {
        let field = |name: &str| catalogue::row(name)?.alternative_names.configuration_field();
        let fields: Vec<_> = report.changed.iter().filter_map(|one| field(&one.name)).collect();
        if !fields.is_empty() {
            self.session.screen.say(&format!(
                "kubeadm takes names from the cluster's configuration: change {} there too, \
                 `kubectl -n kube-system edit configmap kubeadm-config`",
                fields.join(" and ")
            ));
        }
    }
}

/// The error of a restart that follows a renewal, which stands.
fn after_renewal(error: Error, has_changed: bool) -> Error {
    let category = match error.category() {
        Category::Interrupted => Category::Interrupted,
        Category::Environment if has_changed => Category::Partial,
        _ => return error,
    };
    let fault = Fault::from(error);
    Fault { category, message: format!("the certificates are renewed; {}", fault.message), ..fault }.into()
}

/// kubeadm's last line, for the components that use what was renewed.
fn notice(components: &[&str]) -> String {
    let (listed, they) = match components {
        [] => return "Done renewing certificates. No component has to be restarted.".into(),
        [one] => ((*one).to_owned(), "it"),
        [others @ .., last] => (format!("{} and {last}", others.join(", ")), "they"),
    };
    format!("Done renewing certificates. You must restart the {listed}, so that {they} can use the new certificates.")
}

/// kubeadm's line about a certificate.
fn line(artefact: &Artefact) -> Option<String> {
    let long_name = catalogue::row(&artefact.name)?.long_name;
    match &artefact.step {
        Step::Renew { .. } => Some(format!("{long_name} renewed")),
        Step::Skip { cause } | Step::Blocked { cause } => match cause {
            Cause::Missing => Some(format!("MISSING! {long_name}")),
            Cause::ExternalAuthority => {
                let issuer = artefact.issuer.as_deref().unwrap_or_default();
                let base_name = catalogue::authority(issuer).map_or(issuer, |row| row.base_name);
                Some(format!("Detected external {base_name}, {long_name} can't be renewed"))
            }
            _ => None,
        },
        _ => None,
    }
}
