//! `kubepki metrics`: a node's certificates for Prometheus.

use std::path::{Path, PathBuf};

use clap::Args;

use super::error::CommandError;
use super::input::with_configuration;
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::audit::node::Status;
use crate::error::Error;
use crate::ops::check::{self, CheckRequest};
use crate::ops::output::{Access, write_secret};
use crate::report;
use crate::secret::Secret;
use crate::store::Store;

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

/// How a file of metrics begins.
const BEGINNING: &[u8] = b"# HELP ";

/// A mistyped name must cost nothing: neither a key is replaced by metrics, nor is a file made where nobody reads it.
fn refuse_other_files(path: &Path) -> Result<(), Stop> {
    let usage = |message: String, hint: &str| CommandError::Usage { message, hint: hint.to_owned() };
    let shown = path.display();
    if path.extension().is_none_or(|extension| extension != "prom") {
        let hint = format!("name it {}: the node exporter reads no others", path.with_extension("prom").display());
        return Err(usage(format!("--textfile: the name {shown} does not end in .prom"), &hint).into());
    }
    let store = Store::new(None).map_err(Error::from)?;
    let located = store.locate(path).map_err(Error::from)?;
    if !located.parent().is_some_and(|folder| store.is_directory(folder)) {
        let hint = "name the folder that the node exporter reads (--collector.textfile.directory), or make it";
        return Err(usage(format!("--textfile: there is no folder for {shown}"), hint).into());
    }
    let tree = store.read([&located]);
    if tree.content(&located).is_some_and(|content| !content.is_empty() && !content.starts_with(BEGINNING)) {
        return Err(usage(format!("--textfile: {shown} holds something else than metrics"), "name another file").into());
    }
    Ok(())
}

impl Run for Metrics {
    const FAILURE: Option<u8> = Some(Status::Unknown.exit_code());

    fn run(mut self, session: &Session) -> Result<u8, Stop> {
        with_configuration(session, &mut self.request.node)?;
        let report = check::check(&self.request, session.now)?;
        session.screen.warn(&report.warnings);
        let text = report::prometheus::check(&report, env!("CARGO_PKG_VERSION"));
        match self.textfile {
            None => session.screen.data(&text)?,
            Some(path) => {
                refuse_other_files(&path)?;
                let access = Access { mode: Some(MODE), ..Access::default() };
                write_secret(&path, &Secret::new(text.into_bytes()), true, access)?;
            }
        }
        Ok(0)
    }
}
