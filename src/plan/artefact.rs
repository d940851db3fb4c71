//! The nouns of a plan.
//!
//! In: nothing. Out: [`Plan`] and its parts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::audit::{Finding, SeenCertificate, Severity};
use crate::catalogue::{Kind as RowKind, Row};
use crate::key::Algorithm;
use crate::x509::{CertificateTemplate, RequestTemplate};

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

/// What happens to an artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It gets a new certificate in the place of the one that is there.
    Renew,
    /// A key and a certificate signing request are made for it.
    Request,
    /// What was signed elsewhere is put into its place.
    Install,
    /// It is taken away.
    Remove,
    /// It becomes what it was when a backup was made.
    Restore,
    /// It is there, and stays as it is.
    Keep,
    /// It is not this node's to have.
    Skip,
    /// It must be made elsewhere, or what is there must be put right first; a finding says why.
    Blocked,
}

impl Action {
    /// Whether a file changes.
    #[must_use]
    pub const fn is_change(self) -> bool {
        match self {
            Self::Create | Self::Renew | Self::Request | Self::Install | Self::Remove | Self::Restore => true,
            Self::Keep | Self::Skip | Self::Blocked => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Renew => "renew",
            Self::Request => "request",
            Self::Install => "install",
            Self::Remove => "remove",
            Self::Restore => "restore",
            Self::Keep => "keep",
            Self::Skip => "skip",
            Self::Blocked => "blocked",
        })
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

/// What a new kubeconfig says but for certificate and key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeconfigTemplate {
    /// The cluster's name.
    pub cluster_name: String,
    /// The API server's URL.
    pub server: String,
    /// The user's name.
    pub user: String,
}

/// One certificate, CA, key pair or kubeconfig, and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// kubeadm's name (`apiserver-etcd-client`, `admin.conf`).
    pub name: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// What happens to it.
    pub action: Action,
    /// Why, in a few words.
    pub reason: String,
    /// Its files: those that the action writes or takes away.
    pub files: Vec<PlannedFile>,
    /// The CA that signs it.
    pub issuer: Option<String>,
    /// The key that is made for it; `None` when none is.
    pub new_key: Option<Algorithm>,
    /// What its new certificate says.
    pub certificate: Option<CertificateTemplate>,
    /// What its new kubeconfig says.
    pub kubeconfig: Option<KubeconfigTemplate>,
    /// When the certificate that is there, or that will be, ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// The certificate that is there and makes way for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<SeenCertificate>,
    /// Where the certificate and the key that make way are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What kubeadm calls its certificate in messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_name: Option<String>,
    /// What its one file becomes when it is restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<RestoredFile>,
    /// What is put into its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<Installation>,
    /// What its signing request asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestTemplate>,
    /// The file with the key that its request is signed with, where no new one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<PathBuf>,
    /// The request that its certificate answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// What a file becomes when it is restored; its content and mode apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredFile {
    /// The file in the backup that has its content.
    pub source: PathBuf,
    /// The user id of its owner.
    pub uid: u32,
    /// Its group id.
    pub gid: u32,
    /// Its extended attributes, the values in hexadecimal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extended: BTreeMap<String, String>,
}

/// A private key that is taken from a file when the plan is applied; a plan holds no key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySource {
    /// The file: a PEM key, or a kubeconfig with one.
    pub path: PathBuf,
    /// Whether the path is one of the node's, below `rootfs`.
    pub on_node: bool,
    /// The SHA-256 of the file's content in hexadecimal.
    pub sha256: String,
}

/// What was signed elsewhere, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "into")]
pub enum Installation {
    /// Into files of their own: the key, if one came along, and the certificates.
    Files {
        /// The certificates in PEM, the leaf first.
        certificates: String,
        /// The key that came along.
        key: Option<KeySource>,
    },
    /// Into the current user and cluster of a kubeconfig.
    Kubeconfig {
        /// The client certificates in PEM, the leaf first; none leaves what is there.
        certificates: Option<String>,
        /// The key; none leaves what is there.
        key: Option<KeySource>,
        /// The cluster's CA certificates in PEM; none leaves what is there.
        authority: Option<String>,
    },
    /// Into the file that the kubelet rotates, and `kubelet.conf` reads its user from there.
    Rotating {
        /// The certificates in PEM, the leaf first.
        certificates: String,
        /// The key.
        key: KeySource,
    },
}

impl Installation {
    /// Where its key comes from, if one is put into place.
    #[must_use]
    pub const fn key(&self) -> Option<&KeySource> {
        match self {
            Self::Files { key, .. } | Self::Kubeconfig { key, .. } => key.as_ref(),
            Self::Rotating { key, .. } => Some(key),
        }
    }
}

/// A request that is answered with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// kubeadm's name of the certificate, or the policy's.
    pub profile: String,
    /// The file with the request.
    pub request: PathBuf,
    /// openssl's file with the last serial number that the CA has given; none for a random number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_file: Option<PathBuf>,
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
    /// The operation, by the command's words: `init`, `certs renew`.
    pub operation: String,
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
        self.artefacts.iter().filter(|artefact| artefact.action.is_change())
    }
}
