//! What the current context of a kubeconfig comes to.
//!
//! In: the tree. Out: [`Current`], with every `*-data` field decoded. It opens no file that a field names.
//!
//! Source: client-go `tools/clientcmd` `DirectClientConfig`.

use std::fmt;

use super::error::KubeconfigError;
use super::fields::{Entry, entry, names, string};
use super::parts::{Cluster, User};
use crate::secret::Secret;
use crate::yaml::Mapping;

/// The cluster and the user of the current context. An empty field is an absent one.
///
/// Where a field has data and a path, clients use the data.
#[derive(Clone, PartialEq, Eq)]
pub struct Current<'a> {
    /// The context's name.
    pub context: &'a str,
    /// The cluster's name.
    pub cluster: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The API server's URL.
    pub server: Option<&'a str>,
    /// `certificate-authority-data`, decoded: PEM if all is well.
    pub certificate_authority_data: Option<Vec<u8>>,
    /// `certificate-authority`: a path, relative to the kubeconfig's directory if not absolute.
    pub certificate_authority: Option<&'a str>,
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
    /// The other ways in which this user authenticates, by their field names ([`User::other_credentials`]).
    pub other_credentials: Vec<&'static str>,
}

/// The parts of the current context that a comparison with a wanted cluster needs.
pub(super) struct CurrentCluster<'a> {
    pub(super) context: &'a str,
    pub(super) user: &'a str,
    pub(super) cluster: Entry<'a>,
    pub(super) server: Option<&'a str>,
    pub(super) certificate_authority_data: Option<Vec<u8>>,
    pub(super) certificate_authority: Option<&'a str>,
}

static EMPTY: Mapping = Mapping::new();

impl<'a> CurrentCluster<'a> {
    /// The cluster of the current context; the user may be missing.
    pub(super) fn of(root: &'a Mapping) -> Result<Self, KubeconfigError> {
        let known = |list| names(root, list).into_iter().map(str::to_owned).collect();
        let current = string(root, "current-context", "")?.unwrap_or_default();
        let context = entry(root, "contexts", "context", current)
            .filter(|_| !current.is_empty())
            .ok_or_else(|| KubeconfigError::ContextMissing { context: current.to_owned(), known: known("contexts") })?;
        let joined = context.content.unwrap_or(&EMPTY);
        let cluster_name = string(joined, "cluster", &context.path)?.unwrap_or_default();
        let cluster = entry(root, "clusters", "cluster", cluster_name).ok_or_else(|| {
            KubeconfigError::ClusterMissing { cluster: cluster_name.to_owned(), known: known("clusters") }
        })?;
        let Cluster { server, certificate_authority_data, certificate_authority } = Cluster::of(&cluster)?;
        let user = string(joined, "user", &context.path)?.unwrap_or_default();
        let context = context.name;
        Ok(Self { context, user, cluster, server, certificate_authority_data, certificate_authority })
    }
}

impl<'a> Current<'a> {
    pub(super) fn of(root: &'a Mapping) -> Result<Self, KubeconfigError> {
        let current = CurrentCluster::of(root)?;
        let user = entry(root, "users", "user", current.user).ok_or_else(|| KubeconfigError::UserMissing {
            user: current.user.to_owned(),
            known: names(root, "users").into_iter().map(str::to_owned).collect(),
        })?;
        let User {
            client_certificate_data,
            client_certificate,
            client_key_data,
            client_key,
            token,
            token_file,
            other_credentials,
        } = User::of(&user)?;
        Ok(Self {
            context: current.context,
            cluster: current.cluster.name,
            user: user.name,
            server: current.server,
            certificate_authority_data: current.certificate_authority_data,
            certificate_authority: current.certificate_authority,
            client_certificate_data,
            client_certificate,
            client_key_data,
            client_key,
            token,
            token_file,
            other_credentials,
        })
    }
}

impl fmt::Debug for Current<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |data: &Option<Vec<u8>>| data.as_ref().map(Vec::len);
        f.debug_struct("Current")
            .field("context", &self.context)
            .field("cluster", &self.cluster)
            .field("user", &self.user)
            .field("certificate_authority_bytes", &size(&self.certificate_authority_data))
            .field("certificate_authority", &self.certificate_authority)
            .field("client_certificate_bytes", &size(&self.client_certificate_data))
            .field("client_certificate", &self.client_certificate)
            .field("client_key_data", &self.client_key_data)
            .field("client_key", &self.client_key)
            .field("token", &self.token)
            .field("other_credentials", &self.other_credentials)
            .finish_non_exhaustive()
    }
}
