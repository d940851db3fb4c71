//! A certificate and its key as they were found: there, missing, or there and unusable.
//!
//! In: a [`Tree`] and two paths. Out: [`Pair`]. It parses and never judges.

use std::path::{Path, PathBuf};

use super::{FindingCode, Findings, Severity};
use crate::error::{Diagnostic, Fault};
use crate::key::PrivateKey;
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, read_certificates};

/// One file of a pair.
#[derive(Clone, Debug)]
pub enum Part<T> {
    /// Nothing is there.
    Missing,
    /// It was read and parsed.
    Present(T),
    /// Something is there that cannot be used.
    Broken(Fault),
}

impl<T> Part<T> {
    /// What was parsed, if it was.
    #[must_use]
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Missing | Self::Broken(_) => None,
        }
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Parses what was found at `path`.
    pub fn read<E: Diagnostic>(tree: &Tree, path: &Path, parse: impl FnOnce(&[u8]) -> Result<T, E>) -> Self {
        match tree.get(path) {
            Observed::Missing => Self::Missing,
            Observed::Unreadable(fault) => Self::Broken(fault.clone()),
            Observed::File { content, .. } => match parse(content.expose()) {
                Ok(value) => Self::Present(value),
                Err(error) if content.is_empty() => {
                    Self::Broken(Fault { message: "the file is empty".to_owned(), ..error.fault_at(path) })
                }
                Err(error) => Self::Broken(error.fault_at(path)),
            },
        }
    }
}

/// A certificate file (leaf first, then intermediates) and the key beside it.
#[derive(Debug)]
pub struct Pair {
    /// Where the certificate is.
    pub certificate_path: PathBuf,
    /// Where the key is.
    pub key_path: PathBuf,
    /// The certificates of the file, at least one.
    pub certificates: Part<Vec<Certificate>>,
    /// The key.
    pub key: Part<PrivateKey>,
}

impl Pair {
    /// Parses the two files.
    #[must_use]
    pub fn read(tree: &Tree, certificate_path: PathBuf, key_path: PathBuf) -> Self {
        let certificates = Part::read(tree, &certificate_path, read_certificates);
        let key = Part::read(tree, &key_path, PrivateKey::from_pem);
        Self { certificate_path, key_path, certificates, key }
    }

    /// Whether neither file is there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.certificates.is_missing() && self.key.is_missing()
    }

    /// The first certificate of the file.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificates.present().and_then(|certificates| certificates.first())
    }

    /// The certificates behind the first.
    #[must_use]
    pub fn intermediates(&self) -> &[Certificate] {
        self.certificates.present().and_then(|certificates| certificates.get(1..)).unwrap_or_default()
    }

    /// The certificate behind the first whose key this is, and its place in the file (2 is the second).
    #[must_use]
    pub fn other_certificate_of_key(&self) -> Option<(usize, &Certificate)> {
        let key = self.key.present()?;
        let certificates = self.certificates.present()?;
        let fits = |certificate: &Certificate| certificate.public_key_info() == key.public_key_info();
        if certificates.first().is_none_or(fits) {
            return None;
        }
        (1..).zip(certificates).find(|(_, certificate)| fits(certificate))
    }

    /// Notes files that are missing though their partner is there, unusable, or too open, and a key that is
    /// another certificate's.
    pub(super) fn judge_files(&self, tree: &Tree, notes: &mut Findings, key_is_needed: bool) {
        notes.at(&self.certificate_path);
        note_part(&self.certificates, notes, true);
        notes.at(&self.key_path);
        let only_go_reads_it = key_is_needed
            && tree
                .content(&self.key_path)
                .is_some_and(|pem| note_key_of_go(&self.key, pem, self.certificate(), notes));
        if !only_go_reads_it {
            note_part(&self.key, notes, key_is_needed);
        }
        note_mode(tree, &self.key_path, notes);
        if let (Some(certificate), Part::Present(key)) = (self.certificate(), &self.key)
            && certificate.public_key_info() != key.public_key_info()
        {
            let path = self.certificate_path.display();
            notes.add(
                FindingCode::KeyMismatch,
                match self.other_certificate_of_key() {
                    Some((place, other)) => format!(
                        "the key is not the one of the first certificate in {path}, but of number {place} (serial {}, until {})",
                        other.serial(),
                        other.not_after()
                    ),
                    None => format!("the key is not the one of the certificate {path}"),
                },
                "put the key that belongs to the certificate beside it, or remove both so that they are made again",
            );
        }
    }
}

/// Notes a leaf's key that the components of Kubernetes use all the same. False when it is not one.
pub(super) fn note_key_of_go(
    key: &Part<PrivateKey>,
    pem: &[u8],
    certificate: Option<&Certificate>,
    notes: &mut Findings,
) -> bool {
    let Part::Broken(fault) = key else { return false };
    let public = PrivateKey::ed25519_public_key_info(pem);
    let is_its_key = public.is_some() && public.as_deref() == certificate.map(Certificate::public_key_info);
    if is_its_key {
        let evidence = "Kubernetes uses this Ed25519 key, but kubeadm and kubepki cannot read it";
        notes.add_as(Severity::Warning, fault.code, evidence, fault.hint.clone());
    }
    is_its_key
}

/// Notes a file that is missing or unusable, at the path that `notes` is at.
pub(super) fn note_part<T>(part: &Part<T>, notes: &mut Findings, is_needed: bool) {
    match part {
        Part::Missing if is_needed => notes.add(
            FindingCode::FileMissing,
            "the file is missing",
            "restore it from a backup or another node, or remove its partner so that both are made again",
        ),
        Part::Broken(fault) => notes.add_fault(fault.clone()),
        Part::Missing | Part::Present(_) => {}
    }
}

/// Notes a secret file that others than its owner can read.
pub(super) fn note_mode(tree: &Tree, path: &Path, notes: &mut Findings) {
    if let Observed::File { mode, .. } = tree.get(path)
        && mode & 0o077 != 0
    {
        notes.add(
            FindingCode::FileModeTooWide,
            format!("the file holds a private key and has mode {mode:04o}"),
            format!("chmod 600 {}", path.display()),
        );
    }
}
