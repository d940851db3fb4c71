//! Judging a kubeconfig that is there: its CA, its server, its user's certificate and key.
//!
//! In: the file, the files it refers to, what the catalogue expects, now. Out: findings.
//!
//! Source: kubeadm `phases/kubeconfig` `validateKubeConfig`, which looks at CA and server alone; the user's
//! certificate is judged here too, since an expired one locks its component out all the same.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::certificate::{Expectation, Thresholds, judge};
use super::pair::{note_key_of_go, note_mode, note_part};
use super::subject::judge_subject;
use super::{Finding, FindingCode, Findings, Part, Severity};
use crate::catalogue::{SYSTEM_NODE, beside};
use crate::error::Diagnostic;
use crate::key::{PrivateKey, pem};
use crate::kubeconfig::{Current, Kubeconfig, KubeconfigError, Mismatch, compare};
use crate::secret::Secret;
use crate::store::StoreError;
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, read_certificates};

/// A kubeconfig's user: the certificates and the key, embedded or by path.
#[derive(Debug)]
pub struct ClientIdentity {
    /// The file that holds the certificate: the kubeconfig, or the one it names.
    pub certificate_path: PathBuf,
    /// The certificate and the intermediates behind it.
    pub certificates: Part<Vec<Certificate>>,
    /// The key.
    pub key: Part<PrivateKey>,
    /// The key's text, where it cannot be used.
    unusable_key: Option<Secret>,
}

/// The files that a kubeconfig's current user and cluster refer to; none when it cannot be read.
#[must_use]
pub fn referenced_paths(path: &Path, content: &[u8]) -> Vec<PathBuf> {
    let Ok(kubeconfig) = Kubeconfig::parse(content) else { return Vec::new() };
    let Ok(current) = kubeconfig.current() else { return Vec::new() };
    [current.certificate_authority, current.client_certificate, current.client_key, current.token_file]
        .into_iter()
        .flatten()
        .map(|referenced| beside(path, referenced))
        .collect()
}

/// Whether the current user reads both its certificate and its key from `file`.
#[must_use]
pub fn is_read_from(path: &Path, content: &[u8], file: &Path) -> bool {
    let Ok(kubeconfig) = Kubeconfig::parse(content) else { return false };
    let Ok(current) = kubeconfig.current() else { return false };
    current.client_certificate_data.is_none()
        && current.client_key_data.is_none()
        && [current.client_certificate, current.client_key]
            .iter()
            .all(|one| one.is_some_and(|referenced| beside(path, referenced) == file))
}

/// The certificate and key of the current user; `None` when it has none (a token, say).
///
/// # Errors
/// [`KubeconfigError`] when the file cannot be read as a kubeconfig with a current user.
pub fn client_identity(tree: &Tree, path: &Path, content: &[u8]) -> Result<Option<ClientIdentity>, KubeconfigError> {
    let kubeconfig = Kubeconfig::parse(content)?;
    let current = kubeconfig.current()?;
    let (certificate_path, certificates) = match (&current.client_certificate_data, current.client_certificate) {
        (Some(pem), _) => (path.to_owned(), parsed(read_certificates(pem))),
        (None, Some(referenced)) => {
            let referenced = beside(path, referenced);
            let part = Part::read(tree, &referenced, read_certificates);
            (referenced, part)
        }
        (None, None) => return Ok(None),
    };
    let key = match (&current.client_key_data, current.client_key) {
        (Some(pem), _) => parsed(PrivateKey::from_pem(pem.expose())),
        (None, Some(referenced)) => Part::read(tree, &beside(path, referenced), PrivateKey::from_pem),
        (None, None) => Part::Missing,
    };
    let key_text = match (&current.client_key_data, current.client_key) {
        (Some(pem), _) => Some(pem.expose()),
        (None, Some(referenced)) => tree.content(&beside(path, referenced)),
        (None, None) => None,
    };
    let unusable_key = key_text.filter(|_| key.present().is_none()).map(|text| Secret::new(text.to_vec()));
    Ok(Some(ClientIdentity { certificate_path, certificates, key, unusable_key }))
}

/// The node whose kubelet uses the kubeconfig at `path`: by its certificate, or by its user's name where the certificate
/// cannot be read. `None` when neither says it.
#[must_use]
pub fn node_name(tree: &Tree, path: &Path) -> Option<String> {
    let user = || Some(Kubeconfig::parse(tree.content(path)?).ok()?.current().ok()?.user.to_owned());
    certified_node_name(tree, path).or_else(|| node_of(&user()?))
}

/// The same by the certificate alone.
#[must_use]
pub fn certified_node_name(tree: &Tree, path: &Path) -> Option<String> {
    let identity = client_identity(tree, path, tree.content(path)?).ok()??;
    node_of(&identity.certificates.present()?.first()?.subject().common_name()?)
}

fn node_of(user: &str) -> Option<String> {
    Some(user.strip_prefix(SYSTEM_NODE)?.to_owned()).filter(|name| !name.is_empty())
}

/// The key of the current user, embedded or by path, whether it has a certificate yet or not.
#[must_use]
pub fn client_key(tree: &Tree, path: &Path) -> Part<PrivateKey> {
    let kubeconfig = match Part::read(tree, path, Kubeconfig::parse) {
        Part::Present(kubeconfig) => kubeconfig,
        Part::Missing => return Part::Missing,
        Part::Broken(fault) => return Part::Broken(fault),
    };
    let current = match kubeconfig.current() {
        Ok(current) => current,
        Err(error) => return Part::Broken(error.fault()),
    };
    match (&current.client_key_data, current.client_key) {
        (Some(pem), _) => parsed(PrivateKey::from_pem(pem.expose())),
        (None, Some(referenced)) => Part::read(tree, &beside(path, referenced), PrivateKey::from_pem),
        (None, None) => Part::Missing,
    }
}

fn parsed<T, E: Diagnostic>(result: Result<T, E>) -> Part<T> {
    match result {
        Ok(value) => Part::Present(value),
        Err(error) => Part::Broken(error.fault()),
    }
}

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
    tree: &Tree,
    expected: &ExpectedKubeconfig<'_>,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    match tree.get(path) {
        Observed::Missing => note_part(&Part::<()>::Missing, &mut notes, true),
        Observed::Unreadable(fault) => notes.add_fault(fault.clone()),
        Observed::File { content, .. } => {
            note_mode(tree, path, &mut notes);
            judge_content(&mut notes, path, content.expose(), tree, expected, thresholds, now);
        }
    }
    notes.into_vec()
}

fn judge_content(
    notes: &mut Findings,
    path: &Path,
    content: &[u8],
    tree: &Tree,
    expected: &ExpectedKubeconfig<'_>,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) {
    let client = match client_identity(tree, path, content) {
        Ok(client) => client,
        Err(error) => return notes.add_fault(error.fault()),
    };
    note_use(notes, path, content, tree, expected.trusted.is_empty());
    if expected.trusted.is_empty() {
        note_authority(notes, path, content, tree);
    } else {
        let trusted: Vec<_> = expected.trusted.iter().map(Certificate::to_pem).collect();
        let trusted: Vec<_> = trusted.iter().map(Vec::as_slice).collect();
        let read = |referenced: &str| tree.content(&beside(path, referenced)).map(<[u8]>::to_vec);
        for mismatch in compare(content, &trusted, expected.server.as_deref().unwrap_or_default(), read) {
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
    match client {
        Some(client) => judge_client(notes, &client, expected, thresholds, now),
        None => notes.add(
            FindingCode::KubeconfigNoCertificate,
            "its user has no client certificate (a token, or an exec plugin)",
            "nothing, if that is meant",
        ),
    }
}

/// Notes why clients would not use the file, and what of it they pass over.
fn note_use(notes: &mut Findings, path: &Path, content: &[u8], tree: &Tree, with_authority: bool) {
    let Ok(kubeconfig) = Kubeconfig::parse(content) else { return };
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
    match tree.get(&beside(path, referenced)) {
        Observed::File { .. } => true,
        Observed::Unreadable(fault) => fault.code == StoreError::NO_PERMISSION,
        Observed::Missing => false,
    }
}

/// Notes a CA of which clients cannot read a single certificate. Which one it must be is not known here.
fn note_authority(notes: &mut Findings, path: &Path, content: &[u8], tree: &Tree) {
    let Ok(kubeconfig) = Kubeconfig::parse(content) else { return };
    let Ok(current) = kubeconfig.current() else { return };
    if !has_readable_authority(tree, path, &current) {
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
    client: &ClientIdentity,
    expected: &ExpectedKubeconfig<'_>,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) {
    notes.at(&client.certificate_path);
    note_part(&client.certificates, notes, true);
    let certificate = client.certificates.present().and_then(|all| all.first());
    let key_text = client.unusable_key.as_ref().map(Secret::expose);
    let only_go_reads_it = key_text.is_some_and(|pem| note_key_of_go(&client.key, pem, certificate, notes));
    if let (Part::Broken(fault), false) = (&client.key, only_go_reads_it) {
        notes.add_fault(fault.clone());
    }
    let Some((certificate, intermediates)) = client.certificates.present().and_then(|all| all.split_first()) else {
        return;
    };
    match &client.key {
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
