//! What `kubepki systemd` is asked for.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::{DryRun, Rootfs, Span};

/// Where units go, and what may be done there.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitsRequest {
    /// The directory of units of the node.
    #[arg(long, value_name = "DIR", default_value = "/etc/systemd/system")]
    pub unit_dir: PathBuf,
    /// The directory in front of the node's paths.
    #[command(flatten)]
    pub rootfs: Rootfs,
    /// Overwrite, or remove, units whose content is another.
    #[arg(long)]
    pub force: bool,
    /// Whether nothing is changed.
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Tell systemd, too: start the timer, or stop it.
    ///
    /// When the timer does not start, the units are put back as they were (`systemd.not_started`).
    #[arg(long, visible_alias = "now")]
    #[serde(default)]
    pub tell_systemd: bool,
}

/// When, and how, certificates are renewed by a timer.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "The schedule")]
pub struct ScheduleRequest {
    /// Renew what ends within this time.
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    pub before: Span,
    /// When, as systemd.time(7) has it.
    #[arg(long, value_name = "WHEN", default_value = "daily")]
    pub on_calendar: String,
    /// The longest random delay, so that nodes do not all renew at once.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub randomized_delay: Span,
    /// Renew the kubelet's certificates too.
    #[arg(long)]
    pub kubelet: bool,
    /// Restart the components that use what was renewed.
    #[arg(long)]
    pub restart: bool,
    /// The node's kubeadm configuration, an absolute path, or `cluster` for the one that the cluster has.
    ///
    /// It is read now, too, and its `certificatesDir` may be written to. With `cluster` the timer asks the cluster at every run, with the
    /// node's `admin.conf`; a run that gets no answer renews nothing.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// kubepki on the node; the one that runs now without it.
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
}
