//! What `kubepki show` is asked for.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::Rootfs;

/// Which files are shown.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowRequest {
    /// Certificates, signing requests, keys and kubeconfigs of the node, in PEM, DER or PKCS#7; `-` for stdin.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The directory in front of the node's paths.
    #[command(flatten)]
    #[serde(default)]
    pub rootfs: Rootfs,
}
