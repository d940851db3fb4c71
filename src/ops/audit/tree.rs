//! What was seen of one tree.
//!
//! In: what a check found, where. Out: [`TreeReport`], plain data without key material.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::audit::SeenCertificate;
use crate::audit::fleet::{TreeFacts, TreeModulus};
use crate::audit::node::Status;
use crate::catalogue::{self, CLUSTER_CA, KUBELET_CLIENT_FILE, KUBELET_CONF};
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

/// Stands before the commands of what is looked at on another machine. Which node it is stands beside each finding: remedies
/// that are one are shown once.
const ON_THAT_NODE: &str = "on that node: ";

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

    /// The same of a tree that is on no disk of this machine: its commands are for its own node.
    #[must_use]
    pub(super) fn of_another_machine(mut self) -> Self {
        for finding in self.report.iter_mut().flat_map(|report| &mut report.findings) {
            if finding.remedy.contains('`') && !finding.remedy.starts_with(ON_THAT_NODE) {
                finding.remedy = format!("{ON_THAT_NODE}{}", finding.remedy);
            }
        }
        self
    }

    /// What is compared between trees; `options` are [its own](Self::options).
    #[must_use]
    pub fn facts<'a>(&'a self, place: &'a str, options: Option<&'a [String]>) -> TreeFacts<'a> {
        TreeFacts {
            place,
            node: self.node.as_deref(),
            cluster: self.cluster.as_deref(),
            is_copy: self.is_copy(),
            options,
            certificates: self.certificates(),
            service_account_keys: &self.service_account_keys,
            moduli: &self.moduli,
        }
    }

    /// The options with which a command is about this tree; none of what is in no folder.
    #[must_use]
    pub fn options(&self) -> Option<Vec<String>> {
        if self.kind != TreeKind::Folder {
            return None;
        }
        let own = |seen: &SeenCertificate| seen.path.strip_prefix(&self.path).map_or(seen.path.clone(), Path::to_owned);
        let first = self.certificates().first().map(own)?;
        let first = first.strip_prefix("/").unwrap_or(&first);
        let is_below = |folder: &str| first.starts_with(folder);
        let folders = match first.components().count() {
            _ if is_below("etc") || is_below("var") => None,
            1 if catalogue::kubeconfig_names().iter().all(|name| first != Path::new(name)) => Some("/"),
            _ => Some("/pki"),
        };
        let root = (self.path != Path::new("/")).then(|| ["--rootfs".to_owned(), self.path.display().to_string()]);
        let folders = folders.map(|pki| ["--certificates-dir", pki, "--kubeconfig-dir", "/"].map(str::to_owned));
        Some(root.into_iter().flatten().chain(folders.into_iter().flatten()).collect())
    }

    /// Whether it has nothing but people's credentials: a file, or kubeconfigs in a folder that no node has.
    fn is_copy(&self) -> bool {
        let is_kubeconfig = |seen: &SeenCertificate| catalogue::kubeconfig(&seen.name).is_some();
        let all = self.certificates();
        self.kind == TreeKind::File || self.node.is_none() && !all.is_empty() && all.iter().all(is_kubeconfig)
    }

    fn certificates(&self) -> &[SeenCertificate] {
        self.report.as_ref().map(|report| report.certificates.as_slice()).unwrap_or_default()
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
