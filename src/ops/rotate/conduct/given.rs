//! What a step needs of other nodes: the CAs that come, and on a worker those that sign.
//!
//! In: how far every node is. Out: what one of them exports, for the one that lacks it.

use super::Conductor;
use crate::audit::rotation::Stage;
use crate::catalogue::CLUSTER_CA;
use crate::error::Result;
use crate::ops::bad;
use crate::ops::rotate::material::read_new_ca;
use crate::ops::rotate::nodes::{Member, question};
use crate::plan::rotate::{Material, Phase};
use crate::secret::Secret;

impl Conductor<'_, '_> {
    /// What the node needs of the others.
    pub(super) fn material(&self, member: &Member, phase: Phase, authorities: &[String]) -> Result<Option<Secret>> {
        let needs = match phase {
            Phase::TrustBoth => true,
            Phase::Reissue | Phase::TrustNew | Phase::TrustOld => member.is_worker(),
            Phase::IssueNew | Phase::IssueOld | Phase::Cluster => false,
        };
        if !needs {
            return Ok(None);
        }
        let mut material = Material::default();
        if phase == Phase::TrustBoth && !member.is_worker() {
            material.common_name.clone_from(&self.request.coming.common_name);
        }
        // A worker has the cluster's CA alone.
        for authority in authorities.iter().filter(|name| *name == CLUSTER_CA || !member.is_worker()) {
            if let Some(source) = self.source(member, authority) {
                let role = if member.is_worker() { "worker" } else { "control-plane" };
                let arguments = ["rotate", "export", "--to", role, "--authority", authority.as_str()];
                let mut exported = source.receive::<Material>(&arguments, None, question(self.stop), &mut |_| {})?;
                // Nothing but what was asked for.
                material.authorities.extend(exported.authorities.remove_entry(authority));
            } else if let Some(path) = &self.request.coming.new_ca {
                material.authorities.insert(authority.clone(), read_new_ca(path)?);
            }
        }
        if material.is_empty() {
            return Ok(None);
        }
        let text = serde_json::to_vec(&material).map_err(|error| bad(error.to_string()))?;
        Ok(Some(Secret::new(text)))
    }

    /// The control plane that has what this node needs; rather one that has both pairs.
    fn source(&self, member: &Member, authority: &str) -> Option<Member> {
        let seen = |other: &Member| self.seen.get(&other.name)?.authorities.iter().find(|one| one.name == authority);
        let has = |other: &&Member| {
            let stage = seen(other).map(|one| one.stage);
            let has_next = matches!(stage, Some(Stage::Prepared | Stage::IssueOld | Stage::IssueNew));
            other.name != member.name && !other.is_worker() && (has_next || member.is_worker())
        };
        let has_both = |other: &&Member| {
            seen(other).is_none_or(|one| !one.lacks_other() && (one.has_other_key || one.issuing.is_none()))
        };
        let mut all = self.fleet.members.iter().filter(has);
        all.clone().find(has_both).or_else(|| all.next()).cloned()
    }
}
