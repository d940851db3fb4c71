//! A pod, as far as it holds on to what it was started with; and the namespaces that pods are in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Metadata, OwnerReference, object};

/// A pod that the kubelet runs from a file, as the API shows it.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Name and version.
    pub metadata: Metadata,
    /// What has become of it.
    pub status: PodStatus,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(Pod = "Pod", "v1", "pods", namespaced: true);

/// What has become of a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// When a kubelet took it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<DateTime<Utc>>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Pod {
    /// Whether it is the image of a static pod: it reads the node's files, and a deletion does not end it.
    #[must_use]
    pub fn is_mirror(&self) -> bool {
        self.metadata.annotations.contains_key(MIRROR)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        ["Succeeded", "Failed"].contains(&self.status.phase.as_str())
    }

    /// What makes it anew when it is gone; none for a pod that nobody makes anew.
    #[must_use]
    pub fn controller(&self) -> Option<&OwnerReference> {
        self.metadata.owner_references.iter().find(|owner| owner.controller == Some(true))
    }
}

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Namespace {
    /// Name and version.
    pub metadata: Metadata,
    /// What has become of it.
    pub status: NamespaceStatus,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(Namespace = "Namespace", "v1", "namespaces", namespaced: false);

/// What has become of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamespaceStatus {
    /// `Active`, `Terminating`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}
