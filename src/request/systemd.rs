//! What `kubepki systemd` is asked for.

use std::path::PathBuf;

use serde::Deserialize;

/// Where units go, and what may be done there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitsRequest {
    /// The folder of units.
    pub unit_dir: PathBuf,
    /// The directory in front of it.
    pub rootfs: Option<PathBuf>,
    /// Whether a file of another content is overwritten or removed.
    pub force: bool,
    /// Whether to only say what would be done.
    pub dry_run: bool,
    /// Whether systemd is asked to act: to start the timer, or to stop it.
    #[serde(default)]
    pub now: bool,
}
