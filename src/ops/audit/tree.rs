//! What was seen of one tree.
//!
//! In: what a check found, where. Out: [`TreeReport`], plain data without key material.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::audit::node::Status;
use crate::config::Role;
use crate::error::Fault;
use crate::ops::check::CheckReport;

/// In what a tree was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TreeKind {
    /// A folder: a node's root, or its `pki` folder.
    Folder,
    /// A tar archive.
    Archive,
    /// A single file: a kubeconfig, or certificates.
    File,
    /// A report that was made elsewhere, in a JSON file.
    Report,
}

/// One tree: what was found in it, or why nothing could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeReport {
    /// The folder, the archive or the file that it was read from.
    pub path: PathBuf,
    /// Its place within that: the folder within an archive, the host in a report; nothing where it is all of it.
    pub member: Option<String>,
    /// In what it was found.
    pub kind: TreeKind,
    /// The node's name, where it is known.
    pub node: Option<String>,
    /// The SHA-256 of the public key of the cluster's CA in hexadecimal, its first 16 digits: which cluster it is of.
    pub cluster: Option<String>,
    /// What the node does, where it is known.
    pub role: Option<Role>,
    /// The version of Kubernetes that it runs, as `v1.36.1`, where it is known.
    pub kubernetes_version: Option<String>,
    /// The whole in one word: unknown where nothing could be read.
    pub status: Status,
    /// What the check found.
    pub report: Option<CheckReport>,
    /// Why nothing could be read.
    pub problem: Option<Fault>,
    /// The SHA-256 of each public key of the service accounts in hexadecimal.
    #[serde(default)]
    pub service_account_keys: Vec<String>,
}

impl TreeReport {
    /// Where it was read, as `/srv/bundles.tar.gz!cp1`.
    #[must_use]
    pub fn place(&self) -> String {
        let path = self.path.display();
        self.member.as_ref().map_or_else(|| path.to_string(), |member| format!("{path}!{member}"))
    }
}
