//! `kubepki rotate step --dry-run`: what a step would change, worked out to its end.
//!
//! In: a request. Out: [`Trial`]. What a later part of a step changes follows from the files of an earlier one: these are imagined, with
//! keys that are thrown away.

use chrono::{DateTime, Utc};

use super::step::{
    affected_components, beginning, due_setting, end_of_signing_file, material, refuse_early, refuse_stuck,
    restarts_nothing,
};
use super::{CONTROLLER_MANAGER, Place, RotateStepRequest, reissue};
use crate::catalogue::CLUSTER_CA;
use crate::error::Result;
use crate::ops::apply::imagine;
use crate::ops::exposure;
use crate::plan::rotate::{Circumstances, Phase, Turn, turn};
use crate::plan::setting::Setting;
use crate::plan::{Artefact, Plan};
use crate::secret::Secret;
use crate::tree::Observed;

/// What a step would do.
#[derive(Debug)]
pub struct Trial {
    /// The files.
    pub plan: Plan,
    /// Manifests that would be changed.
    pub settings: Vec<Setting>,
    /// The components that are restarted where they have not loaded by themselves what changes.
    pub restarts: Vec<&'static str>,
}

/// What a step would change; nothing is changed.
///
/// # Errors
/// As [`super::step`].
pub fn trial(request: &RotateStepRequest, phase: Phase, now: DateTime<Utc>) -> Result<Trial> {
    let mut trial = planned(request, phase, now)?;
    exposure::judge_plan(&mut trial.plan)?;
    Ok(trial)
}

fn planned(request: &RotateStepRequest, phase: Phase, now: DateTime<Utc>) -> Result<Trial> {
    let names = request.chosen()?;
    let material = material(request, &names)?;
    let mut place = Place::open(&request.node, &request.kubelet_dir, request.how.manifests_dir.as_deref())?;
    let rotations = place.rotations(&names)?;
    refuse_early(request, &place, phase, &rotations, &material, now)?;
    let has_restarts = !restarts_nothing(request, &place);
    let mut restarts = if has_restarts { affected_components(&place, phase, &names, &rotations) } else { Vec::new() };
    refuse_stuck(request, &place, phase, &rotations, now)?;
    let mut artefacts: Vec<Artefact> = Vec::new();
    if phase == Phase::TrustBoth
        && let Some(turn) = beginning(request, &place, &rotations, &material, now)?
    {
        artefacts.extend(turn.plan.artefacts.iter().cloned());
        place = place.after(turn)?;
    }
    let circumstances = Circumstances { now, is_worker: place.is_worker() };
    let rotations = place.rotations(&names)?;
    let planned = turn(&place.inventory()?, &rotations.iter().collect::<Vec<_>>(), phase, &material, circumstances)?;
    let mut plan = planned.plan.clone();
    artefacts.append(&mut plan.artefacts);
    place = place.after(planned)?;
    if phase == Phase::Reissue {
        plan = reissue::plan(request, &place, &place.rotations(&names)?, now)?;
        artefacts.retain(|one| plan.artefacts.iter().all(|other| other.name != one.name));
        artefacts.append(&mut plan.artefacts);
    }
    let mut settings = Vec::new();
    if names.contains(&CLUSTER_CA) {
        if let Some((setting, _)) = due_setting(&place)? {
            let said = Secret::from(setting.after.clone().into_bytes());
            place.tree.insert(place.manifest.clone(), Observed::File { content: said, mode: 0o600 });
            settings.push(setting);
            restarts.extend(Some(CONTROLLER_MANAGER).filter(|name| has_restarts && !restarts.contains(name)));
        }
        artefacts.extend(end_of_signing_file(&place, now)?.into_iter().flat_map(|turn| turn.plan.artefacts));
    }
    plan.artefacts = artefacts;
    plan.rootfs.clone_from(&request.node.rootfs);
    Ok(Trial { plan, settings, restarts })
}

impl Place {
    /// As it will be.
    fn after(mut self, turn: Turn) -> Result<Self> {
        for (path, observed) in imagine(&turn.plan, turn.supplied, &self.tree)? {
            self.tree.insert(path, observed);
        }
        Ok(self)
    }
}
