//! The table of every certificate, CA, key and kubeconfig that kubeadm keeps on a node.
//!
//! In: a [`ClusterSpec`]. Out: rows, and what each row's certificate must say for that node. Adding a certificate
//! is adding a row. It never reads a file and never decides what happens to one.
//!
//! Source: kubeadm `phases/certs/certlist.go`, `phases/kubeconfig/kubeconfig.go`, `util/pkiutil/pki_helpers.go`.

mod alternative_names;
mod flags;
mod kubeconfigs;
mod kubelet;
mod layout;
mod node_role;
mod reload;
mod rows;
mod versions;

pub use alternative_names::api_server_service_address;
pub use flags::flags;
pub use kubeconfigs::UserName;
pub use kubeconfigs::{KUBECONFIGS, KubeconfigRow, ServerRule};
pub use kubelet::{
    BadConfiguration, DEFAULT_KUBELET_DIR, KUBELET_CLIENT, KUBELET_SERVER, KubeletConfiguration, KubeletFiles,
    SYSTEM_NODE, ServingFiles, ServingSource, dated, is_written_by_kubelet,
};
pub use layout::{DEFAULT_KUBECONFIG_DIR, Layout, beside, with_ending};
pub use node_role::NodeRole;
pub use reload::{RELOADS, Reload, ReloadRow, must_restart, names_a_file, reload};
pub(crate) use rows::LEAF_KEY_USAGES;
pub use rows::{
    AUTHORITIES, AlternativeNames, AuthorityRow, CERTIFICATES, CertificateRow, CommonName, SERVICE_ACCOUNT,
};
pub use versions::{
    Binding, CLUSTER_ADMIN, CLUSTER_ADMINS, Change, ENCIPHERMENT_FOR_RSA_ALONE, ETCD_CLIENTS_WITHOUT_GROUP,
    KUBELET_API_ADMIN, KUBELET_CLIENT_BINDING, MASTERS, Organizations, SEPARATE_SUPER_ADMIN, authority_key_usages,
    binding, leaf_key_usages,
};

use crate::config::{ClusterSpec, Role};

/// The kubeconfig that kubeadm makes and never renews: the kubelet does.
pub const KUBELET_CONF: &str = "kubelet.conf";

/// The CA rows of a node, in kubeadm's order.
pub fn authorities(spec: &ClusterSpec) -> impl Iterator<Item = &'static AuthorityRow> + use<> {
    let external_etcd = spec.has_external_etcd();
    let worker = spec.role == Role::Worker;
    AUTHORITIES.iter().filter(move |row| !(row.is_etcd && external_etcd || worker && row.name != "ca"))
}

/// The leaf rows of a node, in kubeadm's order; none for a worker.
pub fn certificates(spec: &ClusterSpec) -> impl Iterator<Item = &'static CertificateRow> + use<> {
    let external_etcd = spec.has_external_etcd();
    let worker = spec.role == Role::Worker;
    CERTIFICATES.iter().filter(move |row| !(worker || row.is_etcd() && external_etcd))
}

/// The kubeconfig rows of a node, in kubeadm's order; also one that kubeadm of its version does not make, for it may have
/// been made by a newer one.
pub fn kubeconfigs(spec: &ClusterSpec) -> impl Iterator<Item = &'static KubeconfigRow> + use<> {
    let role = spec.role;
    KUBECONFIGS.iter().filter(move |row| row.roles.contains(&role))
}

/// The row of a CA by kubeadm's name (`etcd-ca`).
#[must_use]
pub fn authority(name: &str) -> Option<&'static AuthorityRow> {
    AUTHORITIES.iter().find(|row| row.name == name)
}

/// Every name of a leaf and of a kubeconfig, in kubeadm's order: each has rules of its own for what is signed.
#[must_use]
pub fn leaf_names() -> Vec<&'static str> {
    CERTIFICATES.iter().map(|row| row.name).chain(kubeconfig_names()).collect()
}

/// Every name that a request can be made and signed for: [`leaf_names`], then the kubelet's.
#[must_use]
pub fn request_names() -> Vec<&'static str> {
    leaf_names().into_iter().chain([KUBELET_CLIENT]).collect()
}

/// The name whose rules hold for what is signed as `name`: the kubelet's file has the certificate of `kubelet.conf`.
#[must_use]
pub fn signed_as(name: &str) -> &str {
    if name == KUBELET_CLIENT { KUBELET_CONF } else { name }
}

/// Every name that `certs init` takes, in kubeadm's order.
#[must_use]
pub fn certificate_names() -> Vec<&'static str> {
    let authorities = AUTHORITIES.iter().map(|row| (row.order, row.name));
    let leaves = CERTIFICATES.iter().map(|row| (row.order, row.name));
    let mut all: Vec<_> = authorities.chain(leaves).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, name)| name).chain([SERVICE_ACCOUNT]).collect()
}

/// Every name that `certs renew` takes: kubeadm's eleven by their bytes, then those of the kubelet.
#[must_use]
pub fn renewable_names() -> Vec<&'static str> {
    let kubeconfigs = KUBECONFIGS.iter().map(|row| row.name).filter(|name| *name != KUBELET_CONF);
    let mut names: Vec<_> = CERTIFICATES.iter().map(|row| row.name).chain(kubeconfigs).collect();
    names.sort_unstable();
    names.extend([KUBELET_CONF, KUBELET_CLIENT, KUBELET_SERVER]);
    names
}

/// Every kubeconfig file's name, in kubeadm's order.
#[must_use]
pub fn kubeconfig_names() -> Vec<&'static str> {
    KUBECONFIGS.iter().map(|row| row.name).collect()
}
