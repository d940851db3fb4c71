//! `kubepki certs check-expiration`: kubeadm's table, for a tree in any state.
//!
//! In: a request. Out: an [`ExpirationReport`]. A file that is missing, unreadable or corrupt is a row. kubeadm lists
//! the same on every kind of node; a worker, which has none of it, shows its kubelet's.
//!
//! Source: kubeadm `phases/certs/renewal/manager.go`, `cmd/certs.go`.

use std::path::PathBuf;

use super::check::is_worker;
use super::kubelet::Kubelet;
use super::node::{Node, NodeRequest};
use crate::audit::authority::is_external;
use crate::audit::expiration::{ExpirationReport, Row, RowState};
use crate::audit::kubeconfig::{client_identity, is_read_from};
use crate::audit::{Finding, FindingCode, Pair, Part};
use crate::catalogue::{
    self, CLUSTER_CA, DEFAULT_KUBELET_DIR, KUBELET_CLIENT, KUBELET_CONF, KUBELET_SERVER, Kind, Layout,
};
use crate::component::ServingSource;
use crate::config::{ClusterSpec, Problem, Role};
use crate::error::{Diagnostic, Fault, Result};
use crate::store::StoreError;
use crate::tree::{Observed, Tree};
use crate::x509::Certificate;

/// The report, and what the configuration's reader warns of.
#[derive(Debug)]
pub struct Checked {
    /// kubeadm's rows.
    pub report: ExpirationReport,
    /// The warnings.
    pub warnings: Vec<Problem>,
    /// Changes that were interrupted: the rows may be of two generations.
    pub findings: Vec<Finding>,
}

/// Reads the tree and reports kubeadm's rows.
///
/// # Errors
/// The configuration cannot be read or is invalid. Nothing in the tree is an error.
pub fn check_expiration(request: &NodeRequest) -> Result<Checked> {
    let node = Node::open_without_address(request)?;
    let kubelet = Kubelet::read(&node.store, DEFAULT_KUBELET_DIR.as_ref());
    let tree = node.read_with([kubelet.files.client(), kubelet.serving.certificate.clone()]);
    let is_of_worker =
        if request.has_configuration() { node.spec.role == Role::Worker } else { is_worker(&node.layout, &tree) };
    let report = if is_of_worker {
        report_of_worker(&tree, &node.layout, &kubelet)
    } else {
        report(&tree, &node.layout, &node.spec)
    };
    let mut findings = Vec::new();
    let folders = [&node.layout.certificates_dir, &node.layout.kubeconfig_dir].map(PathBuf::as_path);
    super::interrupted::put_first(&node.store, &folders, &mut findings);
    Ok(Checked { report, warnings: node.warnings, findings })
}

/// What a worker has: its kubelet's certificates, and the CA. No worker has a CA's key: that says nothing of how the
/// cluster signs.
fn report_of_worker(tree: &Tree, layout: &Layout, kubelet: &Kubelet) -> ExpirationReport {
    let pair = |path: PathBuf| first(&Pair::read(tree, path.clone(), path).certificates);
    let ca = row_of(CLUSTER_CA, None, false, &pair(layout.certificate(CLUSTER_CA)));
    let is_there = |path: &PathBuf| !matches!(tree.get(path), Observed::Missing);
    let mut rows = Vec::new();
    let kubeconfig = layout.kubeconfig(KUBELET_CONF);
    let rotates =
        tree.content(&kubeconfig).is_some_and(|text| is_read_from(&kubeconfig, text, &kubelet.files.client()));
    if !rotates {
        rows.push(row_of(KUBELET_CONF, Some(CLUSTER_CA), false, &embedded(tree, layout, KUBELET_CONF)));
    }
    if rotates || is_there(&kubelet.files.client()) {
        rows.push(row_of(KUBELET_CLIENT, Some(CLUSTER_CA), false, &pair(kubelet.files.client())));
    }
    let serving = &kubelet.serving;
    if is_there(&serving.certificate) {
        let ca_name = (serving.source == ServingSource::Requested).then_some(CLUSTER_CA);
        rows.push(row_of(KUBELET_SERVER, ca_name, false, &pair(serving.certificate.clone())));
    }
    ExpirationReport::new(rows, vec![ca])
}

/// kubeadm's rows for what was read on a control-plane node.
fn report(tree: &Tree, layout: &Layout, spec: &ClusterSpec) -> ExpirationReport {
    let spec = ClusterSpec { role: Role::ControlPlane, ..spec.clone() };
    let pair = |base: &str| Pair::read(tree, layout.certificate(base), layout.key(base));
    let is_external = |name: &str| catalogue::authority(name).is_some_and(|row| is_external(&pair(row.base_name)));
    let authorities = catalogue::rows([Kind::Authority])
        .filter(|row| row.is_on(&spec))
        .map(|row| row_of(row.name, None, is_external(row.name), &first(&pair(row.base_name).certificates)));
    let leaves = catalogue::rows([Kind::Leaf]).filter(|row| row.is_on(&spec)).map(|row| {
        row_of(row.name, Some(row.issuer), is_external(row.issuer), &first(&pair(row.base_name).certificates))
    });
    let kubeconfigs = catalogue::rows([Kind::Kubeconfig])
        .filter(|row| row.is_on(&spec) && !row.is_kubelets())
        .filter(|row| {
            let is_there = !matches!(tree.get(&layout.kubeconfig(row.name)), Observed::Missing);
            is_there || row.absence_from_version(&spec).is_none()
        })
        .map(|row| row_of(row.name, Some(CLUSTER_CA), is_external(CLUSTER_CA), &embedded(tree, layout, row.name)));
    ExpirationReport::new(leaves.chain(kubeconfigs).collect(), authorities.collect())
}

fn row_of(name: &str, ca_name: Option<&str>, externally_managed: bool, certificate: &Part<Certificate>) -> Row {
    let (expires_at, state) = match certificate {
        Part::Present(certificate) => (Some(certificate.not_after()), RowState::Present),
        // As for kubeadm, a directory in a file's place is a missing file.
        Part::Missing => (None, RowState::Missing),
        Part::Broken(fault) if fault.code == StoreError::IS_A_DIRECTORY => (None, RowState::Missing),
        Part::Broken(fault) => (None, RowState::Broken(fault.clone())),
    };
    Row { name: name.to_owned(), expires_at, ca_name: ca_name.map(str::to_owned), externally_managed, state }
}

/// The first certificate of a file.
fn first(part: &Part<Vec<Certificate>>) -> Part<Certificate> {
    match part {
        Part::Present(certificates) => match certificates.first() {
            Some(certificate) => Part::Present(certificate.clone()),
            None => Part::Missing,
        },
        Part::Missing => Part::Missing,
        Part::Broken(fault) => Part::Broken(fault.clone()),
    }
}

/// The client certificate of a kubeconfig.
fn embedded(tree: &Tree, layout: &Layout, name: &str) -> Part<Certificate> {
    let path = layout.kubeconfig(name);
    let content = match tree.get(&path) {
        Observed::Missing => return Part::Missing,
        Observed::Unreadable(fault) => return Part::Broken(fault.clone()),
        Observed::File { content, .. } => content,
    };
    match client_identity(tree, &path, content.expose()) {
        Ok(Some(identity)) => first(&identity.certificates),
        Ok(None) => Part::Broken(Fault::new(
            FindingCode::KubeconfigNoCertificate,
            "the kubeconfig's user has no client certificate",
            "nothing, if a token or a plugin is meant",
        )),
        Err(error) => Part::Broken(error.fault()),
    }
}
