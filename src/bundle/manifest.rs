//! The Secret as a document, and the access rules that kubeadm makes beside it.
//!
//! Source: kubeadm `phases/copycerts` `UploadCerts`, `createRBAC`. The owner, which makes the cluster remove the Secret, comes
//! with the upload: it is a token that is in the cluster.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::yaml::to_yaml;

/// The Secret's name, in the namespace `kube-system`.
pub const SECRET_NAME: &str = "kubeadm-certs";

const NAMESPACE: &str = "kube-system";
const ACCESS_NAME: &str = "kubeadm:kubeadm-certs";

/// Joining nodes present themselves with a token of this group.
const JOINING_NODES: &str = "system:bootstrappers:kubeadm:default-node-token";

/// A Secret's entries, sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Name to sealed bytes; empty for what was not there.
    pub data: BTreeMap<String, Vec<u8>>,
}

impl Manifest {
    /// The documents: the Secret, and with `rbac` the Role and the `RoleBinding` through which joining nodes read it.
    #[must_use]
    pub fn documents(&self, rbac: bool) -> Vec<Map<String, Value>> {
        let data: Map<String, Value> =
            self.data.iter().map(|(name, sealed)| (name.clone(), STANDARD.encode(sealed).into())).collect();
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": SECRET_NAME, "namespace": NAMESPACE },
            "data": data,
        });
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": { "name": ACCESS_NAME, "namespace": NAMESPACE },
            "rules": [{ "apiGroups": [""], "resources": ["secrets"], "resourceNames": [SECRET_NAME], "verbs": ["get"] }],
        });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": { "name": ACCESS_NAME, "namespace": NAMESPACE },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCESS_NAME },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": JOINING_NODES }],
        });
        let all = if rbac { vec![secret, role, binding] } else { vec![secret] };
        all.into_iter()
            .filter_map(|document| if let Value::Object(fields) = document { Some(fields) } else { None })
            .collect()
    }

    /// The documents as YAML, `---` between them.
    #[must_use]
    pub fn to_yaml(&self, rbac: bool) -> String {
        self.documents(rbac).iter().map(to_yaml).collect::<Vec<_>>().join("---\n")
    }

    /// The document as JSON; several are a `List`, as `kubectl` has it.
    #[must_use]
    pub fn to_json(&self, rbac: bool) -> String {
        let documents = self.documents(rbac);
        let value = match documents.as_slice() {
            [one] => json!(one),
            all => json!({ "apiVersion": "v1", "kind": "List", "items": all }),
        };
        format!("{value:#}\n")
    }
}
