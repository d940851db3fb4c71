//! Judging the service accounts' key pair.
//!
//! In: `sa.key` and `sa.pub` as found. Out: findings. kubeadm does not look at `sa.pub` at all; an API server with
//! a foreign one refuses every token.

use std::path::PathBuf;

use super::pair::{note_mode, note_part};
use super::{Finding, FindingCode, Notes, Part, Severity};
use crate::catalogue::{Layout, SERVICE_ACCOUNT};
use crate::key::{KeyError, PrivateKey, pem};
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
    /// The DER of the first `PUBLIC KEY` block.
    pub public_key: Part<Vec<u8>>,
}

impl ServiceAccountKeys {
    /// Parses the two files.
    #[must_use]
    pub fn read(tree: &Tree, layout: &Layout) -> Self {
        let (key_path, public_key_path) = (layout.service_account_key(), layout.service_account_public_key());
        let key = Part::read(tree, &key_path, PrivateKey::from_pem);
        let public_key = Part::read(tree, &public_key_path, first_public_key);
        Self { key_path, public_key_path, key, public_key }
    }

    /// Judges both files. A `sa.pub` that is missing beside its key is no finding: it can be made from the key.
    #[must_use]
    pub fn judge(&self, tree: &Tree) -> Vec<Finding> {
        let mut notes = Notes::about(SERVICE_ACCOUNT);
        notes.at(&self.key_path);
        note_part(&self.key, &mut notes, !self.public_key.is_missing());
        note_mode(tree, &self.key_path, &mut notes);
        notes.at(&self.public_key_path);
        note_part(&self.public_key, &mut notes, false);
        if let (Part::Present(key), Part::Present(public_key)) = (&self.key, &self.public_key)
            && key.public_key_info() != public_key.as_slice()
        {
            notes.add(
                FindingCode::ServiceAccountMismatch,
                Severity::Critical,
                "sa.pub is not the public half of sa.key: the API server would refuse every token",
                "restore the file that is older than the other, or remove sa.pub so that it is made from sa.key",
            );
        }
        notes.findings
    }
}

fn first_public_key(text: &[u8]) -> Result<Vec<u8>, KeyError> {
    pem::blocks(text)
        .find(|block| block.label == "PUBLIC KEY")
        .map(|block| block.der.expose().to_vec())
        .ok_or(if pem::has_broken_block(text) { KeyError::Damaged } else { KeyError::NoKey })
}
