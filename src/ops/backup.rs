//! `kubepki backup`: what is kept, putting it back, and removing what is old.
//!
//! In: requests. Out: backups with all that is wrong with them; a [`Plan`] that restores one, which
//! [`apply`](super::apply::apply) does like any other; [`Pruned`]. A backup is verified in full before a plan is made, and
//! again, with the files that make way, under the lock. It knows nothing of how a backup is laid out (`store` does).

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::audit::complete_remedies;
use crate::error::{Fault, Result};
use crate::plan::Plan;
use crate::plan::backup::{certificate, due, restore, selected};
pub use crate::request::{BackupPlace, PruneRequest, RestoreRequest};
use crate::store::Store;
use crate::store::backup::{Backup, BackupFile, Difference, Manifest};

/// One backup, with its files held against those of the node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shown {
    /// The backup.
    #[serde(flatten)]
    pub backup: Backup,
    /// Its files.
    pub files: Vec<ShownFile>,
}

/// One file of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pruned {
    /// The backups that are gone, or would be, the oldest first.
    pub removed: Vec<Backup>,
    /// Those that stay.
    pub kept: Vec<Backup>,
    /// Those that should have gone, and why they did not.
    pub failures: Vec<PruneFailure>,
}

/// A backup that could not be removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    Store::new(place.rootfs.dir())?.backups(&place.backup_dir)
}

/// One backup by its name, or the newest for `latest`, whatever its state.
///
/// # Errors
/// `backup.unknown`, `backup.none`; `store.*` when the directory cannot be read.
pub fn show(place: &BackupPlace, name: &str) -> Result<Shown> {
    let store = Store::new(place.rootfs.dir())?;
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
    let store = Store::new(request.place.rootfs.dir())?;
    let backup = store.backup(&request.place.backup_dir, &request.name)?;
    let manifest = backup.usable()?;
    if !*request.no_backup {
        store.refuse_backup_place(&request.place.backup_dir, &manifest.certificates_dir)?;
    }
    if *request.recover {
        store.lock(&directories(manifest))?;
    }
    let files = selected(manifest, &backup.name, &request.only, |file| store.difference(file))?;
    let sources = files.iter().map(|(file, _)| backup.path.join(&file.name));
    let places = files.iter().map(|(file, _)| file.path.clone());
    let tree = store.read(sources.chain(places).chain([backup.manifest_path()]));
    // Files that came later stay.
    let later = store.read(if request.only.is_empty() { manifest.created.as_slice() } else { &[] });
    let mut plan = restore(&backup, manifest, &files, (&tree, &later), now);
    plan.rootfs.clone_from(&request.place.rootfs);
    plan.backup_dir = (!*request.no_backup).then(|| request.place.backup_dir.to_path_buf());
    super::interrupted::put_first_in(&mut plan);
    complete_remedies(&mut plan.findings, &super::node::caller_below(request.place.rootfs.as_deref()));
    // By then the latest may be another.
    let name = backup.name.clone();
    super::planned::record(&mut plan, &RestoreRequest { name, recover: false.into(), ..request.clone() })?;
    Ok(plan)
}

/// Removes whole backups: beyond the newest, older than a time, or both where both are given. Incomplete ones go once they
/// are a day old, and do not count. Nothing else in the directory is touched.
///
/// # Errors
/// `store.*` when the directory cannot be read or locked. What cannot be removed is in [`Pruned::failures`].
pub fn prune(request: &PruneRequest, now: DateTime<Utc>) -> Result<Pruned> {
    let (keep, older_than) = request.limits()?;
    let store = Store::new(request.place.rootfs.dir())?;
    let _session = if *request.dry_run { None } else { Some(store.lock(&[&**request.place.backup_dir])?) };
    let mut pruned = Pruned { removed: Vec::new(), kept: Vec::new(), failures: Vec::new() };
    let backups = store.backups(&request.place.backup_dir)?;
    let due = due(&backups, keep, older_than, now);
    for (backup, is_due) in backups.into_iter().zip(due).rev() {
        match if is_due && !*request.dry_run { store.remove_backup(&backup) } else { Ok(()) } {
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
