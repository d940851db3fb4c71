//! Judging what nodes share, and planning to put it on a node: `kubepki bundle`.
//!
//! In: the table of entries, the files as they travel and as they are on the node, now. Out: findings, and a [`Plan`]
//! without any of the files in it: it is applied by who has them. A file that is there and differs is replaced only when
//! that is asked for.
//!
//! Source: kubeadm `phases/copycerts` `DownloadCerts`, which judges nothing and overwrites.

mod swapped;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use self::swapped::judge_swapped;
use super::{Artefact, Installation, Kind, Operation, Plan, PlannedFile, Step};
use crate::audit::authority::judge_authority;
use crate::audit::certificate::{Thresholds, judge_pair};
use crate::audit::service_account::ServiceAccountKeys;
use crate::audit::{Finding, FindingCode, Severity};
use crate::bundle::{Content, EXTERNAL_ETCD, Entry};
use crate::catalogue::{Layout, SERVICE_ACCOUNT};
use crate::digest::sha256_hex;
use crate::inventory::{Expectation, Found};
use crate::key::pem;
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, ExtendedKeyUsage};

/// How a plan is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether files that differ are replaced.
    pub force: bool,
}

/// Judges the files of `entries` as `tree` has them: certificates of CAs that may sign, keys that are theirs, the service
/// accounts' two halves, the client of an external etcd, and whether each is what its name says. What is missing is the
/// caller's to judge. That two are exchanged has the severity `swapped`: who reads the node's own files knows them.
#[must_use]
pub fn judge(entries: &[Entry], tree: &Tree, layout: &Layout, swapped: Severity, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for artefact in artefacts(entries) {
        let part = |content: &[Content]| {
            let of_it = entries.iter().filter(|entry| entry.artefact == artefact);
            of_it.filter(|entry| content.contains(&entry.content)).find_map(|entry| entry.path.clone())
        };
        let certificate = part(&[Content::Certificate]);
        let key = part(&[Content::AuthorityKey, Content::Key]);
        let found = match (kind(artefact), certificate, key) {
            (Kind::KeyPair, _, _) => ServiceAccountKeys::read(tree, layout).judge(tree),
            (Kind::CertificateAuthority, Some(certificate), key) => {
                // A CA that comes without its key is read as one whose key is nowhere.
                let pair = Found::pair(tree, certificate, key.unwrap_or_default());
                judge_authority(artefact, &pair, tree, Thresholds::NONE, now)
            }
            (_, Some(certificate), Some(key)) => {
                let pair = Found::pair(tree, certificate, key);
                let expectation =
                    Expectation { extended_key_usages: vec![ExtendedKeyUsage::ClientAuth], ..Expectation::default() };
                judge_pair(artefact, &pair, tree, &expectation, &[], Thresholds::NONE, now)
            }
            _ => Vec::new(),
        };
        findings.extend(found.into_iter().filter(|finding| finding.severity != Severity::Info));
    }
    findings.extend(judge_swapped(entries, &artefacts(entries), tree, layout, swapped));
    // sa.pub may be the private key itself; then it gets the private key's mode.
    let public = entries.iter().filter(|entry| entry.content == Content::Certificate);
    findings.extend(public.filter_map(|entry| hidden_key(entry, tree)));
    findings
}

/// Plans to put the files of `entries`, as `new` has them, where `present` shows what is there.
#[must_use]
pub fn import(
    entries: &[Entry],
    new: &Tree,
    present: &Tree,
    layout: &Layout,
    options: &Options,
    now: DateTime<Utc>,
) -> Plan {
    // What is there already, byte for byte, has been trusted before.
    let is_there = |(path, observed): (&Path, &Observed)| match (observed, present.get(path)) {
        (Observed::File { content: wanted, .. }, Observed::File { content, .. }) => content.expose() == wanted.expose(),
        _ => false,
    };
    let swapped = if new.iter().all(is_there) { Severity::Warning } else { Severity::Critical };
    let mut findings = judge(entries, new, layout, swapped, now);
    let is_bad = |artefact: &str, findings: &[Finding]| {
        findings.iter().any(|finding| finding.subject == artefact && finding.is_critical())
    };
    let (mut planned, mut seen) = (Vec::new(), BTreeSet::new());
    for artefact in artefacts(entries) {
        let blocked = is_bad(artefact, &findings);
        let files: Vec<_> = entries
            .iter()
            .filter(|entry| entry.artefact == artefact)
            .filter_map(|entry| Some((entry, entry.path.clone()?)))
            // An external etcd's CA may be a file that the table has already.
            .filter(|(_, path)| new.content(path).is_some() && seen.insert(path.clone()))
            .collect();
        if files.is_empty() {
            continue;
        }
        let mut one = place(artefact, &files, new, present, options, &mut findings);
        if blocked {
            (one.step, one.reason) = (Step::Blocked, "the file in the bundle cannot be used".into());
        }
        planned.push(one);
    }
    Plan::new(Operation::Bundle, layout, present, now, planned, findings)
}

/// One artefact: what is there of it already, and what becomes of it.
fn place(
    artefact: &str,
    files: &[(&Entry, PathBuf)],
    new: &Tree,
    present: &Tree,
    options: &Options,
    findings: &mut Vec<Finding>,
) -> Artefact {
    let (mut written, mut replaced, mut stands_against) = (Vec::new(), false, false);
    for (entry, path) in files {
        let wanted = new.content(path).unwrap_or_default();
        let mode = entry.mode(wanted);
        let fault = match present.get(path) {
            Observed::Missing => {
                written.push(PlannedFile { path: path.clone(), mode });
                None
            }
            Observed::File { content, mode: has } if content.expose() == wanted => {
                is_open(mode, *has).then(|| too_wide(artefact, path, *has, Severity::Warning))
            }
            Observed::File { mode: has, .. } if options.force => {
                written.push(PlannedFile { path: path.clone(), mode });
                replaced = true;
                // It would keep its mode.
                is_open(mode, *has).then(|| too_wide(artefact, path, *has, Severity::Critical))
            }
            Observed::File { content, .. } => Some(differs(artefact, path, content.expose(), wanted)),
            Observed::Unreadable(fault) => Some(Finding::unusable(artefact, path, fault.clone())),
        };
        stands_against |= fault.as_ref().is_some_and(Finding::is_critical);
        findings.extend(fault);
    }
    let (step, reason) = if stands_against {
        (Step::Blocked, "an existing file is in the way")
    } else if written.is_empty() {
        (Step::Keep, "already there")
    } else if replaced {
        (Step::Install(Installation::Supplied), "a different file is there")
    } else {
        (Step::Install(Installation::Supplied), "missing")
    };
    let shown = if step.is_change() {
        written
    } else {
        let mode_of = |entry: &Entry, path| entry.mode(new.content(path).unwrap_or_default());
        files.iter().map(|(entry, path)| PlannedFile { path: path.clone(), mode: mode_of(entry, path) }).collect()
    };
    let certificates = files.iter().find(|(entry, _)| entry.content == Content::Certificate);
    let expires_at = certificates
        .and_then(|(_, path)| crate::x509::read_certificates(new.content(path)?).ok())
        .and_then(|all| all.first().map(Certificate::not_after));
    Artefact { expires_at, ..Artefact::new(artefact, kind(artefact), step, reason, shown) }
}

/// The artefacts of `entries`, in their order, each once.
fn artefacts(entries: &[Entry]) -> Vec<&'static str> {
    let mut all: Vec<&str> = Vec::new();
    for entry in entries {
        if !all.contains(&entry.artefact) {
            all.push(entry.artefact);
        }
    }
    all
}

fn kind(artefact: &str) -> Kind {
    match artefact {
        SERVICE_ACCOUNT => Kind::KeyPair,
        EXTERNAL_ETCD => Kind::Certificate,
        _ => Kind::CertificateAuthority,
    }
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
