//! `kubepki rotate`: a CA, or the service accounts' key, makes way for another while the cluster works.
//!
//! In: a request, now. Out: how far this node is; one step of it done; what other nodes need of it. Each step is computed from what
//! is there, so it can be run again after whatever broke off, and changes only what is not yet as it shall be.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | a node, and how far it is |
//! | `step` | one step of one node: files, the controller manager's manifest, restarts |
//! | `trial` | what it would change |
//! | `reissue` | what the other CA has signed |
//! | `export` | what other nodes need |
//! | `nodes` | the nodes, and how kubepki is run on each |
//! | `reserve` | one run at a time |
//! | `material` | files with a CA that comes |
//! | `elsewhere` | files that are not kubeadm's, from which components take whom they trust |
//! | `obstacles` | what a rotation cannot begin with |
//! | `cluster` `settle` | the cluster's own objects, and gates |
//! | `own_cluster` | which cluster is this node's |
//! | `vouching` | whether clients of the old CA alone go on |
//! | `unused` | whether an audit log still knows the old CA |
//! | `conduct` | all steps on all nodes |

pub mod cluster;
pub mod conduct;
mod elsewhere;
mod export;
pub mod material;
pub mod nodes;
pub mod obstacles;
pub mod own_cluster;
mod reissue;
pub mod reserve;
mod settle;
mod step;
mod trial;
pub mod unused;
mod vouching;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use export::export;
use obstacles::Obstacle;
use own_cluster::OwnClusterError;
pub use settle::Settled;
pub use step::{StepReport, look_at_cluster, step};
pub use trial::{Trial, trial};

use super::Continue;
use super::kubelet::Kubelet;
use super::node::{Node, name_in_kubelet_conf};
use super::restart::{self, Progress, RestartRequest};
use crate::audit::rotation::{AuthorityRotation, SIGNING_FLAG, SIGNING_KEY_FLAG, Stage, look};
use crate::catalogue::{CLUSTER_CA, KeyFiles, Layout, SERVICE_ACCOUNT, rotated_names};
use crate::component::StaticPod;
use crate::config::Role;
use crate::edge::cluster::ClusterError;
use crate::error::{Fault, Result};
use crate::inventory::{Documents, Inventory, is_worker};
use crate::plan::restart::{ComponentPlan, RestartPlan, Way};
use crate::plan::rotate::course::{DueRestart, bearers, readers};
use crate::plan::rotate::objects::ChangedObject;
use crate::remedy::command;
use crate::request::{ClusterAccess, NodeRequest, Span};
pub use crate::request::{NodeRotationRequest, RotateStepRequest, RotationRequest};
use crate::store::StoreError;
use crate::text::printable;
use crate::tree::{Observed, Tree};
use crate::x509::read_certificates;

/// The component that signs what the cluster is asked for.
const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// No rotation writes more objects of the cluster.
const MOST_OBJECTS: usize = 10;

/// How long the cluster may take, in seconds, to say what its objects hold.
const ANSWERED_WITHIN: i64 = 10;

/// How far a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRotation {
    /// Its name; none where nothing says it.
    pub node: Option<String>,
    /// Whether it is a worker.
    pub is_worker: bool,
    /// Its clock.
    pub looked_at: DateTime<Utc>,
    /// The kubepki that has looked.
    pub version: String,
    /// Each of those that were asked for.
    pub authorities: Vec<AuthorityRotation>,
    /// The components that do not use what is on disk.
    pub to_restart: Vec<DueRestart>,
    /// Why the components could not be looked at; none where they were, or none runs here.
    #[serde(default)]
    pub unseen: Option<Fault>,
    /// Where a component serves another certificate than that on disk, each in a few words.
    #[serde(default)]
    pub serves_other: Vec<String>,
    /// The components whose manifest a restart that broke off has left outside its folder: they do not run.
    #[serde(default)]
    pub held: Vec<String>,
    /// Why clients that trust the old cluster CA alone will not accept the API server once the new one signs; none where they will.
    #[serde(default)]
    pub failing_clients: Option<String>,
    /// What a rotation cannot begin with here.
    #[serde(default)]
    pub obstacles: Vec<Obstacle>,
    /// The cluster's objects that do not hold what this node's files do; none where the cluster was not asked.
    #[serde(default)]
    pub objects: Option<Vec<ChangedObject>>,
    /// Why the cluster does not say that; none where it does, or was not asked.
    #[serde(default)]
    pub objects_problem: Option<Fault>,
}

impl NodeRotation {
    /// Why this cannot be what a node of ours says when it is asked for these; none where it can.
    fn contradiction(&self, names: &[&str]) -> Option<String> {
        let count = |name: &str| self.authorities.iter().filter(|one| one.name == name).count();
        if let Some(name) = names.iter().find(|name| count(name) != 1) {
            return Some(format!("it speaks of {name} {} times", count(name)));
        }
        if self.is_worker && !self.held.is_empty() {
            return Some("it holds manifests back, which a worker has none of".to_owned());
        }
        if self.objects.as_ref().is_some_and(|objects| objects.len() > MOST_OBJECTS) {
            return Some("it speaks of more objects of the cluster than there are".to_owned());
        }
        let mut problems = self.authorities.iter().filter_map(|one| {
            let name = printable(&one.name);
            let anchors = one.trusted.iter().chain(&one.next).chain(&one.previous);
            let mut digests = anchors.flat_map(|anchor| [&anchor.sha256, &anchor.public_key_sha256]);
            if !names.contains(&one.name.as_str()) {
                Some(format!("nobody has asked for {name}"))
            } else if digests.any(|digest| !is_sha256(digest)) {
                Some(format!("{name} has a digest that is none"))
            } else if one.stage.trusts_both() && one.trusted.len() < 2 {
                Some(format!("{name} is at {}, and trusts {}", one.stage.as_str(), one.trusted.len()))
            } else {
                None
            }
        });
        problems.next()
    }

    /// Whether something is replaced here, or is not as it is to be.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.authorities
            .iter()
            .any(|one| one.stage.trusts_both() || one.stage == Stage::Prepared || !one.behind.is_empty())
            || self.objects.as_ref().is_some_and(|objects| !objects.is_empty())
    }
}

/// Looks how far this node is; nothing is changed. `tell` is asked whether to go on while the cluster is asked.
///
/// # Errors
/// A name that is unknown; the configuration cannot be read; where the cluster is to be asked, it does not answer, or is another one.
pub fn status(
    request: &NodeRotationRequest,
    now: DateTime<Utc>,
    tell: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<NodeRotation> {
    let names = request.chosen()?;
    let place = Place::open(&request.node, &request.kubelet_dir, None)?;
    let restart = RestartRequest {
        kubelet: true,
        kubelet_dir: request.kubelet_dir.clone(),
        rootfs: request.node.rootfs.clone(),
        ..RestartRequest::default()
    };
    // Of a disk that is not this machine's nothing runs here.
    let is_here = place.node.store.is_of_this_machine();
    let due = is_here.then(|| restart::plan(&restart, now, &mut |_: &Progress| Continue::Yes));
    let (due, unseen) = match due {
        Some(Err(error)) => (None, Some(Fault::from(error))),
        Some(Ok(plan)) => (Some(plan), None),
        None => (None, None),
    };
    let restarts = due.iter().flat_map(RestartPlan::restarts).filter(|one| has_own_reason(one));
    let to_restart = restarts.map(|one| due_restart(one, &place.node.layout)).collect();
    let authorities = place.rotations(&names)?;
    let ca = authorities.iter().find(|one| one.name == CLUSTER_CA && !place.is_worker());
    let failing_clients = ca.map(|ca| vouching::objection(&place.inventory()?, ca, now)).transpose()?.flatten();
    Ok(NodeRotation {
        node: place.name(&request.node),
        is_worker: place.is_worker(),
        looked_at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        authorities,
        to_restart,
        unseen,
        serves_other: due.iter().flat_map(|plan| &plan.components).flat_map(serves_other).collect(),
        held: due.into_iter().flat_map(|plan| plan.held).map(|held| held.component).collect(),
        failing_clients,
        obstacles: obstacles::find(&place),
        objects: if request.objects.cluster { objects_behind(request, &place, tell)? } else { None },
        objects_problem: None,
    })
}

/// The node's own kubeconfig is asked.
fn objects_behind(
    request: &NodeRotationRequest,
    place: &Place,
    tell: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Option<Vec<ChangedObject>>> {
    let NodeRotationRequest { authority, kubelet_dir, node, .. } = request.clone();
    let access = ClusterAccess { request_timeout: Span::of_seconds(ANSWERED_WITHIN), ..ClusterAccess::default() };
    let step = RotateStepRequest { authority, kubelet_dir, access, node, ..Default::default() };
    settle::objects_behind(&step, place, tell).map_err(|error| {
        let has_options = [OwnClusterError::NO_KUBECONFIG, OwnClusterError::OTHER_CLUSTER, ClusterError::TIMEOUT]
            .contains(&error.code());
        if !has_options {
            return error;
        }
        let mut fault = Fault::from(error);
        let same = command(["kubepki", "rotate", "step", "cluster", "--dry-run"]);
        fault.hint = format!("with another kubeconfig, or more time: {same} takes --kubeconfig and --request-timeout");
        fault.into()
    })
}

fn is_sha256(digest: &str) -> bool {
    digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An API server that restarts for etcd's sake alone uses what is on disk.
fn has_own_reason(component: &ComponentPlan) -> bool {
    component.way != Some(Way::AroundEtcd) || component.reasons.len() > 1
}

fn serves_other(component: &ComponentPlan) -> impl Iterator<Item = String> {
    let others = component.endpoints.iter().filter(|endpoint| endpoint.is_current() == Some(false));
    others.map(|endpoint| format!("{} at {}", component.name, endpoint.address))
}

fn due_restart(component: &ComponentPlan, layout: &Layout) -> DueRestart {
    let key = layout.service_account_key();
    let bundles: Vec<_> = rotated_names().into_iter().map(|name| (name, layout.in_use(name).public)).collect();
    let has_old = |authority: &str, is_of: &dyn Fn(&PathBuf) -> bool| {
        bearers(authority).contains(&component.name.as_str()) && component.outdated_files.iter().any(is_of)
    };
    let mut uses_old = Vec::new();
    if has_old(SERVICE_ACCOUNT, &|file| *file == key) {
        uses_old.push(SERVICE_ACCOUNT.to_owned());
    }
    // A kubeconfig, or the kubelet's own certificate.
    if has_old(CLUSTER_CA, &|file| *file != key && !bundles.iter().any(|(_, bundle)| bundle == file)) {
        uses_old.push(CLUSTER_CA.to_owned());
    }
    let is_read = |(name, bundle): &(&str, PathBuf)| {
        readers(name).contains(&component.name.as_str()) && component.outdated_files.contains(bundle)
    };
    let trusts_old = bundles.into_iter().filter(is_read).map(|(name, _)| name.to_owned()).collect();
    DueRestart { component: component.name.clone(), reason: component.reasons.join("; "), uses_old, trusts_old }
}

/// A node as a rotation meets it.
struct Place {
    node: Node,
    kubelet: Kubelet,
    /// The controller manager's manifest.
    manifest: PathBuf,
    tree: Tree,
}

impl Place {
    fn open(request: &NodeRequest, kubelet_dir: &Path, manifests_dir: Option<&Path>) -> Result<Self> {
        let mut node = Node::open_without_address(request)?;
        let kubelet = Kubelet::read(&node.store, kubelet_dir);
        let own = || kubelet.configuration.manifests_dir(&node.layout.kubeconfig_dir);
        let folder = manifests_dir.map_or_else(own, Path::to_path_buf);
        let manifest = folder.join(format!("{CONTROLLER_MANAGER}.yaml"));
        let tree = read(&node, &kubelet, &manifest);
        // It would count as absent.
        let closed = |(_, observed): (_, &Observed)| observed.failing_with(StoreError::NO_PERMISSION).cloned();
        if let Some(fault) = tree.iter().find_map(closed) {
            return Err(fault.into());
        }
        if !request.has_configuration() && is_worker(&node.layout, &tree) {
            node.spec.role = Role::Worker;
        }
        Ok(Self { node, kubelet, manifest, tree })
    }

    /// The same after a change.
    fn again(self) -> Self {
        let tree = read(&self.node, &self.kubelet, &self.manifest);
        Self { tree, ..self }
    }

    fn is_worker(&self) -> bool {
        self.node.spec.role == Role::Worker
    }

    fn name(&self, request: &NodeRequest) -> Option<String> {
        name_in_kubelet_conf(&self.node.store, request, &Documents::default())
            .or_else(|| self.kubelet.configuration.node_name.clone())
    }

    /// How many certificates a file holds.
    fn count(&self, path: &Path) -> usize {
        self.tree.content(path).and_then(|pem| read_certificates(pem).ok()).map_or(0, |all| all.len())
    }

    /// Another component's manifest; none where there is none, or it cannot be read.
    fn static_pod(&self, component: &str) -> Option<StaticPod> {
        let manifest = self.manifest.with_file_name(format!("{component}.yaml"));
        let tree = self.node.store.read([&manifest]);
        StaticPod::parse(tree.content(&manifest)?).ok()
    }

    /// The controller manager; the cluster CA's files have kubeadm's paths there, whatever link it names them by.
    fn controller_manager(&self) -> Option<StaticPod> {
        let mut pod = StaticPod::parse(self.tree.content(&self.manifest)?).ok()?;
        let layout = &self.node.layout;
        let KeyFiles { public, key } = layout.in_use(CLUSTER_CA);
        let own = [public, key, layout.signing_certificate()];
        let named: Vec<_> = [SIGNING_FLAG, SIGNING_KEY_FLAG].into_iter().filter_map(|flag| pod.file(flag)).collect();
        for file in named {
            if let Some(own) = own.iter().find(|own| **own != file && self.node.store.are_one(own, &file)) {
                pod.call(file, own.clone());
            }
        }
        Some(pod)
    }

    fn inventory(&self) -> Result<Inventory<'_>> {
        self.node.inventory(&self.tree, &self.kubelet, None, false)
    }

    fn rotations(&self, names: &[&str]) -> Result<Vec<AuthorityRotation>> {
        let pod = self.controller_manager();
        let all = look(&self.inventory()?, pod.as_ref(), &elsewhere::find(self));
        Ok(all.into_iter().filter(|one| names.contains(&one.name.as_str())).collect())
    }
}

fn read(node: &Node, kubelet: &Kubelet, manifest: &Path) -> Tree {
    node.read_with(kubelet.paths().chain(node.layout.all_aside()).chain([manifest.to_owned()]))
}
