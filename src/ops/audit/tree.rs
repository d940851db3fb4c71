//! What was seen of one tree.
//!
//! In: what a check found, where. Out: [`TreeReport`], plain data without key material.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::audit::SeenCertificate;
use crate::audit::fleet::{TreeFacts, TreeModulus};
use crate::audit::node::Status;
use crate::catalogue::{CLUSTER_CA, KUBELET_CLIENT_FILE, KUBELET_CONF};
use crate::config::Role;
use crate::error::Fault;
use crate::ops::check::CheckReport;
use crate::text;

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
    /// The folder, the archive or the file that it was read from; what is not UTF-8 in its name is replaced where it is serialised.
    #[serde(serialize_with = "text::serialize_path")]
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
    /// Its RSA keys, which are held against those of other trees.
    #[serde(default)]
    pub moduli: Vec<TreeModulus>,
}

/// Enough digits to tell clusters from each other.
const CLUSTER_DIGITS: usize = 16;

impl TreeReport {
    /// Of a tree of which nothing can be read.
    #[must_use]
    pub fn unread(path: &Path, member: Option<String>, kind: TreeKind, problem: Fault) -> Self {
        Self {
            path: path.to_owned(),
            member,
            kind,
            node: None,
            cluster: None,
            role: None,
            kubernetes_version: None,
            status: Status::Unknown,
            report: None,
            problem: Some(problem),
            service_account_keys: Vec::new(),
            moduli: Vec::new(),
        }
    }

    /// Of a tree that was checked; which node and which cluster it is, as its certificates say it.
    #[must_use]
    pub fn found(path: &Path, member: Option<String>, kind: TreeKind, report: CheckReport) -> Self {
        let authority = report.certificates.iter().find(|seen| seen.name == CLUSTER_CA);
        let cluster = authority.and_then(|seen| cluster_of(&seen.public_key_sha256));
        Self {
            path: path.to_owned(),
            member,
            kind,
            node: report.certificates.iter().find_map(node_of),
            cluster,
            role: None,
            kubernetes_version: None,
            status: report.status,
            report: Some(report),
            problem: None,
            service_account_keys: Vec::new(),
            moduli: Vec::new(),
        }
    }

    /// The same where it is known to be no better than `status`.
    #[must_use]
    pub fn at_least(mut self, status: Status) -> Self {
        if status.rank() > self.status.rank() {
            self.status = status;
        }
        self
    }

    /// What is compared between trees.
    #[must_use]
    pub fn facts<'a>(&'a self, place: &'a str) -> TreeFacts<'a> {
        TreeFacts {
            place,
            node: self.node.as_deref(),
            cluster: self.cluster.as_deref(),
            is_file: self.kind == TreeKind::File,
            certificates: self.report.as_ref().map(|report| report.certificates.as_slice()).unwrap_or_default(),
            service_account_keys: &self.service_account_keys,
            moduli: &self.moduli,
        }
    }

    /// Where it was read, as `/srv/bundles.tar.gz!cp1`.
    #[must_use]
    pub fn place(&self) -> String {
        let path = self.path.display();
        self.member.as_ref().map_or_else(|| path.to_string(), |member| format!("{path}!{member}"))
    }
}

/// A cluster by the digest of its CA's public key.
pub(super) fn cluster_of(public_key_sha256: &str) -> Option<String> {
    public_key_sha256.get(..CLUSTER_DIGITS).map(str::to_owned)
}

fn node_of(seen: &SeenCertificate) -> Option<String> {
    let is_kubelets = seen.name == KUBELET_CONF || seen.name == KUBELET_CLIENT_FILE;
    seen.node().filter(|_| is_kubelets).map(str::to_owned)
}
