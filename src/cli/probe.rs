//! `kubepki probe`: what servers present.

use clap::Args;

use super::options::{Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::audit::Finding;
use crate::audit::node::Status;
use crate::ops::probe::{self, ProbeRequest};
use crate::report;

/// Look at the certificates that servers present.
///
/// Each server is greeted and left again; nothing is asked of it. An expired or foreign certificate is seen all the
/// same, and what is wrong is said. Without `--certificate-authority` nobody's signature is judged. The exit code is that
/// of `check`: 0 ok, 1 warning, 2 critical, 3 no answer, or the probe could not run.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki probe 10.0.0.1:6443
  kubepki probe 10.0.0.1:6443 --certificate-authority /etc/kubernetes/pki/ca.crt
  kubepki probe cp1:6443 cp2:6443 cp3:6443 --server-name k8s.example.com -o json
  kubepki probe 127.0.0.1:2379 --certificate /etc/kubernetes/pki/etcd/server.crt")]
pub(super) struct Probe {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: ProbeRequest,
}

impl Run for Probe {
    // As for `check`: monitoring would take the 2 of a usage error for a critical state.
    const FAILURE: Option<u8> = Some(Status::Unknown.exit_code());

    fn run(self, session: &Session) -> Result<u8, Stop> {
        let report = probe::probe(&self.request, session.now)?;
        match self.output.form {
            Form::Text => {
                let all: Vec<Finding> = report.endpoints.iter().flat_map(|one| one.findings.clone()).collect();
                let (width, findings) = (session.screen.width(), session.screen.findings(&all));
                session.screen.data(&format!("{}\n", report::probe::text_with(&report, width, findings)))?;
            }
            form => session.structured(&report, form)?,
        }
        Ok(report.status.exit_code())
    }
}
