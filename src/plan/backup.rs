//! Restoring a backup, and which backups go.
//!
//! In: a backup's manifest, how the files in its places differ, what was read of both. Out: a [`Plan`], or why it is none;
//! for backups by their age, which are to go.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Artefact, Kind, Operation, Plan, PlannedFile, RestoredFile, Step};
use crate::audit::{Finding, FindingCode, Remedy, SeenCertificate, Severity};
use crate::catalogue::{self, DEFAULT_KUBECONFIG_DIR, DEFAULT_KUBELET_DIR, Layout};
use crate::error::{Result, nearest};
use crate::inventory::Client;
use crate::store::backup::{Backup, BackupError, BackupFile, Difference, Manifest, State};
use crate::tree::Tree;
use crate::x509::{Certificate, read_certificates};

/// A run that is still at work may have made an incomplete backup that is younger.
const INCOMPLETE_FOR: TimeDelta = TimeDelta::days(1);

/// The plan that restores these files. Those that are as in the backup stay untouched, and so does what of `later` is there:
/// the files that came when the backup was made.
#[must_use]
pub fn restore(
    backup: &Backup,
    manifest: &Manifest,
    files: &[(&BackupFile, Difference)],
    (tree, later): (&Tree, &Tree),
    now: DateTime<Utc>,
) -> Plan {
    let Manifest { certificates_dir, kubeconfig_dir, .. } = manifest;
    let layout = Layout { certificates_dir: certificates_dir.clone(), kubeconfig_dir: kubeconfig_dir.clone() };
    let mut plan = Plan::new(Operation::Restore, &layout, tree, now, Vec::new(), Vec::new());
    for (file, difference) in files {
        let source = backup.path.join(&file.name);
        let kept = certificate(tree, &source, &file.path);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.not_after() < now && *difference != Difference::Same) {
            plan.findings.push(expired(file, kept));
        }
        plan.findings
            .extend(other_authority(&layout, file, &source, tree).filter(|_| *difference == Difference::Content));
        plan.artefacts.push(artefact(file, *difference, source, kept.as_ref(), tree, now));
    }
    let there = later.iter().filter(|(path, _)| later.content(path).is_some());
    plan.artefacts.extend(there.map(|(path, _)| stays(path, &manifest.operation)));
    plan
}

/// Whether each backup, the oldest first, is to go: beyond the newest, older than a time, or both where both are given.
/// Incomplete ones go once they are a day old, and do not count.
#[must_use]
pub fn due(backups: &[Backup], keep: Option<usize>, older_than: Option<TimeDelta>, now: DateTime<Utc>) -> Vec<bool> {
    let mut newer = 0;
    let newest_first = backups.iter().rev().map(|backup| {
        let age = now - backup.made_at;
        if backup.state == State::Incomplete {
            return age >= INCOMPLETE_FOR;
        }
        let is_beyond = keep.is_none_or(|keep| newer >= keep);
        newer += usize::from(backup.state == State::Complete);
        is_beyond && older_than.is_none_or(|limit| age.num_seconds() > limit.num_seconds())
    });
    let mut due: Vec<_> = newest_first.collect();
    due.reverse();
    due
}

/// The files that `only` means, each with how what is there differs from it.
///
/// # Errors
/// `backup.*` when a file is not in the backup, not where a node has such files, or half a pair; those of `difference`.
pub fn selected<'m>(
    manifest: &'m Manifest,
    name: &str,
    only: &[PathBuf],
    difference: impl Fn(&BackupFile) -> Result<Difference>,
) -> Result<Vec<(&'m BackupFile, Difference)>> {
    for path in only {
        if !manifest.files.iter().any(|file| file.path.starts_with(path)) {
            return Err(unknown_file(manifest, name, path).into());
        }
    }
    let is_named = |path: &Path| only.iter().any(|named| named == path);
    let is_selected = |file: &BackupFile| only.is_empty() || only.iter().any(|path| file.path.starts_with(path));
    let (chosen, others): (Vec<_>, Vec<_>) = manifest.files.iter().partition(|file| is_selected(file));
    if let Some(file) = chosen.iter().find(|file| !is_named(&file.path) && !is_of_a_pki(&file.path, manifest)) {
        return Err(BackupError::Elsewhere { path: file.path.clone(), name: name.to_owned() }.into());
    }
    let mut files = Vec::new();
    for file in chosen {
        let differs = difference(file)?;
        let other = others.iter().find(|other| partner(&file.path).as_ref() == Some(&other.path));
        if let Some(other) = other
            && differs != Difference::Same
            && matches!(difference(other)?, Difference::Content | Difference::Missing)
        {
            return Err(BackupError::HalfAPair { path: file.path.clone(), partner: other.path.clone() }.into());
        }
        files.push((file, differs));
    }
    Ok(files)
}

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

/// The key of a certificate, and the certificate of a key.
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
#[must_use]
pub fn certificate(tree: &Tree, at: &Path, path: &Path) -> Option<Certificate> {
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

/// Where whom the node trusts changes: a backup of a rotation, or from before another cluster was made here.
fn other_authority(layout: &Layout, file: &BackupFile, source: &Path, tree: &Tree) -> Option<Finding> {
    let name = catalogue::rotated_names().into_iter().find(|name| layout.in_use(name).public == file.path)?;
    if trusted(tree.content(source)?) == trusted(tree.content(&file.path)?) {
        return None;
    }
    let remedy = "where other nodes keep what they have, leave it out (--only FILE restores the rest): this node and they would refuse \
                  each other; `kubepki rotate status` shows what each trusts";
    let evidence = "the backup trusts others than this node does now";
    let finding = Finding::new(FindingCode::AuthorityReplaced, name, &file.path, evidence, Remedy::chosen(remedy));
    Some(finding.as_bad_as(Severity::Warning))
}

/// The keys of a CA's file, in any order; a file of public keys as it is.
fn trusted(content: &[u8]) -> BTreeSet<String> {
    let certificates = read_certificates(content).unwrap_or_default();
    if certificates.is_empty() {
        return [String::from_utf8_lossy(content).into_owned()].into();
    }
    certificates.iter().map(Certificate::public_key_fingerprint).collect()
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
