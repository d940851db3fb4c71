//! `kubepki certs generate-csr`: keys and signing requests for a CA elsewhere.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::init::{Planned, refuse_unknown};
use super::node::{Node, NodeRequest};
use crate::catalogue::{self, Layout};
use crate::error::Result;
use crate::plan::generate::Selection;
use crate::plan::request::{self, Options, Outputs, Renewal, RequestRole};

/// What `certs generate-csr` is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
    /// Whether the requests are for the renewal of what is there.
    pub renewal: Renewal,
    /// The folder that the files go into, laid out as `/etc/kubernetes` is; beside the certificates and kubeconfigs
    /// without one, but for new keys for renewal, which go into `renewal` below the kubeconfig directory.
    pub out_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

/// Reads the node's files and plans its requests.
///
/// # Errors
/// The configuration cannot be read or is invalid; a name is unknown; an interrupted change can be neither completed
/// nor taken back. A file in the way is a finding in the plan, not an error.
pub fn plan(wanted: &GenerateCsrRequest, now: DateTime<Utc>) -> Result<Planned> {
    refuse_unknown(&wanted.names, &catalogue::leaf_names())?;
    // A request for renewal says what the certificate says that is there.
    let node = match wanted.renewal {
        Renewal::No => Node::open(&wanted.node)?,
        Renewal::NewKeys | Renewal::SameKeys => Node::open_without_address(&wanted.node)?,
    };
    if wanted.recover {
        node.recover()?;
    }
    let outputs = Outputs(match (&wanted.out_dir, wanted.renewal) {
        (Some(folder), _) => folder_layout(folder.clone()),
        (None, Renewal::NewKeys) => folder_layout(node.layout.kubeconfig_dir.join("renewal")),
        (None, Renewal::No | Renewal::SameKeys) => node.layout.clone(),
    });
    let mut tree = node.read();
    for (path, observed) in node.store.read(outputs.every_path()).iter() {
        tree.insert(path.to_owned(), observed.clone());
    }
    let options = Options {
        names: wanted.names.clone(),
        role: wanted.role,
        with_usages: wanted.with_usages,
        reuse_keys: wanted.reuse_keys,
        renewal: wanted.renewal,
        rootfs: wanted.node.rootfs.clone(),
    };
    let plan = request::requests(&tree, &node.layout, &outputs, &node.spec, &options, now)?;
    let recorded = wanted.node.recorded(&node.spec);
    Planned::of(plan, node.warnings, &wanted.node)?.record(&GenerateCsrRequest {
        node: recorded,
        recover: false,
        ..wanted.clone()
    })
}

/// A folder that is laid out as `/etc/kubernetes` is.
fn folder_layout(folder: PathBuf) -> Layout {
    Layout { certificates_dir: folder.join("pki"), kubeconfig_dir: folder }
}
