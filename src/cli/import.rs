//! `kubepki certs import`: certificates that were signed elsewhere, into their places.

use clap::Args;

use super::carry_out::{Carrying, Words};
use super::input::with_configuration;
use super::options::{DryRun, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue::{self, CLUSTER_CA};
use crate::ops::apply::Report;
use crate::ops::import::{self, ImportRequest};
use crate::plan::{Action, Plan};
use crate::request::NodeRequest;

/// Install certificates that were signed elsewhere.
///
/// Each is matched to its place by its name (`apiserver.crt`, `etcd/server.crt`, `admin.conf.crt`) or by its key, and
/// checked against its key, its request, its CA, its usages, its names and its validity. All are imported, or none is.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki certs import --dry-run
  kubepki certs import signed/
  kubepki certs import signed/apiserver.crt --config kubeadm.yaml")]
pub(super) struct Import {
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: ImportRequest,
}

impl Run for Import {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let dry_run = *self.dry_run;
        let mut request = ImportRequest { recover: (!dry_run).into(), ..self.request };
        with_configuration(session, &mut request.node)?;
        let planned = import::plan(&request, session.now)?;
        let waiting = waiting(&planned.plan);
        let nothing = nothing(&request.node, &planned.plan, &waiting);
        let words = Words { done: "imported", nothing: &nothing };
        let carrying = Carrying::of(session, &planned, words, self.output.form, dry_run);
        let afterwards = |report: &Report| vec![next(&request.node, report)];
        let code = Carrying { afterwards: Some(&afterwards), ..carrying }.carry_out()?;
        if !(waiting.is_empty() || planned.plan.is_blocked() || planned.plan.is_empty()) {
            session.screen.say(&format!("not signed yet: {}", waiting.join(", ")));
        }
        Ok(code)
    }
}

/// The names of what has no signed certificate yet.
fn waiting(plan: &Plan) -> Vec<&str> {
    let waiting = plan.artefacts.iter().filter(|artefact| artefact.action() == Action::Skip);
    waiting.map(|artefact| artefact.name.as_str()).collect()
}

/// What makes use of what was imported: kubeconfigs get their certificates by a verb of their own.
fn next(node: &NodeRequest, report: &Report) -> String {
    let changed: Vec<_> = report.changed.iter().map(|changed| changed.name.as_str()).collect();
    let kubeconfigs: Vec<_> =
        changed.iter().copied().filter(|name| catalogue::kubeconfig_names().contains(name)).collect();
    let users = catalogue::must_restart(&changed);
    let command = |words: &[&str], more: &[&str]| {
        node.complete_commands(&format!("`kubepki {}`", [words, more].concat().join(" ")))
    };
    // A new bundle of the cluster's CA goes into every kubeconfig.
    if changed.contains(&CLUSTER_CA) {
        format!("next: {}", command(&["kubeconfig", "embed"], &[]))
    } else if !kubeconfigs.is_empty() {
        format!("next: {}", command(&["kubeconfig", "embed"], &kubeconfigs))
    } else if !users.is_empty() {
        format!("to use them: {}", command(&["restart"], &users))
    } else {
        format!("next: {} removes the requests", command(&["certs", "cleanup"], &[]))
    }
}

fn nothing(node: &NodeRequest, plan: &Plan, waiting: &[&str]) -> String {
    match waiting {
        [] if plan.artefacts.is_empty() => "nothing to import: no certificate for this node was found".to_owned(),
        [] => {
            let has_kubeconfig =
                plan.artefacts.iter().any(|artefact| catalogue::kubeconfig_names().contains(&artefact.name.as_str()));
            let embed = "; `kubepki kubeconfig embed` puts those of kubeconfigs into them";
            let embed = if has_kubeconfig { node.complete_commands(embed) } else { String::new() };
            format!("nothing to do: every certificate is already in place{embed}")
        }
        [one] => format!("nothing to import: {one}: its request has no signed certificate yet"),
        all => format!("nothing to import: {}: their requests have no signed certificate yet", all.join(", ")),
    }
}
