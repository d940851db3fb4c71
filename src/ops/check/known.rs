//! What a check learns of a node besides its certificates: what many nodes are compared by.
//!
//! In: a node, its inventory. Out: [`KnownNode`], without key material.

use super::super::node::Node;
use super::components::Told;
use crate::audit::fleet::TreeModulus;
use crate::audit::node::Checkup;
use crate::catalogue::{CLUSTER_CA, SERVICE_ACCOUNT};
use crate::config::Role;
use crate::digest::sha256_hex;
use crate::inventory::Item;

/// Which node it is, as far as its files say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::ops) struct KnownNode {
    pub(in crate::ops) name: Option<String>,
    pub(in crate::ops) role: Option<Role>,
    /// The version of its API server, as `v1.36.1`.
    pub(in crate::ops) kubernetes_version: Option<String>,
    /// The SHA-256 of the public key of the cluster's CA in hexadecimal.
    pub(in crate::ops) cluster_key: Option<String>,
    /// The same of each public key of the service accounts.
    pub(in crate::ops) service_account_keys: Vec<String>,
    /// Its RSA keys.
    pub(in crate::ops) moduli: Vec<TreeModulus>,
}

impl KnownNode {
    /// Once everything of the node was looked at.
    pub(super) fn of(node: &Node, checkup: &Checkup<'_>, told: &Told) -> Self {
        let &Checkup { inventory, is_node, ref keys, .. } = checkup;
        let public_keys = inventory.get(SERVICE_ACCOUNT).and_then(Item::service_account);
        let public_keys = public_keys.and_then(|keys| keys.public_keys.present());
        let authority = inventory.bundle(CLUSTER_CA).first();
        Self {
            name: node.spec.known_node_name().map(str::to_owned),
            role: is_node.then_some(node.spec.role),
            kubernetes_version: told
                .api_server_version()
                .map(|version| format!("v{version}"))
                .or_else(|| node.spec.kubernetes_version.clone()),
            cluster_key: authority.map(crate::x509::Certificate::public_key_fingerprint),
            service_account_keys: public_keys.into_iter().flatten().map(|key| sha256_hex(key)).collect(),
            moduli: TreeModulus::each(keys),
        }
    }
}
