//! `kubepki access`: who gets in with a certificate.

use clap::Args;

use super::input::with_configuration;
use super::options::{Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::ops::access::{self, AccessRequest};
use crate::report;

/// Say who gets in with a certificate, and who has used which.
///
/// Every client certificate of the node: whom it stands for, what it can do, until when, and whether its key is here. With the API
/// server's audit log: when it was used last, how often and from where, and certificates that no file has.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki access
  kubepki access --audit-log /var/log/kubernetes/audit.log
  kubepki access /home/alice/.kube/config -o json
  kubepki access --longest 30d")]
pub(super) struct Access {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: AccessRequest,
}

impl Run for Access {
    fn run(mut self, session: &Session) -> Result<u8, Stop> {
        with_configuration(session, &mut self.request.node)?;
        let report = access::access(&self.request, session.now, &session.stop_signal())?;
        session.screen.warn(&report.warnings);
        match self.output.form {
            Form::Text => {
                let (width, findings) = (session.screen.width(), session.screen.findings(&report.findings));
                session.screen.data(&format!("{}\n", report::access::text_with(&report, width, findings)))?;
            }
            form => session.structured(&report, form)?,
        }
        Ok(0)
    }
}
