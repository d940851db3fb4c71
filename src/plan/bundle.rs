//! Judging what nodes share, and planning to put it on a node: `kubepki bundle`.
//!
//! In: the table of entries, the files as they travel and as they are on the node, now. Out: findings, and a [`Plan`]
//! without any of the files in it: it is applied by who has them. A file that is there and differs is replaced only when
//! that is asked for.
//!
//! Source: kubeadm `phases/copycerts` `DownloadCerts`, which judges nothing and overwrites.

mod shared;
mod swapped;

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};

use self::shared::{Keys, Shared};
use self::swapped::judge_swapped;
use super::{Artefact, Cause, Installation, Kind, Operation, Plan, PlannedFile, Step};
use crate::audit::authority::judge_authority;
use crate::audit::certificate::{Thresholds, judge_pair};
use crate::audit::{Finding, FindingCode, Severity};
use crate::bundle::{Content, Entry};
use crate::catalogue::Layout;
use crate::digest::sha256_hex;
use crate::inventory::Expectation;
use crate::key::pem;
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, ExtendedKeyUsage};

/// Judges the files of `entries` as `tree` has them: certificates of CAs that may sign, keys that are theirs, the service
/// accounts' two halves, the client of an external etcd, and whether each is what its name says. What is missing is the
/// caller's to judge. That two are exchanged has the severity `swapped`: who reads the node's own files knows them.
#[must_use]
pub fn judge(entries: &[Entry], tree: &Tree, layout: &Layout, swapped: Severity, now: DateTime<Utc>) -> Vec<Finding> {
    judge_all(&Shared::all(entries, tree, layout), tree, swapped, now)
}

fn judge_all(all: &[Shared<'_>], tree: &Tree, swapped: Severity, now: DateTime<Utc>) -> Vec<Finding> {
    let judge_one = |shared: &Shared<'_>| match (&shared.keys, shared.kind) {
        (Keys::ServiceAccount(keys), _) => keys.judge(tree),
        (Keys::Pair(pair), Kind::CertificateAuthority) => {
            judge_authority(shared.artefact, pair, tree, Thresholds::NONE, now)
        }
        (Keys::Pair(pair), _) => {
            let expectation = Expectation::usages(&[ExtendedKeyUsage::ClientAuth]);
            judge_pair(shared.artefact, pair, tree, &expectation, &[], Thresholds::NONE, now)
        }
    };
    let found = all.iter().flat_map(judge_one).filter(|finding| finding.severity != Severity::Info);
    let mut findings: Vec<_> = found.chain(judge_swapped(all, swapped)).collect();
    // sa.pub may be the private key itself; then it gets the private key's mode.
    let public = all.iter().flat_map(|one| one.entries).filter(|entry| entry.content == Content::Certificate);
    findings.extend(public.filter_map(|entry| hidden_key(entry, tree)));
    findings
}

/// Plans to put the files of `entries`, as `new` has them, where `present` shows what is there. With `force`, files that
/// differ are replaced.
#[must_use]
pub fn import(entries: &[Entry], new: &Tree, present: &Tree, layout: &Layout, force: bool, now: DateTime<Utc>) -> Plan {
    // What is there already, byte for byte, has been trusted before.
    let is_there = |(path, _): (&Path, _)| new.content(path) == present.content(path);
    let swapped = if new.iter().all(is_there) { Severity::Warning } else { Severity::Critical };
    let all = Shared::all(entries, new, layout);
    let mut findings = judge_all(&all, new, swapped, now);
    let (mut planned, mut seen) = (Vec::new(), BTreeSet::new());
    for shared in &all {
        let is_bad = findings.iter().any(|finding| finding.subject == shared.artefact && finding.is_critical());
        let paths = shared.entries.iter().filter_map(|entry| entry.path.as_deref());
        // An external etcd's CA may be a file that the table has already.
        let files: Vec<_> =
            paths.filter_map(|path| Wanted::of(path, new)).filter(|file| seen.insert(file.path)).collect();
        if files.is_empty() {
            continue;
        }
        let mut one = place(shared, &files, present, force, &mut findings);
        if is_bad {
            (one.step, one.reason) = (Cause::Unusable.blocks(), "the file in the bundle cannot be used".into());
        }
        planned.push(one);
    }
    Plan::new(Operation::Bundle, layout, present, now, planned, findings)
}

/// A file of the bundle.
struct Wanted<'t> {
    path: &'t Path,
    content: &'t [u8],
    mode: u32,
}

impl<'t> Wanted<'t> {
    fn of(path: &'t Path, new: &'t Tree) -> Option<Self> {
        let Observed::File { content, mode } = new.get(path) else { return None };
        Some(Self { path, content: content.expose(), mode: *mode })
    }

    fn planned(&self) -> PlannedFile {
        PlannedFile { path: self.path.to_owned(), mode: self.mode }
    }
}

/// One artefact: what is there of it already, and what becomes of it.
fn place(
    shared: &Shared<'_>,
    files: &[Wanted<'_>],
    present: &Tree,
    force: bool,
    findings: &mut Vec<Finding>,
) -> Artefact {
    let artefact = shared.artefact;
    let (mut written, mut replaced, mut stands_against) = (Vec::new(), false, false);
    for file in files {
        let Wanted { path, mode, .. } = *file;
        let fault = match present.get(path) {
            Observed::Missing => {
                written.push(file.planned());
                None
            }
            Observed::File { content, mode: has } if content.expose() == file.content => {
                is_open(mode, *has).then(|| too_wide(artefact, path, *has, Severity::Warning))
            }
            Observed::File { mode: has, .. } if force => {
                written.push(file.planned());
                replaced = true;
                // It would keep its mode.
                is_open(mode, *has).then(|| too_wide(artefact, path, *has, Severity::Critical))
            }
            Observed::File { content, .. } => Some(differs(artefact, path, content.expose(), file.content)),
            Observed::Unreadable(fault) => Some(Finding::unusable(artefact, path, fault.clone())),
        };
        stands_against |= fault.as_ref().is_some_and(Finding::is_critical);
        findings.extend(fault);
    }
    let (step, reason) = if stands_against {
        (Cause::Exists.blocks(), "an existing file is in the way")
    } else if written.is_empty() {
        (Step::Keep, "already there")
    } else if replaced {
        (Step::Install(Installation::Supplied), "a different file is there")
    } else {
        (Step::Install(Installation::Supplied), "missing")
    };
    let shown = if step.is_change() { written } else { files.iter().map(Wanted::planned).collect() };
    let expires_at = shared.certificate().map(Certificate::not_after);
    Artefact { expires_at, ..Artefact::new(artefact, shared.kind, step, reason, shown) }
}

/// A private key in a file that all may read.
fn hidden_key(entry: &Entry, tree: &Tree) -> Option<Finding> {
    let path = entry.path.as_ref()?;
    let holds = pem::blocks(tree.content(path)?).any(|block| block.label.ends_with("PRIVATE KEY"));
    holds.then(|| {
        Finding::new(
            FindingCode::CertificateHoldsKey,
            entry.artefact,
            path,
            "it holds a private key, and everybody may read the file",
            "take the key out of it",
        )
    })
}

/// Whether a file that is for its owner alone can be read by others.
const fn is_open(wanted: u32, present: u32) -> bool {
    wanted == 0o600 && present & 0o077 != 0
}

fn too_wide(artefact: &str, path: &Path, mode: u32, severity: Severity) -> Finding {
    let evidence = format!("the file holds a private key and has mode {mode:04o}");
    let remedy = format!("chmod 600 {}", path.display());
    Finding::new(FindingCode::FileModeTooWide, artefact, path, evidence, remedy).as_bad_as(severity)
}

fn differs(artefact: &str, path: &Path, present: &[u8], wanted: &[u8]) -> Finding {
    let short = |content: &[u8]| sha256_hex(content).chars().take(12).collect::<String>();
    Finding::new(
        FindingCode::SharedFileDiffers,
        artefact,
        path,
        format!("this node has a different one (SHA-256 {}…) than the bundle ({}…)", short(present), short(wanted)),
        "make sure that the bundle is this cluster's; --force replaces the file",
    )
}
