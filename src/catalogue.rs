//! The table of every certificate, CA, key and kubeconfig that kubeadm keeps on a node.
//!
//! In: a `ClusterSpec`. Out: rows, and what each row's certificate must say for that node. Adding a certificate
//! is adding a row. It never reads a file and never decides what happens to one.
//!
//! Source: kubeadm `phases/certs/certlist.go`, `phases/kubeconfig/kubeconfig.go`, `util/pkiutil/pki_helpers.go`.

mod alternative_names;
mod kubelet;
mod layout;
mod node_role;
mod reload;
mod rotation;
mod row;
mod server;
pub mod signer;
mod table;
mod versions;

pub use alternative_names::api_server_service_address;
pub use kubelet::{
    DEFAULT_KUBELET_DIR, KUBELET_CLIENT_FILE, KUBELET_OWN_FILE, KUBELET_SERVER_FILE, KubeletFiles, SYSTEM_NODE,
    SYSTEM_NODES, dated, is_written_by_kubelet,
};
pub use layout::{DEFAULT_KUBECONFIG_DIR, Layout, beside, with_ending};
pub use node_role::NodeRole;
pub use reload::{
    KUBELET, RELOADS, Reload, ReloadRow, components, must_restart, must_restart_for, named_by, names_a_file, reload,
    trusting_flags,
};
pub use rotation::{Aside, KeyFiles, ROTATION_SIGNING, rotated_names};
pub(crate) use row::LEAF_KEY_USAGES;
pub use row::{AlternativeNames, CommonName, Kind, Row};
pub use server::ServerRule;
pub use table::ROWS;
pub use versions::{
    Binding, CLUSTER_ADMIN, CLUSTER_ADMINS, Change, ENCIPHERMENT_FOR_RSA_ALONE, ETCD_CLIENTS_WITHOUT_GROUP,
    KUBELET_API_ADMIN, KUBELET_CLIENT_BINDING, MASTERS, Organizations, SEPARATE_SUPER_ADMIN, authority_key_usages,
    binding, leaf_key_usages,
};

/// The CA of the cluster, which signs kubeconfigs and what the kubelet has.
pub const CLUSTER_CA: &str = "ca";
/// The CA of a local etcd.
pub const ETCD_CA: &str = "etcd-ca";
/// The CA of the front proxy.
pub const FRONT_PROXY_CA: &str = "front-proxy-ca";
/// The API server's certificate.
pub const API_SERVER: &str = "apiserver";
/// The API server's certificate towards etcd; that of an external etcd is its owner's.
pub const API_SERVER_TO_ETCD: &str = "apiserver-etcd-client";
/// The service accounts' key pair (`sa.key`, `sa.pub`), which is no certificate.
pub const SERVICE_ACCOUNT: &str = "sa";
/// The `ConfigMap` of every namespace that has the cluster's CA, and its entry.
pub const ROOT_CA_MAP: (&str, &str) = ("kube-root-ca.crt", "ca.crt");
/// The kubeconfig of administrators.
pub const ADMIN_CONF: &str = "admin.conf";
/// The kubeconfig of the user whom no authorizer stands against.
pub const SUPER_ADMIN_CONF: &str = "super-admin.conf";
/// The kubeconfig that kubeadm makes and never renews: the kubelet does.
pub const KUBELET_CONF: &str = "kubelet.conf";
/// The certificate that the kubelet shows to the API server.
pub const KUBELET_CLIENT: &str = "kubelet-client";
/// The certificate that the kubelet serves with.
pub const KUBELET_SERVER: &str = "kubelet-server";

/// The rows of these kinds, in kubeadm's order.
pub fn rows<const N: usize>(kinds: [Kind; N]) -> impl Iterator<Item = &'static Row> + Clone {
    ROWS.iter().filter(move |row| kinds.contains(&row.kind))
}

/// The row of a name.
#[must_use]
pub fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

/// The row of a CA by kubeadm's name (`etcd-ca`).
#[must_use]
pub fn authority(name: &str) -> Option<&'static Row> {
    row(name).filter(|row| row.kind == Kind::Authority)
}

/// The row of a leaf or a kubeconfig: what kubeadm has its CAs sign.
#[must_use]
pub fn issued(name: &str) -> Option<&'static Row> {
    row(name).filter(|row| matches!(row.kind, Kind::Leaf | Kind::Kubeconfig))
}

/// The row of a kubeconfig.
#[must_use]
pub fn kubeconfig(name: &str) -> Option<&'static Row> {
    row(name).filter(|row| row.kind == Kind::Kubeconfig)
}

/// What kubeadm calls a certificate in messages.
#[must_use]
pub fn long_name(name: &str) -> Option<&'static str> {
    row(name).map(|row| row.long_name).filter(|long_name| !long_name.is_empty())
}

/// The position of a name in kubeadm's order.
#[must_use]
pub fn position(name: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.name == name)
}

fn names<const N: usize>(kinds: [Kind; N]) -> Vec<&'static str> {
    rows(kinds).map(|row| row.name).collect()
}

/// Every name of a leaf and of a kubeconfig, in kubeadm's order: each has rules of its own for what is signed.
#[must_use]
pub fn leaf_names() -> Vec<&'static str> {
    names([Kind::Leaf, Kind::Kubeconfig])
}

/// Every name that a request can be made and signed for: [`leaf_names`], then the kubelet's.
#[must_use]
pub fn request_names() -> Vec<&'static str> {
    names([Kind::Leaf, Kind::Kubeconfig, Kind::KubeletClient])
}

/// The name whose rules hold for what is signed as `name`: the kubelet's file has the certificate of `kubelet.conf`.
#[must_use]
pub fn signed_as(name: &str) -> &str {
    if name == KUBELET_CLIENT { KUBELET_CONF } else { name }
}

/// Every name that `certs init` takes, in kubeadm's order.
#[must_use]
pub fn certificate_names() -> Vec<&'static str> {
    names([Kind::Authority, Kind::Leaf, Kind::ServiceAccount])
}

/// Every name that `certs renew` takes: kubeadm's eleven by their bytes, then those of the kubelet, of which
/// `kubelet.conf` comes before the certificate that it may lead to.
#[must_use]
pub fn renewable_names() -> Vec<&'static str> {
    let renewable = rows([Kind::Leaf, Kind::Kubeconfig, Kind::KubeletClient, Kind::KubeletServer]);
    let (kubelets, mut others): (Vec<_>, Vec<_>) = renewable.partition(|row| row.is_kubelets());
    others.sort_unstable_by_key(|row| row.name);
    others.into_iter().chain(kubelets).map(|row| row.name).collect()
}

/// Every CA's name, in kubeadm's order.
#[must_use]
pub fn authority_names() -> Vec<&'static str> {
    names([Kind::Authority])
}

/// Every kubeconfig file's name, in kubeadm's order.
#[must_use]
pub fn kubeconfig_names() -> Vec<&'static str> {
    names([Kind::Kubeconfig])
}
