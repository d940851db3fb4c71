//! `kubepki certs sign`: answers signing requests, where the CAs' keys are.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use super::carry_out::{Carrying, Words};
use super::error::CommandError;
use super::input::{first_line, with_configuration};
use super::options::{Configuration, DryRun, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::error::Category;
use crate::ops::apply::apply_behind;
use crate::ops::sign::{self, NamedFile, SignRequest};
use crate::plan::Action;
use crate::request::Span;

/// Sign requests, checked against the catalogue and a policy.
///
/// Each request is checked against kubeadm's catalogue, and against a configuration and a policy if they are given.
/// Anything else is refused with every reason, and then nothing is signed. Which node a request is from is what you say,
/// never what the request says: --node-name and --role, or --nodes for many. Usages and constraints are the catalogue's,
/// never the request's; alternative names are the request's.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki certs sign --csr-dir requests --role control-plane --node-name cp1 --dry-run
  kubepki certs sign --csr-dir requests --nodes nodes.yaml --ca-dir ca --validity 90d
  kubepki certs sign --csr-dir requests --nodes nodes.yaml --ca-dir ca --ca-key-passphrase-file - --renew-before 30d
  kubepki certs sign node7.csr --role worker --node-name node7
  kubepki certs sign kubelet.conf=node7.csr --role worker --node-name node7 --out-dir signed")]
pub(super) struct Sign {
    /// Requests; NAME as kubeadm has it, where the file does not say it.
    #[arg(value_name = "[NAME=]FILE")]
    files: Vec<String>,
    /// Another spelling of --validity: N days.
    #[arg(long, value_name = "N", value_parser = Span::days, conflicts_with = "validity", allow_negative_numbers = true)]
    days: Option<Span>,
    /// The file with the passphrase of the CAs' keys, - for stdin; its first line.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca_key_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: SignRequest,
    #[command(flatten)]
    configuration: Configuration,
}

impl Run for Sign {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let dry_run = *self.dry_run;
        if self.files.is_empty() && self.request.csr_dir.is_none() {
            let hint = "name a folder (--csr-dir DIR) or files";
            return Err(CommandError::usage("there is nothing to sign", hint).into());
        }
        if let Some(days) = self.days {
            days.from("--days", session.now)?;
        }
        let mut request = SignRequest {
            node: self.configuration.node,
            files: named(&self.files)?,
            validity: self.days.or(self.request.validity),
            recover: (!dry_run).into(),
            ..self.request
        };
        let is_stdin = |file: Option<&Path>| file == Some(Path::new("-"));
        if is_stdin(self.ca_key_passphrase_file.as_deref()) && is_stdin(request.node.config.as_deref()) {
            let hint = "name a file for one of them";
            return Err(CommandError::usage("--config and --ca-key-passphrase-file are both stdin", hint).into());
        }
        with_configuration(session, &mut request.node)?;
        request.ca_key_passphrase =
            self.ca_key_passphrase_file.as_deref().map(|file| first_line(session, file)).transpose()?;
        let planned = sign::plan(&request, session.now)?;
        let refused: Vec<_> =
            planned.plan.artefacts.iter().filter(|artefact| artefact.action() == Action::Blocked).collect();
        let nothing =
            if refused.is_empty() { "nothing to do: every request is signed already" } else { "nothing was signed" };
        let words = Words { done: "signed", nothing };
        let code =
            Carrying::of(session, &planned, words, self.output.form, dry_run).carry_out_by(Box::new(|progress| {
                apply_behind(&planned.plan, request.ca_key_passphrase.as_ref(), progress)
            }))?;
        if let Err(error) = sign::refuse(&planned.plan) {
            return Ok(error.category().exit_code());
        }
        if refused.is_empty() {
            return Ok(code);
        }
        let names: Vec<_> = refused.iter().map(|artefact| artefact.name.as_str()).collect();
        session.screen.say(&format!("not signed {}: {}", names.len(), names.join(", ")));
        Ok(if code == 0 { Category::Partial.exit_code() } else { code })
    }
}

/// The files with their names, where they are named.
fn named(files: &[String]) -> Result<Vec<NamedFile>, CommandError> {
    let mut all: Vec<NamedFile> = Vec::new();
    for file in files {
        let (name, path) = file.split_once('=').map_or((None, file.as_str()), |(name, path)| (Some(name), path));
        if let Some(name) = name.filter(|name| all.iter().any(|one| one.name.as_deref() == Some(name))) {
            let hint = "sign them one after the other, or put them into folders (--csr-dir)";
            return Err(CommandError::usage(format!("{name} is named twice"), hint));
        }
        all.push(NamedFile { path: path.into(), name: name.map(str::to_owned) });
    }
    match all.iter().find(|one| one.name.is_none()) {
        Some(unnamed) if all.iter().any(|one| one.name.is_some()) => Err(CommandError::usage(
            "either every file has a NAME, or none",
            format!("write NAME={} too", unnamed.path.display()),
        )),
        _ => Ok(all),
    }
}
