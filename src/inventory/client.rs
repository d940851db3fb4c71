//! A kubeconfig as it was found, with what its current user shows: parsed once.
//!
//! In: a [`Tree`] and a path. Out: [`Client`]. It never judges.

use std::path::{Path, PathBuf};

use super::Found;
use crate::catalogue::{SYSTEM_NODE, beside};
use crate::kubeconfig::{Kubeconfig, KubeconfigError};
use crate::tree::Tree;

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
        let document = Kubeconfig::parse(content)?;
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

    /// The files that the current user and cluster refer to.
    #[must_use]
    pub fn referenced_paths(&self) -> Vec<PathBuf> {
        let Ok(current) = self.document.current() else { return Vec::new() };
        [current.certificate_authority, current.client_certificate, current.client_key, current.token_file]
            .into_iter()
            .flatten()
            .map(|referenced| beside(&self.path, referenced))
            .collect()
    }
}

/// The files that the kubeconfig at `path` refers to; none when it cannot be read.
#[must_use]
pub fn referenced_paths(path: &Path, content: &[u8]) -> Vec<PathBuf> {
    Client::read(&Tree::default(), path, content).map(|client| client.referenced_paths()).unwrap_or_default()
}

fn node_of(user: &str) -> Option<String> {
    Some(user.strip_prefix(SYSTEM_NODE)?.to_owned()).filter(|name| !name.is_empty())
}
