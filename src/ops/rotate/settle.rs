//! `kubepki rotate step cluster`: the cluster's objects follow this node's files, and it is waited until the whole cluster has.
//!
//! In: a request, the node. Out: what was changed, each gate, who holds on to the CA that goes. API servers only add what they find
//! on their own disks, and one that has not read its disk yet adds what was taken away: it is looked at again and written again until
//! the time is up.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::cluster::{RestartedPod, Way, affected, gates, restart_pods, wait_for_gates, write_objects};
use super::{Place, RotateStepRequest, cluster, own_cluster};
use crate::audit::rotation::{Stage, told_to_sign_with};
use crate::catalogue::{Aside, CLUSTER_CA, SERVICE_ACCOUNT};
use crate::error::Result;
use crate::objects::Node;
use crate::ops::Continue;
use crate::ops::cluster::{Api, is_passing};
use crate::ops::node::content_of;
use crate::ops::restart::{Phase, Progress};
use crate::plan::rotate::RotateError;
use crate::plan::rotate::affected::Affected;
use crate::plan::rotate::objects::{ChangedObject, ClusterTrust, Gate, GateName};
use crate::request::ClusterAccess;
use crate::x509::{Certificate, read_certificates};

/// For so long the gates are looked at before the objects are written again.
const ROUND: Duration = Duration::from_secs(20);

/// An API server that has not read its disk yet adds what was taken away as soon as it sees that: until then nothing is looked at.
const ADDED_WITHIN: Duration = Duration::from_secs(5);

/// Before the same is asked again.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(1);

/// What the cluster says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Objects that were changed; in a dry run those that are to be.
    pub objects: Vec<ChangedObject>,
    /// What has to hold before it goes on.
    pub gates: Vec<Gate>,
    /// What holds on to the CA that goes, and does not follow by itself.
    pub affected: Vec<Affected>,
    /// Pods that were restarted, or why not.
    pub pods: Vec<RestartedPod>,
    /// The cluster's nodes.
    pub nodes: Vec<String>,
}

/// Writes the objects, unless it is a dry run, and waits for the gates.
pub(super) fn settle(
    request: &RotateStepRequest,
    place: &Place,
    now: DateTime<Utc>,
    is_dry_run: bool,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Settled> {
    let wanted = wanted(place)?;
    let timeout = request.timeout()?;
    let kubeconfig = own_cluster::kubeconfig(request, place)?;
    let began = Instant::now();
    let said = std::cell::RefCell::new(String::new());
    let mut tell = || {
        let (component, seconds) = ("cluster".to_owned(), began.elapsed().as_secs_f64());
        let state = Progress { component, phase: Phase::Started, seconds, detail: said.borrow().clone() };
        if progress(&state) == Continue::Yes { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let access = ClusterAccess { kubeconfig: Some(kubeconfig.clone()), ..request.access.clone() };
    let mut api = Api::open(&access, &[], &mut tell)?;
    own_cluster::refuse_other(&kubeconfig, place, &mut api)?;
    let way: Way<'_> = (&access, &[]);
    let mut objects = Vec::new();
    let mut see = |all: &[Gate]| {
        let closed = all.iter().filter(|gate| !gate.is_open).map(|gate| gate.waits_for.as_str());
        *said.borrow_mut() = closed.collect::<Vec<_>>().join("; ");
        Continue::Yes
    };
    let gates = loop {
        let written = write_objects(&mut api, &wanted, is_dry_run)?;
        let is_trust = written.iter().any(|(gate, _)| *gate == GateName::ClientTrust);
        for (_, one) in written {
            if !objects.contains(&one) {
                objects.push(one);
            }
        }
        if is_dry_run {
            break gates(&mut api, way, &wanted, now)?;
        }
        let left = || timeout.saturating_sub(began.elapsed());
        if is_trust {
            api.pause(left().min(ADDED_WITHIN))?;
        }
        let seen = wait_for_gates(&mut api, way, &wanted, left().min(ROUND), &mut see)?;
        let closed: Vec<_> = seen.iter().filter(|gate| !gate.is_open).collect();
        if closed.is_empty() {
            break seen;
        }
        if began.elapsed() >= timeout {
            let gates = closed.iter().map(|gate| format!("{}: {}", gate.name, gate.waits_for)).collect();
            return Err(RotateError::GatesClosed { waited: timeout, gates }.into());
        }
    };
    let pods = match trusts_both_since(place).filter(|_| request.evicting.restart_pods && !is_dry_run) {
        Some(before) => restart_pods(&mut api, before, timeout, &mut |pod| {
            log::info!("pod {}/{}: {}", pod.namespace, pod.name, pod.left.as_deref().unwrap_or("restarted"));
            Continue::Yes
        })?,
        None => Vec::new(),
    };
    // Before a rotation it is what is trusted now that will go.
    let goes = Some(goes(place)?).filter(|goes| !goes.is_empty() || !is_dry_run).unwrap_or(wanted.authority.clone());
    let keys = keys_that_go(request, place, is_dry_run)?;
    let affected = affected(&mut api, &wanted, (&goes, &keys), trusts_both_since(place))?;
    let nodes = api.list::<Node>(None, "")?.items.into_iter().map(|node| node.metadata.name).collect();
    Ok(Settled { objects, gates, affected, pods, nodes })
}

/// The objects that do not have the CAs yet that this node's files have; none where the node is a disk of another machine, whose
/// kubeconfigs are not used.
pub(super) fn objects_behind(
    request: &RotateStepRequest,
    place: &Place,
    tell: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Option<Vec<ChangedObject>>> {
    if !place.node.store.is_of_this_machine() {
        return Ok(None);
    }
    let names = request.chosen()?;
    let kubeconfig = own_cluster::kubeconfig(request, place)?;
    let access = ClusterAccess { kubeconfig: Some(kubeconfig.clone()), ..request.access.clone() };
    let (wanted, limit, since) = (wanted(place)?, access.timeout()?, Instant::now());
    let mut api = Api::open(&access, &[], tell)?;
    loop {
        let is_own = own_cluster::refuse_other(&kubeconfig, place, &mut api);
        match is_own.and_then(|()| cluster::objects_behind(&mut api, &wanted, &names)) {
            Ok(behind) => return Ok(Some(behind)),
            Err(error) if !is_passing(&error) || since.elapsed() >= limit => return Err(error),
            // An API server that starts again is there in a moment.
            Err(_) => api.pause(BETWEEN_QUESTIONS)?,
        }
    }
}

/// What the cluster is to say, by this node's files.
fn wanted(place: &Place) -> Result<ClusterTrust> {
    let inventory = place.inventory()?;
    let own = place.node.layout.signing_certificate();
    let told = told_to_sign_with(&place.node.layout, place.controller_manager().as_ref());
    let authority = inventory.bundle(CLUSTER_CA).to_vec();
    if authority.is_empty() || place.is_worker() {
        return Err(RotateError::NotHere {
            authority: CLUSTER_CA.to_owned(),
            reason: "only a control-plane node knows what the cluster is to say".to_owned(),
            hint: "run it on a control-plane node".to_owned(),
        }
        .into());
    }
    let [clients, front_proxy] = client_trust(place)?;
    Ok(ClusterTrust { authority, clients, front_proxy, signing_file: told.filter(|told| *told == own) })
}

/// What the API server of this node lets clients and front proxies in with: it writes that into the cluster itself, again and again.
fn client_trust(place: &Place) -> Result<[Vec<Certificate>; 2]> {
    let pod = place.static_pod("kube-apiserver").unwrap_or_default();
    let read = |flag| -> Result<Vec<Certificate>> {
        let Some(file) = pod.file(flag) else { return Ok(Vec::new()) };
        Ok(read_certificates(content_of(&place.node.store.read([&file]), &file)?.expose())?)
    };
    Ok([read("client-ca-file")?, read("requestheader-client-ca-file")?])
}

/// The cluster's CAs that will not be trusted any more.
fn goes(place: &Place) -> Result<Vec<Certificate>> {
    let layout = &place.node.layout;
    let read = |aside| {
        let content = place.tree.content(&layout.aside(CLUSTER_CA, aside).public);
        content.map(read_certificates).transpose()
    };
    if let Some(previous) = read(Aside::Previous)? {
        return Ok(previous);
    }
    let next = read(Aside::Next)?.unwrap_or_default();
    if next.is_empty() {
        return Ok(Vec::new());
    }
    let inventory = place.inventory()?;
    Ok(inventory.bundle(CLUSTER_CA).iter().filter(|one| !next.contains(one)).cloned().collect())
}

/// The service accounts' keys that will not be trusted any more, by the SHA-256 of each; before a rotation the one that is trusted.
fn keys_that_go(request: &RotateStepRequest, place: &Place, is_dry_run: bool) -> Result<Vec<String>> {
    let is_meant = |name: &&str| *name == SERVICE_ACCOUNT;
    let names: Vec<_> = request.chosen()?.into_iter().filter(is_meant).collect();
    let rotations = place.rotations(&names)?;
    let Some(keys) = rotations.first() else { return Ok(Vec::new()) };
    let goes: Vec<_> = match keys.stage {
        Stage::IssueNew => keys.previous.clone(),
        Stage::IssueOld | Stage::Prepared => {
            keys.trusted.iter().filter(|one| !keys.next.contains(one)).cloned().collect()
        }
        Stage::Single if is_dry_run => keys.trusted.clone(),
        _ => Vec::new(),
    };
    Ok(goes.into_iter().map(|one| one.public_key_sha256).collect())
}

/// Since when both are trusted here, as far as files say it: pods that started before may not have seen it.
fn trusts_both_since(place: &Place) -> Option<DateTime<Utc>> {
    let (store, layout) = (&place.node.store, &place.node.layout);
    let bundle = layout.in_use(CLUSTER_CA).public;
    // Where the CA's key is elsewhere, nothing signs with a file of its own.
    store.changed_at(&layout.signing_certificate()).or_else(|| {
        let trusts_both = place.count(&bundle) > 1;
        trusts_both.then(|| store.changed_at(&bundle)).flatten()
    })
}
