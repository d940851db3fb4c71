//! `kubepki certs cleanup`: removes requests and embedded certificates, and CA keys on request.

use clap::Args;

use super::carry_out::{Carrying, Words};
use super::input::with_configuration;
use super::options::{DryRun, OneOf, Output, all_or, selection};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue::{self, CLUSTER_CA, Kind};
use crate::ops::apply::Report;
use crate::ops::cleanup::{self, CleanupRequest};

const WORDS: Words<'static> = Words { done: "cleaned up", nothing: "nothing to do: there is nothing to remove" };

/// Remove what signing elsewhere left behind.
///
/// A request is removed only when its certificate is in place and verifies; everything else is kept, with the reason.
/// `--ca-key` removes a CA's key for external CA mode, when nothing on this node needs it any more.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki certs cleanup --dry-run
  kubepki certs cleanup apiserver admin.conf
  kubepki certs cleanup --ca-key ca,etcd-ca --ca-key-backup /mnt/safe")]
pub(super) struct Cleanup {
    /// All (default), or certificates and kubeconfigs by name.
    #[arg(value_name = "NAME", value_parser = OneOf(|| all_or(catalogue::request_names())), hide_possible_values = true)]
    names: Vec<String>,
    /// Remove the key of `ca` too, or of CA: `--ca-key ca,etcd-ca,front-proxy-ca`.
    #[arg(long, value_name = "CA", num_args = 0..=1, default_missing_value = CLUSTER_CA)]
    ca_key: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: CleanupRequest,
}

impl Run for Cleanup {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let dry_run = *self.dry_run;
        let (ca_keys, more_names) = ca_keys(&self.ca_key);
        let mut request = CleanupRequest {
            names: selection(&[self.names, more_names].concat()),
            ca_keys,
            recover: (!dry_run).into(),
            ..self.request
        };
        with_configuration(session, &mut request.node)?;
        let planned = cleanup::plan(&request, session.now)?;
        let carrying = Carrying::of(session, &planned, WORDS, self.output.form, dry_run);
        Carrying { afterwards: Some(&consequences), ..carrying }.carry_out()
    }
}

/// The CAs of `--ca-key`, which may stand with or without one: a word behind it that is no CA is one of the names.
fn ca_keys(given: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    for value in given {
        let words: Vec<&str> = value.split(',').collect();
        let is_authority = |word: &&str| catalogue::rows([Kind::Authority]).any(|row| row.name == *word);
        let is_name = value == "all" || catalogue::request_names().contains(&value.as_str());
        if is_name && !words.iter().any(is_authority) {
            names.push(value.clone());
            keys.push(CLUSTER_CA.to_owned());
        } else {
            keys.extend(words.into_iter().map(str::to_owned));
        }
    }
    (keys, names)
}

/// What nobody on this node can do without the cluster CA's key.
fn consequences(report: &Report) -> Vec<String> {
    if !report.changed.iter().any(|changed| changed.name == CLUSTER_CA) {
        return Vec::new();
    }
    vec![
        "without ca.key the controller manager cannot sign: kubelets' certificates are not renewed, and no node joins, \
         until somebody else signs their requests (`kubectl get csr`)"
            .to_owned(),
    ]
}
