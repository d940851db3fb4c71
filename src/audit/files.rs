//! Judging the two files of a pair: there or missing, usable, private, and made for each other.
//!
//! In: a pair as it was found. Out: findings.

use std::path::Path;

use super::{FindingCode, Findings, Severity};
use crate::inventory::{Found, Part};
use crate::key::PrivateKey;
use crate::tree::{Observed, Tree};
use crate::x509::Certificate;

/// Notes files that are missing though their partner is there, unusable, or too open, and a key that is
/// another certificate's.
pub(super) fn judge_pair_files(found: &Found, tree: &Tree, notes: &mut Findings, key_is_needed: bool) {
    notes.at(&found.certificate_path);
    note_part(&found.certificates, notes, true);
    notes.at(&found.key_path);
    let only_go_reads_it = key_is_needed
        && tree.content(&found.key_path).is_some_and(|pem| note_key_of_go(&found.key, pem, found.certificate(), notes));
    if !only_go_reads_it {
        note_part(&found.key, notes, key_is_needed);
    }
    note_mode(tree, &found.key_path, notes);
    if let (Some(certificate), Part::Present(key)) = (found.certificate(), &*found.key)
        && certificate.public_key_info() != key.public_key_info()
    {
        let path = found.certificate_path.display();
        notes.add(
            FindingCode::KeyMismatch,
            match found.other_certificate_of_key() {
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
