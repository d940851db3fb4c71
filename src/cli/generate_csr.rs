//! `kubepki certs generate-csr`: keys and signing requests, for a CA that is elsewhere.

use std::path::Path;

use clap::Args;

use super::carry_out::{Carrying, Words};
use super::input::with_configuration;
use super::options::{DryRun, OneOf, Output, all_or, selection};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue::{self, KUBELET_CLIENT, SYSTEM_NODE};
use crate::ops::generate_csr::{self, GenerateCsrRequest};
use crate::plan::{Plan, Step};
use crate::remedy;
use crate::report::{self, requests};
use crate::request::NodeRequest;

const WORDS: Words<'static> = Words { done: "made", nothing: "nothing to do: no request is needed" };

/// Make keys and signing requests for a CA elsewhere.
///
/// A certificate gets `<base>.key` and `<base>.csr`; a kubeconfig is written with its key, and `<file>.csr` beside it.
/// Nothing that is there is overwritten, and all files are made or none.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki certs generate-csr --config kubeadm.yaml
  kubepki certs generate-csr apiserver admin.conf --config kubeadm.yaml --out-dir requests
  kubepki certs generate-csr --config kubeadm.yaml --only-lacking --renew-before 30d
  kubepki certs generate-csr --renew --dry-run
  kubepki certs generate-csr kubelet-client")]
pub(super) struct GenerateCsr {
    #[arg(value_name = "NAME", value_parser = OneOf(|| all_or(catalogue::request_names())), hide_possible_values = true, help = format!("all (default), or some of: {}", catalogue::request_names().join(", ")))]
    names: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: GenerateCsrRequest,
}

impl Run for GenerateCsr {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let dry_run = *self.dry_run;
        let names: Vec<String> = self.names.into_iter().map(file_name).collect();
        let mut request = GenerateCsrRequest { names: selection(&names), recover: (!dry_run).into(), ..self.request };
        with_configuration(session, &mut request.node)?;
        let planned = generate_csr::plan(&request, session.now)?;
        let text = |plan: &Plan| {
            if plan.is_empty() { report::plan::text(plan, session.screen.width()) } else { requests::made(plan) }
        };
        let carrying = Carrying::of(session, &planned, WORDS, self.output.form, dry_run);
        let afterwards = |_: &_| match next(&request.node, &planned.plan) {
            lines if !lines.is_empty() => lines,
            _ if request.out_dir.is_some() => Vec::new(),
            _ => vec![format!(
                "next: have them signed (there: kubepki certs sign), put each certificate beside its request, then {}",
                request.node.complete_commands("`kubepki certs import`")
            )],
        };
        Carrying { text: Some(&text), afterwards: Some(&afterwards), ..carrying }.carry_out()
    }
}

/// kubeadm's name: `admin` stands for `admin.conf`.
fn file_name(name: String) -> String {
    let whole = format!("{name}.conf");
    if catalogue::request_names().contains(&whole.as_str()) { whole } else { name }
}

/// How the request of a kubelet becomes a certificate that the kubelet uses.
fn next(node: &NodeRequest, plan: &Plan) -> Vec<String> {
    let made = plan.artefacts.iter().filter(|artefact| artefact.name == KUBELET_CLIENT);
    made.filter_map(|artefact| match (&artefact.step, artefact.files.last()) {
        (Step::Request { request, .. }, Some(file)) => Some((request.subject.common_name(), &file.path)),
        _ => None,
    })
    .flat_map(|(common_name, path)| {
        way(node, path, common_name.as_deref().and_then(|name| name.strip_prefix(SYSTEM_NODE)))
    })
    .collect()
}

fn way(node: &NodeRequest, request: &Path, node_name: Option<&str>) -> [String; 5] {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = name(request);
    let sign = ["kubepki", "certs", "sign", &file, "--role", "worker", "--node-name", node_name.unwrap_or("NAME")];
    [
        format!("next, where the key of ca is, with {file} brought there:"),
        format!("  {}", remedy::command(sign)),
        format!("then here, with {} put beside the request:", name(&request.with_extension("crt"))),
        format!("  {}", node.complete_commands("`kubepki certs import`")),
        format!("  {}", node.complete_commands("`kubepki restart kubelet`")),
    ]
}
