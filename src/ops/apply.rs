//! Applying a plan: keys, signatures, and one transaction over all files.
//!
//! In: a [`Plan`]. Out: [`Report`], or an error after which every file is as it was.
//! Order: is it what its request plans? · keys, and certificates of the cluster (long, no lock held) · lock · are the inputs as planned? · sign · back up · write all or nothing.
//!
//! | part | what it holds |
//! |---|---|
//! | `workbench` | keys that wait for their certificate, CAs that can sign, files to write |
//! | `renew` | a new certificate in the place of the one that is there |
//! | `bridge` | what clients of a CA that goes verify the new one's certificates with |
//! | `create` | what a new CA, certificate, key pair and kubeconfig consist of |
//! | `answer` | the certificates that answer signing requests |
//! | `request` | a key and a signing request for it |
//! | `install` | what was signed elsewhere, into files or into a kubeconfig |
//! | `authority` | the next certificate of a CA, in every copy |
//! | `trust` | a changed set of CAs, in a file or in kubeconfigs |
//! | `restore` | files of a backup |

mod answer;
mod authority;
pub(super) mod bridge;
mod create;
mod install;
mod renew;
mod request;
mod restore;
mod trust;
mod workbench;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::workbench::Workbench;
use super::cluster::own_kubeconfigs;
use super::keys::generate_all;
pub use super::keys::{Continue, Progress};
use super::{OperationError, again, bad, signing};
use crate::catalogue::{ADMIN_CONF, Layout};
use crate::clock::SystemClock;
use crate::error::Result;
use crate::key::PrivateKey;
use crate::plan::{Action, Artefact, Kind, Operation, Plan, Step, cleanup};
use crate::request::RenewRequest;
use crate::secret::Secret;
use crate::store::{BackupOrder, Change, Session, Store};
use crate::tree::{Observed, Tree};
use crate::x509::Certificate;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Everything that was changed, in the plan's order.
    pub changed: Vec<Changed>,
    /// The backup of the files that were replaced or removed; none where the plan wants none, or only new files came.
    pub backup: Option<PathBuf>,
}

/// One artefact that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// kubeadm's name.
    pub name: String,
    /// What was done to it.
    pub action: Action,
    /// Its files.
    pub files: Vec<PathBuf>,
    /// The serial number of its certificate in hexadecimal.
    pub serial: Option<String>,
    /// The serial number of the certificate that was there before.
    pub previous_serial: Option<String>,
    /// When its certificate ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// The signing request that was made for it, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_pem: Option<String>,
}

/// Does what the plan says.
///
/// # Errors
/// [`OperationError::BadPlan`] for a plan that is not what its request plans; [`OperationError::Blocked`] for a plan with
/// critical findings; [`OperationError::Stale`] when a file has changed
/// since; [`OperationError::Interrupted`] when `progress` says to stop; `store.*` when writing fails. After each of
/// them every file is as it was.
pub fn apply(plan: &Plan, progress: &mut dyn FnMut(&Progress) -> Continue) -> Result<Report> {
    apply_behind(plan, None, progress)
}

/// The same where the keys of the CAs that sign are behind a passphrase, which no plan holds.
///
/// # Errors
/// As [`apply`].
pub fn apply_behind(
    plan: &Plan,
    passphrase: Option<&Secret>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Report> {
    super::sign::refuse(plan)?;
    if !plan.is_empty() {
        refuse_backup_place(plan, &Store::new(plan.rootfs.clone())?)?;
        again::refuse_other(plan, passphrase)?;
    }
    apply_with(plan, BTreeMap::new(), passphrase, progress)
}

/// Refuses what [`apply`] would be refused for before it makes anything: permissions, a lock that is held, a backup's place.
/// Nothing is made or changed.
///
/// # Errors
/// As [`apply`].
pub fn rehearse(plan: &Plan) -> Result<()> {
    super::sign::refuse(plan)?;
    if plan.is_blocked() {
        return Err(OperationError::Blocked { findings: plan.findings.clone() }.into());
    }
    if plan.is_empty() {
        return Ok(());
    }
    let store = Store::new(plan.rootfs.clone())?;
    refuse_backup_place(plan, &store)?;
    let mut files: Vec<_> = plan
        .changes()
        .flat_map(|artefact| artefact.files.iter().map(|file| (file.path.clone(), artefact.step.owner())))
        .collect();
    let is_there = store
        .read(files.iter().map(|(path, _)| path))
        .iter()
        .any(|(_, observed)| !matches!(observed, Observed::Missing));
    // Only what is replaced or removed is kept.
    let backup = plan.backup_dir.iter().filter(|_| is_there).map(|directory| (directory.join("backup"), None));
    if cleanup::keeps_on_machine(plan) {
        Store::new(None)?.rehearse(&[], &backup.collect::<Vec<_>>())?;
    } else {
        files.extend(backup);
    }
    let directories = [plan.certificates_dir.clone(), plan.kubeconfig_dir.clone()];
    let own = if is_output_foreign(plan) { directories.split_at(1).0 } else { &directories };
    store.rehearse(own, &files)?;
    Ok(())
}

/// Does what a plan says whose files are in `supplied`, as it must not hold them itself.
pub(super) fn apply_supplied(plan: &Plan, supplied: BTreeMap<PathBuf, Secret>) -> Result<Report> {
    apply_with(plan, supplied, None, &mut |_| Continue::Yes)
}

fn apply_with(
    plan: &Plan,
    supplied: BTreeMap<PathBuf, Secret>,
    passphrase: Option<&Secret>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Report> {
    if plan.is_blocked() {
        return Err(OperationError::Blocked { findings: plan.findings.clone() }.into());
    }
    let store = Store::new(plan.rootfs.clone())?;
    if plan.is_empty() {
        sweep(plan, &store);
        return Ok(Report { changed: Vec::new(), backup: None });
    }
    refuse_backup_place(plan, &store)?;
    let keys = new_keys(plan, progress)?;
    let wanted_keys = keys.len();
    let issued = issued(plan, &keys, progress)?;

    let mut session = lock(&store, plan)?;
    let mut tree = store.read(plan.inputs.iter().map(|input| input.path.clone()));
    again::refuse_stale(plan, &tree)?;
    if plan.operation == Operation::Sign {
        let issuers: BTreeSet<_> = plan.changes().filter_map(|artefact| artefact.issuer.as_ref()).collect();
        super::sign::open_keys(&mut tree, &layout_of(plan), issuers, passphrase);
    }
    // The last moment: waiting for the lock may have taken long.
    let ready = Progress { done: wanted_keys, total: wanted_keys, name: String::new(), waits_for: String::new() };
    if progress(&ready) == Continue::No {
        return Err(OperationError::Interrupted.into());
    }

    let (writes, changed) = worked_out(Workbench::new(plan, &tree, keys, issued, supplied), plan)?;
    let applied = match &plan.backup_dir {
        Some(directory) => session.apply_with_backup(&writes, &backup_order(plan, directory))?,
        None => session.apply(&writes)?,
    };
    // The locks are in these folders too.
    drop(session);
    sweep(plan, &store);
    for one in &changed {
        log::info!("{}", one.audit_line());
    }
    Ok(Report { changed, backup: applied.backup })
}

/// How the files would be found that a plan of nobody else's signatures changes: with keys that are thrown away. Nothing is written.
///
/// # Errors
/// As [`apply`], as far as nothing is written.
pub(super) fn imagine(
    plan: &Plan,
    supplied: BTreeMap<PathBuf, Secret>,
    tree: &Tree,
) -> Result<Vec<(PathBuf, Observed)>> {
    let keys = new_keys(plan, &mut |_| Continue::Yes)?;
    let (changes, _) = worked_out(Workbench::new(plan, tree, keys, BTreeMap::new(), supplied), plan)?;
    Ok(changes.into_iter().filter_map(Change::into_observed).collect())
}

fn new_keys(plan: &Plan, progress: &mut dyn FnMut(&Progress) -> Continue) -> Result<BTreeMap<String, PrivateKey>> {
    let wanted: Vec<_> = plan
        .changes()
        .filter_map(|artefact| artefact.step.new_key().map(|algorithm| (artefact.name.clone(), algorithm)))
        .collect();
    let keys = generate_all(&wanted, progress)?;
    Ok(wanted.into_iter().map(|(name, _)| name).zip(keys).collect())
}

fn worked_out(mut bench: Workbench<'_>, plan: &Plan) -> Result<(Vec<Change>, Vec<Changed>)> {
    // CAs come first in the catalogue's order, but for the leaves between them: issuers are made on demand.
    let (authorities, others): (Vec<_>, Vec<_>) =
        plan.changes().partition(|artefact| artefact.kind == Kind::CertificateAuthority);
    answer::answer_all(&mut bench, plan)?;
    for artefact in authorities.into_iter().chain(others) {
        carry_out(&mut bench, artefact)?;
    }
    Ok(bench.finish())
}

/// The chains that signers of the cluster have signed, by the artefact's name.
fn issued(
    plan: &Plan,
    keys: &BTreeMap<String, PrivateKey>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<BTreeMap<String, Vec<Certificate>>> {
    let is_ordered = |artefact: &&Artefact| matches!(artefact.step, Step::Renew { order: Some(_), .. });
    let wanted: Vec<_> = plan.changes().filter(is_ordered).collect();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let request: RenewRequest = again::request(plan)?;
    let mut orders = Vec::new();
    for artefact in &wanted {
        let Step::Renew { certificate: template, order: Some(terms), .. } = &artefact.step else { continue };
        let name = artefact.name.as_str();
        let key = keys.get(name).ok_or_else(|| bad(format!("{name} has no new key")))?;
        let current = artefact.current.as_ref().map(|current| current.not_after);
        let least = request.least_end(plan.made_at, current, template.not_after)?;
        orders.push(signing::Order { name, terms, template, key, least });
    }
    let own = own_kubeconfigs(plan.rootfs.as_deref(), &plan.kubeconfig_dir, &[ADMIN_CONF]);
    let chains = signing::obtain(&orders, &request.signing, (&request.access, &own), progress)?;
    Ok(wanted.iter().map(|artefact| artefact.name.clone()).zip(chains).collect())
}

/// Notes every change that the artefact's step makes.
fn carry_out(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    match &artefact.step {
        Step::Create(creation) => create::create(bench, artefact, creation),
        Step::Renew { .. } => renew::renew(bench, artefact),
        Step::Request { request, key } => request::request(bench, artefact, request, key),
        Step::Install(installation) => install::install(bench, artefact, installation),
        Step::TrustBundle(bundle) => trust::trust(bench, artefact, bundle),
        Step::RenewAuthority(renewal) => authority::renew(bench, artefact, renewal),
        Step::Remove => {
            bench.remove(artefact);
            Ok(())
        }
        Step::Restore(restored) => restore::restore(bench, artefact, restored),
        Step::Wait { .. } | Step::Keep | Step::Skip { .. } | Step::Blocked { .. } => Ok(()),
    }
}

fn layout_of(plan: &Plan) -> Layout {
    Layout { certificates_dir: plan.certificates_dir.clone(), kubeconfig_dir: plan.kubeconfig_dir.clone() }
}

/// A cleanup takes the folders of a renewal away when nothing is left in them.
fn sweep(plan: &Plan, store: &Store) {
    let layout = layout_of(plan);
    if plan.operation == Operation::Cleanup
        && let Err(error) = store.remove_empty(&cleanup::renewal_folders(&layout))
    {
        log::warn!("an empty folder of a renewal stays: {error}");
    }
}

/// Refuses a backup among the certificates, or a CA key's copy among the node's files.
fn refuse_backup_place(plan: &Plan, store: &Store) -> Result<()> {
    match &plan.backup_dir {
        Some(directory) if cleanup::keeps_on_machine(plan) => {
            store.refuse_own_place(directory, &[&plan.certificates_dir, &plan.kubeconfig_dir])?;
        }
        Some(directory) => store.refuse_backup_place(directory, &plan.certificates_dir)?,
        None => {}
    }
    Ok(())
}

/// Where requests are signed, the folder of the answers is not the node's: somebody else may have filled it.
fn is_output_foreign(plan: &Plan) -> bool {
    plan.operation == Operation::Sign
}

fn lock(store: &Store, plan: &Plan) -> Result<Session> {
    let Plan { certificates_dir, kubeconfig_dir, .. } = plan;
    Ok(if is_output_foreign(plan) {
        store.lock_with_outputs(&[certificates_dir], &[kubeconfig_dir])?
    } else {
        store.lock(&[certificates_dir, kubeconfig_dir])?
    })
}

/// A backup is named after the moment it is made in: a plan may have waited for days.
fn backup_order<'p>(plan: &'p Plan, directory: &'p Path) -> BackupOrder<'p> {
    BackupOrder {
        directory,
        on_machine: cleanup::keeps_on_machine(plan),
        operation: plan.operation.as_str(),
        made_at: SystemClock.now(),
        certificates_dir: &plan.certificates_dir,
        kubeconfig_dir: &plan.kubeconfig_dir,
    }
}

impl Changed {
    /// The line of the audit trail: name, action, serial numbers, files; never key material.
    fn audit_line(&self) -> String {
        let serial = self.serial.as_deref().unwrap_or("none");
        let previous = self.previous_serial.as_ref().map(|serial| format!(" in place of {serial}")).unwrap_or_default();
        let files: Vec<_> = self.files.iter().map(|file| file.display().to_string()).collect();
        format!("{}: {}: serial {serial}{previous}, files {}", self.name, self.action, files.join(", "))
    }
}
