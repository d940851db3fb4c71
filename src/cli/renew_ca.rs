//! `kubepki ca renew`: the certificates of CAs, with the keys and names that they have.

use std::path::Path;

use clap::Args;

use super::carry_out::{Carrying, Words};
use super::input::with_configuration;
use super::options::{DryRun, OneOf, Output, all_or, selection};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue::{self, CLUSTER_CA, KUBELET, KUBELET_CONF};
use crate::ops::apply::{Changed, Report};
use crate::ops::renew_ca::{self, RenewCaRequest};
use crate::remedy::{command, file};
use crate::request::NodeRequest;

const WORDS: Words<'static> = Words { done: "renewed", nothing: "nothing to do: no CA's certificate changes" };

/// Renew the certificates of CAs, with the keys that they have.
///
/// Key, name and extensions stay, and so everything that the CA has signed stays valid. Every copy of the certificate
/// on the node is replaced at once: in `ca.crt` and in kubeconfigs only this certificate, where others stand beside it. A CA whose key is
/// known to others, or too weak, needs a new key instead.
///
/// All nodes must have the same certificate: renew it on one, and bring it to the others with `--certificate`, which needs no key.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki ca renew ca --dry-run
  kubepki ca renew all --validity 3650d
  kubepki ca renew all --before 365d
  kubepki ca renew ca --certificate ./ca.crt
  kubepki ca renew all --certificate ./ca.crt --certificate ./front-proxy-ca.crt --certificate ./etcd/ca.crt")]
pub(super) struct RenewCa {
    #[arg(required = true, value_name = "NAME", value_parser = OneOf(|| all_or(RenewCaRequest::known_names())), hide_possible_values = true, help = format!(
        "all (of the node), or some of: {}", RenewCaRequest::known_names().join(", ")))]
    names: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: RenewCaRequest,
}

impl Run for RenewCa {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let dry_run = *self.dry_run;
        let mut request = RenewCaRequest { names: selection(&self.names), recover: (!dry_run).into(), ..self.request };
        with_configuration(session, &mut request.node)?;
        let planned = renew_ca::plan(&request, session.now)?;
        let carrying = Carrying::of(session, &planned, WORDS, self.output.form, dry_run);
        let is_given = !request.certificates.is_empty();
        let afterwards = |report: &Report| next(&request.node, report, is_given);
        let code = Carrying { afterwards: Some(&afterwards), ..carrying }.carry_out()?;
        if dry_run && !is_given && !planned.plan.is_empty() {
            session
                .screen
                .say("this node only: the others that have these CAs are given the new certificates afterwards");
        }
        Ok(code)
    }
}

/// Who still has the certificate before it, and how it gets the new one.
fn next(node: &NodeRequest, report: &Report, is_given: bool) -> Vec<String> {
    let (mut there, mut lines) = (Vec::new(), Vec::new());
    if !is_given {
        there.push("on every other node that has it, so that all have the same:".to_owned());
        there.extend(report.changed.iter().filter_map(|changed| elsewhere(node, changed)));
    }
    let waiting: Vec<_> = catalogue::components()
        .into_iter()
        .filter(|component| report.changed.iter().any(|one| holds(one, component)))
        .collect();
    if !waiting.is_empty() {
        lines.push(format!(
            "No restart is needed now: components go on with the certificate before it until that one ends, and read the new one when \
             they restart: {}",
            command(["kubepki", "restart"].into_iter().chain(waiting))
        ));
    }
    if report.changed.iter().any(|one| one.name == CLUSTER_CA) {
        lines.push(
            "in the cluster: the ConfigMaps cluster-info and extension-apiserver-authentication hold copies, written by \
             kubepki rotate step cluster on one control-plane node; kube-root-ca.crt follows when the controller manager has \
             restarted; kubeconfigs of users get it from you: `kubepki kubeconfig embed /root/.kube/config --copies-of admin.conf`"
                .to_owned(),
        );
    }
    there.into_iter().chain(lines.into_iter().map(|line| node.complete_commands(&line))).collect()
}

/// Whether a component of this node has read the CA's certificate at its start. What has no kubeconfig here does not run here.
fn holds(changed: &Changed, component: &str) -> bool {
    if !catalogue::must_restart_for(&changed.name).contains(&component) {
        return false;
    }
    let has = |name: &str| changed.files.iter().any(|file| file.ends_with(name));
    // A worker has the cluster's CA, and of the components a kubelet.
    let is_control_plane = changed
        .files
        .iter()
        .any(|file| file.extension().is_some_and(|end| end == "conf") && !file.ends_with(KUBELET_CONF));
    changed.name != CLUSTER_CA || if component == KUBELET { has(KUBELET_CONF) } else { is_control_plane }
}

/// How another node gets the certificate.
fn elsewhere(node: &NodeRequest, changed: &Changed) -> Option<String> {
    let own: &Path = changed.files.first()?;
    let renew = command(["kubepki", CLUSTER_CA, "renew", &changed.name, "--certificate"]);
    let own = node.complete_commands(&file(own));
    Some(format!("  copy {own} there, then {} FILE`", renew.trim_end_matches('`')))
}
