//! `kubepki metrics`: a node's certificates for Prometheus.

use std::path::PathBuf;

use clap::Args;

use super::input::with_stdin;
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::audit::node::Status;
use crate::ops::check::{self, CheckRequest};
use crate::ops::output::{Access, write_secret};
use crate::report;
use crate::secret::Secret;

/// What the node exporter, which may be any user, can read.
const MODE: u32 = 0o644;

/// Write a node's certificates and findings as metrics.
///
/// What `kubepki check` sees, with the names and labels of x509-certificate-exporter 4. The file is for the textfile
/// collector of Prometheus' node exporter: it is replaced as a whole, with mode 0644. Exit code: 0 when the metrics are written, whatever
/// they say; 3 when the check could not run.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki metrics
  kubepki metrics --textfile /var/lib/prometheus/node-exporter/kubepki.prom")]
pub(super) struct Metrics {
    /// Write them into FILE, whose name ends in `.prom`; stdout without it.
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,
    #[command(flatten)]
    request: CheckRequest,
}

impl Run for Metrics {
    const FAILURE: Option<u8> = Some(Status::Unknown.exit_code());

    fn run(mut self, session: &Session) -> Result<u8, Stop> {
        with_stdin(session, &mut self.request.node)?;
        let report = check::check(&self.request, session.now)?;
        session.screen.warn(&report.warnings);
        let text = report::prometheus::check(&report, env!("CARGO_PKG_VERSION"));
        match self.textfile {
            None => session.screen.data(&text)?,
            Some(path) => {
                let access = Access { mode: Some(MODE), ..Access::default() };
                write_secret(&path, &Secret::new(text.into_bytes()), true, access)?;
            }
        }
        Ok(0)
    }
}
