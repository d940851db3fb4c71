//! `kubepki init`: the plan that gives a node what it lacks.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::advice::advise;
use super::node::{Node, NodeRequest};
use super::{OperationError, exposure};
use crate::audit::{complete_remedies, unreadable};
use crate::catalogue;
use crate::config::Problem;
use crate::error::Result;
use crate::inventory::Inventory;
use crate::plan::Plan;
use crate::plan::generate::{self, Options, OutliveAuthority, Selection};

/// What `init` is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InitRequest {
    /// Which node.
    pub node: NodeRequest,
    /// Which CAs, certificates and key pairs, by kubeadm's names.
    pub certificates: Selection,
    /// Which kubeconfigs, by file name.
    pub kubeconfigs: Selection,
    /// What to do with a certificate that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

/// A plan, and what the configuration's reader warns of.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The warnings.
    pub warnings: Vec<Problem>,
}

/// Reads the node's files and plans what it lacks.
///
/// # Errors
/// The configuration cannot be read or is invalid; a name is unknown ([`OperationError::UnknownName`]); an
/// interrupted change can be neither completed nor taken back. A file of the tree that cannot be used is a finding
/// in the plan, not an error.
pub fn plan(request: &InitRequest, now: DateTime<Utc>) -> Result<Planned> {
    refuse_unknown(&request.certificates, &catalogue::certificate_names())?;
    refuse_unknown(&request.kubeconfigs, &catalogue::kubeconfig_names())?;
    let node = Node::open(&request.node)?;
    if request.recover {
        node.recover()?;
    }
    let tree = node.read();
    let inventory = Inventory::of(&tree, &node.layout, &node.spec, true)?;
    let options = Options {
        certificates: request.certificates.clone(),
        kubeconfigs: request.kubeconfigs.clone(),
        outlive_authority: request.outlive_authority,
    };
    let mut plan = generate::generate(&inventory, &options, now)?;
    advise(&mut plan.findings, &node, &tree, &request.node, catalogue::DEFAULT_KUBELET_DIR.as_ref(), now)?;
    let recorded = request.node.recorded(&node.spec);
    Planned::of(plan, node.warnings, &request.node)?.record(&InitRequest {
        node: recorded,
        recover: false,
        ..request.clone()
    })
}

impl Planned {
    /// A plan for the tree of `node` that writes no key where others have it in hand, and whose findings say what its
    /// caller can do.
    pub(super) fn of(mut plan: Plan, warnings: Vec<Problem>, node: &NodeRequest) -> Result<Self> {
        plan.rootfs.clone_from(&node.rootfs);
        exposure::judge_plan(&mut plan)?;
        unreadable::gather(&mut plan.findings, None);
        super::interrupted::put_first_in(&mut plan);
        complete_remedies(&mut plan.findings, &node.caller());
        Ok(Self { plan, warnings })
    }

    /// The same, with the request that it can be made from again: as it was read, and without what only the first run does.
    pub(super) fn record(mut self, request: &impl Serialize) -> Result<Self> {
        super::again::record(&mut self.plan, request)?;
        Ok(self)
    }
}

/// Refuses a name that is not among the known ones.
pub(super) fn refuse_unknown(selection: &Selection, known: &[&'static str]) -> Result<()> {
    let Some(name) = generate::unknown_names(selection, known).into_iter().next() else { return Ok(()) };
    Err(OperationError::unknown_name(name, known).into())
}

/// The directories of a plan, for locking.
pub(super) fn directories(plan: &Plan) -> [&PathBuf; 2] {
    [&plan.certificates_dir, &plan.kubeconfig_dir]
}
