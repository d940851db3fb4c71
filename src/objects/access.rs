//! Who may do what in a namespace.
//!
//! Source: `rbac.authorization.k8s.io/v1`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Metadata, object};

/// What may be done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// Name and version.
    pub metadata: Metadata,
    /// The rules.
    pub rules: Vec<PolicyRule>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(Role = "Role", "rbac.authorization.k8s.io/v1", "roles", namespaced: true);

/// What may be done with some objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PolicyRule {
    /// Verbs.
    pub verbs: Vec<String>,
    /// Groups of the API.
    pub api_groups: Vec<String>,
    /// Kinds of objects, as in paths.
    pub resources: Vec<String>,
    /// Names of objects; all without.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
}

/// Who has a role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RoleBinding {
    /// Name and version.
    pub metadata: Metadata,
    /// Who.
    pub subjects: Vec<Subject>,
    /// Which role.
    pub role_ref: RoleRef,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

object!(RoleBinding = "RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", namespaced: true);

/// Who has a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Subject {
    /// `User`, `Group`, `ServiceAccount`.
    pub kind: String,
    /// The group of the API.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_group: String,
    /// The name.
    pub name: String,
    /// A service account's namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// Which role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RoleRef {
    /// The group of the API.
    pub api_group: String,
    /// `Role` or `ClusterRole`.
    pub kind: String,
    /// The name.
    pub name: String,
}
