//! Each cluster and each user of a kubeconfig, whether a context names it or not.
//!
//! In: the tree. Out: what is said of one, with every `*-data` field decoded. It opens no file that a field names.

use super::Kubeconfig;
use super::error::KubeconfigError;
use super::fields::{bytes, entry, string};
use crate::secret::Secret;

/// What is said of a cluster.
#[derive(Debug)]
pub struct ClusterPart {
    /// The API server's URL.
    pub server: Option<String>,
    /// `certificate-authority-data`, decoded.
    pub authority: Option<Vec<u8>>,
    /// `certificate-authority`.
    pub authority_file: Option<String>,
}

/// What is said of a user.
#[derive(Debug)]
pub struct UserPart {
    /// `client-certificate-data`, decoded.
    pub certificate: Option<Vec<u8>>,
    /// `client-key-data`, decoded.
    pub key: Option<Secret>,
    /// The files that fields name.
    pub files: Vec<String>,
    /// Which other fields authenticate it.
    pub credentials: Vec<String>,
}

impl Kubeconfig {
    /// The context that is used; empty where none is.
    #[must_use]
    pub fn current_context(&self) -> &str {
        self.root.letters("current-context").unwrap_or_default()
    }

    /// The cluster of this name; an empty one where it has no content.
    ///
    /// # Errors
    /// [`KubeconfigError`] for a field of another type or bad base64.
    pub fn cluster(&self, name: &str) -> Result<ClusterPart, KubeconfigError> {
        let none = ClusterPart { server: None, authority: None, authority_file: None };
        let Some(entry) = entry(&self.root, "clusters", "cluster", name) else { return Ok(none) };
        let Some(fields) = entry.content else { return Ok(none) };
        let text = |field| string(fields, field, &entry.path).map(|text| text.map(str::to_owned));
        Ok(ClusterPart {
            server: text("server")?,
            authority: bytes(fields, "certificate-authority-data", &entry.path)?.map(|data| data.expose().to_vec()),
            authority_file: text("certificate-authority")?,
        })
    }

    /// The user of this name; an empty one where it has no content.
    ///
    /// # Errors
    /// As [`Kubeconfig::cluster`].
    pub fn user(&self, name: &str) -> Result<UserPart, KubeconfigError> {
        let none = UserPart { certificate: None, key: None, files: Vec::new(), credentials: Vec::new() };
        let Some(entry) = entry(&self.root, "users", "user", name) else { return Ok(none) };
        let Some(fields) = entry.content else { return Ok(none) };
        let mut files = Vec::new();
        for field in ["client-certificate", "client-key", "tokenFile"] {
            files.extend(string(fields, field, &entry.path)?.map(str::to_owned));
        }
        let is_set = |field: &&str| fields.get(field).is_some_and(|node| node.letters() != Some(""));
        let others = ["token", "exec", "auth-provider", "username", "password"];
        Ok(UserPart {
            certificate: bytes(fields, "client-certificate-data", &entry.path)?.map(|data| data.expose().to_vec()),
            key: bytes(fields, "client-key-data", &entry.path)?,
            files,
            credentials: others.iter().filter(|field| is_set(field)).map(|field| (*field).to_owned()).collect(),
        })
    }
}
