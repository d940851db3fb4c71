//! `kubepki certs renew`: the plan that renews certificates.
//!
//! In: a request, now. Out: a plan. It reads files alone: the API server may be down, and every certificate expired.

use chrono::{DateTime, Utc};

use super::advice::advise;
use super::kubelet::{Kubelet, next_behind};
use super::node::Node;
use super::planned::Planned;
use crate::config::Role;
use crate::edge::host;
use crate::error::Result;
use crate::inventory::is_worker;
use crate::plan::renew::{self, Options};
pub use crate::request::RenewRequest;

/// Reads the node's files and plans the renewal.
///
/// # Errors
/// The configuration cannot be read or is invalid; a name is unknown or cannot be renewed, options contradict each
/// other ([`RequestError`](crate::request::RequestError)). A file
/// that cannot be used is a finding in the plan, not an error.
pub fn plan(request: &RenewRequest, now: DateTime<Utc>) -> Result<Planned> {
    request.refuse_names()?;
    let mut node = if request.sans_from_config {
        Node::open_with_address(&request.node)?
    } else {
        Node::open_without_address(&request.node)?
    };
    if *request.recover {
        node.recover()?;
    }
    let kubelet = Kubelet::read(&node.store, &request.kubelet_dir);
    // A CA that makes way for another vouches for it meanwhile.
    let aside: Vec<_> = node.layout.all_aside().collect();
    let tree = node.read_with(kubelet.paths().chain(aside));
    if !request.node.has_configuration() && is_worker(&node.layout, &tree) {
        node.spec.role = Role::Worker;
    }
    // On a mounted disk this host's name says nothing.
    let host_name = if request.node.rootfs.is_none() { host::facts().hostname } else { None };
    let options = request.options(&node.spec, host_name, now)?;
    // A kubeconfig may lead to any file, and that file may be a link.
    let links = tree.iter().map(|(path, _)| path).filter(|path| node.store.is_link(path));
    let next = links.filter_map(|link| Some((link.to_owned(), next_behind(&node.store, link, now)?))).collect();
    let options = Options { next, ..options };
    let inventory = node.inventory(&tree, &kubelet, None, request.node.has_configuration())?;
    let mut plan = renew::renew(&inventory, &options, now);
    plan.backup_dir = request.backups.dir();
    advise(&mut plan.findings, &node, &tree, &request.node, &request.kubelet_dir, now)?;
    Planned::of(plan, node.warnings, &request.node)?.record(request, &request.node.recorded(&node.spec))
}
