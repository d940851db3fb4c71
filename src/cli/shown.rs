//! Stands in for `report` until it is there.
#![allow(clippy::unnecessary_wraps)]
pub(super) mod plan {
    pub(crate) fn text(plan: &crate::plan::Plan) -> String {
        format!("{} artefacts", plan.artefacts.len())
    }
}
pub(super) mod finding {
    pub(crate) fn text(finding: &crate::audit::Finding) -> String {
        finding.to_string()
    }
}
pub(super) mod structured {
    pub(crate) fn json(value: &impl serde::Serialize) -> crate::error::Result<String> {
        Ok(serde_json::to_string_pretty(value).unwrap_or_default())
    }
    pub(crate) fn yaml(value: &impl serde::Serialize) -> crate::error::Result<String> {
        json(value)
    }
}
pub(super) mod restart {
    pub(crate) fn text(plan: &crate::plan::restart::RestartPlan) -> String {
        format!("{} components", plan.components.len())
    }
}
pub(super) mod difference {
    pub(crate) fn text(plan: &crate::plan::Plan) -> String {
        format!("{} artefacts", plan.artefacts.len())
    }
}
