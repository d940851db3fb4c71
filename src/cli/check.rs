//! `kubepki check` and `certs check-expiration`: how a node's certificates are.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::carry_out::below;
use super::input::{with_configuration, with_configuration_by};
use super::options::{Form, Output, UNUSED_KUBECONFIG};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue::DEFAULT_KUBECONFIG_DIR;
use crate::clock::SystemClock;
use crate::ops::check::{self, CheckRequest, Status};
use crate::ops::check_expiration;
use crate::report;
use crate::report::html::{self, Page};
use crate::request::{ClusterAccess, NodeRequest};
use crate::text::printable;

/// The form of what a check prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReportForm {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For programs, and people.
    Yaml,
    /// One page for a browser, which needs nothing else.
    Html,
    /// For Prometheus.
    Prometheus,
}

/// Check everything; the exit code is for monitoring.
///
/// CAs, certificates, kubeconfigs, `sa`, the kubelet's own certificates, and any file or directory named besides. The
/// exit code is that of monitoring plugins: 0 ok, 1 warning, 2 critical, 3 unknown. 3 is also the code of everything
/// that keeps the check from running: wrong flags, a wrong configuration.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki check
  kubepki check --warning 60d --critical 14d
  kubepki check --config kubeadm.yaml -o json
  kubepki check --profile cis
  kubepki check -o html > certificates.html
  kubepki check /srv/ingress/tls.crt
  kubepki check --live
  kubepki check -o prometheus")]
pub(super) struct Check {
    /// The form of the output.
    #[arg(short = 'o', long = "output", value_name = "FORM", default_value = "text", hide_possible_values = false)]
    form: ReportForm,
    #[command(flatten)]
    request: CheckRequest,
}

/// Print when certificates end, as kubeadm does.
///
/// What `kubeadm certs check-expiration` prints, for a tree in any state: a file that is missing, unreadable or corrupt
/// is a row. The configuration is the file, or kubeadm's defaults; `--config cluster` asks the cluster, as kubeadm does without a file.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki certs check-expiration
  kubepki certs check-expiration --config cluster
  kubepki certs check-expiration --config kubeadm.yaml -o json")]
pub(super) struct CheckExpiration {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    access: ClusterAccess,
    #[command(flatten)]
    node: NodeRequest,
}

impl Run for Check {
    // Wrong flags too: monitoring would take the 2 of a usage error for a critical state.
    const FAILURE: Option<u8> = Some(Status::Unknown.exit_code());

    fn run(mut self, session: &Session) -> Result<u8, Stop> {
        with_configuration(session, &mut self.request.node)?;
        let report = check::check(&self.request, session.now)?;
        session.screen.warn(&report.warnings);
        let fields = report::check::Fields::of(&report);
        match self.form {
            ReportForm::Text => {
                let (width, findings) = (session.screen.width(), session.screen.findings(&report.findings));
                session.screen.data(&format!("{}\n", report::check::text_with(&report, width, findings)))?;
            }
            ReportForm::Html => session.screen.data(&html::page(Page::of(&report)))?,
            ReportForm::Json => session.structured(&fields, Form::Json)?,
            ReportForm::Yaml => session.structured(&fields, Form::Yaml)?,
            ReportForm::Prometheus => {
                session.screen.data(&report::prometheus::check(&report, env!("CARGO_PKG_VERSION")))?;
            }
        }
        if report.certificates.is_empty() && report.findings.is_empty() && self.form == ReportForm::Text {
            session.screen.say(&nothing_seen(&self.request.node));
        }
        Ok(report.status.exit_code())
    }
}

/// Most often a node's files were looked for in the wrong place.
pub(super) fn nothing_seen(node: &NodeRequest) -> String {
    let place =
        |dir: &Option<PathBuf>, usual: &str| below(dir.as_deref().unwrap_or(Path::new(usual)), node.rootfs.as_deref());
    format!(
        "no certificate and no kubeconfig was found in {} and {}: say where the node's files are, with --rootfs, --certificates-dir \
         and --kubeconfig-dir, or make them first",
        place(&node.certificates_dir, &format!("{DEFAULT_KUBECONFIG_DIR}/pki")).display(),
        place(&node.kubeconfig_dir, DEFAULT_KUBECONFIG_DIR).display(),
    )
}

impl Run for CheckExpiration {
    fn run(mut self, session: &Session) -> Result<u8, Stop> {
        if self.access.kubeconfig.is_some() && !self.node.awaits_cluster() {
            session.screen.say(UNUSED_KUBECONFIG);
        }
        with_configuration_by(session, &mut self.node, &self.access)?;
        let now = SystemClock.exact();
        let checked = check_expiration::check_expiration(&self.node)?;
        session.screen.warn(&checked.warnings);
        // After a change that was interrupted, the rows may be of two generations.
        for finding in &checked.findings {
            let place = finding.path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default();
            let said = format!("{place}{}", finding.evidence);
            session.screen.say(&format!("warning: {}\n  hint: {}", printable(&said), finding.remedy));
        }
        session.screen.data(&match self.output.form {
            Form::Text => checked.report.to_text(now),
            Form::Json => checked.report.to_json(now),
            Form::Yaml => checked.report.to_yaml(now),
        })?;
        Ok(0)
    }
}
