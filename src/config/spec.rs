//! The one description of a node of a cluster that everything above configuration works on.
//!
//! In: nothing. Out: [`ClusterSpec`]. It holds values after defaulting and validation, never the text of a
//! file; kubeadm v1beta3 and v1beta4 both end here.

use std::fmt;
use std::net::IpAddr;

use chrono::TimeDelta;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::version::KubernetesVersion;
use crate::key::Algorithm;

/// What a node does, and so which certificates it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The first control-plane node: makes the shared CAs (`kubeadm init`).
    ControlPlane,
    /// A further control-plane node: the shared CAs, `sa` and front-proxy CA must be there (`kubeadm join
    /// --control-plane`).
    SecondaryControlPlane,
    /// A worker: `kubelet.conf` alone.
    Worker,
}

/// A host as kubeadm's configuration writes it: an address or a DNS name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Host {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A lower-case RFC 1123 name.
    Dns(String),
}

/// A host and a TCP port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The host.
    pub host: Host,
    /// The port, 1 to 65535.
    pub port: u16,
}

impl Endpoint {
    /// The URL `https://host:port`, IPv6 hosts in brackets.
    #[must_use]
    pub fn https_url(&self) -> String {
        format!("https://{self}")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            Host::Ip(IpAddr::V4(address)) => write!(f, "{address}:{}", self.port),
            Host::Dns(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// Where the cluster's etcd runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Etcd {
    /// A static pod on each control-plane node; kubeadm makes its certificates.
    Local {
        /// `etcd.local.dataDir`, absolute.
        data_dir: String,
        /// `etcd.local.serverCertSANs` in the file's order, addresses in canonical form.
        server_cert_sans: Vec<String>,
        /// `etcd.local.peerCertSANs` in the file's order, addresses in canonical form.
        peer_cert_sans: Vec<String>,
    },
    /// Somebody else's etcd; kubeadm makes none of its certificates.
    External {
        /// `etcd.external.endpoints`, URLs, at least one.
        endpoints: Vec<String>,
        /// `etcd.external.caFile`, absolute, or empty.
        ca_file: String,
        /// `etcd.external.certFile`, absolute, or empty.
        cert_file: String,
        /// `etcd.external.keyFile`, absolute, or empty.
        key_file: String,
    },
}

/// One node of one cluster: what `kubeadm` would work with after reading, defaulting and validating.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSpec {
    /// What the node does.
    pub role: Role,
    /// `nodeRegistration.name`, trimmed and lower-cased; or the name that the caller gave, in its own case.
    pub node_name: String,
    /// `localAPIEndpoint.advertiseAddress`; meaningless for a worker (then the unspecified address).
    pub advertise_address: IpAddr,
    /// `localAPIEndpoint.bindPort`.
    pub bind_port: u16,
    /// `clusterName`.
    pub cluster_name: String,
    /// `certificatesDir`, absolute, before any `--rootfs`.
    pub certificates_dir: String,
    /// `controlPlaneEndpoint` with its port filled in, if the file has one.
    pub control_plane_endpoint: Option<Endpoint>,
    /// For a joining node, `discovery.bootstrapToken.apiServerEndpoint`: where the API is when there is no
    /// `control_plane_endpoint`.
    pub discovery_endpoint: Option<Endpoint>,
    /// `networking.dnsDomain`.
    pub dns_domain: String,
    /// `networking.serviceSubnet`: one network, or two of different families. The first decides the API's address.
    pub service_subnets: Vec<IpNet>,
    /// `networking.podSubnet`, as many as the file has.
    pub pod_subnets: Vec<IpNet>,
    /// `apiServer.certSANs`, lower-cased, in the file's order; addresses in canonical form, so that what parses as an
    /// [`IpAddr`] is one.
    pub api_server_cert_sans: Vec<String>,
    /// Where etcd runs.
    pub etcd: Etcd,
    /// `encryptionAlgorithm`, after the `PublicKeysECDSA` feature gate.
    pub algorithm: Algorithm,
    /// Whether the configuration says so. Where it does not, keys that are there keep their kind when they are renewed.
    pub algorithm_is_said: bool,
    /// `certificateValidityPeriod`; zero and negative periods are kubeadm's to accept.
    #[serde(with = "seconds")]
    pub certificate_validity: TimeDelta,
    /// `caCertificateValidityPeriod`.
    #[serde(with = "seconds")]
    pub ca_certificate_validity: TimeDelta,
    /// `kubernetesVersion` as written, if written (kubepki never looks it up). [`Self::version`] is what it says.
    pub kubernetes_version: Option<String>,
    /// `JoinConfiguration.caCertPath`, absolute; for the other kinds kubeadm's default.
    pub ca_cert_path: String,
}

impl ClusterSpec {
    /// The API server of this very node: `advertiseAddress:bindPort`.
    #[must_use]
    pub fn local_endpoint(&self) -> Endpoint {
        Endpoint { host: Host::Ip(self.advertise_address), port: self.bind_port }
    }

    /// The release of Kubernetes; `None` when the configuration has none, or a label that says nothing.
    #[must_use]
    pub fn version(&self) -> Option<KubernetesVersion> {
        self.kubernetes_version.as_deref().and_then(KubernetesVersion::parse)
    }

    /// The node's name, if anybody has said it.
    #[must_use]
    pub fn known_node_name(&self) -> Option<&str> {
        Some(self.node_name.as_str()).filter(|name| !name.is_empty())
    }

    /// The address of this node's API server, if anybody has said it.
    #[must_use]
    pub fn known_address(&self) -> Option<IpAddr> {
        Some(self.advertise_address).filter(|address| !address.is_unspecified())
    }

    /// Whether etcd is somebody else's.
    #[must_use]
    pub fn has_external_etcd(&self) -> bool {
        matches!(self.etcd, Etcd::External { .. })
    }
}

mod seconds {
    //! A duration as a number of seconds, to the microsecond.
    use std::time::Duration;

    use chrono::TimeDelta;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
        match duration.subsec_nanos() {
            0 => serializer.serialize_i64(duration.num_seconds()),
            _ => serializer.serialize_f64(duration.as_seconds_f64()),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds.abs())
            .ok()
            .and_then(|duration| i64::try_from((duration.as_nanos() + 500) / 1000).ok())
            .map(|microseconds| TimeDelta::microseconds(if seconds < 0.0 { -microseconds } else { microseconds }))
            .ok_or_else(|| serde::de::Error::custom("duration out of range"))
    }
}
