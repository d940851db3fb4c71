//! `kubepki certs generate-csr`: keys and signing requests for a CA elsewhere.

use chrono::{DateTime, Utc};

use super::kubelet::Kubelet;
use super::node::Node;
use super::planned::Planned;
use crate::catalogue::{self, KUBELET_CLIENT, Layout};
use crate::error::Result;
use crate::plan::generate::Selection;
use crate::plan::request::{self, Options, Outputs, Renewal};
pub use crate::request::GenerateCsrRequest;
use crate::request::refuse_unknown;

/// Reads the node's files and plans its requests.
///
/// # Errors
/// The configuration cannot be read or is invalid; a name is unknown; an interrupted change can be neither completed
/// nor taken back. A file in the way is a finding in the plan, not an error.
pub fn plan(wanted: &GenerateCsrRequest, now: DateTime<Utc>) -> Result<Planned> {
    refuse_unknown(&wanted.names, &catalogue::request_names())?;
    let (renewal, only_lacking) = (wanted.renewal()?, wanted.only_lacking()?);
    // A request for renewal says what the certificate says that is there.
    let is_kubelets =
        matches!(&wanted.names, Selection::Names(names) if names.iter().all(|name| name == KUBELET_CLIENT));
    let mut node = if renewal == Renewal::No && !is_kubelets {
        Node::open(&wanted.node)?
    } else {
        Node::open_without_address(&wanted.node)?
    };
    if *wanted.recover {
        node.recover()?;
    }
    let out_layout = wanted.out_dir.as_ref().map(|folder| Layout::below(folder.clone()));
    let outputs = Outputs {
        kubelet_dir: out_layout.as_ref().unwrap_or(&node.layout.renewal()).kubeconfig_dir.clone(),
        layout: out_layout.unwrap_or_else(|| match renewal {
            Renewal::NewKeys => node.layout.renewal(),
            Renewal::No | Renewal::SameKeys => node.layout.clone(),
        }),
    };
    let kubelet = Kubelet::read(&node.store, &wanted.kubelet_dir);
    if node.spec.node_name.is_empty() {
        node.spec.node_name = kubelet.configuration.node_name.clone().unwrap_or_default();
    }
    let tree = node.read_with(outputs.every_path().into_iter().chain([kubelet.files.client()]));
    let options = Options {
        names: wanted.names.clone(),
        role: wanted.role,
        with_usages: wanted.with_usages,
        reuse_keys: wanted.reuse_keys,
        renewal,
        only_lacking,
        kubelet_rotates: kubelet.configuration.rotates_client_certificate,
    };
    let inventory = node.inventory(&tree, &kubelet, None, true)?;
    let plan = request::requests(&inventory, &outputs, &options, now)?;
    Planned::of(plan, node.warnings, &wanted.node)?.record(wanted, &wanted.node.recorded(&node.spec))
}
