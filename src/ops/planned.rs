//! A plan as a verb hands it over: with the request that it can be made from again, and findings that its caller can follow.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{bad, exposure, interrupted};
use crate::audit::{Finding, FindingCode, complete_remedies, unreadable};
use crate::config::Problem;
use crate::error::Result;
use crate::plan::Plan;
use crate::request::NodeRequest;
use crate::store::Store;

/// A plan, and what the configuration's reader warns of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The plan.
    #[serde(flatten)]
    pub plan: Plan,
    /// The warnings.
    pub warnings: Vec<Problem>,
}

impl Planned {
    /// A plan for the tree of `node` that writes no key where others have it in hand, and whose findings say what its
    /// caller can do.
    pub(super) fn of(mut plan: Plan, warnings: Vec<Problem>, node: &NodeRequest) -> Result<Self> {
        plan.rootfs.clone_from(&node.rootfs);
        exposure::judge_plan(&mut plan)?;
        unreadable::gather(&mut plan.findings, None);
        interrupted::put_first_in(&mut plan);
        say_where(&mut plan.findings, node);
        complete_remedies(&mut plan.findings, &node.caller());
        Ok(Self { plan, warnings })
    }

    /// The same, with the request that it can be made from again: of the node as it was read, and without what only the
    /// first run does.
    pub(super) fn record(mut self, request: &impl Serialize, node: &NodeRequest) -> Result<Self> {
        record(&mut self.plan, request)?;
        let Value::Object(node) = json!(node) else { return Ok(self) };
        if let Some(request) = self.plan.request.as_object_mut() {
            request.extend(node);
            request.insert("recover".into(), false.into());
        }
        Ok(self)
    }
}

/// Says where a file was looked for that a relative path names: below a root directory that is not the working directory.
pub(super) fn say_where(findings: &mut [Finding], node: &NodeRequest) {
    let Ok(store) = Store::new(node.rootfs.dir()) else { return };
    for finding in findings.iter_mut().filter(|one| one.code == FindingCode::FileMissing) {
        if let Some(path) = finding.path.as_deref().filter(|path| path.is_relative()) {
            finding.evidence = format!("{}: {}", finding.evidence, store.place(path).display());
        }
    }
}

/// Notes in a plan what it was made from.
pub(super) fn record(plan: &mut Plan, request: &impl Serialize) -> Result<()> {
    plan.request = serde_json::to_value(request).map_err(|error| bad(error.to_string()))?;
    Ok(())
}
