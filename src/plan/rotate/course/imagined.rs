//! What a step will make of a node, for those that only look ahead.
//!
//! In: how far an authority is on a node, and the step. Out: how far it is afterwards, as far as that can be said before anything is made.

use super::super::Phase;
use crate::audit::rotation::{Anchor, AuthorityRotation, Stage};

/// What becomes of an authority on a node by a step, as far as it can be said before the new one is made; `worker_of` is what signs
/// on the control planes, for a worker; `whole` is the same of a control plane that has both pairs.
#[must_use]
pub fn imagined(
    one: &AuthorityRotation,
    phase: Phase,
    worker_of: Option<&str>,
    whole: Option<&AuthorityRotation>,
) -> AuthorityRotation {
    let unknown = || Anchor { sha256: "new".into(), public_key_sha256: "new".into(), subject: None, not_after: None };
    let known =
        whole.and_then(|whole| if whole.stage == Stage::IssueNew { whole.trusted.first() } else { whole.next.first() });
    let coming = || known.cloned().unwrap_or_else(unknown);
    let mut one = AuthorityRotation { behind: Vec::new(), ..one.clone() };
    match phase {
        Phase::TrustBoth if worker_of.is_none() && one.lacks_other() && whole.is_some() => {
            let Some(whole) = whole else { return one };
            let has_new = (whole.stage == Stage::IssueNew) == (whole.signs() == one.signs());
            let (signs, others): (Vec<_>, Vec<_>) =
                one.trusted.iter().cloned().partition(|anchor| Some(anchor.sha256.as_str()) == one.signs());
            one.stage = if has_new { Stage::IssueNew } else { Stage::IssueOld };
            (one.next, one.previous) = if has_new { (Vec::new(), others) } else { (others, Vec::new()) };
            one.has_other_key = signs.len() == 1 && whole.has_other_key;
        }
        Phase::TrustBoth => {
            if one.next.is_empty() && one.stage == Stage::Single {
                one.next = vec![coming()];
            }
            for anchor in one.next.clone() {
                if !one.trusted.contains(&anchor) {
                    one.trusted.push(anchor);
                }
            }
            if worker_of.is_some() {
                one.trusted.extend((one.trusted.len() < 2).then(coming));
                (one.stage, one.next) = (Stage::TrustBoth, Vec::new());
            } else if one.stage != Stage::IssueNew {
                one.stage = Stage::IssueOld;
            }
        }
        Phase::IssueNew | Phase::IssueOld => {
            one.stage = if phase == Phase::IssueNew { Stage::IssueNew } else { Stage::IssueOld };
            if !one.trusted.is_empty() {
                one.trusted.rotate_left(1);
            }
            let other: Vec<_> = one.trusted.iter().skip(1).cloned().collect();
            one.has_other_key = true;
            (one.next, one.previous) = if phase == Phase::IssueNew { (Vec::new(), other) } else { (other, Vec::new()) };
            one.issuing = one.trusted.first().map(|first| first.sha256.clone());
        }
        Phase::Reissue => {
            let signed_by = worker_of.map(str::to_owned).or_else(|| one.issuing.clone());
            for leaf in &mut one.leaves {
                leaf.signed_by.clone_from(&signed_by);
            }
        }
        Phase::TrustNew | Phase::TrustOld => {
            let stays = one.leaves.first().and_then(|leaf| leaf.signed_by.clone()).or_else(|| one.issuing.clone());
            one.trusted.retain(|anchor| Some(&anchor.sha256) == stays.as_ref());
            (one.stage, one.next, one.previous) = (Stage::Single, Vec::new(), Vec::new());
        }
        Phase::Cluster => {}
    }
    one
}
