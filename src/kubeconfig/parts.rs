//! A cluster and a user of a kubeconfig, whether a context names them or not.
//!
//! In: the tree. Out: what is said of one, with every `*-data` field decoded. It opens no file that a field names.

use super::Kubeconfig;
use super::error::KubeconfigError;
use super::fields::{Entry, bytes, entry, string};
use crate::secret::Secret;

/// Fields that authenticate a user, besides certificates and tokens.
const OTHER_CREDENTIALS: [&str; 5] = ["auth-provider", "exec", "tokenFile", "username", "password"];

/// What is said of a cluster. An empty field is an absent one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster<'a> {
    /// The API server's URL.
    pub server: Option<&'a str>,
    /// `certificate-authority-data`, decoded: PEM if all is well.
    pub certificate_authority_data: Option<Vec<u8>>,
    /// `certificate-authority`: a path, relative to the kubeconfig's directory if not absolute.
    pub certificate_authority: Option<&'a str>,
}

/// What is said of a user. An empty field is an absent one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User<'a> {
    /// `client-certificate-data`, decoded: PEM if all is well.
    pub client_certificate_data: Option<Vec<u8>>,
    /// `client-certificate`: a path, relative to the kubeconfig's directory if not absolute.
    pub client_certificate: Option<&'a str>,
    /// `client-key-data`, decoded: PEM if all is well.
    pub client_key_data: Option<Secret>,
    /// `client-key`: a path, relative to the kubeconfig's directory if not absolute.
    pub client_key: Option<&'a str>,
    /// The bearer token.
    pub token: Option<Secret>,
    /// `tokenFile`: a path, relative to the kubeconfig's directory if not absolute.
    pub token_file: Option<&'a str>,
    /// The other ways in which this user authenticates, by their field names: `auth-provider`, `exec`,
    /// `tokenFile`, `username`, `password`.
    pub other_credentials: Vec<&'static str>,
}

impl<'a> Cluster<'a> {
    pub(super) fn of(entry: &Entry<'a>) -> Result<Self, KubeconfigError> {
        let Some(fields) = entry.content else { return Ok(Self::default()) };
        let authority = bytes(fields, "certificate-authority-data", &entry.path)?;
        Ok(Self {
            server: string(fields, "server", &entry.path)?,
            certificate_authority_data: authority.map(|authority| authority.expose().to_vec()),
            certificate_authority: string(fields, "certificate-authority", &entry.path)?,
        })
    }
}

impl<'a> User<'a> {
    pub(super) fn of(entry: &Entry<'a>) -> Result<Self, KubeconfigError> {
        let Some(fields) = entry.content else { return Ok(Self::default()) };
        let certificate = bytes(fields, "client-certificate-data", &entry.path)?;
        let is_set = |field: &&str| {
            fields
                .get(field)
                .is_some_and(|node| node.as_scalar().is_none() || node.letters().is_some_and(|text| !text.is_empty()))
        };
        Ok(Self {
            client_certificate_data: certificate.map(|certificate| certificate.expose().to_vec()),
            client_certificate: string(fields, "client-certificate", &entry.path)?,
            client_key_data: bytes(fields, "client-key-data", &entry.path)?,
            client_key: string(fields, "client-key", &entry.path)?,
            token: string(fields, "token", &entry.path)?.map(|token| Secret::new(token.as_bytes().to_vec())),
            token_file: string(fields, "tokenFile", &entry.path)?,
            other_credentials: OTHER_CREDENTIALS.into_iter().filter(is_set).collect(),
        })
    }
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
    pub fn cluster(&self, name: &str) -> Result<Cluster<'_>, KubeconfigError> {
        entry(&self.root, "clusters", "cluster", name)
            .map_or_else(|| Ok(Cluster::default()), |entry| Cluster::of(&entry))
    }

    /// The user of this name; an empty one where it has no content.
    ///
    /// # Errors
    /// As [`Kubeconfig::cluster`].
    pub fn user(&self, name: &str) -> Result<User<'_>, KubeconfigError> {
        entry(&self.root, "users", "user", name).map_or_else(|| Ok(User::default()), |entry| User::of(&entry))
    }
}
