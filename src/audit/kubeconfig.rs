//! Judging a kubeconfig that is there: its CA, its server, its user's certificate and key.
//!
//! In: the file, the files it refers to, what the catalogue expects, now. Out: findings.
//!
//! Source: kubeadm `phases/kubeconfig` `validateKubeConfig`, which looks at CA and server alone; the user's
//! certificate is judged here too, since an expired one locks its component out all the same.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::certificate::{Thresholds, judge};
use super::files::{note_key_of_go, note_mode, note_part};
use super::subject::judge_subject;
use super::{Finding, FindingCode, Findings, Remedy, Severity};
use crate::catalogue::beside;
use crate::error::Diagnostic;
use crate::inventory::{Client, Expectation, Found, Part};
use crate::key::pem;
use crate::kubeconfig::{Current, KubeconfigError, Mismatch, compare};
use crate::secret::Secret;
use crate::store::StoreError;
use crate::tree::{Observed, Tree};
use crate::x509::Certificate;

/// What a kubeconfig must be.
#[derive(Debug)]
pub struct ExpectedKubeconfig<'a> {
    /// Its client certificate's subject and purposes.
    pub client: Expectation,
    /// The server's URL; `None` when it is not known.
    pub server: Option<String>,
    /// The certificates of the CA's file: the first one embedded must be among them, and any of them may have signed
    /// the client certificate.
    pub trusted: &'a [Certificate],
}

/// Judges the kubeconfig at `path`, which must be there.
#[must_use]
pub fn judge_kubeconfig(
    name: &str,
    path: &Path,
    client: Option<Result<&Client, &KubeconfigError>>,
    tree: &Tree,
    expected: &ExpectedKubeconfig<'_>,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    let Some(client) = client else {
        note_part(&Part::<()>::of_file(tree.get(path)), &mut notes, true);
        return notes.into_vec();
    };
    note_mode(tree, path, &mut notes);
    match client {
        Ok(client) => judge_content(&mut notes, client, tree, expected, thresholds, now),
        Err(error) => notes.add_fault(error.fault()),
    }
    notes.into_vec()
}

fn judge_content(
    notes: &mut Findings,
    client: &Client,
    tree: &Tree,
    expected: &ExpectedKubeconfig<'_>,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) {
    let path = &client.path;
    note_use(notes, client, tree, expected.trusted.is_empty());
    if expected.trusted.is_empty() {
        note_authority(notes, client, tree);
    } else {
        let trusted: Vec<_> = expected.trusted.iter().map(Certificate::to_pem).collect();
        let trusted: Vec<_> = trusted.iter().map(Vec::as_slice).collect();
        let read = |referenced: &str| tree.content(&beside(path, referenced)).map(<[u8]>::to_vec);
        for mismatch in compare(&client.document, &trusted, expected.server.as_deref().unwrap_or_default(), read) {
            if matches!(mismatch, Mismatch::OtherServer { .. }) && expected.server.is_none() {
                continue;
            }
            // kubeadm keeps a file with another server, with a warning: it may be a load balancer.
            let severity = match mismatch {
                Mismatch::OtherServer { .. } => Severity::Warning,
                _ => Severity::Critical,
            };
            notes.add_as(severity, mismatch.code(), mismatch.to_string(), mismatch.hint());
        }
    }
    match client.certified() {
        Some(found) => judge_client(notes, found, expected, thresholds, now),
        None => notes.add(
            FindingCode::KubeconfigNoCertificate,
            "its user has no client certificate (a token, or an exec plugin)",
            Remedy::nothing("nothing, if that is meant"),
        ),
    }
}

/// Notes why clients would not use the file, and what of it they pass over.
fn note_use(notes: &mut Findings, client: &Client, tree: &Tree, with_authority: bool) {
    let Client { path, document: kubeconfig, .. } = client;
    let current = kubeconfig.current().ok();
    // The client's files are judged for themselves, and a CA that is compared with the node's is compared elsewhere.
    let is_judged = |referenced: &str| {
        current.as_ref().is_some_and(|current| {
            let authority = current.certificate_authority.filter(|_| !with_authority);
            [current.client_certificate, current.client_key, authority].contains(&Some(referenced))
        })
    };
    for fault in
        kubeconfig.faults(|referenced| is_judged(referenced) || is_readable(tree, path, referenced)).unwrap_or_default()
    {
        notes.add_fault(fault.fault());
    }
    for passed_over in kubeconfig.passed_over() {
        let evidence =
            format!("{passed_over}; clients pass over the first of two keys, and every document but the first");
        notes.add_as(Severity::Warning, passed_over.code(), evidence, passed_over.hint());
    }
}

/// Whether clients can read the file that a kubeconfig at `path` names. What this user may not read, they may.
#[must_use]
pub fn is_readable(tree: &Tree, path: &Path, referenced: &str) -> bool {
    let found = tree.get(&beside(path, referenced));
    matches!(found, Observed::File { .. }) || found.failing_with(StoreError::NO_PERMISSION).is_some()
}

/// Notes a CA of which clients cannot read a single certificate. Which one it must be is not known here.
fn note_authority(notes: &mut Findings, client: &Client, tree: &Tree) {
    let Ok(current) = client.document.current() else { return };
    if !has_readable_authority(tree, &client.path, &current) {
        let (cluster, named) = (current.cluster.to_owned(), current.certificate_authority.map(str::to_owned));
        let path = named.filter(|_| current.certificate_authority_data.is_none());
        notes.add_fault(Mismatch::InvalidCertificateAuthority { cluster, path }.fault());
    }
}

/// Whether clients find a certificate in the CA; without any, or with an empty file, they take the system's.
#[must_use]
pub fn has_readable_authority(tree: &Tree, path: &Path, current: &Current<'_>) -> bool {
    let pem = match (&current.certificate_authority_data, current.certificate_authority) {
        (Some(pem), _) => Some(pem.as_slice()),
        (None, Some(named)) => tree.content(&beside(path, named)),
        (None, None) => None,
    };
    let is_certificate = |block: pem::Block<'_>| {
        block.label == "CERTIFICATE" && !block.has_headers && Certificate::from_der(block.der.expose()).is_ok()
    };
    pem.is_none_or(|pem| pem.is_empty() || pem::blocks(pem).any(is_certificate))
}

fn judge_client(
    notes: &mut Findings,
    client: &Found,
    expected: &ExpectedKubeconfig<'_>,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) {
    notes.at(&client.certificate_path);
    note_part(&client.certificates, notes, true);
    let certificate = client.certificate();
    let key_text = client.key.unusable_text().map(Secret::expose);
    let only_go_reads_it = key_text.is_some_and(|pem| note_key_of_go(&client.key, pem, certificate, notes));
    if let (Part::Broken(fault), false) = (&*client.key, only_go_reads_it) {
        notes.add_fault(fault.clone());
    }
    let Some((certificate, intermediates)) = client.all().split_first() else { return };
    match &*client.key {
        Part::Missing => notes.add(
            FindingCode::FileMissing,
            "the client certificate has no key",
            "embed the key that belongs to it, or remove the file so that it is made again",
        ),
        Part::Present(key) if key.public_key_info() != certificate.public_key_info() => notes.add(
            FindingCode::KeyMismatch,
            "the client key is not the one of the client certificate",
            "embed the key that belongs to it, or remove the file so that it is made again",
        ),
        Part::Present(_) | Part::Broken(_) => {}
    }
    judge(notes, certificate, intermediates, &expected.client, expected.trusted, thresholds, now);
    judge_subject(notes, certificate, expected.client.subject.as_ref(), expected.trusted.first(), true);
}
