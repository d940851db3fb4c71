//! The CA rows and the leaf rows.
//!
//! Source: kubeadm `phases/certs/certlist.go`; contract of its inventory (names, files, issuers, subjects, usages).

use super::alternative_names;
use super::versions::{ETCD_CLIENT, KUBELET_CLIENT, NO_GROUP, Organizations};
use crate::config::ClusterSpec;
use crate::x509::{DistinguishedName, ExtendedKeyUsage, KeyUsage, SubjectAltNames, X509Error};

/// The name of the service accounts' key pair (`sa.key`, `sa.pub`), which is no certificate.
pub const SERVICE_ACCOUNT: &str = "sa";

/// A certificate authority.
#[derive(Debug)]
pub struct AuthorityRow {
    /// The position in `kubeadm init phase certs all`.
    pub order: u8,
    /// kubeadm's name.
    pub name: &'static str,
    /// The file below the certificates directory, without its ending.
    pub base_name: &'static str,
    /// The common name of a CA that kubepki makes; its one alternative name too.
    pub common_name: &'static str,
    /// Whether it belongs to a local etcd.
    pub is_etcd: bool,
}

/// A leaf certificate with a key beside it.
#[derive(Debug)]
pub struct CertificateRow {
    /// The position in `kubeadm init phase certs all`.
    pub order: u8,
    /// kubeadm's name.
    pub name: &'static str,
    /// The file below the certificates directory, without its ending.
    pub base_name: &'static str,
    /// The issuing CA's name.
    pub issuer: &'static str,
    /// What kubeadm calls it in its messages.
    pub long_name: &'static str,
    /// The common name.
    pub common_name: CommonName,
    /// The groups, by version.
    pub organizations: Organizations,
    /// The purposes, in the order of the certificate.
    pub extended_key_usages: &'static [ExtendedKeyUsage],
    /// Which alternative names it carries.
    pub alternative_names: AlternativeNames,
}

/// A subject's common name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonName {
    /// The same on each node.
    Fixed(&'static str),
    /// The node's name.
    Node,
}

/// A rule for subject alternative names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlternativeNames {
    /// None.
    None,
    /// The API server's.
    ApiServer,
    /// A local etcd's towards clients.
    EtcdServer,
    /// A local etcd's towards its peers.
    EtcdPeer,
}

const CLIENT: &[ExtendedKeyUsage] = &[ExtendedKeyUsage::ClientAuth];
const SERVER: &[ExtendedKeyUsage] = &[ExtendedKeyUsage::ServerAuth];
const SERVER_AND_CLIENT: &[ExtendedKeyUsage] = &[ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];

/// All CAs.
pub static AUTHORITIES: [AuthorityRow; 3] = [
    AuthorityRow { order: 0, name: "ca", base_name: "ca", common_name: "kubernetes", is_etcd: false },
    AuthorityRow {
        order: 3,
        name: "front-proxy-ca",
        base_name: "front-proxy-ca",
        common_name: "front-proxy-ca",
        is_etcd: false,
    },
    AuthorityRow { order: 5, name: "etcd-ca", base_name: "etcd/ca", common_name: "etcd-ca", is_etcd: true },
];

/// All leaves.
pub static CERTIFICATES: [CertificateRow; 7] = [
    CertificateRow {
        order: 1,
        name: "apiserver",
        base_name: "apiserver",
        issuer: "ca",
        long_name: "certificate for serving the Kubernetes API",
        common_name: CommonName::Fixed("kube-apiserver"),
        organizations: NO_GROUP,
        extended_key_usages: SERVER,
        alternative_names: AlternativeNames::ApiServer,
    },
    CertificateRow {
        order: 2,
        name: "apiserver-kubelet-client",
        base_name: "apiserver-kubelet-client",
        issuer: "ca",
        long_name: "certificate for the API server to connect to kubelet",
        common_name: CommonName::Fixed("kube-apiserver-kubelet-client"),
        organizations: KUBELET_CLIENT,
        extended_key_usages: CLIENT,
        alternative_names: AlternativeNames::None,
    },
    CertificateRow {
        order: 4,
        name: "front-proxy-client",
        base_name: "front-proxy-client",
        issuer: "front-proxy-ca",
        long_name: "certificate for the front proxy client",
        common_name: CommonName::Fixed("front-proxy-client"),
        organizations: NO_GROUP,
        extended_key_usages: CLIENT,
        alternative_names: AlternativeNames::None,
    },
    CertificateRow {
        order: 6,
        name: "etcd-server",
        base_name: "etcd/server",
        issuer: "etcd-ca",
        long_name: "certificate for serving etcd",
        common_name: CommonName::Node,
        organizations: NO_GROUP,
        extended_key_usages: SERVER_AND_CLIENT,
        alternative_names: AlternativeNames::EtcdServer,
    },
    CertificateRow {
        order: 7,
        name: "etcd-peer",
        base_name: "etcd/peer",
        issuer: "etcd-ca",
        long_name: "certificate for etcd nodes to communicate with each other",
        common_name: CommonName::Node,
        organizations: NO_GROUP,
        extended_key_usages: SERVER_AND_CLIENT,
        alternative_names: AlternativeNames::EtcdPeer,
    },
    CertificateRow {
        order: 8,
        name: "etcd-healthcheck-client",
        base_name: "etcd/healthcheck-client",
        issuer: "etcd-ca",
        long_name: "certificate for liveness probes to healthcheck etcd",
        common_name: CommonName::Fixed("kube-etcd-healthcheck-client"),
        organizations: ETCD_CLIENT,
        extended_key_usages: CLIENT,
        alternative_names: AlternativeNames::None,
    },
    CertificateRow {
        order: 9,
        name: "apiserver-etcd-client",
        base_name: "apiserver-etcd-client",
        issuer: "etcd-ca",
        long_name: "certificate the apiserver uses to access etcd",
        common_name: CommonName::Fixed("kube-apiserver-etcd-client"),
        organizations: ETCD_CLIENT,
        extended_key_usages: CLIENT,
        alternative_names: AlternativeNames::None,
    },
];

/// The key usages that a leaf may have; [`super::leaf_key_usages`] are those of a new one.
pub(crate) const LEAF_KEY_USAGES: [KeyUsage; 2] = [KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment];

impl AuthorityRow {
    /// The subject of a CA that kubepki makes.
    ///
    /// # Errors
    /// Never in practice; [`X509Error::Encoding`] by type.
    pub fn subject(&self) -> Result<DistinguishedName, X509Error> {
        DistinguishedName::new::<&str>(&[], self.common_name)
    }

    /// The alternative names of a CA that kubepki makes: its common name.
    #[must_use]
    pub fn subject_alt_names(&self) -> SubjectAltNames {
        SubjectAltNames::sorted([self.common_name], [])
    }
}

impl CertificateRow {
    /// Whether it is signed by the local etcd's CA, and so absent with an external etcd.
    #[must_use]
    pub fn is_etcd(&self) -> bool {
        self.issuer == "etcd-ca"
    }

    /// Whether the node's name is in its subject.
    #[must_use]
    pub fn is_named_after_node(&self) -> bool {
        self.common_name == CommonName::Node
    }

    /// The subject on the node that `spec` describes, as kubeadm of its version has it.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when the node's name does not fit into DER.
    pub fn subject(&self, spec: &ClusterSpec) -> Result<DistinguishedName, X509Error> {
        let common_name = match self.common_name {
            CommonName::Fixed(name) => name,
            CommonName::Node => &spec.node_name,
        };
        DistinguishedName::new(self.organizations.at(spec.version().as_ref()), common_name)
    }

    /// The alternative names on the node that `spec` describes.
    #[must_use]
    pub fn subject_alt_names(&self, spec: &ClusterSpec) -> SubjectAltNames {
        match self.alternative_names {
            AlternativeNames::None => SubjectAltNames::default(),
            AlternativeNames::ApiServer => alternative_names::api_server(spec),
            AlternativeNames::EtcdServer => alternative_names::etcd_server(spec),
            AlternativeNames::EtcdPeer => alternative_names::etcd_peer(spec),
        }
    }
}
