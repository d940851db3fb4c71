//! Kubeconfig files: made, read, looked at, changed in place and written.
//!
//! In: bytes, or names and PEM. Out: [`Kubeconfig`], a whole document; [`Current`], what its current context
//! comes to; [`Mismatch`], how an existing file differs from the wanted one. What kubeadm writes is written
//! byte for byte. A file that is read keeps its unknown fields, extensions, other users and the order of
//! everything through an edit (kubeadm drops and sorts). It never touches files, parses no certificate beyond
//! what a comparison of CAs needs, and shows no key, token or password in `Debug` or errors.
//!
//! Source: kubeadm `phases/kubeconfig` and `util/kubeconfig`, client-go `tools/clientcmd`.

mod compare;
mod edit;
mod error;
mod fields;
mod json;
mod parts;
mod schema;
mod usable;
mod view;

use std::fmt;
use std::sync::Arc;

pub use compare::{Mismatch, compare};
pub use error::KubeconfigError;
pub use parts::{Cluster, User};
pub use view::Current;

use crate::secret::Secret;
use crate::yaml::{self, Mapping, Node};
use fields::{data, names};

/// A whole kubeconfig document.
///
/// ```
/// use kubepki::kubeconfig::{Client, ClientConfig, Kubeconfig};
/// use kubepki::secret::Secret;
///
/// let kubeconfig = Kubeconfig::new(&ClientConfig {
///     cluster_name: "kubernetes",
///     server: "https://192.0.2.10:6443",
///     certificate_authority_pem: None,
///     user: "bot",
///     client: Client::Token(Secret::new(b"abcdef.0123456789abcdef".to_vec())),
/// });
/// let read = Kubeconfig::parse(kubeconfig.to_yaml().expose())?;
/// assert_eq!(read.current()?.context, "bot@kubernetes");
/// # Ok::<(), kubepki::kubeconfig::KubeconfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Kubeconfig {
    /// What many look at is copied when it is changed.
    root: Arc<Mapping>,
    passed_over: Vec<KubeconfigError>,
}

/// What a new kubeconfig says; the context is named `user@cluster`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig<'a> {
    /// The cluster's name (`clusterName`).
    pub cluster_name: &'a str,
    /// The API server's URL.
    pub server: &'a str,
    /// The CA to embed: kubeadm embeds the first certificate of `ca.crt`, and none beside a CSR.
    pub certificate_authority_pem: Option<&'a [u8]>,
    /// The user's name; kubeadm's is the certificate's common name.
    pub user: &'a str,
    /// What the user shows.
    pub client: Client,
}

/// What the user of a new kubeconfig shows to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// A signed certificate and its key.
    Certificate {
        /// The certificate.
        certificate_pem: Vec<u8>,
        /// Its key.
        key_pem: Secret,
    },
    /// A key whose certificate is not signed yet.
    Key {
        /// The key.
        key_pem: Secret,
    },
    /// A bearer token (UTF-8; any other byte becomes U+FFFD, as in JSON).
    Token(Secret),
}

impl Kubeconfig {
    /// A kubeconfig with one cluster, one user and the context that joins them.
    #[must_use]
    pub fn new(config: &ClientConfig<'_>) -> Self {
        let mut cluster = Mapping::from([("server", Node::text(config.server))]);
        if let Some(pem) = config.certificate_authority_pem {
            cluster.set("certificate-authority-data", data(pem));
        }
        let user = match &config.client {
            Client::Certificate { certificate_pem, key_pem } => Mapping::from([
                ("client-certificate-data", data(certificate_pem)),
                ("client-key-data", data(key_pem.expose())),
            ]),
            Client::Key { key_pem } => Mapping::from([("client-key-data", data(key_pem.expose()))]),
            Client::Token(token) => Mapping::from([("token", Node::text(String::from_utf8_lossy(token.expose())))]),
        };
        let context_name = format!("{}@{}", config.user, config.cluster_name);
        let context = Mapping::from([("cluster", Node::text(config.cluster_name)), ("user", Node::text(config.user))]);
        let list = |entry: Mapping| Node::from_iter([Node::from(entry)]);
        let root = Mapping::from([
            ("apiVersion", Node::text("v1")),
            ("clusters", list(Mapping::from([("cluster", cluster.into()), ("name", Node::text(config.cluster_name))]))),
            (
                "contexts",
                list(Mapping::from([("context", context.into()), ("name", Node::text(context_name.as_str()))])),
            ),
            ("current-context", Node::text(context_name.as_str())),
            ("kind", Node::text("Config")),
            ("users", list(Mapping::from([("name", Node::text(config.user)), ("user", user.into())]))),
        ]);
        Self { root: Arc::new(root), passed_over: Vec::new() }
    }

    /// Reads a kubeconfig as client-go does, YAML or JSON; an empty file is an empty kubeconfig.
    ///
    /// The caller bounds the size (1 MiB is generous); nesting and aliases are bounded here.
    ///
    /// # Errors
    /// [`KubeconfigError`] when client-go would not read it: no usable YAML, another kind, a field of another type, a
    /// name that stands twice in a list.
    pub fn parse(bytes: &[u8]) -> Result<Self, KubeconfigError> {
        let text = yaml::text_of(bytes).map_err(|offset| KubeconfigError::NotUtf8 { offset })?;
        let (root, passed_over) = yaml::parse_as_clients(&text)?;
        schema::check(&root)?;
        Ok(Self { root: Arc::new(root), passed_over: passed_over.into_iter().map(KubeconfigError::from).collect() })
    }

    /// What of the file clients pass over, and an edit drops: the first of two equal keys, a second document.
    #[must_use]
    pub fn passed_over(&self) -> &[KubeconfigError] {
        &self.passed_over
    }

    /// The text of the file, with one line break at the end.
    ///
    /// (`kubeadm kubeconfig user` prints one more; that is the printing command's, not the file's.)
    #[must_use]
    pub fn to_yaml(&self) -> Secret {
        let mut text = yaml::write(&self.root);
        Secret::new(std::mem::take(&mut *text).into_bytes())
    }

    /// What the current context comes to: its cluster, its user and what they hold.
    ///
    /// # Errors
    /// [`KubeconfigError::ContextMissing`], [`ClusterMissing`](KubeconfigError::ClusterMissing) or
    /// [`UserMissing`](KubeconfigError::UserMissing) when the chain breaks there;
    /// [`WrongType`](KubeconfigError::WrongType) or [`InvalidBase64`](KubeconfigError::InvalidBase64) for a bad field.
    pub fn current(&self) -> Result<Current<'_>, KubeconfigError> {
        Current::of(&self.root)
    }

    /// The names of all clusters, in the file's order.
    #[must_use]
    pub fn cluster_names(&self) -> Vec<&str> {
        names(&self.root, "clusters")
    }

    /// The names of all contexts, in the file's order.
    #[must_use]
    pub fn context_names(&self) -> Vec<&str> {
        names(&self.root, "contexts")
    }

    /// The names of all users, in the file's order.
    #[must_use]
    pub fn user_names(&self) -> Vec<&str> {
        names(&self.root, "users")
    }
}

impl fmt::Debug for Kubeconfig {
    /// Names alone: no address, certificate, key, token or unknown field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubeconfig")
            .field("current_context", &self.root.letters("current-context"))
            .field("clusters", &self.cluster_names())
            .field("contexts", &self.context_names())
            .field("users", &self.user_names())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
