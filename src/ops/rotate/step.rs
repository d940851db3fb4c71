//! `kubepki rotate step`: one step of one node.
//!
//! Order: what comes is laid beside what is in use · files, all or nothing, with a backup · the controller manager's manifest ·
//! what no component names any more is taken away · components that read a file only as they start are restarted. Whatever
//! breaks off, the same step goes on from there.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::material::{MaterialError, read_material, read_new_ca};
use super::reissue;
use super::settle::{Settled, settle};
use super::{CONTROLLER_MANAGER, Place, RotateStepRequest, due_restart, obstacles, vouching};
use crate::audit::rotation::{AuthorityRotation, SIGNING_FLAG, Stage, told_to_sign_with};
use crate::catalogue::{Aside, CLUSTER_CA, KUBELET, SERVICE_ACCOUNT};
use crate::error::Result;
use crate::ops::apply::{Changed, Report, apply_supplied};
use crate::ops::restart::{self, Progress, RestartRequest, reserve};
use crate::ops::settings::{apply as write_setting, change, text_of};
use crate::ops::{Continue, OperationError, exposure};
use crate::plan::generate::Selection;
use crate::plan::rotate::course::{DueRestart, bearers, readers};
use crate::plan::rotate::{
    Circumstances, Material, Phase, RotateError, Turn, Wishes, prepare, refuse_elsewhere, sign_anew, turn,
    without_signing_file,
};
use crate::plan::setting::{Setting, manifest_flag};
use crate::text::duration;

/// The files of one change are written within this time.
const ONE_CHANGE: TimeDelta = TimeDelta::minutes(1);

/// The operation, as backups are named after it.
const OPERATION: &str = "rotate step";

/// What was done on this node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step.
    pub phase: Phase,
    /// The node's name; none where nothing says it.
    pub node: Option<String>,
    /// What was changed, in order.
    pub changed: Vec<Changed>,
    /// Manifests that were changed.
    pub settings: Vec<Setting>,
    /// Components that were restarted, in order.
    pub restarted: Vec<String>,
    /// Where files are kept as they were.
    pub backups: Vec<PathBuf>,
    /// How far each is now.
    pub authorities: Vec<AuthorityRotation>,
    /// What the cluster says, where that was the step.
    #[serde(default)]
    pub cluster: Option<Settled>,
}

impl StepReport {
    /// Whether nothing was to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let is_settled = self.cluster.as_ref().is_none_or(|cluster| cluster.objects.is_empty());
        self.changed.is_empty() && self.settings.is_empty() && self.restarted.is_empty() && is_settled
    }
}

/// Does one step on this node.
///
/// # Errors
/// [`RotateError`]; `plan.*`, `store.*`, `restart.*`, `signer.*`, `cluster.*`. What was done before stands; the step can be run again.
pub fn step(
    request: &RotateStepRequest,
    phase: Phase,
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<StepReport> {
    let names = request.chosen()?;
    let material = material(request, &names)?;
    let mut place = Place::open(&request.node, &request.kubelet_dir, request.how.manifests_dir.as_deref())?;
    let request = &RotateStepRequest { no_restart: restarts_nothing(request, &place), ..request.clone() };
    if *request.recover {
        place.node.recover()?;
        place = place.again();
    }
    let node = place.name(&request.node);
    let rotations = place.rotations(&names)?;
    refuse_early(request, &place, phase, &rotations, &material, now)?;
    let mut done = StepReport::new(phase, node);
    if phase == Phase::Cluster {
        done.cluster = Some(settle(request, &place, now, false, progress)?);
        done.authorities = rotations;
        return Ok(done);
    }
    refuse_stuck(request, &place, phase, &rotations, now)?;
    if phase == Phase::TrustBoth {
        if let Some(turn) = beginning(request, &place, &rotations, &material, now)? {
            done.take(carry_out(request, turn)?);
        }
        place = place.again();
    }
    let rotations = place.rotations(&names)?;
    let circumstances = Circumstances { now, is_worker: place.is_worker() };
    let planned = turn(&place.inventory()?, &rotations.iter().collect::<Vec<_>>(), phase, &material, circumstances)?;
    done.take(carry_out(request, planned)?);
    place = place.again();
    let is_repeated = names.contains(&SERVICE_ACCOUNT) && signs(phase) && done.changed.is_empty();
    if is_repeated && !request.no_restart && goes_on_with_the_other_key(request, &place, now, progress)? {
        done.take(carry_out(request, sign_anew(&place.inventory()?, now))?);
        place = place.again();
    }
    if phase == Phase::Reissue {
        done.take(reissue::reissue(request, &place, &names, now, progress)?);
        place = place.again();
    }
    if names.contains(&CLUSTER_CA) {
        place = sign_with_the_right_file(request, place, now, &mut done, progress)?;
    }
    done.authorities = place.rotations(&names)?;
    if !request.no_restart {
        done.restarted.extend(restart_what_is_due(request, &place, phase, &names, now, progress)?);
    }
    Ok(done)
}

/// Looks what the step `cluster` would change, at each gate once, and at what holds on to the CA that goes; nothing is changed but a
/// request for a certificate that is thrown away.
///
/// # Errors
/// As [`step`].
pub fn look_at_cluster(
    request: &RotateStepRequest,
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<StepReport> {
    let names = request.chosen()?;
    let place = Place::open(&request.node, &request.kubelet_dir, request.how.manifests_dir.as_deref())?;
    let mut seen = StepReport::new(Phase::Cluster, place.name(&request.node));
    seen.cluster = Some(settle(request, &place, now, true, progress)?);
    seen.authorities = place.rotations(&names)?;
    Ok(seen)
}

impl StepReport {
    const fn new(phase: Phase, node: Option<String>) -> Self {
        Self {
            phase,
            node,
            changed: Vec::new(),
            settings: Vec::new(),
            restarted: Vec::new(),
            backups: Vec::new(),
            authorities: Vec::new(),
            cluster: None,
        }
    }

    fn take(&mut self, report: Report) {
        self.changed.extend(report.changed);
        self.backups.extend(report.backup);
    }
}

/// What comes, laid beside what is in use.
pub(super) fn beginning(
    request: &RotateStepRequest,
    place: &Place,
    rotations: &[AuthorityRotation],
    material: &Material,
    now: DateTime<Utc>,
) -> Result<Option<Turn>> {
    let (inventory, circumstances) = (place.inventory()?, Circumstances { now, is_worker: place.is_worker() });
    let common_name = request.coming.common_name.as_ref().or(material.common_name.as_ref());
    let wishes = Wishes { common_name: common_name.cloned() };
    let mut all: Option<Turn> = None;
    for rotation in rotations {
        let comes = prepare(&inventory, rotation, material.get(&rotation.name), &wishes, circumstances)?;
        all = match (all, comes) {
            (Some(all), Some(comes)) => Some(all.and(comes)),
            (all, comes) => all.or(comes),
        };
    }
    Ok(all)
}

/// What this node is given.
pub(super) fn material(request: &RotateStepRequest, names: &[&str]) -> Result<Material> {
    if let (Some(path), [name]) = (&request.coming.new_ca, names) {
        return Ok(Material { common_name: None, authorities: [((*name).to_owned(), read_new_ca(path)?)].into() });
    }
    let content = match (&request.material_content, &request.material) {
        (Some(content), _) => content.clone(),
        (None, Some(path)) => read_material(path)?,
        (None, None) => return Ok(Material::default()),
    };
    // Its errors never quote what may be a key.
    serde_json::from_slice(content.expose()).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        MaterialError::NoExport { line, column }.into()
    })
}

/// Refuses what would do harm only later: what a file that is not kubeadm's does not allow, a CA that cannot vouch for the one that comes,
/// and to give up a service-account key while tokens of it may be in use.
pub(super) fn refuse_early(
    request: &RotateStepRequest,
    place: &Place,
    phase: Phase,
    rotations: &[AuthorityRotation],
    material: &Material,
    now: DateTime<Utc>,
) -> Result<()> {
    for rotation in rotations {
        refuse_elsewhere(rotation, phase, material.get(&rotation.name), place.is_worker())?;
    }
    if phase == Phase::TrustBoth {
        obstacles::refuse(place, rotations)?;
    }
    // Where another node has begun, it was accepted there.
    let has_begun = material.get(CLUSTER_CA).is_some_and(|given| given.previous.is_some());
    let ca = rotations.iter().find(|one| one.name == CLUSTER_CA && one.stage == Stage::Single);
    if let Some(ca) = ca.filter(|_| phase == Phase::TrustBoth && !has_begun && !place.is_worker()) {
        vouching::refuse(vouching::objection(&place.inventory()?, ca, now)?, &request.coming)?;
    }
    let (store, layout) = (&place.node.store, &place.node.layout);
    let signs_since = store.changed_at(&layout.service_account_key());
    let has_signed = |one: &AuthorityRotation| match (phase, one.stage) {
        (Phase::TrustNew, Stage::IssueNew | Stage::TrustBoth) | (Phase::TrustOld, Stage::TrustBoth) => true,
        // Both files of the key that comes are written anew when it goes back; one that has never signed came after the one in use.
        (Phase::TrustOld, Stage::IssueOld) => {
            let came = store.changed_at(&layout.aside(SERVICE_ACCOUNT, Aside::Next).key);
            signs_since.zip(came).is_none_or(|(signs, came)| came - signs < ONE_CHANGE)
        }
        _ => false,
    };
    if !rotations.iter().any(|one| one.name == SERVICE_ACCOUNT && has_signed(one)) {
        return Ok(());
    }
    let life = request.token_life()?;
    let waited = signs_since.map(|at| (now - at).max(TimeDelta::zero()));
    match waited.filter(|waited| *waited < life) {
        None => Ok(()),
        Some(waited) => Err(RotateError::TokensAlive { waited: in_words(waited), life: in_words(life) }.into()),
    }
}

fn in_words(time: TimeDelta) -> String {
    duration(time.num_seconds().max(0).unsigned_abs())
}

fn carry_out(request: &RotateStepRequest, turn: Turn) -> Result<Report> {
    let Turn { mut plan, supplied } = turn;
    plan.rootfs.clone_from(&request.node.rootfs);
    plan.backup_dir = request.backups.dir();
    exposure::judge_plan(&mut plan)?;
    if plan.is_blocked() {
        return Err(OperationError::Blocked { findings: plan.findings }.into());
    }
    apply_supplied(&plan, supplied)
}

/// Has the controller manager sign with one certificate, and takes the file away that was for this when it is not needed any more.
fn sign_with_the_right_file(
    request: &RotateStepRequest,
    place: Place,
    now: DateTime<Utc>,
    done: &mut StepReport,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Place> {
    if let Some((setting, value)) = due_setting(&place)? {
        let path = &place.manifest;
        let backup_dir = request.backups.dir();
        let change = change(path, &setting);
        let applied = if request.no_restart {
            let mut session = place.node.store.lock(&[path.parent().unwrap_or(path)])?;
            write_setting(&mut session, change, backup_dir.as_deref(), OPERATION)?
        } else {
            let mut reservation = reserve(&restart_request(request, [CONTROLLER_MANAGER]), now)?;
            let applied = write_setting(reservation.session(), change, backup_dir.as_deref(), OPERATION)?;
            reservation.wait_for_flag(CONTROLLER_MANAGER, (SIGNING_FLAG, &value), progress)?;
            done.restarted.push(CONTROLLER_MANAGER.to_owned());
            applied
        };
        done.backups.extend(applied.backup);
        done.settings.push(setting);
    }
    let place = place.again();
    let Some(turn) = end_of_signing_file(&place, now)? else { return Ok(place) };
    done.take(carry_out(request, turn)?);
    Ok(place.again())
}

/// What the controller manager's manifest is to say, and the value of its flag; none where it says so, or nobody signs here.
pub(super) fn due_setting(place: &Place) -> Result<Option<(Setting, String)>> {
    let own = place.node.layout.signing_certificate();
    let in_use = place.node.layout.in_use(CLUSTER_CA).public;
    let pod = place.controller_manager();
    let told = told_to_sign_with(&place.node.layout, pod.as_ref());
    let wanted = if place.count(&in_use) > 1 && place.count(&own) == 1 { &own } else { &in_use };
    if told.is_none_or(|told| told == *wanted) {
        return Ok(None);
    }
    let (path, text) = (&place.manifest, text_of(&place.node.store, &place.manifest)?);
    let named = pod.as_ref().and_then(|pod| obstacles::named_inside(place, pod, wanted));
    let value = named.unwrap_or_else(|| wanted.display().to_string());
    let setting = manifest_flag(&path.display().to_string(), &text, CONTROLLER_MANAGER, SIGNING_FLAG, Some(&value))?;
    Ok(Some((setting, value)))
}

/// The file that only the controller manager has signed with goes when its manifest names another.
pub(super) fn end_of_signing_file(place: &Place, now: DateTime<Utc>) -> Result<Option<Turn>> {
    let own = place.node.layout.signing_certificate();
    let still_told = place.controller_manager().and_then(|pod| pod.file(SIGNING_FLAG));
    let is_one = place.count(&place.node.layout.in_use(CLUSTER_CA).public) == 1;
    let is_over = place.tree.is_there(&own) && still_told.as_ref() != Some(&own) && is_one;
    Ok(if is_over { Some(without_signing_file(&place.inventory()?, now)) } else { None })
}

/// What runs on this machine has nothing to do with a disk that is not its own.
pub(super) fn restarts_nothing(request: &RotateStepRequest, place: &Place) -> bool {
    request.no_restart || !place.node.store.is_of_this_machine()
}

/// Refuses a step whose files would be changed, and whose restarts then fail.
pub(super) fn refuse_stuck(
    request: &RotateStepRequest,
    place: &Place,
    phase: Phase,
    rotations: &[AuthorityRotation],
    now: DateTime<Utc>,
) -> Result<()> {
    let names: Vec<_> = rotations.iter().map(|one| one.name.as_str()).collect();
    let mut components = affected_components(place, phase, &names, rotations);
    // It may have to sign with another file.
    if names.contains(&CLUSTER_CA) && place.controller_manager().is_some() && !components.contains(&CONTROLLER_MANAGER)
    {
        components.push(CONTROLLER_MANAGER);
    }
    if components.is_empty() || restarts_nothing(request, place) {
        return Ok(());
    }
    restart::refuse_early(&restart_request(request, components), now)
}

/// Restarts what has not loaded by itself what this step has changed.
fn restart_what_is_due(
    request: &RotateStepRequest,
    place: &Place,
    phase: Phase,
    names: &[&str],
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Vec<String>> {
    let components = affected_components(place, phase, names, &place.rotations(names)?);
    if components.is_empty() {
        return Ok(Vec::new());
    }
    let report = restart::restart(&restart_request(request, components), now, progress)?;
    Ok(report.restarted.into_iter().map(|one| one.name).collect())
}

/// The components that read only as they start what a step changes.
pub(super) fn affected_components(
    place: &Place,
    phase: Phase,
    names: &[&str],
    rotations: &[AuthorityRotation],
) -> Vec<&'static str> {
    // Where the new one signs, both are trusted for long.
    let is_later = |one: &AuthorityRotation| phase == Phase::TrustBoth && one.stage == Stage::IssueNew;
    let has = |name: &str| rotations.iter().any(|one| one.name == name && !is_later(one));
    let mut components = Vec::new();
    let trusts = matches!(phase, Phase::TrustBoth | Phase::TrustNew | Phase::TrustOld);
    // A file of CAs whose order alone has changed says the same to whoever has loaded it.
    if trusts {
        components.extend(names.iter().filter(|name| has(name)).flat_map(|name| readers(name)).copied());
    }
    if has(CLUSTER_CA) && phase == Phase::Reissue {
        components.extend(bearers(CLUSTER_CA));
    }
    if has(SERVICE_ACCOUNT) && signs(phase) {
        components.extend(bearers(SERVICE_ACCOUNT));
    }
    let folder = place.manifest.parent().unwrap_or(&place.manifest);
    let manifest = |name: &str| folder.join(format!("{name}.yaml"));
    components.retain(|name| *name == KUBELET || place.node.store.read([manifest(name)]).is_there(&manifest(name)));
    components.sort_unstable();
    components.dedup();
    components
}

/// Whether it says who signs.
const fn signs(phase: Phase) -> bool {
    matches!(phase, Phase::IssueNew | Phase::IssueOld)
}

/// Whether a run has broken off between the files and the restarts: tokens of the other key are made until these.
fn goes_on_with_the_other_key(
    request: &RotateStepRequest,
    place: &Place,
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<bool> {
    let names = bearers(SERVICE_ACCOUNT).iter().copied();
    let plan = restart::plan(&restart_request(request, names), now, progress)?;
    let uses_old = |one: DueRestart| one.uses_old.iter().any(|name| name == SERVICE_ACCOUNT);
    Ok(plan.restarts().any(|one| uses_old(due_restart(one, &place.node.layout))))
}

fn restart_request<'n>(request: &RotateStepRequest, names: impl IntoIterator<Item = &'n str>) -> RestartRequest {
    RestartRequest {
        components: Selection::Names(names.into_iter().map(str::to_owned).collect()),
        kubelet_dir: request.kubelet_dir.clone(),
        rootfs: request.node.rootfs.clone(),
        how: request.how.clone(),
        ..RestartRequest::default()
    }
}
