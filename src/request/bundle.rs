//! What `kubepki bundle` is asked for.

use std::path::PathBuf;

use serde::Deserialize;

use super::NodeRequest;
use crate::bundle::Recipient;

/// What `bundle export` is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportRequest {
    /// Which node has the files.
    pub node: NodeRequest,
    /// The kind of node that they are for.
    pub recipient: Recipient,
    /// Whether the keys of external CAs may be left out.
    pub allow_missing_ca_keys: bool,
}

/// What `bundle import` is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportRequest {
    /// Which node the files are for.
    pub node: NodeRequest,
    /// The kind of that node; the configuration's without one.
    pub recipient: Option<Recipient>,
    /// Whether the keys of external CAs may be missing.
    pub allow_missing_ca_keys: bool,
    /// Whether files that differ are replaced.
    pub force: bool,
    /// Where the files that are replaced are kept; nowhere when there is none.
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}
