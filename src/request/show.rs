//! What `kubepki show` is asked for.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

/// Which files are shown.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowRequest {
    /// Certificates, signing requests, keys and kubeconfigs, in PEM, DER or PKCS#7; `-` for stdin.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Put DIR in front of every path of the node.
    #[arg(long, value_name = "DIR")]
    #[serde(default)]
    pub rootfs: Option<PathBuf>,
}
