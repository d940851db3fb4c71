//! The catalogue laid beside what was read of a node: for every CA, leaf, kubeconfig, certificate of the kubelet and `sa` one
//! [`Item`], with where it lives, what it is expected to be, and what was found there, parsed once.
//!
//! In: a [`Tree`], a [`Layout`], what the node is. Out: [`Inventory`], which knows all three. Checking, expiration, renewal, requests, import,
//! embedding and cleanup are folds over it. It judges nothing and writes nothing.
//!
//! | part | what it holds |
//! |---|---|
//! | `item` | one thing of the catalogue |
//! | `found` | a certificate and its key, wherever they are kept |
//! | `client` | a kubeconfig with what its current user shows |
//! | `expectation` | what a certificate must say |
//! | `part` | there, missing, or unusable |

mod client;
mod expectation;
mod found;
mod item;
mod key;
mod part;

use std::path::Path;

pub use client::{Client, Documents, referenced_paths};
pub use expectation::Expectation;
pub use found::{Found, Place, ServiceAccountKeys, Slot};
pub use item::{Item, Rotating};
pub use key::FoundKey;
pub use part::Part;

use crate::catalogue::{self, CLUSTER_CA, KUBELET_CLIENT, KUBELET_CONF, Kind, KubeletFiles, Layout, Row};
use crate::component::ServingFiles;
use crate::config::{ClusterSpec, Etcd, Role};
use crate::kubeconfig::KubeconfigError;
use crate::tree::Tree;
use crate::x509::{Certificate, X509Error};

/// What a node has, in the catalogue's order.
#[derive(Debug)]
pub struct Inventory<'t> {
    /// What was read.
    pub tree: &'t Tree,
    /// Where it was read.
    pub layout: &'t Layout,
    /// What the node shall be.
    pub spec: &'t ClusterSpec,
    /// Whether a configuration says what the node is called.
    pub is_said: bool,
    /// The kubeconfigs that are parsed already.
    pub documents: &'t Documents,
    items: Vec<Item<'t>>,
}

impl<'t> Inventory<'t> {
    /// The items of the node that `spec` describes, but for what its kubelet has for itself.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when the node's name cannot be put into a certificate.
    pub fn of(
        tree: &'t Tree,
        layout: &'t Layout,
        spec: &'t ClusterSpec,
        is_said: bool,
        documents: &'t Documents,
    ) -> Result<Self, X509Error> {
        let inventory = Self { tree, layout, spec, is_said, documents, items: Vec::new() };
        inventory.with([Kind::Authority, Kind::Leaf, Kind::ServiceAccount, Kind::Kubeconfig], layout)
    }

    fn with<const N: usize>(mut self, kinds: [Kind; N], layout: &Layout) -> Result<Self, X509Error> {
        for row in catalogue::rows(kinds) {
            let item = Item::of(row, &self, layout)?;
            self.items.push(item);
        }
        Ok(self)
    }

    /// The same with the kubelet's own. Where the file with its client certificate is a link, or is not there, the next
    /// pair goes into `next`.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn with_kubelet(
        self,
        files: &KubeletFiles,
        serving: &ServingFiles,
        next: Option<&Path>,
    ) -> Result<Self, X509Error> {
        let layout = self.layout;
        let mut inventory = self.with([Kind::KubeletClient, Kind::KubeletServer], layout)?;
        for item in &mut inventory.items {
            if item.row.kind == Kind::KubeletClient {
                (item.certificate, item.key) = (files.client(), files.client());
                item.rotating = Some(Rotating { next: next.map(Path::to_owned) });
            } else if item.row.kind == Kind::KubeletServer {
                (item.certificate, item.key) = (serving.certificate.clone(), serving.key.clone());
                item.serving = Some(serving.source);
            }
        }
        Ok(inventory)
    }

    /// What is renewed with a new key, below [`Layout::renewal`]: leaves, kubeconfigs, and the kubelet's client
    /// certificate, as `tree` has them.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn renewals(&self, tree: &'t Tree) -> Result<Self, X509Error> {
        let inventory = Self { tree, items: Vec::new(), ..*self };
        inventory.with([Kind::Leaf, Kind::Kubeconfig, Kind::KubeletClient], &self.layout.renewal())
    }

    /// Every item of these kinds.
    pub fn items<'i>(&'i self, kinds: &'i [Kind]) -> impl Iterator<Item = &'i Item<'t>> {
        self.items.iter().filter(move |item| kinds.contains(&item.row.kind))
    }

    /// What an owner of a CA signs: leaves, kubeconfigs, the kubelet's client certificate.
    pub fn issued(&self) -> impl Iterator<Item = &Item<'t>> {
        self.items(&[Kind::Leaf, Kind::Kubeconfig, Kind::KubeletClient])
    }

    /// The item of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Item<'t>> {
        self.items.iter().find(|item| item.name == name)
    }

    /// The kubeconfig at any path; `None` when there is no such file that can be read.
    #[must_use]
    pub fn client(&self, path: &Path) -> Option<Result<Client, KubeconfigError>> {
        Some(Client::of(self.tree, path, self.documents.parse(self.tree.content(path)?)))
    }

    /// The certificates of a CA's file; none when it cannot be read.
    #[must_use]
    pub fn bundle(&self, authority: &str) -> &[Certificate] {
        self.get(authority).map(Item::certificates).unwrap_or_default()
    }

    /// Whether a certificate names one of a CA's certificates as its issuer.
    #[must_use]
    pub fn is_issuer(&self, authority: &str, certificate: &Certificate) -> bool {
        self.bundle(authority).iter().any(|ca| ca.subject() == certificate.issuer())
    }

    /// Whether a CA's key is elsewhere.
    #[must_use]
    pub fn is_external(&self, authority: &str) -> bool {
        self.get(authority).is_some_and(|item| item.pair().is_external())
    }

    /// Whether `kubelet.conf` reads its user from the file that the kubelet rotates.
    #[must_use]
    pub fn kubelet_rotates(&self) -> bool {
        let client = self.get(KUBELET_CLIENT).map(|item| &item.certificate);
        let found = self.get(KUBELET_CONF).and_then(Item::found);
        client.zip(found).is_some_and(|(client, found)| found.is_read_from(client))
    }
}

/// Whether the files are a worker's: it has a kubelet, and nothing of a control plane.
#[must_use]
pub fn is_worker(layout: &Layout, tree: &Tree) -> bool {
    tree.is_there(&layout.kubeconfig(KUBELET_CONF)) && !is_control_plane(layout, tree)
}

/// Whether there is anything that only control planes have of the cluster's CA.
fn is_control_plane(layout: &Layout, tree: &Tree) -> bool {
    let mut own = catalogue::rows([Kind::Leaf, Kind::Kubeconfig])
        .filter(|row| row.is_of_cluster() && !row.roles.contains(&Role::Worker));
    // A kubelet beside nothing but the CA's pair is a worker's, to which the key has been copied.
    let has_key = tree.is_there(&layout.key(CLUSTER_CA));
    let is_alone = || {
        let shared = catalogue::rows([Kind::Authority]).filter(|row| row.name != CLUSTER_CA);
        let mut shared = shared.map(|row| layout.key(row.base_name)).chain([layout.service_account_key()]);
        tree.is_there(&layout.kubeconfig(KUBELET_CONF)) && !shared.any(|key| tree.is_there(&key))
    };
    own.any(|row| tree.is_there(&layout.of(row))) || has_key && !is_alone()
}

/// Whether there is anything of a local etcd. An external one's CA certificate has the same place, but never its key.
fn has_etcd(layout: &Layout, tree: &Tree) -> bool {
    let is_server = |row: &Row| row.kind == Kind::Leaf && row.has_alternative_names();
    catalogue::ROWS.iter().filter(|row| row.is_etcd()).any(|row| {
        is_server(row) && tree.is_there(&layout.certificate(row.base_name))
            || (is_server(row) || row.kind == Kind::Authority) && tree.is_there(&layout.key(row.base_name))
    })
}

/// Reads the kind of node off its files.
pub fn infer(spec: &mut ClusterSpec, layout: &Layout, tree: &Tree) {
    spec.role = if is_control_plane(layout, tree) { Role::SecondaryControlPlane } else { Role::Worker };
    if !has_etcd(layout, tree) {
        spec.etcd = Etcd::External {
            endpoints: Vec::new(),
            ca_file: String::new(),
            cert_file: String::new(),
            key_file: String::new(),
        };
    }
}
