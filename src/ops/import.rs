//! `kubepki certs import`: certificates that were signed elsewhere, into their places.

use chrono::{DateTime, Utc};

use super::given::{Sources, in_place};
use super::kubelet::Kubelet;
use super::node::Node;
use super::planned::Planned;
use crate::catalogue::{KUBELET_CLIENT, KUBELET_CONF};
use crate::error::Result;
use crate::inventory::Item;
use crate::plan::import::{self, Given, Options};
pub use crate::request::ImportRequest;
use crate::tree::Tree;

/// Reads the node's files and the given ones, and plans the import.
///
/// # Errors
/// The configuration cannot be read or is invalid; a named path is not there or cannot be listed. What is wrong with
/// a certificate is a finding in the plan, not an error.
pub fn plan(request: &ImportRequest, now: DateTime<Utc>) -> Result<Planned> {
    let node = Node::open_without_address(&request.node)?;
    if *request.recover {
        node.recover()?;
    }
    let kubelet = Kubelet::read(&node.store, &request.kubelet_dir);
    let next = kubelet.next_client(&node.store, now);
    let tree = node.read_on_the_way(&kubelet, next.clone());
    let inventory = node.inventory(&tree, &kubelet, next.as_deref(), request.node.has_configuration())?;
    let renewal_tree = node.store.read(node.layout.renewal().all_on_the_way());
    let renewals = inventory.renewals(&renewal_tree)?;
    let sources = Sources::new(&node.store, request.node.rootfs.as_deref())?;
    let waiting = if request.paths.is_empty() { Vec::new() } else { sources.waiting(&renewals)? };
    let given = if request.paths.is_empty() {
        let mut given = sources.renewed(&renewals)?;
        let mut renewed: Vec<_> = given.iter().map(|(name, _)| *name).collect();
        // What lies beside kubelet.conf is from before its kubelet rotated its certificate.
        if renewed.contains(&KUBELET_CLIENT) || inventory.kubelet_rotates() {
            renewed.push(KUBELET_CONF);
        }
        given.extend(beside_requests(&tree, inventory.issued().filter(|item| !renewed.contains(&item.name))));
        given.into_iter().map(|(_, given)| given).collect()
    } else {
        sources.certificates(&request.paths)?
    };
    let options = Options { force: request.force };
    let mut plan = import::import(&inventory, &given, &waiting, &options, now);
    plan.backup_dir = request.backups.dir();
    Planned::of(plan, node.warnings, &request.node)?.record(request, &request.node.recorded(&node.spec))
}

/// Certificates that were put beside their requests; of a kubeconfig's also one whose request is gone.
fn beside_requests<'a>(tree: &Tree, places: impl Iterator<Item = &'a Item<'a>>) -> Vec<(&'static str, Given)> {
    let is_on_its_way = |place: &&Item<'_>| tree.is_there(&place.request) || place.kubeconfig.is_some();
    // The kubelet's file has nothing beside it: what it holds is in its place.
    let is_given =
        |place: &&Item<'_>| place.rotating.is_none() && tree.is_there(&place.certificate) && is_on_its_way(place);
    places.filter(is_given).map(|place| (place.name, in_place(tree, &place.certificate))).collect()
}
