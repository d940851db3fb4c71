//! `kubepki kubelet enable-serving-certs` and `kubelet require-serving-certs`: kubelets ask the cluster for what they serve,
//! and API servers verify it.

use std::path::Path;

use clap::Args;

use super::carry_out::previous_files;
use super::options::{DryRun, Form, Output};
use super::restart::{command, talk};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue::KUBELET;
use crate::error::Category;
use crate::ops::enable_serving::{EnableServingRequest, Enabling, ServingSetup};
use crate::ops::require_serving::{RequireServingRequest, Requiring, ServingRequirement};
use crate::plan::serving::Awaited;
use crate::plan::setting::Setting;
use crate::report;

/// Have this node's kubelet, and those that join, ask the cluster for the certificate that they serve.
///
/// Sets `serverTLSBootstrap: true` in the kubelet's configuration and in the cluster's kubelet-config, by which `kubeadm join` and
/// `kubeadm upgrade node` go; every other byte of both stays. Run it on a control-plane node first, then on every node. The
/// kubelet asks once it is restarted, and serves logs and exec again when its request is approved: kubepki kubelet approve.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki kubelet enable-serving-certs --diff
  kubepki kubelet enable-serving-certs --restart
  kubepki kubelet enable-serving-certs --local")]
pub(super) struct EnableServingCerts {
    #[command(flatten)]
    dry_run: DryRun,
    /// Show a diff of the documents (text output), and change nothing.
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: EnableServingRequest,
}

/// Have the API server of this node verify what kubelets serve, once all of them serve what can be verified.
///
/// Every node of the cluster is looked at first, by the address that the API server takes. If all serve a certificate of the cluster's
/// CA for it, --kubelet-certificate-authority is added to the API server's manifest, and to the cluster's configuration in
/// kubeadm-config; the kubelet then starts the API server anew. Run it on every control-plane node, one after the other.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki kubelet require-serving-certs --dry-run
  kubepki kubelet require-serving-certs --diff
  kubepki kubelet require-serving-certs")]
pub(super) struct RequireServingCerts {
    #[command(flatten)]
    dry_run: DryRun,
    /// Show a diff of the documents (text output), and change nothing.
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: RequireServingRequest,
}

impl Run for EnableServingCerts {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut tell = || session.tell();
        let enabling = Enabling::read(&self.request, &mut tell)?;
        session.go_on()?;
        let form = self.output.form;
        let text = |setup: &ServingSetup| report::settings::setup(setup, session.screen.width());
        if *self.dry_run || self.diff {
            let setup = enabling.setup();
            show(session, form, setup, &setup.settings, self.diff, text)?;
            say_dry_run(session, &setup.settings);
            return Ok(0);
        }
        let setup = talk(session, |progress| enabling.write(session.now, progress))?;
        show(session, form, &setup, &setup.settings, false, text)?;
        say_backup(session, setup.backup.as_deref(), self.request.rootfs.as_deref());
        if setup.is_set() {
            session.screen.say("nothing to change: every document says it already");
        }
        let mut code = 0;
        match &setup.request {
            Some(request) => {
                let node = setup.node.as_deref().unwrap_or_default();
                session.screen.say(&report::settings::awaited(node, request));
                if request.state == Awaited::Denied {
                    code = Category::Finding.exit_code();
                }
            }
            None if setup.settings.last().is_some_and(|own| !own.is_set()) => {
                let restart = command(&["restart", KUBELET], self.request.rootfs.as_deref());
                session.screen.say(&format!("to use it: {restart}, then `kubepki kubelet approve`"));
            }
            None => {}
        }
        Ok(session.ended(code))
    }
}

impl Run for RequireServingCerts {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut tell = || session.tell();
        let requiring = Requiring::read(&self.request, session.now, &mut tell)?;
        session.go_on()?;
        let form = self.output.form;
        let text =
            |requirement: &ServingRequirement| report::settings::requirement(requirement, session.screen.width());
        if *self.dry_run || self.diff {
            let requirement = requiring.requirement();
            show(session, form, requirement, &requirement.settings, self.diff, text)?;
            say_dry_run(session, &requirement.settings);
            return Ok(0);
        }
        let requirement = talk(session, |progress| requiring.write(session.now, progress))?;
        show(session, form, &requirement, &requirement.settings, false, text)?;
        say_backup(session, requirement.backup.as_deref(), self.request.rootfs.as_deref());
        if requirement.is_set() {
            session.screen.say("nothing to change: every document says it already");
        } else if requirement.control_plane.len() > 1 {
            let all = requirement.control_plane.join(", ");
            session
                .screen
                .say(&format!("each control-plane node has an API server of its own, run it on all of them: {all}"));
        }
        Ok(session.ended(0))
    }
}

fn show<T: serde::Serialize>(
    session: &Session,
    form: Form,
    value: &T,
    settings: &[Setting],
    is_diff: bool,
    text: impl FnOnce(&T) -> String,
) -> Result<(), Stop> {
    match form {
        Form::Text if is_diff => session.screen.data(&report::settings::diff(settings)),
        Form::Text => session.screen.show(&text(value)),
        form => session.structured(value, form),
    }
}

fn say_dry_run(session: &Session, settings: &[Setting]) {
    let changes = settings.iter().filter(|setting| !setting.is_set()).count();
    session.screen.say(&match changes {
        0 => "dry run: nothing to change".to_owned(),
        changes => format!("dry run: nothing was changed; {changes} would be changed"),
    });
}

fn say_backup(session: &Session, backup: Option<&Path>, rootfs: Option<&Path>) {
    if let Some(backup) = backup {
        session.screen.say(&previous_files(backup, rootfs));
    }
}
