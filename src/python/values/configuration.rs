//! What a kubeadm configuration asks for.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::values;
use crate::config::{self, Problem};
use crate::text::counted;

fn words<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

values! {
    /// What a kubeadm configuration asks for, defaults filled in; `to_dict()` has the rest (etcd, pod networks).
    ClusterSpec(it: config::ClusterSpec);
    shown = format!("{} of {}", it.node_name, it.cluster_name);
    attributes {
        /// What the node does.
        role = it.role;
        /// Its name.
        node_name = &it.node_name;
        /// The cluster's name.
        cluster_name = &it.cluster_name;
        /// The certificates directory.
        certificates_dir = Path::new(&it.certificates_dir);
        /// The address that the node's API server advertises.
        advertise_address = it.advertise_address.to_string();
        /// The port that it listens on.
        bind_port = it.bind_port;
        /// `host:port` of the control plane.
        control_plane_endpoint = it.control_plane_endpoint.as_ref().map(ToString::to_string);
        /// The cluster's DNS domain.
        dns_domain = &it.dns_domain;
        /// The services' networks.
        service_subnets = words(&it.service_subnets);
        /// The API server's further alternative names.
        api_server_cert_sans = &it.api_server_cert_sans;
        /// Whether etcd is somebody else's.
        has_external_etcd = it.has_external_etcd();
        /// The kind of new keys.
        algorithm = it.algorithm;
        /// How long a new certificate is valid.
        certificate_validity = it.certificate_validity;
        /// How long a new CA is valid.
        ca_certificate_validity = it.ca_certificate_validity;
        /// The release of Kubernetes as the file has it.
        kubernetes_version = &it.kubernetes_version;
    }
}

/// A configuration as it was read.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::python) struct Read {
    pub(in crate::python) spec: config::ClusterSpec,
    pub(in crate::python) warnings: Vec<Problem>,
}

values! {
    /// A kubeadm configuration that is valid: what it asks for, and what its reader warns of.
    Configuration(it: Read);
    shown = format!("{} of {}, {}", it.spec.node_name, it.spec.cluster_name, counted(it.warnings.len(), "warning"));
    attributes {
        /// What it asks for.
        spec = &it.spec;
        /// What its reader warns of.
        warnings = &it.warnings;
    }
}
