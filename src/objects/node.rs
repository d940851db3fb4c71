//! A node, as far as the PKI is concerned: its name and addresses. The kubelet writes the addresses itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Metadata, object};

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Name and version.
    pub metadata: Metadata,
    /// What it says of itself.
    pub status: NodeStatus,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(Node = "Node", "v1", "nodes", namespaced: false);

/// What a node says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeStatus {
    /// Its names and addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<NodeAddress>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A name or an address of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddress {
    /// `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS`, `ExternalDNS`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name or address.
    pub address: String,
}
