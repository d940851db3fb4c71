//! `kubepki init`: the plan that gives a node what it lacks.

use chrono::{DateTime, Utc};

use super::advice::advise;
use super::node::Node;
use super::planned::Planned;
use crate::catalogue;
use crate::error::Result;
use crate::plan::generate::{self, Options};
pub use crate::request::InitRequest;
use crate::request::refuse_unknown;

/// Reads the node's files and plans what it lacks.
///
/// # Errors
/// The configuration cannot be read or is invalid; a name is unknown ([`RequestError`](crate::request::RequestError)); an
/// interrupted change can be neither completed nor taken back. A file of the tree that cannot be used is a finding
/// in the plan, not an error.
pub fn plan(request: &InitRequest, now: DateTime<Utc>) -> Result<Planned> {
    refuse_unknown(&request.certificates, &catalogue::certificate_names())?;
    refuse_unknown(&request.kubeconfigs, &catalogue::kubeconfig_names())?;
    let node = Node::open(&request.node)?;
    if *request.recover {
        node.recover()?;
    }
    let tree = node.read();
    let inventory = node.own_inventory(&tree, true)?;
    let options = Options {
        certificates: request.certificates.clone(),
        kubeconfigs: request.kubeconfigs.clone(),
        outlive_authority: *request.outlive_ca,
    };
    let mut plan = generate::generate(&inventory, &options, now)?;
    advise(&mut plan.findings, &node, &tree, &request.node, catalogue::DEFAULT_KUBELET_DIR.as_ref(), now)?;
    Planned::of(plan, node.warnings, &request.node)?.record(request, &request.node.recorded(&node.spec))
}
