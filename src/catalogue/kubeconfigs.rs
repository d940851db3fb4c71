//! The kubeconfig rows.
//!
//! Source: kubeadm `phases/kubeconfig/kubeconfig.go` `getKubeConfigSpecsBase`.

use super::kubelet::SYSTEM_NODE;
use super::versions::{ADMIN, Change, NO_GROUP, NODES, Organizations, SEPARATE_SUPER_ADMIN, SUPER_ADMIN};
use crate::config::{ClusterSpec, Endpoint, Host, Role};
use crate::x509::{DistinguishedName, X509Error};

/// A kubeconfig file with an embedded client certificate, signed by `ca`.
#[derive(Debug)]
pub struct KubeconfigRow {
    /// The file's name, kubeadm's name for it too.
    pub name: &'static str,
    /// What kubeadm calls its certificate in its messages.
    pub long_name: &'static str,
    /// The user: the certificate's common name is this prefix, then the node's name where it has one.
    pub user: UserName,
    /// The groups, by version.
    pub organizations: Organizations,
    /// Which API server it names.
    pub server: ServerRule,
    /// The nodes that have it.
    pub roles: &'static [Role],
    /// What brought it, if older releases of kubeadm do not make it.
    pub since: Option<&'static Change>,
}

/// A kubeconfig's user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserName {
    /// The same on each node.
    Fixed(&'static str),
    /// `system:node:` and the node's name.
    SystemNode,
}

/// Which API server a kubeconfig names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerRule {
    /// `controlPlaneEndpoint`, else this node's own.
    ControlPlane,
    /// This node's own.
    Local,
}

const EVERY_CONTROL_PLANE: &[Role] = &[Role::ControlPlane, Role::SecondaryControlPlane];
const EVERY_ROLE: &[Role] = &[Role::ControlPlane, Role::SecondaryControlPlane, Role::Worker];

/// All kubeconfigs. `super-admin.conf` is written by init alone.
pub static KUBECONFIGS: [KubeconfigRow; 5] = [
    KubeconfigRow {
        name: "admin.conf",
        long_name: "certificate embedded in the kubeconfig file for the admin to use and for kubeadm itself",
        user: UserName::Fixed("kubernetes-admin"),
        organizations: ADMIN,
        server: ServerRule::ControlPlane,
        roles: EVERY_CONTROL_PLANE,
        since: None,
    },
    KubeconfigRow {
        name: "super-admin.conf",
        long_name: "certificate embedded in the kubeconfig file for the super-admin",
        user: UserName::Fixed("kubernetes-super-admin"),
        organizations: SUPER_ADMIN,
        server: ServerRule::ControlPlane,
        roles: &[Role::ControlPlane],
        since: Some(&SEPARATE_SUPER_ADMIN),
    },
    KubeconfigRow {
        name: "kubelet.conf",
        long_name: "certificate embedded in the kubeconfig file for the kubelet to use",
        user: UserName::SystemNode,
        organizations: NODES,
        server: ServerRule::Local,
        roles: EVERY_ROLE,
        since: None,
    },
    KubeconfigRow {
        name: "controller-manager.conf",
        long_name: "certificate embedded in the kubeconfig file for the controller manager to use",
        user: UserName::Fixed("system:kube-controller-manager"),
        organizations: NO_GROUP,
        server: ServerRule::Local,
        roles: EVERY_CONTROL_PLANE,
        since: None,
    },
    KubeconfigRow {
        name: "scheduler.conf",
        long_name: "certificate embedded in the kubeconfig file for the scheduler manager to use",
        user: UserName::Fixed("system:kube-scheduler"),
        organizations: NO_GROUP,
        server: ServerRule::Local,
        roles: EVERY_CONTROL_PLANE,
        since: None,
    },
];

impl KubeconfigRow {
    /// Why the node that `spec` describes has none; `None` when it has one.
    #[must_use]
    pub fn absence(&self, spec: &ClusterSpec) -> Option<&'static str> {
        if !self.roles.contains(&spec.role) {
            return Some("not on this kind of node");
        }
        self.absence_from_version(spec)
    }

    /// Why kubeadm of the cluster's version makes none; `None` when it makes one.
    #[must_use]
    pub fn absence_from_version(&self, spec: &ClusterSpec) -> Option<&'static str> {
        let is_made = self.since.is_none_or(|change| change.is_in(spec.version().as_ref()));
        (!is_made).then_some("this version of kubeadm has none")
    }

    /// Whether the node's name is in its user's.
    #[must_use]
    pub fn is_named_after_node(&self) -> bool {
        self.user == UserName::SystemNode
    }

    /// The user on the node that `spec` describes.
    #[must_use]
    pub fn user_name(&self, spec: &ClusterSpec) -> String {
        match self.user {
            UserName::Fixed(name) => name.to_owned(),
            UserName::SystemNode => format!("{SYSTEM_NODE}{}", spec.node_name),
        }
    }

    /// The client certificate's subject on the node that `spec` describes.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when the node's name does not fit into DER.
    pub fn subject(&self, spec: &ClusterSpec) -> Result<DistinguishedName, X509Error> {
        DistinguishedName::new(self.organizations.at(spec.version().as_ref()), &self.user_name(spec))
    }

    /// The API server's URL.
    #[must_use]
    pub fn server(&self, spec: &ClusterSpec) -> String {
        self.server.url(spec)
    }

    /// The API server's URL, unless it has an address that nobody has said.
    #[must_use]
    pub fn known_server(&self, spec: &ClusterSpec) -> Option<String> {
        self.server.known_url(spec)
    }

    /// The API server's URL beside a signing request: as [`Self::server`], but the kubelet's is the control plane's,
    /// which is what kubeadm compares it with when the CA is external.
    #[must_use]
    pub fn request_server(&self, spec: &ClusterSpec) -> String {
        let rule = if self.user == UserName::SystemNode { ServerRule::ControlPlane } else { self.server };
        rule.url(spec)
    }
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
