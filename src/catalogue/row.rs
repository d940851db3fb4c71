//! A row of the table: what a CA, a certificate, a key pair or a kubeconfig is on a node of kubeadm's.
//!
//! In: a [`ClusterSpec`]. Out: what the row's certificate says there, or why the node has none. It reads no file.
//!
//! Source: kubeadm `phases/certs/certlist.go`, `phases/kubeconfig/kubeconfig.go`.

use super::kubelet::SYSTEM_NODE;
use super::server::ServerRule;
use super::versions::{Change, Organizations};
use super::{CLUSTER_CA, ETCD_CA, KUBELET_CONF, alternative_names};
use crate::config::{ClusterSpec, Endpoint, Role};
use crate::x509::{DistinguishedName, ExtendedKeyUsage, KeyUsage, SubjectAltNames, X509Error};

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A certificate authority: certificate and key.
    Authority,
    /// A leaf certificate with a key beside it.
    Leaf,
    /// The service accounts' key pair, which is no certificate.
    ServiceAccount,
    /// A kubeconfig with a client certificate.
    Kubeconfig,
    /// The client certificate that the kubelet renews itself, with its key in one file.
    KubeletClient,
    /// What the kubelet serves with.
    KubeletServer,
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// kubeadm's name.
    pub name: &'static str,
    /// What it is about.
    pub kind: Kind,
    /// The file below its directory without its ending (`etcd/server`); a kubeconfig's whole name.
    pub base_name: &'static str,
    /// The CA that signs it: a CA signs itself, and nobody the service accounts' keys.
    pub issuer: &'static str,
    /// What kubeadm calls it in its messages.
    pub long_name: &'static str,
    /// The common name of its certificate, which is a kubeconfig's user.
    pub common_name: CommonName,
    /// The groups, by version.
    pub organizations: Organizations,
    /// The purposes, in the order of the certificate.
    pub extended_key_usages: &'static [ExtendedKeyUsage],
    /// Which alternative names it carries.
    pub alternative_names: AlternativeNames,
    /// Which API server a kubeconfig names.
    pub server: ServerRule,
    /// The nodes that have it.
    pub roles: &'static [Role],
    /// What brought it, if older releases of kubeadm do not make it.
    pub since: Option<&'static Change>,
    /// Whether it is best kept elsewhere, so that nobody misses it.
    pub is_best_elsewhere: bool,
    /// The numbers of the CIS benchmark's rules about the file with its key: mode and owner.
    pub benchmark: (&'static str, &'static str),
}

/// A subject's common name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonName {
    /// The same on each node.
    Fixed(&'static str),
    /// The node's name.
    Node,
    /// `system:node:` and the node's name.
    SystemNode,
}

impl CommonName {
    /// The one that is the same on each node.
    #[must_use]
    pub const fn fixed(self) -> Option<&'static str> {
        match self {
            Self::Fixed(name) => Some(name),
            Self::Node | Self::SystemNode => None,
        }
    }
}

/// A rule for subject alternative names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlternativeNames {
    /// None.
    None,
    /// The common name, as kubeadm's CAs have it.
    CommonName,
    /// The API server's.
    ApiServer,
    /// A local etcd's towards clients.
    EtcdServer,
    /// A local etcd's towards its peers.
    EtcdPeer,
    /// The kubelet's: those that it has are kept.
    Kubelet,
}

impl AlternativeNames {
    /// Where kubeadm's configuration has more of them, which kubeadm takes when it makes the certificate anew.
    #[must_use]
    pub const fn configuration_field(self) -> Option<&'static str> {
        match self {
            Self::ApiServer => Some("apiServer.certSANs"),
            Self::EtcdServer => Some("etcd.local.serverCertSANs"),
            Self::EtcdPeer => Some("etcd.local.peerCertSANs"),
            Self::None | Self::CommonName | Self::Kubelet => None,
        }
    }
}

/// The key usages that a leaf may have; [`super::leaf_key_usages`] are those of a new one.
pub(crate) const LEAF_KEY_USAGES: [KeyUsage; 2] = [KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment];

impl Row {
    /// Whether it belongs to a local etcd, and so is absent with an external one.
    #[must_use]
    pub fn is_etcd(&self) -> bool {
        self.issuer == ETCD_CA
    }

    /// Whether its certificate is for the kubelet, which is to renew it itself.
    #[must_use]
    pub fn is_kubelets(&self) -> bool {
        self.common_name == CommonName::SystemNode
    }

    /// Whether its certificate is one of the cluster's CA.
    #[must_use]
    pub fn is_of_cluster(&self) -> bool {
        self.issuer == CLUSTER_CA
    }

    /// Whether all control-plane nodes have the same.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.kind, Kind::Authority | Kind::ServiceAccount)
    }

    /// Whether it is a certificate that `authority` signs.
    #[must_use]
    pub fn is_signed_by(&self, authority: &Self) -> bool {
        self.kind != Kind::Authority && self.issuer == authority.name
    }

    /// Whether the node's name is in its subject.
    #[must_use]
    pub fn is_named_after_node(&self) -> bool {
        !matches!(self.common_name, CommonName::Fixed(_))
    }

    /// Whether it says which node it is for: in its subject, or in its alternative names.
    #[must_use]
    pub fn names_its_node(&self) -> bool {
        self.is_named_after_node() || self.has_alternative_names()
    }

    /// Whether it has alternative names that a configuration or a user may change.
    #[must_use]
    pub fn has_alternative_names(&self) -> bool {
        !matches!(self.alternative_names, AlternativeNames::None | AlternativeNames::CommonName)
    }

    /// Whether the node that `spec` describes has it, as far as its kind of node and its etcd say.
    #[must_use]
    pub fn is_on(&self, spec: &ClusterSpec) -> bool {
        self.roles.contains(&spec.role) && !(self.is_etcd() && spec.has_external_etcd())
    }

    /// Why the node that `spec` describes has none; `None` when it has one.
    #[must_use]
    pub fn absence(&self, spec: &ClusterSpec) -> Option<&'static str> {
        match self.kind {
            Kind::Kubeconfig if !self.is_on(spec) => Some("not on this kind of node"),
            _ if !self.roles.contains(&spec.role) => Some("a worker has none"),
            _ if !self.is_on(spec) => Some("external etcd"),
            _ => self.absence_from_version(spec),
        }
    }

    /// Why kubeadm of the cluster's version makes none; `None` when it makes one.
    #[must_use]
    pub fn absence_from_version(&self, spec: &ClusterSpec) -> Option<&'static str> {
        let is_made = self.since.is_none_or(|change| change.is_in(spec.version().as_ref()));
        (!is_made).then_some("this version of kubeadm has none")
    }

    /// The common name on the node that `spec` describes, which is a kubeconfig's user.
    #[must_use]
    pub fn user_name(&self, spec: &ClusterSpec) -> String {
        match self.common_name {
            CommonName::Fixed(name) => name.to_owned(),
            CommonName::Node => spec.node_name.clone(),
            CommonName::SystemNode => format!("{SYSTEM_NODE}{}", spec.node_name),
        }
    }

    /// The subject on the node that `spec` describes, as kubeadm of its version has it.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when the node's name does not fit into DER.
    pub fn subject(&self, spec: &ClusterSpec) -> Result<DistinguishedName, X509Error> {
        DistinguishedName::new(self.organizations.at(spec.version().as_ref()), &self.user_name(spec))
    }

    /// The alternative names on the node that `spec` describes.
    #[must_use]
    pub fn subject_alt_names(&self, spec: &ClusterSpec) -> SubjectAltNames {
        match self.alternative_names {
            AlternativeNames::None | AlternativeNames::Kubelet => SubjectAltNames::default(),
            AlternativeNames::CommonName => SubjectAltNames::sorted([self.user_name(spec)], []),
            AlternativeNames::ApiServer => alternative_names::api_server(spec),
            AlternativeNames::EtcdServer => alternative_names::etcd_server(spec),
            AlternativeNames::EtcdPeer => alternative_names::etcd_peer(spec),
        }
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

    /// The API servers that it may name, the first before the others; none when one of them has an address that nobody has
    /// said. What made kubelet.conf decides: `kubeadm init` wrote the control plane's endpoint, newer versions write the node's own,
    /// and a node that joined has the endpoint through which it did.
    #[must_use]
    pub fn possible_servers(&self, spec: &ClusterSpec) -> Vec<String> {
        let mut all: Vec<_> = self.known_server(spec).into_iter().collect();
        if self.name == KUBELET_CONF && !all.is_empty() {
            let others = [&spec.control_plane_endpoint, &spec.discovery_endpoint];
            all.extend(others.into_iter().flatten().map(Endpoint::https_url));
        }
        all
    }

    /// The API server's URL beside a signing request: as [`Self::server`], but the kubelet's is the control plane's,
    /// which is what kubeadm compares it with when the CA is external.
    #[must_use]
    pub fn request_server(&self, spec: &ClusterSpec) -> String {
        let rule = if self.name == KUBELET_CONF { ServerRule::ControlPlane } else { self.server };
        rule.url(spec)
    }
}
