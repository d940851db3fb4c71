//! The table of entries: name in the Secret, file, mode.
//!
//! Source: kubeadm `phases/copycerts` `certsToTransfer`, `writeCertOrKey`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::catalogue::{self, KUBELET_CLIENT_FILE, Kind, Layout, Row, with_ending};
use crate::config::{ClusterSpec, Etcd};
use crate::key::holds_private_key;

/// The node that a bundle is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// A further control-plane node.
    #[default]
    ControlPlane,
    /// A worker, which gets the CA's certificate and never a key.
    Worker,
}

impl Recipient {
    /// Its name, as options have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
        }
    }
}

/// The CA of an external etcd, as bundles name it.
pub const EXTERNAL_ETCD_CA: &str = "external-etcd-ca";

/// The certificate and key of its clients.
pub const EXTERNAL_ETCD: &str = "external-etcd";

/// What an entry holds, which decides its mode and what may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Certificates.
    Certificate,
    /// A CA's private key, which an external CA does not give away.
    AuthorityKey,
    /// Another private key.
    Key,
    /// A public key.
    PublicKey,
}

impl Content {
    /// The permission bits that kubeadm gives it when a node joins.
    #[must_use]
    pub const fn mode(self) -> u32 {
        match self {
            Self::AuthorityKey | Self::Key => 0o600,
            Self::Certificate | Self::PublicKey => 0o644,
        }
    }
}

/// One file that nodes share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key in the Secret's data.
    pub name: String,
    /// The CA, certificate or key pair that it is a part of.
    pub artefact: &'static str,
    /// Where it is on a node; `None` for a file of an external etcd that the configuration does not have.
    pub path: Option<PathBuf>,
    /// What it holds.
    pub content: Content,
}

impl Entry {
    /// The permission bits of its file: `sa.pub` may be the private key itself, and kubeadm gives it a key's then.
    #[must_use]
    pub fn mode(&self, content: &[u8]) -> u32 {
        if self.content == Content::PublicKey && holds_private_key(content) { 0o600 } else { self.content.mode() }
    }
}

/// Whether an entry or a file of this name without its ending belongs to one node, or to one user, and never travels.
pub(super) fn is_node_bound(base_name: &str) -> bool {
    let mut bound = catalogue::rows([Kind::Leaf, Kind::Kubeconfig]);
    bound.any(|row| row.name == base_name || row.name.strip_suffix(".conf") == Some(base_name))
        || KUBELET_CLIENT_FILE.strip_suffix(".pem") == Some(base_name)
}

/// What a node of `recipient`'s kind needs of another, in kubeadm's order.
#[must_use]
pub fn entries(recipient: Recipient, spec: &ClusterSpec, layout: &Layout) -> Vec<Entry> {
    let shared = catalogue::ROWS.iter().filter(|row| row.is_shared());
    let (etcds, others): (Vec<_>, Vec<_>) = shared.partition(|row| row.is_etcd());
    let of = |rows: Vec<&'static Row>| rows.into_iter().flat_map(|row| of_row(row, layout));
    if recipient == Recipient::Worker {
        let mut all = of(others);
        return all.find(|entry| entry.content == Content::Certificate).into_iter().collect();
    }
    let of_etcd = match &spec.etcd {
        Etcd::Local { .. } => of(etcds).collect(),
        Etcd::External { ca_file, cert_file, key_file, .. } => {
            let file = |ending, artefact, path: &str, content| {
                let path = (!path.is_empty()).then(|| PathBuf::from(path));
                Entry { name: format!("{artefact}.{ending}"), artefact, path, content }
            };
            vec![
                file("crt", EXTERNAL_ETCD_CA, ca_file, Content::Certificate),
                file("crt", EXTERNAL_ETCD, cert_file, Content::Certificate),
                file("key", EXTERNAL_ETCD, key_file, Content::Key),
            ]
        }
    };
    of(others).chain(of_etcd).collect()
}

/// The two files of a CA or of the service accounts' keys.
fn of_row(row: &'static Row, layout: &Layout) -> Vec<Entry> {
    let contents = match row.kind {
        Kind::ServiceAccount => [("pub", Content::PublicKey), ("key", Content::Key)],
        _ => [("crt", Content::Certificate), ("key", Content::AuthorityKey)],
    };
    let entry = |(ending, content)| Entry {
        name: format!("{}.{ending}", row.name),
        artefact: row.name,
        path: Some(with_ending(&layout.base(row), ending)),
        content,
    };
    contents.map(entry).to_vec()
}
