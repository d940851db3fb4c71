//! Whether a step may be done where a component takes whom it trusts from a file that is not kubeadm's.
//!
//! In: how far the authority is on a node, what that node is given. Out: nothing, or why not. Such a file is an administrator's: what
//! comes has to be in it before anything relies on that, and what goes has to be out of it before it counts as gone.

use super::{Given, Phase, RotateError};
use crate::audit::rotation::{Anchor, AuthorityRotation, Elsewhere, Stage, shown};
use crate::catalogue::SERVICE_ACCOUNT;

/// Refuses a step that such a file does not allow.
///
/// # Errors
/// [`RotateError::Elsewhere`]; [`RotateError::BadAuthority`] for certificates that cannot be read.
pub fn refuse_elsewhere(
    rotation: &AuthorityRotation,
    phase: Phase,
    given: Option<&Given>,
    is_worker: bool,
) -> Result<(), RotateError> {
    if rotation.elsewhere.is_empty() || rotation.stage == Stage::Absent {
        return Ok(());
    }
    let all = given.filter(|_| rotation.name != SERVICE_ACCOUNT).map(|given| given.read(&rotation.name)).transpose()?;
    let given = all.map(|all| all.iter().map(Anchor::of).collect::<Vec<_>>());
    let new = |given: &[Anchor]| -> Vec<_> {
        given.iter().filter(|one| is_worker || !rotation.trusted.contains(one)).cloned().collect()
    };
    match phase {
        Phase::TrustBoth | Phase::IssueNew | Phase::Reissue => {
            let coming = if is_worker { Vec::new() } else { rotation.coming() };
            let coming = if coming.is_empty() { given.as_deref().map(new).unwrap_or_default() } else { coming };
            // A worker that is given nothing is refused for that.
            let is_made_here = phase == Phase::TrustBoth && !is_worker;
            if coming.is_empty() && !is_made_here { Ok(()) } else { refuse_lacking(rotation, &coming) }
        }
        Phase::IssueOld => refuse_lacking(rotation, &rotation.previous),
        Phase::TrustNew => {
            let goes = match &given {
                Some(stays) if is_worker => {
                    rotation.trusted.iter().filter(|one| !stays.contains(one)).cloned().collect()
                }
                _ => rotation.previous.clone(),
            };
            refuse_left(rotation, &goes)
        }
        // What is given up must always be possible, and the objects are another's.
        Phase::TrustOld | Phase::Cluster => Ok(()),
    }
}

/// Refuses what comes where such a file does not hold it; without one that is known nothing can hold it.
///
/// # Errors
/// [`RotateError::Elsewhere`].
pub fn refuse_lacking(rotation: &AuthorityRotation, coming: &[Anchor]) -> Result<(), RotateError> {
    let lacks = |one: &&Elsewhere| coming.is_empty() || one.lacking(coming).next().is_some();
    let Some(one) = rotation.elsewhere.iter().find(lacks) else { return Ok(()) };
    let lacking: Vec<_> = one.lacking(coming).cloned().collect();
    let file = one.file.display();
    let (reason, hint) = if lacking.is_empty() {
        let reason = format!("{} names {file}, which cannot hold a new one that is not made yet", one.setting);
        let own = if rotation.name == SERVICE_ACCOUNT {
            ""
        } else {
            "; or put the certificate of a CA of your own into it, and give that: --new-ca FILE"
        };
        (reason, format!("have {} name kubeadm's own file{own}", one.setting))
    } else {
        let reason = format!("{} names {file}, which does not hold {}", one.setting, shown(&lacking));
        (
            reason,
            format!(
                "add that one to {file} beside what it holds, on every node, restart what does not read it by itself, then go on: `kubepki rotate resume`"
            ),
        )
    };
    Err(RotateError::Elsewhere { authority: rotation.name.clone(), reason, hint })
}

fn refuse_left(rotation: &AuthorityRotation, goes: &[Anchor]) -> Result<(), RotateError> {
    let holds = |one: &&Elsewhere| goes.iter().any(|anchor| one.holds(anchor));
    let Some(one) = rotation.elsewhere.iter().find(holds) else { return Ok(()) };
    let held: Vec<_> = goes.iter().filter(|anchor| one.holds(anchor)).cloned().collect();
    let file = one.file.display();
    Err(RotateError::Elsewhere {
        authority: rotation.name.clone(),
        reason: format!("{} names {file}, which still holds {}", one.setting, shown(&held)),
        hint: format!("take that one out of {file}, then go on: `kubepki rotate finish`"),
    })
}
