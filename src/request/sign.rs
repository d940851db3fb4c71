//! What `certs sign` is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{NodeRequest, RequestError, positive_seconds};
use crate::catalogue::{Layout, NodeRole};
use crate::policy::OutliveAuthority;

/// Where the numbers of new certificates come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SerialNumbers {
    /// Random.
    #[default]
    Random,
    /// openssl's file beside each CA (`ca.srl`).
    BesideAuthority,
    /// This file, for one CA.
    File(PathBuf),
}

/// A request by its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedFile {
    /// The file.
    pub path: PathBuf,
    /// kubeadm's name; the file's name tells it otherwise.
    pub name: Option<String>,
}

/// Whose requests a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeEntry {
    /// The node's name; the folder's without one.
    #[serde(default)]
    pub node_name: Option<String>,
    /// The kind of node.
    pub role: NodeRole,
}

/// What `certs sign` is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignRequest {
    /// The configuration and the node's name, if they are known; `certificates_dir` is where the CAs are.
    #[arg(skip)]
    pub node: NodeRequest,
    /// The kind of node that the requests are from, which bounds what is signed; without it nothing but a worker's
    /// `kubelet.conf` is.
    #[arg(long, value_name = "ROLE")]
    pub role: Option<NodeRole>,
    /// Whose requests each folder of `csr_dir` holds, in place of one node's name and role.
    #[arg(skip)]
    pub nodes: Option<BTreeMap<String, NodeEntry>>,
    /// YAML with the node of each directory below --csr-dir, for many nodes: `cp1: {role: control-plane}`.
    ///
    /// Where the directory is not named as the node, `w2: {node_name: worker-2.example, role: worker}`. JSON is read too.
    #[arg(long = "nodes", value_name = "FILE")]
    pub nodes_file: Option<PathBuf>,
    /// Sign every `.csr` below DIR.
    #[arg(long, value_name = "DIR")]
    pub csr_dir: Option<PathBuf>,
    /// Requests by their files.
    #[arg(skip)]
    pub files: Vec<NamedFile>,
    /// Write certificates below DIR, not beside their requests.
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
    /// How long certificates are valid, as `8760h` or `90d`; the configuration's period without it. In seconds.
    #[arg(long = "validity", value_name = "DURATION", value_parser = positive_seconds)]
    pub validity_seconds: Option<i64>,
    /// What may be signed besides the catalogue, or may not: a policy.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// What was in it when a plan was made, which carries this: SHA-256 in hexadecimal.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_sha256: Option<String>,
    /// Where serial numbers come from.
    #[arg(skip)]
    pub serial_numbers: SerialNumbers,
    /// A certificate that would be valid for longer than its CA: refuse it, let it end with the CA, or make it anyway, as
    /// kubeadm does.
    #[arg(long = "outlive-ca", value_name = "WHAT", default_value = "refuse")]
    pub outlive_authority: OutliveAuthority,
    /// Overwrite certificates that are there.
    #[arg(long)]
    pub force: bool,
    /// Sign what can be signed, whatever else is refused.
    ///
    /// Also when another CA or its key is missing or broken. The exit code is 5; when nothing can be signed, 1 or 4 as
    /// without it.
    #[arg(long)]
    pub partial: bool,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    #[arg(skip)]
    pub recover: bool,
}

/// What the signing of one request is asked for, which is given as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignTextRequest {
    /// The configuration and the node's name, if they are known.
    #[serde(default)]
    pub node: NodeRequest,
    /// The kind of the node, which bounds what is signed; a worker without one.
    #[serde(default)]
    pub role: Option<NodeRole>,
    /// The request in PEM.
    pub csr: String,
    /// kubeadm's name, or the policy's.
    pub name: String,
    /// The CA's certificate.
    pub ca_certificate: PathBuf,
    /// The CA's key.
    pub ca_key: PathBuf,
    /// How long the certificate is valid.
    #[serde(default)]
    pub validity_seconds: Option<i64>,
    /// The policy file.
    #[serde(default)]
    pub policy: Option<PathBuf>,
    /// What to do when it would outlive its CA.
    #[serde(default)]
    pub outlive_authority: OutliveAuthority,
}

impl SerialNumbers {
    /// The file of each CA's last number; none for random ones.
    ///
    /// # Errors
    /// [`RequestError::SharedSerialFile`] when two CAs would count in one file.
    pub(crate) fn files(
        &self,
        layout: &Layout,
        issuers: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, PathBuf>, RequestError> {
        let with = |file: &dyn Fn(&str) -> PathBuf| issuers.iter().map(|name| (name.clone(), file(name))).collect();
        match self {
            Self::Random => Ok(BTreeMap::new()),
            Self::BesideAuthority => Ok(with(&|name| layout.authority(name).0.with_extension("srl"))),
            Self::File(path) if issuers.len() < 2 => Ok(with(&|_| path.clone())),
            Self::File(path) => Err(RequestError::SharedSerialFile {
                path: path.display().to_string(),
                issuers: issuers.iter().cloned().collect(),
            }),
        }
    }
}
