//! `kubepki kubeconfig embed`: signed client certificates and the CA, into kubeconfigs.

use clap::Args;

use super::carry_out::{Carrying, Words};
use super::input::with_configuration;
use super::options::{DryRun, Output, selection};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue;
use crate::ops::apply::Report;
use crate::ops::embed::{self, EmbedRequest};
use crate::plan::Plan;
use crate::request::NodeRequest;

const WORDS: Words<'static> =
    Words { done: "embedded", nothing: "nothing to do: every signed certificate is already embedded" };

/// Embed signed client certificates and the CA.
///
/// The certificate is FILE.crt (`admin.conf.crt`), or the one that is named; the CA is all of `ca.crt`. Everything else
/// in the file stays: other users and contexts, unknown fields, the order.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki kubeconfig embed --dry-run
  kubepki kubeconfig embed admin.conf scheduler.conf
  kubepki kubeconfig embed ./jane.conf --client-certificate jane.crt --client-key jane.key
  kubepki kubeconfig embed ./jane.conf --flatten
  kubepki kubeconfig embed /root/.kube/config --copies-of admin.conf")]
pub(super) struct Embed {
    #[arg(value_name = "FILE", help = format!(
        "all (default), or paths, or some of: {}", catalogue::kubeconfig_names().join(", ")))]
    files: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: EmbedRequest,
}

impl Run for Embed {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let dry_run = *self.dry_run;
        let mut request =
            EmbedRequest { kubeconfigs: selection(&self.files), recover: (!dry_run).into(), ..self.request };
        with_configuration(session, &mut request.node)?;
        let planned = embed::plan(&request, session.now)?;
        let nothing = request.copies_of.as_ref().map(|_| no_copies(&self.files, &planned.plan));
        let words = nothing.as_ref().map_or(WORDS, |nothing| Words { nothing, ..WORDS });
        let carrying = Carrying::of(session, &planned, words, self.output.form, dry_run);
        let afterwards = |report: &Report| next(&request.node, report);
        Carrying { afterwards: Some(&afterwards), ..carrying }.carry_out()
    }
}

/// Why nothing was to be done with what may be copies of a kubeconfig.
fn no_copies(files: &[String], plan: &Plan) -> String {
    let is_known = |file: &&String| {
        let whole = format!("{file}.conf");
        plan.artefacts.iter().any(|one| one.name == **file || one.name == whole)
    };
    let others: Vec<_> = plan.artefacts.iter().map(|one| format!("{}: {}", one.name, one.reason)).collect();
    let missing = files.iter().filter(|file| !is_known(file)).map(|file| format!("not there: {file}"));
    let all: Vec<_> = missing.chain(others).collect();
    if all.is_empty() { WORDS.nothing.to_owned() } else { format!("nothing to do: {}", all.join("; ")) }
}

/// Who must read the files again, and what is left over.
fn next(node: &NodeRequest, report: &Report) -> Vec<String> {
    let changed: Vec<_> = report.changed.iter().map(|changed| changed.name.as_str()).collect();
    let users = catalogue::must_restart(&changed);
    let restart = format!("to use them: `kubepki restart {}`", users.join(" "));
    let cleanup = "next: `kubepki certs cleanup` removes what is not needed any more".to_owned();
    let lines = (!users.is_empty()).then_some(restart).into_iter().chain([cleanup]);
    lines.map(|line| node.complete_commands(&line)).collect()
}
