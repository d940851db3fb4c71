//! Judging the service accounts' key pair.
//!
//! In: `sa.key` and `sa.pub` as found. Out: findings. kubeadm does not look at `sa.pub` at all; an API server with
//! a foreign one refuses every token.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::files::{note_mode, note_part};
use super::{Finding, FindingCode, Findings, Severity};
use crate::catalogue::SERVICE_ACCOUNT;
use crate::error::Declared as _;
use crate::inventory::{Part, ServiceAccountKeys};
use crate::key::{KeyError, PrivateKey, holds_private_key, read_public_keys};
use crate::remedy::command;
use crate::text::file_name;
use crate::tree::Tree;

impl ServiceAccountKeys {
    /// Judges both files. A `sa.pub` that is missing beside its key is no finding: it can be made from the key.
    #[must_use]
    pub fn judge(&self, tree: &Tree) -> Vec<Finding> {
        let mut notes = Findings::on(SERVICE_ACCOUNT);
        notes.at(&self.key_path);
        note_part(&self.key, &mut notes, !self.public_keys.is_missing());
        note_mode(tree, &self.key_path, &mut notes);
        notes.at(&self.public_key_path);
        if tree.content(&self.public_key_path).is_some_and(holds_private_key) {
            note_mode(tree, &self.public_key_path, &mut notes);
        }
        match &self.public_keys {
            Part::Broken(fault) if KeyError::declares(fault.code) => notes.add_as(
                Severity::Critical,
                fault.code,
                "it holds no public key that can be read",
                "remove sa.pub so that it is made from sa.key, or restore it from a backup",
            ),
            part => note_part(part, &mut notes, false),
        }
        if let (Part::Present(key), Part::Present(public_keys)) = (&self.key, &self.public_keys)
            && !public_keys.iter().any(|one| one == key.public_key_info())
        {
            note_mismatch(&mut notes, &self.key_path, &self.public_key_path);
        }
        notes.into_vec()
    }
}

/// Whether the key that tokens are signed with has its public half among those that they are verified with. Files that
/// cannot be used are findings too: an API server that starts with them does not come up.
#[must_use]
pub fn judge_use(tree: &Tree, key_path: &Path, public_paths: &[PathBuf]) -> Vec<Finding> {
    let mut notes = Findings::on(SERVICE_ACCOUNT);
    notes.at(key_path);
    let key = Part::read(tree, key_path, PrivateKey::from_pem);
    note_part(&key, &mut notes, true);
    let mut accepted = Vec::new();
    for path in public_paths {
        notes.at(path);
        let part = Part::read(tree, path, read_public_keys);
        note_part(&part, &mut notes, true);
        accepted.extend(part.present().into_iter().flatten().cloned());
    }
    if let (Part::Present(key), [last, ..]) = (&key, public_paths)
        && notes.is_empty()
        && !accepted.iter().any(|one| one == key.public_key_info())
    {
        notes.at(last);
        note_mismatch(&mut notes, key_path, last);
    }
    notes.into_vec()
}

/// How many public keys the files hold, as far as they can be read.
#[must_use]
pub fn number_of_public_keys(tree: &Tree, public_paths: &[PathBuf]) -> usize {
    let keys = public_paths.iter().filter_map(|path| read_public_keys(tree.content(path)?).ok()).flatten();
    keys.collect::<BTreeSet<_>>().len()
}

/// Both halves were replaced while the API server runs with the old ones, and the old public key is not kept.
#[must_use]
pub fn replaced(component: &str, key_path: &Path, public_path: &Path) -> Finding {
    let (key, public) = (file_name(key_path), file_name(public_path));
    Finding::new(
        FindingCode::ServiceAccountReplaced,
        SERVICE_ACCOUNT,
        key_path,
        format!(
            "{key} and {public} have changed since {component} started, and {public} holds one key: once it is \
             restarted, the API server refuses every token that was issued so far, and pods fail until they get new ones"
        ),
        format!(
            "first add the old public key to {} on every control-plane node, or all tokens end; then: {}",
            public_path.display(),
            command(["kubepki", "restart", "kube-apiserver", "kube-controller-manager"]),
        ),
    )
}

fn note_mismatch(notes: &mut Findings, key_path: &Path, public_path: &Path) {
    let (key, public) = (file_name(key_path), file_name(public_path));
    notes.add(
        FindingCode::ServiceAccountMismatch,
        format!("{public} does not hold the public half of {key}: the API server would refuse every token"),
        format!(
            "restore the file that is older than the other; or, where no rotation has laid another key beside it ({}), remove \
             {public} so that it is made from {key}",
            command(["kubepki", "rotate", "status"])
        ),
    );
}
