//! Where a certificate and its key are kept: in files of their own, in one file, or within a kubeconfig.
//!
//! In: the tree, and the name of a certificate or kubeconfig. Out: [`Held`], what is kept and where. Renewal treats
//! all of them alike from here on. It parses, and never judges.
//!
//! Source: client-go `util/certificate` `certificate_store.go` (one file, a link that leads to it), `clientcmd`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::audit::kubeconfig::{client_identity, has_readable_authority, is_readable};
use crate::audit::{Pair, Part};
use crate::catalogue::beside;
use crate::error::Fault;
use crate::key::PrivateKey;
use crate::kubeconfig::{Kubeconfig, KubeconfigError};
use crate::secret::Secret;
use crate::store::StoreError;
use crate::tree::{Observed, Tree};
use crate::x509::Certificate;

/// One half of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// Within the kubeconfig.
    Embedded,
    /// In this file.
    File(PathBuf),
}

/// Where a certificate and its key are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Each for itself.
    Apart {
        /// The certificate.
        certificate: Slot,
        /// The key.
        key: Slot,
    },
    /// Both in one file, the certificate first.
    Together {
        /// The file as it is named.
        file: PathBuf,
        /// The file that the next pair goes into, when `file` is a link: it will lead there.
        next: Option<PathBuf>,
    },
}

/// What is kept there.
#[derive(Debug)]
pub struct Held {
    /// Where.
    pub place: Place,
    /// The file that holds the certificate.
    pub certificate_path: PathBuf,
    /// The certificates, the leaf first.
    pub certificates: Part<Vec<Certificate>>,
    /// The key.
    pub key: Part<PrivateKey>,
    /// Why clients would refuse the kubeconfig, with another certificate in it too.
    pub faults: Vec<KubeconfigError>,
    /// The CAs that a kubeconfig embeds, where they are others than `trusted`, in the words of [`kubeconfig`].
    pub other_authority: Option<Vec<u8>>,
}

impl Held {
    /// The leaf.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificates.present().and_then(|all| all.first())
    }
}

/// A certificate and a key in files of their own.
#[must_use]
pub fn apart(tree: &Tree, certificate: PathBuf, key: PathBuf) -> Held {
    let pair = Pair::read(tree, certificate, key);
    let (certificate, key) = (Slot::File(pair.certificate_path.clone()), Slot::File(pair.key_path));
    Held {
        place: Place::Apart { certificate, key },
        certificate_path: pair.certificate_path,
        certificates: pair.certificates,
        key: pair.key,
        faults: Vec::new(),
        other_authority: None,
    }
}

/// Both in one file; `next` is where the next pair goes when that file is a link.
#[must_use]
pub fn together(tree: &Tree, file: PathBuf, next: Option<PathBuf>) -> Held {
    let pair = Pair::read(tree, file.clone(), file.clone());
    Held {
        place: Place::Together { file, next },
        certificate_path: pair.certificate_path,
        certificates: pair.certificates,
        key: pair.key,
        faults: Vec::new(),
        other_authority: None,
    }
}

/// What the current user of the kubeconfig at `path` shows; `None` when that is no certificate, or no file is there.
/// `trusted` is the PEM that its cluster ought to trust; `next` names the file behind a link.
///
/// # Errors
/// [`KubeconfigError`] when it is no kubeconfig with a current user.
pub fn kubeconfig(
    tree: &Tree,
    path: &Path,
    trusted: Option<&[u8]>,
    next: impl Fn(&Path) -> Option<PathBuf>,
) -> Result<Option<Held>, KubeconfigError> {
    let Some(content) = tree.content(path) else { return Ok(None) };
    let Some(identity) = client_identity(tree, path, content)? else { return Ok(None) };
    let document = Kubeconfig::parse(content)?;
    let current = document.current()?;
    let file = |referenced: Option<&str>| referenced.map(|referenced| beside(path, referenced));
    let key_is_embedded = current.client_key_data.is_some();
    let place = match (file(current.client_certificate), file(current.client_key)) {
        (Some(one), Some(other)) if one == other && !key_is_embedded && current.client_certificate_data.is_none() => {
            Place::Together { next: next(&one), file: one }
        }
        (certificate, key) => {
            let key = if key_is_embedded { None } else { key }.map_or(Slot::Embedded, Slot::File);
            // A key within and a certificate without: from now on both are within.
            let within = current.client_certificate_data.is_some() || key == Slot::Embedded;
            let certificate = if within { None } else { certificate }.map_or(Slot::Embedded, Slot::File);
            Place::Apart { certificate, key }
        }
    };
    let authority = current.certificate_authority_data.as_deref();
    let other_authority = match (authority, trusted) {
        // One that is named by its path too is embedded alone afterwards.
        (Some(embedded), Some(trusted))
            if embedded.trim_ascii() != trusted.trim_ascii() || current.certificate_authority.is_some() =>
        {
            Some(embedded.to_vec())
        }
        _ => None,
    };
    let (user, cluster) = (current.user.to_owned(), current.cluster.to_owned());
    let mut renewed = document.clone();
    if matches!(place, Place::Apart { certificate: Slot::Embedded, key: Slot::Embedded }) {
        renewed.set_client_certificate(&user, b"new", &Secret::new(b"new".to_vec()))?;
    }
    if other_authority.is_some() {
        renewed.set_certificate_authority(&cluster, b"new")?;
    }
    let faults = faults(tree, path, &renewed)?;
    Ok(Some(Held {
        faults,
        place,
        certificate_path: identity.certificate_path,
        certificates: identity.certificates,
        key: identity.key,
        other_authority,
    }))
}

/// Why clients would refuse what is about to be written into the kubeconfig at `path`. The files of its certificate and
/// key are written too, or are judged with what they hold.
///
/// # Errors
/// As [`Kubeconfig::current`].
pub fn faults(tree: &Tree, path: &Path, written: &Kubeconfig) -> Result<Vec<KubeconfigError>, KubeconfigError> {
    let current = written.current()?;
    let is_own = |one: &str| [current.client_certificate, current.client_key].contains(&Some(one));
    let mut faults = written.faults(|referenced| is_own(referenced) || is_readable(tree, path, referenced))?;
    let is_by_path = current.certificate_authority_data.is_none();
    if is_by_path && faults.is_empty() && !has_readable_authority(tree, path, &current) {
        faults.push(KubeconfigError::Unusable {
            field: format!("clusters[{}].cluster.certificate-authority", current.cluster),
            reason: "the file that it names holds no certificate",
        });
    }
    Ok(faults)
}

/// Why a part cannot be used. kubeadm takes a folder in a file's place for a missing file.
#[must_use]
pub fn fault<T>(part: &Part<T>) -> Option<&Fault> {
    match part {
        Part::Broken(fault) if fault.code != StoreError::IS_A_DIRECTORY => Some(fault),
        Part::Missing | Part::Present(_) | Part::Broken(_) => None,
    }
}

/// Why a file cannot be read at all, as [`fault`].
#[must_use]
pub fn unreadable<'a>(tree: &'a Tree, path: &Path) -> Option<&'a Fault> {
    match tree.get(path) {
        Observed::Unreadable(fault) if fault.code != StoreError::IS_A_DIRECTORY => Some(fault),
        Observed::Unreadable(_) | Observed::Missing | Observed::File { .. } => None,
    }
}
