//! `kubepki signer show`: the signers of the controller manager.

use clap::Args;

use super::input::with_configuration_by;
use super::options::{Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::audit::signers::SignerState;
use crate::error::Category;
use crate::ops::signer::{self, SignerRequest};
use crate::report;

/// Say which certificates the cluster signs, with what, and why not.
///
/// The controller manager has four signers, with one pair for all or a pair for each. This node's manifest says which, and the pair
/// is looked at: whether it is there, fits and can be used, and when it ends. Where a signer has none, as with an external CA, the
/// part of the `ClusterConfiguration` is printed that gives it one. Whether the cluster signs now is said by --probe alone: another
/// node's controller manager, or a program of its own, may sign.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki signer show
  kubepki signer show --probe
  kubepki signer show -o json")]
pub(super) struct Show {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: SignerRequest,
}

impl Run for Show {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut request = self.request;
        with_configuration_by(session, &mut request.node, &request.access)?;
        let report = signer::show(&request, session.now, &mut || session.tell())?;
        session.screen.warn(&report.warnings);
        match self.output.form {
            Form::Text => {
                let (width, findings) = (session.screen.width(), session.screen.findings(&report.findings));
                session.screen.data(&format!("{}\n", report::signer::text_with(&report, width, findings)))?;
            }
            form => session.structured(&report, form)?,
        }
        let fails = report.signers.iter().any(|one| {
            let has_not_signed = one.probe.as_ref().is_some_and(|probe| probe.problem.is_some());
            one.signer.state == SignerState::Broken || has_not_signed
        });
        Ok(if fails { Category::Finding.exit_code() } else { 0 })
    }
}
