//! `kubepki check`: everything that can be known of a node's certificates, for monitoring.
//!
//! In: a request, now. Out: a [`CheckReport`]: every certificate with its end, every finding, one status. CAs,
//! leaves, kubeconfigs, the kubelet's own certificates, and any file or folder besides.
//!
//! On the node itself, components that run are asked what they serve, and when they started.
//!
//! Without a configuration the kind of node is read off the files, and names are not judged: nobody has said
//! which node this is.

mod blocklist;
mod components;
mod exposure;
mod external_etcd;
mod extra;
mod files;
mod held;
mod known;
mod standing;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::advice::advise;
use super::kubelet::Kubelet;
use super::node::Node;
use super::restart;
use crate::audit::advice::rank;
pub use crate::audit::node::Status;
use crate::audit::node::{Checkup, say_once, status};
use crate::audit::signers::CONTROLLER_MANAGER;
use crate::audit::{Finding, SeenCertificate, unreadable};
use crate::catalogue::{self, Kind};
use crate::config::Problem;
use crate::error::Result;
use crate::inventory;
use crate::key::Blocklist;
pub use crate::request::CheckRequest;
use crate::store::Store;
use crate::tree::Observed;
pub(super) use blocklist::read as read_blocklist;
use components::Told;
pub(super) use files::check_files_with;
pub use files::{CheckFilesRequest, check_files};
pub(super) use known::KnownNode;

/// All that was seen and found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The moment for which it holds.
    pub checked_at: DateTime<Utc>,
    /// The whole in one word.
    pub status: Status,
    /// Every certificate, in the catalogue's order, then the kubelet's, then others.
    pub certificates: Vec<SeenCertificate>,
    /// Every finding, the worst first.
    pub findings: Vec<Finding>,
    /// What the configuration's reader warns of.
    pub warnings: Vec<Problem>,
}

/// Reads the node's files and says what is wrong with them.
///
/// # Errors
/// The configuration cannot be read or is invalid; `rootfs` is no directory. Nothing in the tree is an error.
pub fn check(request: &CheckRequest, now: DateTime<Utc>) -> Result<CheckReport> {
    let store = Store::new(request.node.rootfs.dir())?;
    let blocklist = blocklist::read(request.key_blocklist.as_ref())?;
    check_in(store, request, blocklist.as_ref(), true, now).map(|(report, _)| report)
}

/// The same of a node's files in `store`, and what is known of the node besides. Of a tree that is not whole, nothing is
/// missing.
pub(super) fn check_in(
    store: Store,
    request: &CheckRequest,
    blocklist: Option<&Blocklist>,
    is_whole: bool,
    now: DateTime<Utc>,
) -> Result<(CheckReport, KnownNode)> {
    let mut node = Node::open_in(store, &request.node)?;
    let mut tree = node.read();
    let has_config = request.node.has_configuration();
    if !has_config {
        inventory::infer(&mut node.spec, &node.layout, &tree);
    }
    let is_node = is_whole && (has_config || tree.iter().any(|(_, observed)| !matches!(observed, Observed::Missing)));
    let kubelet = Kubelet::read(&node.store, &request.kubelet_dir);
    tree.add(node.store.read(kubelet.paths()));
    tree.add(node.store.read(node.layout.all_aside()));
    let inventory = node.inventory(&tree, &kubelet, None, has_config)?;
    let mut checkup = Checkup::new(&inventory, is_node, request.thresholds()?, now);
    checkup.items(Kind::Authority);
    checkup.items(Kind::Leaf);
    checkup.external_etcd(&node.store);
    checkup.items(Kind::ServiceAccount);
    checkup.items(Kind::Kubeconfig);
    // What runs on this machine says nothing about a tree below another root.
    let on_machine = node.store.is_of_this_machine();
    let seen = is_node.then(|| restart::living(&node.store, &request.kubelet_dir, on_machine));
    let living = seen.unwrap_or_default();
    checkup.kubelet(&kubelet.files, kubelet.is_known, living.kubelet_serves);
    checkup.misplaced(*request.profile);
    checkup.extra(&node.store, &request.extra);
    checkup.exposure(&node.store, &request.kubelet_dir);
    checkup.held_manifests(&node.store);
    checkup.keys(blocklist);
    if request.live {
        let authorities = catalogue::rows([Kind::Authority]).flat_map(|row| inventory.bundle(row.name)).cloned();
        let authorities: Vec<_> = authorities.collect();
        let served = restart::serving(&node.store, &request.kubelet_dir, &authorities, checkup.thresholds, now);
        checkup.findings.extend(served);
    }
    let told = Told::read(&node.store, &kubelet, &node.layout.kubeconfig_dir, node.spec.version());
    let known = KnownNode::of(&node, &checkup, &told);
    checkup.succession(told.pod(CONTROLLER_MANAGER));
    checkup.findings.extend(living.findings);
    if is_node {
        checkup.flags(&node.store, *request.profile, &kubelet, &told, &request.kubelet_dir);
        checkup.standing(&node.store, *request.profile, &kubelet, &told, &request.kubelet_dir);
    }

    let Checkup { certificates, mut findings, .. } = checkup;
    let as_root = (!node.store.is_root()).then_some("run it as root: `sudo kubepki check`");
    unreadable::gather(&mut findings, as_root);
    say_once(&mut findings);
    advise(&mut findings, &node, &tree, &request.node, &request.kubelet_dir, now)?;
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), rank(finding)));
    let kubelet = request.kubelet_dir.join("pki");
    let folders = [&node.layout.certificates_dir, &node.layout.kubeconfig_dir, &kubelet].map(PathBuf::as_path);
    super::interrupted::put_first(&node.store, &folders, &mut findings);
    let status = status(&certificates, &findings);
    Ok((CheckReport { checked_at: now, status, certificates, findings, warnings: node.warnings }, known))
}
