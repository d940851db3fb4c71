//! `kubepki certs check-expiration`: kubeadm's table, for a tree in any state.
//!
//! In: a request. Out: an [`ExpirationReport`]. A file that is missing, unreadable or corrupt is a row. kubeadm lists
//! the same on every kind of node; a worker, which has none of it, shows its kubelet's.
//!
//! Source: kubeadm `phases/certs/renewal/manager.go`, `cmd/certs.go`.

use std::path::PathBuf;

use super::kubelet::Kubelet;
use super::node::Node;
use crate::audit::expiration::{ExpirationReport, Row, RowState};
use crate::audit::{Finding, FindingCode};
use crate::catalogue::{CLUSTER_CA, DEFAULT_KUBELET_DIR, KUBELET_CONF, Kind};
use crate::component::ServingSource;
use crate::config::{ClusterSpec, Problem, Role};
use crate::error::{Fault, Result};
use crate::inventory::{Inventory, Item, Part, is_worker};
use crate::request::NodeRequest;
use crate::store::StoreError;
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
    let mut node = Node::open_without_address(request)?;
    let kubelet = Kubelet::read(&node.store, DEFAULT_KUBELET_DIR.as_ref());
    let tree = node.read_with([kubelet.files.client(), kubelet.serving.certificate.clone()]);
    let is_of_worker =
        if request.has_configuration() { node.spec.role == Role::Worker } else { is_worker(&node.layout, &tree) };
    // kubeadm lists the same on every kind of control-plane node.
    node.spec.role = if is_of_worker { Role::Worker } else { Role::ControlPlane };
    let inventory = node.inventory(&tree, &kubelet, None, false)?;
    let report = if is_of_worker { report_of_worker(&inventory, &kubelet) } else { report(&inventory, &node.spec) };
    let mut findings = Vec::new();
    let folders = [&node.layout.certificates_dir, &node.layout.kubeconfig_dir].map(PathBuf::as_path);
    super::interrupted::put_first(&node.store, &folders, &mut findings);
    Ok(Checked { report, warnings: node.warnings, findings })
}

/// What a worker has: its kubelet's certificates, and the CA. No worker has a CA's key: that says nothing of how the
/// cluster signs.
fn report_of_worker(inventory: &Inventory<'_>, kubelet: &Kubelet) -> ExpirationReport {
    let rotates = inventory.kubelet_rotates();
    let is_shown = |item: &&Item<'_>| match item.row.kind {
        Kind::KubeletClient => rotates || !item.is_missing(),
        Kind::KubeletServer => item.is_there(),
        _ => item.name == KUBELET_CONF && !rotates,
    };
    let rows = inventory.items(&[Kind::Kubeconfig, Kind::KubeletClient, Kind::KubeletServer]).filter(is_shown);
    let rows = rows.map(|item| {
        let is_issued = item.row.kind != Kind::KubeletServer || kubelet.serving.source == ServingSource::Requested;
        row_of(item, is_issued.then_some(item.row.issuer), false)
    });
    let authorities = inventory.get(CLUSTER_CA).map(|item| row_of(item, None, false));
    ExpirationReport::new(rows.collect(), authorities.into_iter().collect())
}

/// kubeadm's rows for what was read on a control-plane node.
fn report(inventory: &Inventory<'_>, spec: &ClusterSpec) -> ExpirationReport {
    let is_shown = |item: &&Item<'_>| {
        let is_there = item.is_there();
        item.is_on_node && !item.row.is_kubelets() && (is_there || item.row.absence_from_version(spec).is_none())
    };
    let row = |item: &Item<'_>| {
        let ca_name = (item.row.kind != Kind::Authority).then_some(item.row.issuer);
        row_of(item, ca_name, inventory.is_external(item.row.issuer))
    };
    let rows = |kinds: &[Kind]| inventory.items(kinds).filter(is_shown).map(row).collect();
    ExpirationReport::new(rows(&[Kind::Leaf, Kind::Kubeconfig]), rows(&[Kind::Authority]))
}

fn row_of(item: &Item<'_>, ca_name: Option<&str>, externally_managed: bool) -> Row {
    let (expires_at, state) = match (item.leaf(), problem(item)) {
        (Some(certificate), _) => (Some(certificate.not_after()), RowState::Present),
        // As for kubeadm, a directory in a file's place is a missing file.
        (None, Part::Broken(fault)) if fault.code != StoreError::IS_A_DIRECTORY => (None, RowState::Broken(fault)),
        _ => (None, RowState::Missing),
    };
    Row { name: item.name.to_owned(), expires_at, ca_name: ca_name.map(str::to_owned), externally_managed, state }
}

/// Why there is no certificate.
fn problem<'i>(item: &'i Item<'_>) -> Part<&'i Vec<Certificate>> {
    match item.client() {
        Some(Err(error)) => Part::of_error(error),
        Some(Ok(client)) if !client.found.has_certificate => Part::Broken(Fault::new(
            FindingCode::KubeconfigNoCertificate,
            "the kubeconfig's user has no client certificate",
            "nothing, if a token or a plugin is meant",
        )),
        Some(Ok(client)) => client.found.certificates.as_ref(),
        None if item.kubeconfig.is_some() => Part::of_file(item.observed()),
        None => item.pair().certificates.as_ref(),
    }
}
