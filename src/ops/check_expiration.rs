//! `kubepki certs check-expiration`: kubeadm's table, for a tree in any state.
//!
//! In: a request. Out: an [`ExpirationReport`]. A file that is missing, unreadable or corrupt is a row.
//!
//! Source: kubeadm `phases/certs/renewal/manager.go`, `cmd/certs.go`.

use super::node::{Node, NodeRequest};
use crate::audit::authority::is_external;
use crate::audit::expiration::{ExpirationReport, Row, RowState};
use crate::audit::kubeconfig::client_identity;
use crate::audit::{Pair, Part};
use crate::catalogue::{self, Layout};
use crate::config::{ClusterSpec, Problem, Role};
use crate::error::{Diagnostic, Result};
use crate::tree::{Observed, Tree};
use crate::x509::Certificate;

/// The report, and what the configuration's reader warns of.
#[derive(Debug)]
pub struct Checked {
    /// kubeadm's rows.
    pub report: ExpirationReport,
    /// The warnings.
    pub warnings: Vec<Problem>,
}

/// Reads the tree and reports kubeadm's rows.
///
/// # Errors
/// The configuration cannot be read or is invalid. Nothing in the tree is an error.
pub fn check_expiration(request: &NodeRequest) -> Result<Checked> {
    let node = Node::open_without_address(request)?;
    let report = report(&node.read(), &node.layout, &node.spec);
    Ok(Checked { report, warnings: node.warnings })
}

/// kubeadm's rows for what was read. kubeadm lists the same for every kind of node.
#[must_use]
pub fn report(tree: &Tree, layout: &Layout, spec: &ClusterSpec) -> ExpirationReport {
    let spec = ClusterSpec { role: Role::ControlPlane, ..spec.clone() };
    let pair = |base: &str| Pair::read(tree, layout.certificate(base), layout.key(base));
    let is_external = |name: &str| catalogue::authority(name).is_some_and(|row| is_external(&pair(row.base_name)));
    let authorities = catalogue::authorities(&spec)
        .map(|row| row_of(row.name, None, is_external(row.name), &first(&pair(row.base_name).certificates)));
    let leaves = catalogue::certificates(&spec).map(|row| {
        row_of(row.name, Some(row.issuer), is_external(row.issuer), &first(&pair(row.base_name).certificates))
    });
    let kubeconfigs = catalogue::kubeconfigs(&spec)
        .filter(|row| row.name != "kubelet.conf")
        .filter(|row| {
            let is_there = !matches!(tree.get(&layout.kubeconfig(row.name)), Observed::Missing);
            is_there || row.absence_from_version(&spec).is_none()
        })
        .map(|row| row_of(row.name, Some("ca"), is_external("ca"), &embedded(tree, layout, row.name)));
    ExpirationReport::new(leaves.chain(kubeconfigs).collect(), authorities.collect())
}

fn row_of(name: &str, ca_name: Option<&str>, externally_managed: bool, certificate: &Part<Certificate>) -> Row {
    let (expires_at, state) = match certificate {
        Part::Present(certificate) => (Some(certificate.not_after()), RowState::Present),
        // As for kubeadm, a directory in a file's place is a missing file.
        Part::Missing | Part::Broken { code: "store.is_a_directory", .. } => (None, RowState::Missing),
        Part::Broken { code, evidence, .. } => {
            (None, RowState::Broken { code: (*code).to_owned(), message: evidence.clone() })
        }
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
        Part::Broken { code, evidence, remedy } => {
            Part::Broken { code, evidence: evidence.clone(), remedy: remedy.clone() }
        }
    }
}

/// The client certificate of a kubeconfig.
fn embedded(tree: &Tree, layout: &Layout, name: &str) -> Part<Certificate> {
    let path = layout.kubeconfig(name);
    let content = match tree.get(&path) {
        Observed::Missing => return Part::Missing,
        Observed::Unreadable { code, message, hint } => {
            return Part::Broken { code, evidence: message.clone(), remedy: hint.clone() };
        }
        Observed::File { content, .. } => content,
    };
    match client_identity(tree, &path, content.expose()) {
        Ok(Some(identity)) => first(&identity.certificates),
        Ok(None) => Part::Broken {
            code: "kubeconfig.no_certificate",
            evidence: "the kubeconfig's user has no client certificate".into(),
            remedy: "nothing, if a token or a plugin is meant".into(),
        },
        Err(error) => Part::Broken { code: error.code(), evidence: error.to_string(), remedy: error.hint() },
    }
}
