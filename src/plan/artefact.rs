//! The nouns of a plan.
//!
//! In: nothing. Out: [`Plan`] and its parts.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::step::Step;
use super::words::{Action, Operation};
use crate::audit::{Finding, SeenCertificate, Severity};
use crate::catalogue::{Kind as RowKind, Layout, Row};
use crate::digest::sha256_hex;
use crate::tree::{Observed, Tree};

/// What kind of thing an artefact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A CA: certificate and key.
    CertificateAuthority,
    /// A leaf: certificate and key.
    Certificate,
    /// The service accounts' key pair.
    KeyPair,
    /// A kubeconfig with its client certificate.
    Kubeconfig,
    /// A file of a backup, whatever is in it.
    File,
}

impl Kind {
    /// The kind of a row's artefact.
    pub(crate) const fn of(row: &Row) -> Self {
        match row.kind {
            RowKind::Authority => Self::CertificateAuthority,
            RowKind::Leaf | RowKind::KubeletClient | RowKind::KubeletServer => Self::Certificate,
            RowKind::ServiceAccount => Self::KeyPair,
            RowKind::Kubeconfig => Self::Kubeconfig,
        }
    }
}

/// A file that an artefact consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Its logical path.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

/// One certificate, CA, key pair or kubeconfig, and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// kubeadm's name (`apiserver-etcd-client`, `admin.conf`).
    pub name: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// What happens to it.
    #[serde(flatten)]
    pub step: Step,
    /// Why, in a few words.
    pub reason: String,
    /// Its files: those that the step writes or takes away.
    pub files: Vec<PlannedFile>,
    /// The CA that signs it; none when it signs itself.
    pub issuer: Option<String>,
    /// When the certificate that is there, or that will be, ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// The certificate that is there and makes way for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<SeenCertificate>,
}

impl Artefact {
    /// An artefact of which nothing more is known.
    pub(crate) fn new(name: &str, kind: Kind, step: Step, reason: &str, files: Vec<PlannedFile>) -> Self {
        let (name, reason) = (name.to_owned(), reason.to_owned());
        Self { name, kind, step, reason, files, issuer: None, expires_at: None, current: None }
    }

    /// The same of a row of the catalogue.
    pub(crate) fn of(row: &Row, step: Step, reason: &str, files: Vec<PlannedFile>) -> Self {
        let is_signed = !matches!(row.kind, RowKind::Authority | RowKind::ServiceAccount);
        let issuer = is_signed.then(|| row.issuer.to_owned());
        Self { issuer, ..Self::new(row.name, Kind::of(row), step, reason, files) }
    }

    /// Where the signing request is that waits for its signature, or will be.
    #[must_use]
    pub fn request_path(&self) -> Option<&Path> {
        let is_asked_for = matches!(self.step, Step::Request { .. } | Step::Wait { .. });
        self.files.last().filter(|_| is_asked_for).map(|file| file.path.as_path())
    }

    /// What happens to it, in one word.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.step.action()
    }
}

/// A file that the plan was made from, as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its logical path.
    pub path: PathBuf,
    /// The SHA-256 of its content in hexadecimal; `None` when nothing was there, or nothing that can be read.
    pub sha256: Option<String>,
}

/// Everything that one run will do, and all that stands against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What makes it.
    pub operation: Operation,
    /// The moment for which it was made; validity counts from here.
    pub made_at: DateTime<Utc>,
    /// The directory in front of every path (`--rootfs`).
    pub rootfs: Option<PathBuf>,
    /// The certificates directory.
    pub certificates_dir: PathBuf,
    /// The kubeconfig directory.
    pub kubeconfig_dir: PathBuf,
    /// What happens to what, in kubeadm's order.
    pub artefacts: Vec<Artefact>,
    /// What was found wrong; a critical finding blocks the whole plan.
    pub findings: Vec<Finding>,
    /// The files that it was made from: it is applied only if they are still the same.
    pub inputs: Vec<Input>,
    /// The directory in which the files that change are kept as they were; none when they are not.
    #[serde(default)]
    pub backup_dir: Option<PathBuf>,
    /// What was asked for, as the operation has it: it is planned again when the plan is applied. Null for a plan that is
    /// applied by what made it.
    #[serde(default)]
    pub request: serde_json::Value,
}

impl Plan {
    /// A plan for files of this machine, with no backup; what was asked for is recorded by who was asked.
    #[must_use]
    pub fn new(
        operation: Operation,
        layout: &Layout,
        tree: &Tree,
        made_at: DateTime<Utc>,
        artefacts: Vec<Artefact>,
        findings: Vec<Finding>,
    ) -> Self {
        Self {
            operation,
            made_at,
            rootfs: None,
            certificates_dir: layout.certificates_dir.clone(),
            kubeconfig_dir: layout.kubeconfig_dir.clone(),
            artefacts,
            findings,
            inputs: inputs(tree),
            backup_dir: None,
            request: serde_json::Value::Null,
        }
    }

    /// Whether a critical finding stands against it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Critical)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes().next().is_none()
    }

    /// The artefacts that change, in the plan's order.
    pub fn changes(&self) -> impl Iterator<Item = &Artefact> {
        self.artefacts.iter().filter(|artefact| artefact.step.is_change())
    }
}

/// Everything that was looked at, as a plan's inputs.
fn inputs(tree: &Tree) -> Vec<Input> {
    tree.iter()
        .map(|(path, observed)| Input {
            path: path.to_owned(),
            sha256: match observed {
                Observed::File { content, .. } => Some(sha256_hex(content.expose())),
                Observed::Missing | Observed::Unreadable(_) => None,
            },
        })
        .collect()
}
