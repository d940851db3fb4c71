//! What happens to an artefact, and all that this needs: one variant for each kind of change.
//!
//! In: nothing. Out: [`Step`] and its parts. A variant holds what applying it needs, so that applying never asks whether
//! a field is there; it never holds a private key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::import::pem_of;
use super::words::{Action, Cause};
use crate::audit::SeenCertificate;
use crate::inventory::Place;
use crate::key::Algorithm;
use crate::policy::signer::Signer;
use crate::x509::{Certificate, CertificateTemplate, RequestTemplate, Successor};

/// What happens to an artefact. As JSON the variant's name is `action`, and its fields stand beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Step {
    /// It is made.
    Create(Creation),
    /// It gets a new certificate in the place of the one that is there.
    Renew {
        /// What the new certificate says.
        certificate: CertificateTemplate,
        /// The key that is made for it; the one that is there stays otherwise.
        new_key: Option<Algorithm>,
        /// Where the certificate and the key that make way are kept.
        place: Place,
        /// The CAs that its kubeconfig trusts from then on, where they change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trust: Option<TrustBundle>,
        /// Who is asked for it in the cluster; without one the CA on the node signs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<SignerOrder>,
    },
    /// A certificate signing request is made for it.
    Request {
        /// What is asked for.
        request: RequestTemplate,
        /// The key that it is signed with.
        #[serde(flatten)]
        key: RequestKey,
    },
    /// What was signed elsewhere is put into its place.
    Install(Installation),
    /// The set of CAs that are trusted changes.
    #[serde(rename = "trust")]
    TrustBundle(TrustBundle),
    /// The certificate of a CA is replaced by one that is valid for longer, of the same key and name, in every copy.
    RenewAuthority(AuthorityRenewal),
    /// It is taken away.
    Remove,
    /// It becomes what it was when a backup was made.
    Restore(RestoredFile),
    /// A request for it is there, and waits for its signature.
    Wait {
        /// The request in PEM.
        request_pem: String,
    },
    /// It is there, and stays as it is.
    Keep,
    /// It is not this node's to have, or not there to be changed.
    Skip {
        /// Why.
        cause: Cause,
    },
    /// It must be made elsewhere, or what is there must be put right first; a finding says why.
    Blocked {
        /// Why.
        cause: Cause,
    },
}

/// A certificate that is asked for at the cluster's certificates API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignerOrder {
    /// Who signs.
    pub signer: Signer,
    /// The usages that are asked for, as the API spells them.
    pub usages: Vec<String>,
}

/// What is made. A certificate without an issuer signs itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "makes", rename_all = "snake_case")]
pub enum Creation {
    /// A key and a certificate for it, of a CA or of a leaf.
    Pair {
        /// What the certificate says.
        certificate: CertificateTemplate,
        /// The key that is made.
        new_key: Algorithm,
    },
    /// A kubeconfig with key and client certificate.
    Kubeconfig {
        /// What the certificate says.
        certificate: CertificateTemplate,
        /// The key that is made.
        new_key: Algorithm,
        /// What the kubeconfig says.
        kubeconfig: KubeconfigTemplate,
    },
    /// A private key, and its public key in a file of its own.
    KeyPair {
        /// The key that is made.
        new_key: Algorithm,
    },
    /// The public key of a private key that is there.
    PublicKey {
        /// The file with the private key.
        of: PathBuf,
    },
    /// The certificate that a signing request asks for.
    Answer(Answer),
}

/// A request that is answered with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What the certificate says.
    pub certificate: CertificateTemplate,
    /// kubeadm's name of the certificate, or the policy's.
    pub profile: String,
    /// The file with the request.
    pub request_file: PathBuf,
    /// The CA that signs it.
    pub signer: String,
    /// openssl's file with the last serial number that the CA has given; none for a random number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_file: Option<PathBuf>,
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

/// The key that a request is signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "signed_with", rename_all = "snake_case")]
pub enum RequestKey {
    /// One that is made, into a file of its own.
    NewKey {
        /// Its kind.
        new_key: Algorithm,
    },
    /// One that is made, into a kubeconfig without a certificate.
    NewKubeconfig {
        /// Its kind.
        new_key: Algorithm,
        /// What the kubeconfig says.
        kubeconfig: KubeconfigTemplate,
    },
    /// One that is there and stays.
    ExistingKey {
        /// The PEM file that holds it.
        key_file: PathBuf,
    },
    /// The current user's of a kubeconfig that is there and stays.
    ExistingKubeconfig {
        /// The kubeconfig.
        key_file: PathBuf,
    },
}

/// What was signed elsewhere, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "into", rename_all = "snake_case")]
pub enum Installation {
    /// Into files of their own: the key, if one came along, and the certificates.
    Files {
        /// The certificates in PEM, the leaf first.
        certificates: String,
        /// The key that came along.
        key: Option<KeySource>,
    },
    /// Into the current user of a kubeconfig.
    Kubeconfig {
        /// The client certificates in PEM, the leaf first; none leaves what is there.
        certificates: Option<String>,
        /// The key; none leaves what is there.
        key: Option<KeySource>,
        /// The CAs that it trusts from then on, where they change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trust: Option<TrustBundle>,
    },
    /// Into the file that the kubelet rotates; every kubeconfig among the artefact's files reads its user from there
    /// afterwards.
    Rotating {
        /// The certificates in PEM, the leaf first.
        certificates: String,
        /// The key.
        key: KeySource,
        /// The file as it is named.
        file: PathBuf,
        /// The file that the pair goes into, when `file` is a link: it will lead there.
        next: Option<PathBuf>,
    },
    /// Into files whose content the caller brings along: a bundle's, which no plan holds.
    Supplied,
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

/// A changed set of CA certificates, and the artefact's files that are to hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustBundle {
    /// The CA certificates in PEM.
    pub certificates: String,
    /// Those that are trusted until then.
    pub replaces: Vec<SeenCertificate>,
    /// The file that consists of them: `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The kubeconfigs whose current cluster embeds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kubeconfigs: Vec<PathBuf>,
}

/// The next certificate of a CA; the artefact's files are those that hold the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityRenewal {
    /// The certificate.
    pub certificate: NewCertificate,
    /// Those of the artefact's files that are kubeconfigs, whose current cluster embeds it; the others hold it in PEM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kubeconfigs: Vec<PathBuf>,
}

/// Where the next certificate of a CA comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum NewCertificate {
    /// The CA signs it with its own key.
    Signed {
        /// What it says.
        certificate: Successor,
        /// The file with the key.
        key: PathBuf,
    },
    /// It was signed elsewhere, or on another node.
    Given {
        /// The certificate in PEM.
        pem: String,
    },
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

impl TrustBundle {
    /// A file of CA certificates that becomes `wanted`, where `there` is in it.
    pub(crate) fn of_file(
        name: &str,
        path: &Path,
        wanted: &[Certificate],
        there: &[Certificate],
        now: DateTime<Utc>,
    ) -> Self {
        let replaces = there.iter().map(|one| SeenCertificate::of(name, path, one, now)).collect();
        Self { certificates: pem_of(wanted), replaces, file: Some(path.to_owned()), kubeconfigs: Vec::new() }
    }

    /// The same for a kubeconfig, which trusts those of `source`: itself, or the file that it names.
    pub(crate) fn of_kubeconfig(
        name: &str,
        path: &Path,
        wanted: &[Certificate],
        (source, there): (&Path, &[Certificate]),
        now: DateTime<Utc>,
    ) -> Self {
        Self { file: None, kubeconfigs: vec![path.to_owned()], ..Self::of_file(name, source, wanted, there, now) }
    }
}

impl Cause {
    /// The step that is not this node's, for this cause.
    #[must_use]
    pub const fn skips(self) -> Step {
        Step::Skip { cause: self }
    }

    /// The step that cannot be done, for this cause.
    #[must_use]
    pub const fn blocks(self) -> Step {
        Step::Blocked { cause: self }
    }
}

impl Step {
    /// The step in one word.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Create(_) => Action::Create,
            Self::Renew { .. } => Action::Renew,
            Self::Request { .. } => Action::Request,
            Self::Install(_) => Action::Install,
            Self::TrustBundle(_) => Action::Trust,
            Self::RenewAuthority(_) => Action::RenewAuthority,
            Self::Remove => Action::Remove,
            Self::Restore(_) => Action::Restore,
            Self::Wait { .. } => Action::Wait,
            Self::Keep => Action::Keep,
            Self::Skip { .. } => Action::Skip,
            Self::Blocked { .. } => Action::Blocked,
        }
    }

    /// Whether a file changes.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        self.action().is_change()
    }

    /// The user id that its files will have, where that is not their present owner's or the running user's.
    #[must_use]
    pub const fn owner(&self) -> Option<u32> {
        match self {
            Self::Restore(restored) => Some(restored.uid),
            _ => None,
        }
    }

    /// Why it is skipped or blocked.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        match self {
            Self::Skip { cause } | Self::Blocked { cause } => Some(*cause),
            _ => None,
        }
    }

    /// The key that is made; none when none is.
    #[must_use]
    pub const fn new_key(&self) -> Option<Algorithm> {
        match self {
            Self::Create(
                Creation::Pair { new_key, .. } | Creation::Kubeconfig { new_key, .. } | Creation::KeyPair { new_key },
            )
            | Self::Request {
                key: RequestKey::NewKey { new_key } | RequestKey::NewKubeconfig { new_key, .. }, ..
            } => Some(*new_key),
            Self::Renew { new_key, .. } => *new_key,
            _ => None,
        }
    }

    /// What the certificate says that is made; none when none is.
    #[must_use]
    pub const fn certificate(&self) -> Option<&CertificateTemplate> {
        match self {
            Self::Create(
                Creation::Pair { certificate, .. }
                | Creation::Kubeconfig { certificate, .. }
                | Creation::Answer(Answer { certificate, .. }),
            )
            | Self::Renew { certificate, .. } => Some(certificate),
            _ => None,
        }
    }

    /// The request in PEM that waits for its signature.
    #[must_use]
    pub fn waiting_request(&self) -> Option<&str> {
        match self {
            Self::Wait { request_pem } => Some(request_pem),
            _ => None,
        }
    }

    /// Where a key comes from that is put into place with what was signed elsewhere.
    #[must_use]
    pub const fn key_source(&self) -> Option<&KeySource> {
        match self {
            Self::Install(Installation::Files { key, .. } | Installation::Kubeconfig { key, .. }) => key.as_ref(),
            Self::Install(Installation::Rotating { key, .. }) => Some(key),
            _ => None,
        }
    }
}
