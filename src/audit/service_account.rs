//! Judging the service accounts' key pair.
//!
//! In: `sa.key` and `sa.pub` as found. Out: findings. kubeadm does not look at `sa.pub` at all; an API server with
//! a foreign one refuses every token.

use std::path::PathBuf;

use super::pair::{note_mode, note_part};
use super::{Finding, FindingCode, Notes, Part, Severity};
use crate::catalogue::{Layout, SERVICE_ACCOUNT};
use crate::key::{PrivateKey, holds_private_key, read_public_keys};
use crate::tree::Tree;

/// `sa.key` and `sa.pub` as found.
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
    pub fn read(tree: &Tree, layout: &Layout) -> Self {
        let (key_path, public_key_path) = (layout.service_account_key(), layout.service_account_public_key());
        let key = Part::read(tree, &key_path, PrivateKey::from_pem);
        let public_keys = Part::read(tree, &public_key_path, read_public_keys);
        Self { key_path, public_key_path, key, public_keys }
    }

    /// Judges both files. A `sa.pub` that is missing beside its key is no finding: it can be made from the key.
    #[must_use]
    pub fn judge(&self, tree: &Tree) -> Vec<Finding> {
        let mut notes = Notes::about(SERVICE_ACCOUNT);
        notes.at(&self.key_path);
        note_part(&self.key, &mut notes, !self.public_keys.is_missing());
        note_mode(tree, &self.key_path, &mut notes);
        notes.at(&self.public_key_path);
        if tree.content(&self.public_key_path).is_some_and(holds_private_key) {
            note_mode(tree, &self.public_key_path, &mut notes);
        }
        match &self.public_keys {
            Part::Broken { code, .. } if code.starts_with("key.") => notes.add_coded(
                code,
                Severity::Critical,
                "it holds no public key that can be read",
                "remove sa.pub so that it is made from sa.key, or restore it from a backup",
            ),
            part => note_part(part, &mut notes, false),
        }
        if let (Part::Present(key), Part::Present(public_keys)) = (&self.key, &self.public_keys)
            && !public_keys.iter().any(|one| one == key.public_key_info())
        {
            notes.add(
                FindingCode::ServiceAccountMismatch,
                Severity::Critical,
                "sa.pub does not hold the public half of sa.key: the API server would refuse every token",
                "restore the file that is older than the other, or remove sa.pub so that it is made from sa.key",
            );
        }
        notes.findings
    }
}
