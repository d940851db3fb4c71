//! The table of entries: name in the Secret, file, mode.
//!
//! Source: kubeadm `phases/copycerts` `certsToTransfer`, `writeCertOrKey`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::catalogue::{self, Layout, SERVICE_ACCOUNT};
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
    pub name: &'static str,
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

/// Names of entries and files that belong to one node, or to one user, and never travel.
pub const NODE_BOUND: [&str; 13] = [
    "apiserver",
    "apiserver-kubelet-client",
    "apiserver-etcd-client",
    "front-proxy-client",
    "etcd-server",
    "etcd-peer",
    "etcd-healthcheck-client",
    "admin",
    "super-admin",
    "kubelet",
    "kubelet-client-current",
    "controller-manager",
    "scheduler",
];

/// What a node of `recipient`'s kind needs of another, in kubeadm's order.
#[must_use]
pub fn entries(recipient: Recipient, spec: &ClusterSpec, layout: &Layout) -> Vec<Entry> {
    let entry = |name, artefact, path, content| Entry { name, artefact, path: Some(path), content };
    let ca = entry("ca.crt", "ca", layout.certificate("ca"), Content::Certificate);
    if recipient == Recipient::Worker {
        return vec![ca];
    }
    let authority = |certificate, key, name: &'static str| {
        let base_name = catalogue::authority(name).map_or(name, |row| row.base_name);
        [
            entry(certificate, name, layout.certificate(base_name), Content::Certificate),
            entry(key, name, layout.key(base_name), Content::AuthorityKey),
        ]
    };
    let mut all = vec![ca, entry("ca.key", "ca", layout.key("ca"), Content::AuthorityKey)];
    all.extend(authority("front-proxy-ca.crt", "front-proxy-ca.key", "front-proxy-ca"));
    all.push(entry("sa.pub", SERVICE_ACCOUNT, layout.service_account_public_key(), Content::PublicKey));
    all.push(entry("sa.key", SERVICE_ACCOUNT, layout.service_account_key(), Content::Key));
    match &spec.etcd {
        Etcd::Local { .. } => all.extend(authority("etcd-ca.crt", "etcd-ca.key", "etcd-ca")),
        Etcd::External { ca_file, cert_file, key_file, .. } => {
            let path = |text: &String| (!text.is_empty()).then(|| PathBuf::from(text));
            all.extend([
                Entry {
                    name: "external-etcd-ca.crt",
                    artefact: "external-etcd-ca",
                    path: path(ca_file),
                    content: Content::Certificate,
                },
                Entry {
                    name: "external-etcd.crt",
                    artefact: "external-etcd",
                    path: path(cert_file),
                    content: Content::Certificate,
                },
                Entry {
                    name: "external-etcd.key",
                    artefact: "external-etcd",
                    path: path(key_file),
                    content: Content::Key,
                },
            ]);
        }
    }
    all
}
