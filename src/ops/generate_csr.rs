//! `kubepki certs generate-csr`: keys and signing requests for a CA elsewhere.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::init::{Planned, refuse_unknown};
use super::kubelet::Kubelet;
use super::node::{Node, NodeRequest};
use crate::catalogue::{self, DEFAULT_KUBELET_DIR, KUBELET_CLIENT, Layout};
use crate::error::Result;
use crate::plan::generate::Selection;
use crate::plan::request::{self, Options, Outputs, Renewal, RequestRole};

/// What `certs generate-csr` is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateCsrRequest {
    /// Which node.
    pub node: NodeRequest,
    /// Which certificates and kubeconfigs, by kubeadm's names.
    pub names: Selection,
    /// Which kind of node; the configuration's without one.
    pub role: Option<RequestRole>,
    /// Whether requests ask for the usages of the catalogue.
    pub with_usages: bool,
    /// Whether keys that are there are used.
    pub reuse_keys: bool,
    /// Whether the requests are for the renewal of what is there; the kubelet's own always is.
    pub renewal: Renewal,
    /// The kubelet's directory, with the client certificate that it rotates.
    pub kubelet_dir: PathBuf,
    /// The folder that the files go into, laid out as `/etc/kubernetes` is; beside the certificates and kubeconfigs
    /// without one, but for new keys for renewal, which go into `renewal` below the kubeconfig directory.
    pub out_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

impl Default for GenerateCsrRequest {
    fn default() -> Self {
        Self {
            node: NodeRequest::default(),
            names: Selection::default(),
            role: None,
            with_usages: false,
            reuse_keys: false,
            renewal: Renewal::default(),
            kubelet_dir: DEFAULT_KUBELET_DIR.into(),
            out_dir: None,
            recover: false,
        }
    }
}

/// Reads the node's files and plans its requests.
///
/// # Errors
/// The configuration cannot be read or is invalid; a name is unknown; an interrupted change can be neither completed
/// nor taken back. A file in the way is a finding in the plan, not an error.
pub fn plan(wanted: &GenerateCsrRequest, now: DateTime<Utc>) -> Result<Planned> {
    refuse_unknown(&wanted.names, &catalogue::request_names())?;
    // A request for renewal says what the certificate says that is there.
    let is_kubelets =
        matches!(&wanted.names, Selection::Names(names) if names.iter().all(|name| name == KUBELET_CLIENT));
    let mut node = if wanted.renewal == Renewal::No && !is_kubelets {
        Node::open(&wanted.node)?
    } else {
        Node::open_without_address(&wanted.node)?
    };
    if wanted.recover {
        node.recover()?;
    }
    let out_layout = wanted.out_dir.as_ref().map(|folder| Layout::below(folder.clone()));
    let outputs = Outputs {
        kubelet_dir: out_layout.as_ref().unwrap_or(&node.layout.renewal()).kubeconfig_dir.clone(),
        layout: out_layout.unwrap_or_else(|| match wanted.renewal {
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
        renewal: wanted.renewal,
    };
    let inventory = node.inventory(&tree, &kubelet, None, true)?;
    let plan = request::requests(&inventory, &outputs, &options, now)?;
    let recorded = wanted.node.recorded(&node.spec);
    Planned::of(plan, node.warnings, &wanted.node)?.record(&GenerateCsrRequest {
        node: recorded,
        recover: false,
        ..wanted.clone()
    })
}
