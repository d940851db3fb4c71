//! What `kubepki check` is asked for, and what a check of any files is.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::{
    Critical, FileProfile, KeyBlocklist, KubeletDir, NodeRequest, RequestError, Rootfs, Span, Warning, defaults,
};
use crate::audit::certificate::Thresholds;

/// What `check` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckRequest {
    /// How soon an end is worth a warning.
    #[command(flatten)]
    pub warning: Warning,
    /// How soon it is critical.
    #[command(flatten)]
    pub critical: Critical,
    /// Whose rules hold for modes, owners and flags.
    #[command(flatten)]
    pub profile: FileProfile,
    /// The kubelet's directory; its `pki` folder is looked into.
    #[command(flatten)]
    pub kubelet_dir: KubeletDir,
    /// Keys whose private half is published.
    #[command(flatten)]
    pub key_blocklist: KeyBlocklist,
    /// Ask the components of the node what they serve, where their manifests say that they listen, and compare it with their files.
    #[arg(long)]
    pub live: bool,
    /// More files and directories of the node to check.
    #[arg(value_name = "PATH")]
    pub extra: Vec<PathBuf>,
    /// Which node.
    #[command(flatten)]
    #[serde(flatten)]
    pub node: NodeRequest,
}

/// What a check of files alone is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckFilesRequest {
    /// The files and directories to check, of the node or of any machine: certificates and kubeconfigs.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// PEM text to check, with certificates; their name and path are `-`.
    #[arg(skip)]
    pub content: Option<String>,
    /// How soon an end is worth a warning.
    #[command(flatten)]
    pub warning: Warning,
    /// How soon it is critical.
    #[command(flatten)]
    pub critical: Critical,
    /// Keys whose private half is published.
    #[command(flatten)]
    pub key_blocklist: KeyBlocklist,
    /// What is in front of every path.
    #[command(flatten)]
    pub rootfs: Rootfs,
}

defaults! { CheckRequest CheckFilesRequest }

impl CheckRequest {
    /// How soon an end of validity is worth a finding.
    ///
    /// # Errors
    /// [`RequestError::Thresholds`]; [`RequestError::BadRequest`] for a time that is longer than the calendar.
    pub(crate) fn thresholds(&self) -> Result<Thresholds, RequestError> {
        thresholds(*self.warning, *self.critical)
    }
}

impl CheckFilesRequest {
    /// How soon an end of validity is worth a finding; an error where there is nothing to check.
    pub(crate) fn thresholds(&self) -> Result<Thresholds, RequestError> {
        if self.content.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Err(RequestError::bad("the text to check is empty", "give PEM text with certificates"));
        }
        if self.paths.is_empty() && self.content.is_none() {
            return Err(RequestError::bad("there is nothing to check", "name files or directories, or give PEM text"));
        }
        thresholds(*self.warning, *self.critical)
    }
}

/// How soon an end of validity is worth a finding.
pub(super) fn thresholds(warning: Span, critical: Span) -> Result<Thresholds, RequestError> {
    let thresholds = Thresholds { warning: warning.within("--warning")?, critical: critical.within("--critical")? };
    if warning < critical {
        let [warning, critical] = [warning, critical].map(Span::shown);
        return Err(RequestError::Thresholds { warning, critical });
    }
    Ok(thresholds)
}
