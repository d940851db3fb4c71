//! Why clients would refuse a kubeconfig that is about to be written, and why a part of it cannot be used.
//!
//! In: the tree, a kubeconfig. Out: faults, as findings have them. It writes nothing.
//!
//! Source: client-go `clientcmd`.

use std::path::Path;

use crate::audit::kubeconfig::{has_readable_authority, is_readable};
use crate::error::Fault;
use crate::inventory::{Client, Part, Place, Slot};
use crate::kubeconfig::{Kubeconfig, KubeconfigError};
use crate::secret::Secret;
use crate::store::StoreError;
use crate::tree::{Observed, Tree};

/// Why clients would refuse the kubeconfig, with another certificate in it too, and another CA if that `changes`.
///
/// # Errors
/// As [`faults`].
pub fn faults_when_renewed(
    tree: &Tree,
    client: &Client,
    changes: bool,
) -> Result<Vec<KubeconfigError>, KubeconfigError> {
    let current = client.document.current()?;
    let mut renewed = client.document.clone();
    if matches!(client.found.place, Place::Apart { certificate: Slot::Embedded, key: Slot::Embedded }) {
        renewed.set_client_certificate(current.user, b"new", &Secret::new(b"new".to_vec()))?;
    }
    if changes {
        renewed.set_certificate_authority(current.cluster, b"new")?;
    }
    faults(tree, &client.path, &renewed)
}

/// The CAs that a kubeconfig embeds, where they are others than `trusted`, the PEM that its cluster ought to trust.
#[must_use]
pub fn other_authority(client: &Client, trusted: &[u8]) -> Option<Vec<u8>> {
    let current = client.document.current().ok()?;
    // One that is named by its path too is embedded alone afterwards.
    let is_named = current.certificate_authority.is_some();
    current.certificate_authority_data.filter(|embedded| is_named || embedded.trim_ascii() != trusted.trim_ascii())
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
