//! A certificate and its key as they were found, wherever they are kept: in files of their own, in one file, or within
//! a kubeconfig.
//!
//! In: a [`Tree`] and paths. Out: [`Found`]. It parses and never judges.
//!
//! Source: client-go `util/certificate` `certificate_store.go` (one file, a link that leads to it), `clientcmd`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FoundKey, Part};
use crate::catalogue::beside;
use crate::key::{PrivateKey, read_public_keys};
use crate::kubeconfig::Current;
use crate::secret::Secret;
use crate::tree::Tree;
use crate::x509::{Certificate, read_certificates};

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

/// The certificates (leaf first, then intermediates) and the key.
#[derive(Debug)]
pub struct Found {
    /// Where they are kept.
    pub place: Place,
    /// The file that holds the certificate: the kubeconfig, or the one that it names.
    pub certificate_path: PathBuf,
    /// The file that holds the key.
    pub key_path: PathBuf,
    /// The certificates of the file, at least one.
    pub certificates: Part<Vec<Certificate>>,
    /// The key.
    pub key: FoundKey,
    /// Whether a kubeconfig's user shows a certificate at all; it may show a token.
    pub has_certificate: bool,
}

impl Found {
    /// Parses the two files, which may be one.
    #[must_use]
    pub fn pair(tree: &Tree, certificate_path: PathBuf, key_path: PathBuf) -> Self {
        let certificates = Part::read(tree, &certificate_path, read_certificates);
        let key = FoundKey::in_file(tree, &key_path);
        let place = if certificate_path == key_path {
            Place::Together { file: key_path.clone(), next: None }
        } else {
            Place::Apart { certificate: Slot::File(certificate_path.clone()), key: Slot::File(key_path.clone()) }
        };
        Self { place, certificate_path, key_path, certificates, key, has_certificate: true }
    }

    /// The same, whatever there is of a key.
    #[must_use]
    pub fn without_key(tree: &Tree, certificate_path: PathBuf, key_path: PathBuf) -> Self {
        Self { key: FoundKey::none(), ..Self::pair(tree, certificate_path, key_path) }
    }

    /// What the current user of the kubeconfig at `path` shows.
    pub(super) fn of_user(tree: &Tree, path: &Path, current: &Current<'_>) -> Self {
        let file = |referenced: Option<&str>| referenced.map(|referenced| beside(path, referenced));
        let (certificate_file, key_file) = (file(current.client_certificate), file(current.client_key));
        let certificates = match (&current.client_certificate_data, &certificate_file) {
            (Some(pem), _) => Part::of_result(read_certificates(pem)),
            (None, Some(file)) => Part::read(tree, file, read_certificates),
            (None, None) => Part::Missing,
        };
        let key = match (&current.client_key_data, &key_file) {
            (Some(pem), _) => FoundKey::embedded(Secret::new(pem.expose().to_vec())),
            (None, Some(file)) => FoundKey::in_file(tree, file),
            (None, None) => FoundKey::none(),
        };
        let certificate_file = certificate_file.filter(|_| current.client_certificate_data.is_none());
        let key_file = key_file.filter(|_| current.client_key_data.is_none());
        Self {
            has_certificate: current.client_certificate_data.is_some() || certificate_file.is_some(),
            certificate_path: certificate_file.clone().unwrap_or_else(|| path.to_owned()),
            key_path: key_file.clone().unwrap_or_else(|| path.to_owned()),
            place: place(certificate_file, key_file),
            certificates,
            key,
        }
    }

    /// Whether neither file is there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.certificates.is_missing() && self.key.is_missing()
    }

    /// The first certificate of the file.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.all().first()
    }

    /// The certificates of the file, as far as they can be read.
    #[must_use]
    pub fn all(&self) -> &[Certificate] {
        self.certificates.present().map(Vec::as_slice).unwrap_or_default()
    }

    /// The certificates behind the first.
    #[must_use]
    pub fn intermediates(&self) -> &[Certificate] {
        self.all().get(1..).unwrap_or_default()
    }

    /// The certificate behind the first whose key this is, and its place in the file (2 is the second).
    #[must_use]
    pub fn other_certificate_of_key(&self) -> Option<(usize, &Certificate)> {
        let key = self.key.present()?;
        let fits = |certificate: &Certificate| certificate.public_key_info() == key.public_key_info();
        if self.certificate().is_none_or(fits) {
            return None;
        }
        (1..).zip(self.all()).find(|(_, certificate)| fits(certificate))
    }

    /// Whether a CA is external, as kubeadm has it: its certificate can be read and its key is not there. A key that
    /// is there and broken does not make a CA external.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.certificate().is_some() && self.key.is_missing()
    }

    /// Whether both are read from `file`.
    #[must_use]
    pub fn is_read_from(&self, file: &Path) -> bool {
        matches!(&self.place, Place::Together { file: one, .. } if one == file)
    }
}

/// `sa.key` and `sa.pub`.
#[derive(Debug)]
pub struct ServiceAccountKeys {
    /// Where the key is.
    pub key_path: PathBuf,
    /// Where the public key is.
    pub public_key_path: PathBuf,
    /// The key.
    pub key: Part<PrivateKey>,
    /// The DER of each public key, at least one: an API server accepts the tokens of all of them. It takes them from
    /// public keys, private keys and certificates.
    pub public_keys: Part<Vec<Vec<u8>>>,
}

impl ServiceAccountKeys {
    /// Parses the two files.
    #[must_use]
    pub fn read(tree: &Tree, key_path: PathBuf, public_key_path: PathBuf) -> Self {
        let key = Part::read(tree, &key_path, PrivateKey::from_pem);
        let public_keys = Part::read(tree, &public_key_path, read_public_keys);
        Self { key_path, public_key_path, key, public_keys }
    }
}

/// Where a kubeconfig's user keeps what it shows, by the files that it names.
fn place(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Place {
    match (certificate, key) {
        (Some(one), Some(other)) if one == other => Place::Together { file: one, next: None },
        // A key within and a certificate without: from now on both are within.
        (_, None) => Place::Apart { certificate: Slot::Embedded, key: Slot::Embedded },
        (certificate, Some(key)) => {
            Place::Apart { certificate: certificate.map_or(Slot::Embedded, Slot::File), key: Slot::File(key) }
        }
    }
}
