//! What `kubepki bundle` is asked for.

use chrono::TimeDelta;
use clap::Args;
use serde::Deserialize;

use super::{Backups, ClusterAccess, NodeRequest, Recover, RequestError, Span, defaults};
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

/// What `bundle upload` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UploadRequest {
    /// How long it stays in the cluster.
    #[arg(long, value_name = "DURATION", default_value = "2h")]
    pub ttl: Span,
    /// How the cluster is reached.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: ClusterAccess,
    /// What is uploaded.
    #[command(flatten)]
    #[serde(flatten)]
    pub bundle: ExportRequest,
}

/// What `bundle download` is asked for.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DownloadRequest {
    /// How the cluster is reached.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: ClusterAccess,
    /// What becomes of it.
    #[command(flatten)]
    #[serde(flatten)]
    pub bundle: ImportRequest,
}

defaults! { UploadRequest }

/// A bundle is for hours, not for years.
const LONGEST: TimeDelta = TimeDelta::days(30);

impl UploadRequest {
    /// How long it stays.
    pub(crate) fn time_to_live(&self) -> Result<TimeDelta, RequestError> {
        let time = self.ttl.within("--ttl")?;
        if time < TimeDelta::minutes(1) || time > LONGEST {
            let hint = "give --ttl a time between a minute and 30 days; kubeadm's is 2h";
            return Err(RequestError::bad(
                "--ttl: all keys of the cluster are in the bundle, for a joining node",
                hint,
            ));
        }
        Ok(time)
    }

    /// Refuses what is not uploaded.
    pub(crate) fn refuse_worker(&self) -> Result<(), RequestError> {
        if self.bundle.role == Recipient::Worker {
            let hint = "take it from the ConfigMap cluster-info, or print it: kubepki bundle export --role worker";
            return Err(RequestError::bad("a worker gets the CA's certificate alone, which every cluster has", hint));
        }
        Ok(())
    }
}
