//! Kubernetes' objects that concern the PKI, as its API writes them.
//!
//! In: JSON of the API. Out: [`Object`]s: what kubepki reads and changes by name, and all else as it came, so that an
//! object that is written back loses nothing. Their paths in the API are made here. It asks nobody and judges nothing.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | metadata, lists, paths |
//! | `signing_request` | `CertificateSigningRequest` |
//! | `data` | `ConfigMap` and `Secret` |
//! | `node` | `Node`: its name and addresses |
//! | `access` | `Role`, `RoleBinding`: who may read what |
//! | `event` | `Event`: what was seen, for whoever looks later |
//! | `pod` | `Pod`, `Namespace` |
//! | `trust` | objects with CAs that servers are verified with |
//!
//! Source: Kubernetes API reference v1.36.

mod access;
mod data;
mod event;
mod node;
mod pod;
mod signing_request;
mod trust;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use access::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
pub use data::{ConfigMap, Secret};
pub use event::{Event, ObjectReference};
pub use node::{Node, NodeAddress, NodeStatus};
pub use pod::{Namespace, NamespaceStatus, Pod, PodStatus};
pub use signing_request::{
    APPROVED, CertificateSigningRequest, Condition, DENIED, FAILED, SigningRequestSpec, SigningRequestStatus,
};

pub use trust::{
    ApiResource, ApiResources, ApiService, ClusterTrustBundle, ClusterTrustBundleSpec, Conversion, ConversionWebhook,
    CustomResourceDefinition, CustomResourceSpec, MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
    Verified, Webhook,
};

/// The namespace of what anybody may read.
pub const KUBE_PUBLIC: &str = "kube-public";

/// The namespace of Kubernetes' own objects.
pub const KUBE_SYSTEM: &str = "kube-system";

/// One kind of object.
pub trait Object: Serialize + DeserializeOwned {
    /// `apiVersion`, as `v1` or `certificates.k8s.io/v1`.
    const API_VERSION: &'static str;
    /// `kind`.
    const KIND: &'static str;
    /// The word in paths.
    const PLURAL: &'static str;
    /// Whether it is in a namespace.
    const IS_NAMESPACED: bool;

    /// What every object has.
    fn metadata(&self) -> &Metadata;
}

/// What every object has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The start of a name that the server makes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub generate_name: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Which object of this name it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Which state of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// When it was made, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<chrono::DateTime<chrono::Utc>>,
    /// Its labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The objects that it goes with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owner_references: Vec<OwnerReference>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// An object that another goes with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnerReference {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Which object of that name.
    pub uid: String,
    /// Whether it is the one that manages the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<bool>,
    /// Whether it goes only when the other is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_owner_deletion: Option<bool>,
}

/// A part of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub struct List<T> {
    /// Where the list ends, and of which moment it is.
    #[serde(default)]
    pub metadata: ListMetadata,
    /// The objects.
    #[serde(default = "Vec::new", deserialize_with = "null_is_none")]
    pub items: Vec<T>,
}

/// What a list has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListMetadata {
    /// From which state on a watch follows.
    pub resource_version: String,
    /// What gets the next part; empty at the end.
    #[serde(rename = "continue")]
    pub next: String,
}

/// Go writes an empty list as null.
fn null_is_none<'de, D: serde::Deserializer<'de>, T: DeserializeOwned>(input: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(input).map(Option::unwrap_or_default)
}

/// The path of one object of a kind, or of all of them in a namespace, or everywhere.
#[must_use]
pub fn path<T: Object>(namespace: Option<&str>, name: Option<&str>) -> String {
    let group = if T::API_VERSION.contains('/') { "apis" } else { "api" };
    let mut path = format!("/{group}/{}", T::API_VERSION);
    if let Some(namespace) = namespace.filter(|_| T::IS_NAMESPACED) {
        path = format!("{path}/namespaces/{}", escaped(namespace));
    }
    path = format!("{path}/{}", T::PLURAL);
    match name {
        Some(name) => format!("{path}/{}", escaped(name)),
        None => path,
    }
}

/// One part of a path or of a query, whatever it holds: a name from outside leads to no other object.
#[must_use]
pub fn escaped(part: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~:".contains(&byte);
    // `.` and `..` are steps of a path; a dot within a name is not.
    let has_only_dots = part.bytes().all(|byte| byte == b'.');
    part.bytes()
        .map(|byte| match byte {
            b'.' if !has_only_dots => ".".to_owned(),
            byte if is_plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// The object as the API takes it, with its kind.
///
/// # Errors
/// [`serde_json::Error`]: never for the objects of this module.
pub fn to_json<T: Object>(object: &T) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(object)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("apiVersion".into(), T::API_VERSION.into());
        fields.insert("kind".into(), T::KIND.into());
    }
    Ok(value)
}

/// What an [`Object`] says of itself; its type has a field `metadata`.
macro_rules! object {
    ($name:ident = $kind:literal, $version:literal, $plural:literal, namespaced: $is_namespaced:literal) => {
        impl crate::objects::Object for $name {
            const API_VERSION: &'static str = $version;
            const KIND: &'static str = $kind;
            const PLURAL: &'static str = $plural;
            const IS_NAMESPACED: bool = $is_namespaced;

            fn metadata(&self) -> &crate::objects::Metadata {
                &self.metadata
            }
        }
    };
}
pub(crate) use object;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_the_object_that_is_named_and_to_no_other() {
        assert_eq!(
            path::<CertificateSigningRequest>(None, Some("a")),
            "/apis/certificates.k8s.io/v1/certificatesigningrequests/a"
        );
        assert_eq!(
            path::<ConfigMap>(Some("kube-system"), Some("kubeadm-config")),
            "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
        );
        assert_eq!(path::<Node>(Some("ignored"), None), "/api/v1/nodes");
        assert_eq!(
            path::<Role>(Some("kube-system"), Some("kubeadm:nodes")),
            "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/kubeadm:nodes"
        );
        for (name, written) in [
            ("..", "%2E%2E"),
            ("a/../b", "a%2F..%2Fb"),
            ("a?x=1#y", "a%3Fx%3D1%23y"),
            ("n.example", "n.example"),
            ("ü", "%C3%BC"),
        ] {
            assert_eq!(escaped(name), written);
        }
    }

    #[test]
    fn what_is_not_known_of_an_object_comes_back_as_it_was() {
        let there = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "immutable": true, "data": {"a": "b"}, "binaryData": {"c": "AAE="},
            "metadata": {"name": "x", "namespace": "y", "managedFields": [{"manager": "z"}], "finalizers": ["f"], "generation": 3},
        });
        let read: ConfigMap = serde_json::from_value(there.clone()).unwrap();
        assert_eq!(to_json(&read).unwrap(), there);
    }

    #[test]
    fn a_list_may_be_null() {
        let list: List<Node> =
            serde_json::from_value(json!({"metadata": {"continue": "more"}, "items": null})).unwrap();
        assert!(list.items.is_empty());
        assert_eq!(list.metadata.next, "more");
    }
}
