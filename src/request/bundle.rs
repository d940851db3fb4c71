//! What `kubepki bundle` is asked for.

use clap::Args;
use serde::Deserialize;

use super::{Backups, NodeRequest, Recover};
use crate::bundle::Recipient;

/// What `bundle export` is asked for.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportRequest {
    /// The kind of node that they are for; a worker gets the CA's certificate alone, which is not encrypted.
    #[arg(long, value_name = "ROLE", default_value = "control-plane")]
    pub role: Recipient,
    /// Leave the keys of external CAs out; it is an error otherwise.
    #[arg(long)]
    pub allow_missing_ca_keys: bool,
    /// Which node has the files.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// What `bundle import` is asked for.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportRequest {
    /// The kind of this node, instead of the configuration's; a worker's bundle is a CA's certificate.
    #[arg(long, value_name = "ROLE")]
    pub role: Option<Recipient>,
    /// The keys of external CAs may be missing.
    #[arg(long)]
    pub allow_missing_ca_keys: bool,
    /// Replace files that differ.
    #[arg(long)]
    pub force: bool,
    /// Where the files that change are kept as they were.
    #[command(flatten)]
    #[serde(flatten)]
    pub backups: Backups,
    /// Whether an interrupted change is ended first.
    #[command(flatten)]
    pub recover: Recover,
    /// Which node the files are for.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}
