//! A kubeconfig as it was found, with what its current user shows: parsed once.
//!
//! In: a [`Tree`] and a path. Out: [`Client`]. It never judges.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Found;
use crate::catalogue::{SYSTEM_NODE, beside};
use crate::kubeconfig::{Kubeconfig, KubeconfigError};
use crate::secret::Secret;
use crate::tree::Tree;
use crate::x509::{Certificate, read_certificates};

/// A kubeconfig that can be read.
#[derive(Debug)]
pub struct Client {
    /// The file.
    pub path: PathBuf,
    /// Its document.
    pub document: Kubeconfig,
    /// The certificate and key of its current user.
    pub found: Found,
}

impl Client {
    /// Reads the kubeconfig at `path`.
    ///
    /// # Errors
    /// [`KubeconfigError`] when the file is not a kubeconfig, or has no current user.
    pub fn read(tree: &Tree, path: &Path, content: &[u8]) -> Result<Self, KubeconfigError> {
        Self::of(tree, path, Kubeconfig::parse(content))
    }

    /// The same of a document that is parsed already.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of(
        tree: &Tree,
        path: &Path,
        document: Result<Kubeconfig, KubeconfigError>,
    ) -> Result<Self, KubeconfigError> {
        let document = document?;
        let found = Found::of_user(tree, path, &document.current()?);
        Ok(Self { path: path.to_owned(), document, found })
    }

    /// What the current user shows, if that is a certificate.
    #[must_use]
    pub fn certified(&self) -> Option<&Found> {
        Some(&self.found).filter(|found| found.has_certificate)
    }

    /// The node whose kubelet the certificate names.
    #[must_use]
    pub fn certified_node_name(&self) -> Option<String> {
        node_of(&self.certified()?.certificate()?.subject().common_name()?)
    }

    /// The node whose kubelet uses it: by its certificate, or by its user's name where the certificate cannot be read.
    /// `None` when neither says it.
    #[must_use]
    pub fn node_name(&self) -> Option<String> {
        self.certified_node_name().or_else(|| node_of(self.document.current().ok()?.user))
    }

    /// The CAs that the current cluster has within the file: none at all where it names a file, an empty list where they cannot be
    /// read.
    #[must_use]
    pub fn embedded_authorities(&self) -> Option<Vec<Certificate>> {
        let pem = self.document.current().ok()?.certificate_authority_data?;
        Some(read_certificates(&pem).unwrap_or_default())
    }

    /// The files that the current user and cluster refer to.
    #[must_use]
    pub fn referenced_paths(&self) -> Vec<PathBuf> {
        referenced_paths(&self.path, &self.document)
    }
}

/// The files that the current user and cluster of the kubeconfig at `path` refer to.
#[must_use]
pub fn referenced_paths(path: &Path, document: &Kubeconfig) -> Vec<PathBuf> {
    let Ok(current) = document.current() else { return Vec::new() };
    [current.certificate_authority, current.client_certificate, current.client_key, current.token_file]
        .into_iter()
        .flatten()
        .map(|referenced| beside(path, referenced))
        .collect()
}

/// The kubeconfigs of a run by their content: each is parsed once, for the files that it refers to and for what it shows.
#[derive(Debug, Default)]
pub struct Documents(Mutex<Vec<(Secret, Result<Kubeconfig, KubeconfigError>)>>);

impl Documents {
    /// As [`Kubeconfig::parse`].
    ///
    /// # Errors
    /// [`KubeconfigError`] when it is not a kubeconfig.
    pub fn parse(&self, content: &[u8]) -> Result<Kubeconfig, KubeconfigError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = all.iter().find(|(one, _)| one.expose() == content) {
            return known.clone();
        }
        let document = Kubeconfig::parse(content);
        all.push((Secret::new(content.to_vec()), document.clone()));
        document
    }
}

fn node_of(user: &str) -> Option<String> {
    Some(user.strip_prefix(SYSTEM_NODE)?.to_owned()).filter(|name| !name.is_empty())
}
