//! What `kubepki bundle` is asked for.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::NodeRequest;
use crate::bundle::Recipient;

/// What `bundle export` is asked for.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportRequest {
    /// The kind of node that they are for; a worker gets the CA's certificate alone, which is not encrypted.
    #[arg(long = "role", value_name = "ROLE", default_value = "control-plane")]
    pub recipient: Recipient,
    /// Leave the keys of external CAs out; it is an error otherwise.
    #[arg(long)]
    pub allow_missing_ca_keys: bool,
    /// Which node has the files.
    #[command(flatten)]
    pub node: NodeRequest,
}

/// What `bundle import` is asked for.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportRequest {
    /// The kind of this node, instead of the configuration's; a worker's bundle is a CA's certificate.
    #[arg(long = "role", value_name = "ROLE")]
    pub recipient: Option<Recipient>,
    /// The keys of external CAs may be missing.
    #[arg(long)]
    pub allow_missing_ca_keys: bool,
    /// Replace files that differ.
    #[arg(long)]
    pub force: bool,
    /// Where the files that are replaced are kept; nowhere when there is none.
    #[arg(skip)]
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    #[arg(skip)]
    pub recover: bool,
    /// Which node the files are for.
    #[command(flatten)]
    pub node: NodeRequest,
}
