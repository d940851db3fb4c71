//! What `kubepki systemd` is asked for.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

/// Where units go, and what may be done there.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitsRequest {
    /// Where units are.
    #[arg(long, value_name = "DIR", default_value = "/etc/systemd/system")]
    pub unit_dir: PathBuf,
    /// Put DIR in front of the directory of units, and of the configuration.
    #[arg(long, value_name = "DIR")]
    pub rootfs: Option<PathBuf>,
    /// Overwrite, or remove, units whose content is another.
    #[arg(long)]
    pub force: bool,
    /// Show what would be done, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Tell systemd, too: start the timer, or stop it.
    #[arg(long)]
    #[serde(default)]
    pub now: bool,
}
