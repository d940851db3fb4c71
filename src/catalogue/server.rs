//! Which API server a kubeconfig names.
//!
//! Source: kubeadm `phases/kubeconfig/kubeconfig.go` `getKubeConfigSpecsBase`.

use crate::config::{ClusterSpec, Endpoint, Host, Role};

/// The rule of a kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerRule {
    /// `controlPlaneEndpoint`, else this node's own.
    ControlPlane,
    /// This node's own.
    Local,
}

impl ServerRule {
    /// The API server's URL. A worker has no API server of its own: it uses the control plane's endpoint, or
    /// the one through which it joins.
    #[must_use]
    pub fn url(self, spec: &ClusterSpec) -> String {
        self.endpoint(spec).https_url()
    }

    /// The API server's URL, unless it has an address that nobody has said.
    #[must_use]
    pub fn known_url(self, spec: &ClusterSpec) -> Option<String> {
        let endpoint = self.endpoint(spec);
        (!matches!(endpoint.host, Host::Ip(address) if address.is_unspecified())).then(|| endpoint.https_url())
    }

    fn endpoint(self, spec: &ClusterSpec) -> Endpoint {
        let shared = match (self, spec.role) {
            (Self::Local, Role::ControlPlane | Role::SecondaryControlPlane) => None,
            (Self::ControlPlane, Role::ControlPlane | Role::SecondaryControlPlane) => {
                spec.control_plane_endpoint.as_ref()
            }
            (_, Role::Worker) => spec.control_plane_endpoint.as_ref().or(spec.discovery_endpoint.as_ref()),
        };
        shared.cloned().unwrap_or_else(|| spec.local_endpoint())
    }
}
