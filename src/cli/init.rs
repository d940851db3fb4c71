//! `kubepki init`, `certs init` and `kubeconfig init`: what a node lacks.

use clap::Args;

use super::carry_out::{Afterwards, Carrying, Words};
use super::input::with_configuration;
use super::options::{DryRun, OneOf, Output, all_or, selection};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue;
use crate::ops::init::{self, InitRequest};
use crate::plan::generate::Selection;

const WORDS: Words = Words { done: "made", nothing: "nothing to do: everything is there" };

/// Make all that a node lacks: CAs, certificates, `sa.key` and `sa.pub`, kubeconfigs.
///
/// What is there is never overwritten. It is judged in full, and anything critical stops the run before the first change.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki init --dry-run
  kubepki init --config kubeadm.yaml
  kubepki init --config kubeadm.yaml --rootfs /mnt/node")]
pub(super) struct Init {
    #[command(flatten)]
    making: Making,
}

/// Make the CAs, certificates and service account keys that a node lacks, all or by name.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki certs init
  kubepki certs init ca etcd-ca --config kubeadm.yaml
  kubepki certs init apiserver --dry-run")]
pub(super) struct CertsInit {
    #[arg(value_name = "NAME", value_parser = OneOf(|| all_or(catalogue::certificate_names())), hide_possible_values = true, help = format!("all (default), or some of: {}", catalogue::certificate_names().join(", ")))]
    names: Vec<String>,
    #[command(flatten)]
    making: Making,
}

/// Make the kubeconfigs that a node lacks, all or by name, signed by the CA that is there.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki kubeconfig init
  kubepki kubeconfig init admin.conf scheduler.conf
  kubepki kubeconfig init --config kubeadm.yaml --dry-run")]
pub(super) struct KubeconfigInit {
    #[arg(value_name = "NAME", value_parser = OneOf(|| all_or(catalogue::kubeconfig_names())), hide_possible_values = true, help = format!("all (default), or some of: {}", catalogue::kubeconfig_names().join(", ")))]
    names: Vec<String>,
    #[command(flatten)]
    making: Making,
}

/// What all three take.
#[derive(Args, Debug)]
struct Making {
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: InitRequest,
}

impl Making {
    fn make(
        self,
        session: &Session,
        certificates: Selection,
        kubeconfigs: Selection,
        afterwards: Option<&Afterwards<'_>>,
    ) -> Result<u8, Stop> {
        let dry_run = *self.dry_run;
        let mut request = InitRequest { certificates, kubeconfigs, recover: (!dry_run).into(), ..self.request };
        with_configuration(session, &mut request.node)?;
        let planned = init::plan(&request, session.now)?;
        let carrying = Carrying::of(session, &planned, WORDS, self.output.form, dry_run);
        Carrying { afterwards, ..carrying }.carry_out()
    }
}

impl Run for Init {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        self.making.make(session, Selection::All, Selection::All, None)
    }
}

impl Run for CertsInit {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let names = selection(&self.names);
        // One that got a single certificate back is looked at.
        let next = if names == Selection::All {
            "next: `kubepki kubeconfig init` makes the kubeconfigs"
        } else {
            "next: `kubepki check`"
        };
        let next = self.making.request.node.complete_commands(next);
        self.making.make(session, names, Selection::None, Some(&|_| vec![next.clone()]))
    }
}

impl Run for KubeconfigInit {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        // `admin` stands for `admin.conf`, as for kubeadm's phases.
        let whole = |name: &String| match name.strip_suffix(".conf") {
            None if name != "all" => format!("{name}.conf"),
            _ => name.clone(),
        };
        let names: Vec<String> = self.names.iter().map(whole).collect();
        self.making.make(session, Selection::None, selection(&names), None)
    }
}
