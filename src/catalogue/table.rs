//! The table: one row for each CA, certificate, key pair and kubeconfig of a node.
//!
//! In the order of `kubeadm init`: the certs phase, its kubeconfigs, then what the kubelet has for itself. The names
//! of certificates stand here, and above what code asks for; nowhere else.
//!
//! Source: kubeadm `phases/certs/certlist.go`, `phases/kubeconfig/kubeconfig.go` `getKubeConfigSpecsBase`; contract of
//! its inventory (names, files, issuers, subjects, usages).

use super::row::{AlternativeNames, CommonName, Kind, Row};
use super::server::ServerRule;
use super::versions::{ADMIN, API_SERVER_TO_KUBELET, ETCD_CLIENT, NO_GROUP, NODES, SEPARATE_SUPER_ADMIN, SUPER_ADMIN};
use super::{
    ADMIN_CONF, API_SERVER, API_SERVER_TO_ETCD, CLUSTER_CA, ETCD_CA, FRONT_PROXY_CA, KUBELET_CLIENT, KUBELET_CONF,
    KUBELET_SERVER, SERVICE_ACCOUNT, SUPER_ADMIN_CONF,
};
use crate::config::Role;
use crate::x509::ExtendedKeyUsage;

const EVERY_CONTROL_PLANE: &[Role] = &[Role::ControlPlane, Role::SecondaryControlPlane];
const EVERY_ROLE: &[Role] = &[Role::ControlPlane, Role::SecondaryControlPlane, Role::Worker];
const CLIENT: &[ExtendedKeyUsage] = &[ExtendedKeyUsage::ClientAuth];
const SERVER: &[ExtendedKeyUsage] = &[ExtendedKeyUsage::ServerAuth];
const SERVER_AND_CLIENT: &[ExtendedKeyUsage] = &[ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];

/// The benchmark's rules about the files of administrators.
const ADMINISTRATORS: (&str, &str) = ("1.1.13", "1.1.14");

/// A client's certificate of the cluster's CA: what a row says where it says nothing else.
const LEAF: Row = Row {
    name: "",
    kind: Kind::Leaf,
    base_name: "",
    issuer: CLUSTER_CA,
    long_name: "",
    common_name: CommonName::Node,
    organizations: NO_GROUP,
    extended_key_usages: CLIENT,
    alternative_names: AlternativeNames::None,
    server: ServerRule::Local,
    roles: EVERY_CONTROL_PLANE,
    since: None,
    is_best_elsewhere: false,
    benchmark: ("1.1.21", "1.1.19"),
};

const fn authority(name: &'static str, base_name: &'static str, common_name: &'static str) -> Row {
    Row {
        name,
        kind: Kind::Authority,
        base_name,
        issuer: name,
        common_name: CommonName::Fixed(common_name),
        extended_key_usages: &[],
        alternative_names: AlternativeNames::CommonName,
        ..LEAF
    }
}

const fn kubeconfig(name: &'static str) -> Row {
    Row { name, kind: Kind::Kubeconfig, base_name: name, ..LEAF }
}

/// Every row.
pub static ROWS: &[Row] = &[
    Row { roles: EVERY_ROLE, ..authority(CLUSTER_CA, "ca", "kubernetes") },
    Row {
        name: API_SERVER,
        base_name: "apiserver",
        long_name: "certificate for serving the Kubernetes API",
        common_name: CommonName::Fixed("kube-apiserver"),
        extended_key_usages: SERVER,
        alternative_names: AlternativeNames::ApiServer,
        ..LEAF
    },
    Row {
        name: "apiserver-kubelet-client",
        base_name: "apiserver-kubelet-client",
        long_name: "certificate for the API server to connect to kubelet",
        common_name: CommonName::Fixed("kube-apiserver-kubelet-client"),
        organizations: API_SERVER_TO_KUBELET,
        ..LEAF
    },
    authority(FRONT_PROXY_CA, "front-proxy-ca", "front-proxy-ca"),
    Row {
        name: "front-proxy-client",
        base_name: "front-proxy-client",
        issuer: FRONT_PROXY_CA,
        long_name: "certificate for the front proxy client",
        common_name: CommonName::Fixed("front-proxy-client"),
        ..LEAF
    },
    authority(ETCD_CA, "etcd/ca", "etcd-ca"),
    Row {
        name: "etcd-server",
        base_name: "etcd/server",
        issuer: ETCD_CA,
        long_name: "certificate for serving etcd",
        extended_key_usages: SERVER_AND_CLIENT,
        alternative_names: AlternativeNames::EtcdServer,
        ..LEAF
    },
    Row {
        name: "etcd-peer",
        base_name: "etcd/peer",
        issuer: ETCD_CA,
        long_name: "certificate for etcd nodes to communicate with each other",
        extended_key_usages: SERVER_AND_CLIENT,
        alternative_names: AlternativeNames::EtcdPeer,
        ..LEAF
    },
    Row {
        name: "etcd-healthcheck-client",
        base_name: "etcd/healthcheck-client",
        issuer: ETCD_CA,
        long_name: "certificate for liveness probes to healthcheck etcd",
        common_name: CommonName::Fixed("kube-etcd-healthcheck-client"),
        organizations: ETCD_CLIENT,
        ..LEAF
    },
    Row {
        name: API_SERVER_TO_ETCD,
        base_name: "apiserver-etcd-client",
        issuer: ETCD_CA,
        long_name: "certificate the apiserver uses to access etcd",
        common_name: CommonName::Fixed("kube-apiserver-etcd-client"),
        organizations: ETCD_CLIENT,
        ..LEAF
    },
    Row { name: SERVICE_ACCOUNT, kind: Kind::ServiceAccount, base_name: "sa", issuer: "", ..LEAF },
    Row {
        long_name: "certificate embedded in the kubeconfig file for the admin to use and for kubeadm itself",
        common_name: CommonName::Fixed("kubernetes-admin"),
        organizations: ADMIN,
        server: ServerRule::ControlPlane,
        benchmark: ADMINISTRATORS,
        ..kubeconfig(ADMIN_CONF)
    },
    Row {
        long_name: "certificate embedded in the kubeconfig file for the super-admin",
        common_name: CommonName::Fixed("kubernetes-super-admin"),
        organizations: SUPER_ADMIN,
        server: ServerRule::ControlPlane,
        // init alone writes it.
        roles: &[Role::ControlPlane],
        since: Some(&SEPARATE_SUPER_ADMIN),
        is_best_elsewhere: true,
        benchmark: ADMINISTRATORS,
        ..kubeconfig(SUPER_ADMIN_CONF)
    },
    Row {
        long_name: "certificate embedded in the kubeconfig file for the kubelet to use",
        common_name: CommonName::SystemNode,
        organizations: NODES,
        roles: EVERY_ROLE,
        benchmark: ("4.1.5", "4.1.6"),
        ..kubeconfig(KUBELET_CONF)
    },
    Row {
        long_name: "certificate embedded in the kubeconfig file for the controller manager to use",
        common_name: CommonName::Fixed("system:kube-controller-manager"),
        benchmark: ("1.1.17", "1.1.18"),
        ..kubeconfig("controller-manager.conf")
    },
    Row {
        long_name: "certificate embedded in the kubeconfig file for the scheduler manager to use",
        common_name: CommonName::Fixed("system:kube-scheduler"),
        benchmark: ("1.1.15", "1.1.16"),
        ..kubeconfig("scheduler.conf")
    },
    Row {
        name: KUBELET_CLIENT,
        kind: Kind::KubeletClient,
        base_name: KUBELET_CLIENT,
        long_name: "certificate for the kubelet to connect to the API server",
        common_name: CommonName::SystemNode,
        organizations: NODES,
        roles: EVERY_ROLE,
        ..LEAF
    },
    Row {
        name: KUBELET_SERVER,
        kind: Kind::KubeletServer,
        base_name: KUBELET_SERVER,
        long_name: "certificate for serving the kubelet API",
        common_name: CommonName::SystemNode,
        organizations: NODES,
        extended_key_usages: SERVER,
        alternative_names: AlternativeNames::Kubelet,
        roles: EVERY_ROLE,
        ..LEAF
    },
];
