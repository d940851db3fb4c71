//! What the nodes of a cluster share, sealed for the journey: the `kubeadm-certs` Secret of `kubeadm init --upload-certs`.
//!
//! In: a cluster specification and files, or the text of a Secret and the certificate key. Out: the table of entries
//! ([`entries`]), a manifest that `kubeadm join --certificate-key` reads ([`Manifest`]), or the files again. It touches
//! no file and asks no cluster.
//!
//! | part | what it holds |
//! |---|---|
//! | `entries` | which files, under which names, with which modes |
//! | `complete` | whether all of them are there, and nothing besides |
//! | `manifest` | the Secret as a document, and the access rules beside it |
//! | `read` | a Secret in whatever document it comes |
//! | `error` | why one cannot be used |
//!
//! Source: kubeadm `phases/copycerts/copycerts.go`.

mod complete;
mod entries;
mod error;
mod manifest;
mod read;

pub use complete::{open, open_for_worker, refuse_missing, refuse_node_bound_paths};
pub use entries::{Content, EXTERNAL_ETCD, EXTERNAL_ETCD_CA, Entry, Recipient, entries};
pub use error::BundleError;
pub use manifest::{Manifest, SECRET_NAME};

use std::collections::BTreeMap;

use crate::certificate_key::{CertificateKey, Unopened};
use crate::secret::Secret;

impl Manifest {
    /// Seals every file.
    ///
    /// # Errors
    /// [`CertificateKeyError::Library`](crate::certificate_key::CertificateKeyError::Library).
    pub fn seal<'f>(
        files: impl IntoIterator<Item = (&'f str, Option<&'f Secret>)>,
        key: &CertificateKey,
    ) -> crate::error::Result<Self> {
        let mut data = BTreeMap::new();
        for (name, content) in files {
            // kubeadm leaves an entry empty for what is not there, and passes over it when it joins.
            let sealed = content.map(|content| key.seal(content.expose())).transpose()?;
            data.insert(name.to_owned(), sealed.unwrap_or_default());
        }
        Ok(Self { data })
    }

    /// Opens every entry that is not empty; all of them, or none.
    ///
    /// # Errors
    /// [`BundleError::Truncated`], [`BundleError::WrongKey`] when no entry opens, [`BundleError::Damaged`] when some do.
    pub fn open(&self, key: &CertificateKey) -> Result<BTreeMap<String, Secret>, BundleError> {
        let (mut opened, mut damaged, mut truncated) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (name, sealed) in self.data.iter().filter(|(_, sealed)| !sealed.is_empty()) {
            match key.open(sealed) {
                Ok(plain) => {
                    opened.insert(name.clone(), plain);
                }
                Err(Unopened::TooShort) => truncated.push(name.clone()),
                Err(Unopened::NotAuthentic) => damaged.push(name.clone()),
            }
        }
        if !truncated.is_empty() {
            Err(BundleError::Truncated { entries: truncated })
        } else if damaged.is_empty() {
            Ok(opened)
        } else if opened.is_empty() {
            Err(BundleError::WrongKey)
        } else {
            Err(BundleError::Damaged { entries: damaged })
        }
    }
}
