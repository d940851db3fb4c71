//! `kubepki backup`: what is kept, putting it back, and removing what is old.
//!
//! In: requests. Out: backups with all that is wrong with them; a [`Plan`] that restores one, which
//! [`apply`](super::apply::apply) does like any other; [`Pruned`]. A backup is verified in full before a plan is made, and
//! again, with the files that make way, under the lock. It knows nothing of how a backup is laid out (`store` does).

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::audit::{Finding, FindingCode, SeenCertificate, Severity, complete_remedies};
use crate::catalogue::{self, DEFAULT_KUBECONFIG_DIR, DEFAULT_KUBELET_DIR, Layout};
use crate::error::{Fault, Result, nearest};
use crate::inventory::Client;
use crate::plan::{Artefact, Kind, Operation, Plan, PlannedFile, RestoredFile, Step};
pub use crate::request::{BackupPlace, PruneRequest, RestoreRequest};
use crate::store::Store;
use crate::store::backup::{Backup, BackupError, BackupFile, Difference, Manifest, State};
use crate::tree::Tree;
use crate::x509::{Certificate, read_certificates};

/// A run that is still at work may have made an incomplete backup that is younger, in seconds.
const INCOMPLETE_FOR: i64 = 86_400;

/// One backup, with its files held against those of the node.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// The backup.
    #[serde(flatten)]
    pub backup: Backup,
    /// Its files.
    pub files: Vec<ShownFile>,
}

/// One file of a backup.
#[derive(Debug, Serialize)]
pub struct ShownFile {
    /// What the manifest says.
    #[serde(flatten)]
    pub file: BackupFile,
    /// How the file in its place differs; `None` when that cannot be told.
    pub difference: Option<Difference>,
    /// When the certificate in the backup ends.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What pruning removed.
#[derive(Debug, Serialize)]
pub struct Pruned {
    /// The backups that are gone, or would be, the oldest first.
    pub removed: Vec<Backup>,
    /// Those that stay.
    pub kept: Vec<Backup>,
    /// Those that should have gone, and why they did not.
    pub failures: Vec<PruneFailure>,
}

/// A backup that could not be removed.
#[derive(Debug, Serialize)]
pub struct PruneFailure {
    /// Its name.
    pub name: String,
    /// Why.
    #[serde(flatten)]
    pub fault: Fault,
}

/// Every backup, the oldest first, with its checksums verified.
///
/// # Errors
/// `store.*` when the directory cannot be read. That it does not exist is no error.
pub fn list(place: &BackupPlace) -> Result<Vec<Backup>> {
    Store::new(place.rootfs.clone())?.backups(&place.backup_dir)
}

/// One backup by its name, or the newest for `latest`, whatever its state.
///
/// # Errors
/// `backup.unknown`, `backup.none`; `store.*` when the directory cannot be read.
pub fn show(place: &BackupPlace, name: &str) -> Result<Shown> {
    let store = Store::new(place.rootfs.clone())?;
    let backup = store.backup(&place.backup_dir, name)?;
    let files = backup.manifest.iter().flat_map(|manifest| &manifest.files);
    let files = files.map(|file| {
        let tree = store.read([backup.path.join(&file.name)]);
        ShownFile {
            file: file.clone(),
            difference: store.difference(file).ok(),
            expires_at: certificate(&tree, &backup.path.join(&file.name), &file.path).map(|one| one.not_after()),
        }
    });
    let files = files.collect();
    Ok(Shown { backup, files })
}

/// Plans to restore a backup, or some files of it. Files that are as in the backup stay untouched.
///
/// # Errors
/// `backup.*` when there is none of that name, when it is not whole, or when half a pair is asked for; `store.*` when a
/// file of the node cannot be looked at.
pub fn plan_restore(request: &RestoreRequest, now: DateTime<Utc>) -> Result<Plan> {
    let store = Store::new(request.place.rootfs.clone())?;
    let backup = store.backup(&request.place.backup_dir, &request.name)?;
    let manifest = backup.usable()?;
    if request.keep {
        store.refuse_backup_place(&request.place.backup_dir, &manifest.certificates_dir)?;
    }
    if request.recover {
        store.lock(&directories(manifest))?;
    }
    let files = selected(&store, manifest, &backup.name, &request.only)?;
    let sources = files.iter().map(|(file, _)| backup.path.join(&file.name));
    let places = files.iter().map(|(file, _)| file.path.clone());
    let tree = store.read(sources.chain(places).chain([backup.manifest_path()]));
    let layout =
        Layout { certificates_dir: manifest.certificates_dir.clone(), kubeconfig_dir: manifest.kubeconfig_dir.clone() };
    let mut plan = Plan::new(Operation::Restore, &layout, &tree, now, Vec::new(), Vec::new());
    plan.rootfs.clone_from(&request.place.rootfs);
    plan.backup_dir = request.keep.then(|| request.place.backup_dir.clone());
    for (file, difference) in files {
        let source = backup.path.join(&file.name);
        let kept = certificate(&tree, &source, &file.path);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.not_after() < now && difference != Difference::Same) {
            plan.findings.push(expired(file, kept));
        }
        plan.artefacts.push(artefact(file, difference, source, kept.as_ref(), &tree, now));
    }
    super::interrupted::put_first_in(&mut plan);
    complete_remedies(&mut plan.findings, &super::node::caller_below(request.place.rootfs.as_deref()));
    if request.only.is_empty() {
        let later = store.read(manifest.created.iter().cloned());
        let there = later.iter().filter(|(path, _)| later.content(path).is_some());
        plan.artefacts.extend(there.map(|(path, _)| stays(path, &manifest.operation)));
    }
    // By then the latest may be another.
    let name = backup.name.clone();
    super::planned::record(&mut plan, &RestoreRequest { name, recover: false, ..request.clone() })?;
    Ok(plan)
}

/// Removes whole backups: beyond the newest, older than a time, or both where both are given. Incomplete ones go once they
/// are a day old, and do not count. Nothing else in the directory is touched.
///
/// # Errors
/// `store.*` when the directory cannot be read or locked. What cannot be removed is in [`Pruned::failures`].
pub fn prune(request: &PruneRequest, now: DateTime<Utc>) -> Result<Pruned> {
    let older_than = request.older_than()?;
    let store = Store::new(request.place.rootfs.clone())?;
    let _session = if request.dry_run { None } else { Some(store.lock(&[&request.place.backup_dir])?) };
    let mut pruned = Pruned { removed: Vec::new(), kept: Vec::new(), failures: Vec::new() };
    let mut complete = 0;
    for backup in store.backups(&request.place.backup_dir)?.into_iter().rev() {
        let age = now - backup.made_at;
        let is_due = if backup.state == State::Incomplete {
            age >= TimeDelta::seconds(INCOMPLETE_FOR)
        } else {
            let is_beyond = request.keep.is_none_or(|keep| complete >= keep);
            complete += usize::from(backup.state == State::Complete);
            is_beyond && older_than.is_none_or(|limit| age.num_seconds() > limit.num_seconds())
        };
        match if is_due && !request.dry_run { store.remove_backup(&backup) } else { Ok(()) } {
            Ok(()) if is_due => pruned.removed.push(backup),
            Ok(()) => pruned.kept.push(backup),
            Err(error) => {
                pruned.failures.push(PruneFailure { name: backup.name.clone(), fault: error.into() });
                pruned.kept.push(backup);
            }
        }
    }
    pruned.removed.reverse();
    pruned.kept.reverse();
    Ok(pruned)
}

/// The directories of the files, and those that an interrupted change may have begun in.
fn directories(manifest: &Manifest) -> Vec<&Path> {
    let parents = manifest.files.iter().filter_map(|file| file.path.parent());
    let mut directories: Vec<_> =
        parents.chain([manifest.certificates_dir.as_path(), manifest.kubeconfig_dir.as_path()]).collect();
    directories.sort();
    directories.dedup();
    directories
}

/// The files that `only` means, each with how it differs from what is there.
fn selected<'m>(
    store: &Store,
    manifest: &'m Manifest,
    name: &str,
    only: &[PathBuf],
) -> Result<Vec<(&'m BackupFile, Difference)>> {
    for path in only {
        if !manifest.files.iter().any(|file| file.path.starts_with(path)) {
            return Err(unknown_file(manifest, name, path).into());
        }
    }
    let is_named = |path: &Path| only.iter().any(|named| named == path);
    if let Some(file) = manifest.files.iter().find(|file| {
        (only.is_empty() || only.iter().any(|path| file.path.starts_with(path)))
            && !is_named(&file.path)
            && !is_of_a_pki(&file.path, manifest)
    }) {
        return Err(BackupError::Elsewhere { path: file.path.clone(), name: name.to_owned() }.into());
    }
    let is_selected = |file: &BackupFile| only.is_empty() || only.iter().any(|path| file.path.starts_with(path));
    let (chosen, others): (Vec<_>, Vec<_>) = manifest.files.iter().partition(|file| is_selected(file));
    let mut files = Vec::new();
    for file in chosen {
        let difference = store.difference(file)?;
        let other = others.iter().find(|other| partner(&file.path).as_ref() == Some(&other.path));
        if let Some(other) = other
            && difference != Difference::Same
            && matches!(store.difference(other)?, Difference::Content | Difference::Missing)
        {
            return Err(BackupError::HalfAPair { path: file.path.clone(), partner: other.path.clone() }.into());
        }
        files.push((file, difference));
    }
    Ok(files)
}

/// The key of a certificate, and the certificate of a key.
/// Whether a path is where a node has such files: what a manifest says is not enough to write anywhere.
fn is_of_a_pki(path: &Path, manifest: &Manifest) -> bool {
    let kubelet = Path::new(DEFAULT_KUBELET_DIR).join("pki");
    let is_deep = |folder: &&Path| folder.components().count() > 2;
    let said = [manifest.certificates_dir.as_path(), manifest.kubeconfig_dir.as_path()].into_iter().filter(is_deep);
    let mut folders = said.chain([Path::new(DEFAULT_KUBECONFIG_DIR), kubelet.as_path()]);
    let is_within = folders.any(|folder| path.starts_with(folder)) && path.iter().all(|part| part != "manifests");
    let is_kubeconfig = path
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| catalogue::kubeconfig_names().contains(&name) || name == catalogue::KUBELET_CONF);
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_pki = ending.is_some_and(|ending| ["crt", "key", "pub", "pem", "csr", "srl"].contains(&ending));
    is_within && (is_kubeconfig || is_pki)
}

fn partner(path: &Path) -> Option<PathBuf> {
    match path.extension()?.to_str()? {
        "crt" => Some(path.with_extension("key")),
        "key" => Some(path.with_extension("crt")),
        _ => None,
    }
}

fn unknown_file(manifest: &Manifest, name: &str, path: &Path) -> BackupError {
    let paths: Vec<_> = manifest.files.iter().filter_map(|file| file.path.to_str()).collect();
    let by_name = paths.iter().copied().find(|known| Path::new(known).ends_with(path));
    let near = by_name.or_else(|| nearest(&path.to_string_lossy(), paths.iter().copied()));
    BackupError::UnknownFile { path: path.to_owned(), name: name.to_owned(), nearest: near.map(str::to_owned) }
}

/// The certificate in the file at `at`, which is or was called `path`: its first, or the one of a kubeconfig's user.
fn certificate(tree: &Tree, at: &Path, path: &Path) -> Option<Certificate> {
    let content = tree.content(at)?;
    if path.extension().is_some_and(|ending| ending == "conf") {
        // A certificate that a kubeconfig names by its path is not of this file.
        return Client::read(&Tree::default(), path, content).ok()?.certified()?.certificate().cloned();
    }
    read_certificates(content).ok()?.into_iter().next()
}

fn artefact(
    file: &BackupFile,
    difference: Difference,
    source: PathBuf,
    kept: Option<&Certificate>,
    tree: &Tree,
    now: DateTime<Utc>,
) -> Artefact {
    let name = file.path.display().to_string();
    let restored = RestoredFile { source, uid: file.uid, gid: file.gid, extended: file.extended.clone() };
    let (step, reason) = match difference {
        Difference::Same => (Step::Keep, "as in the backup"),
        Difference::Missing => (Step::Restore(restored), "missing"),
        Difference::Content => (Step::Restore(restored), "changed since"),
        Difference::Attributes => (Step::Restore(restored), "mode or owner changed since"),
    };
    let current = certificate(tree, &file.path, &file.path);
    let files = vec![PlannedFile { path: file.path.clone(), mode: file.mode }];
    Artefact {
        expires_at: kept.map(Certificate::not_after),
        current: current.map(|one| SeenCertificate::of(&name, &file.path, &one, now)),
        ..Artefact::new(&name, Kind::File, step, reason, files)
    }
}

fn stays(path: &Path, operation: &str) -> Artefact {
    let reason = format!("made by {operation}: it stays");
    Artefact::new(&path.display().to_string(), Kind::File, Step::Keep, &reason, Vec::new())
}

fn expired(file: &BackupFile, kept: &Certificate) -> Finding {
    Finding::new(
        FindingCode::CertificateExpired,
        &file.path.display().to_string(),
        &file.path,
        format!("the certificate in the backup has expired at {}", kept.not_after()),
        "renew it after it has been restored: `kubepki certs renew all`",
    )
    .as_bad_as(Severity::Warning)
}
