//! `kubepki access`: who gets in with a certificate of this node, and by the audit log, who has used which.
//!
//! In: a request, now. Out: an [`AccessReport`]. Every user of every kubeconfig counts, not only the current one; certificates without their
//! key are listed too, for somebody has it. The log is read a line at a time.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::OperationError;
use super::kubelet::Kubelet;
use super::node::Node;
use crate::audit::access::{
    AuditLog, Credential, FoundAuthority, Held, KeyPlace, UnknownCredential, authority_at, credentials, is_for_clients,
    judge,
};
use crate::audit::{Finding, complete_remedies, unreadable};
use crate::catalogue::{Kind, beside};
use crate::config::Problem;
use crate::error::{Diagnostic as _, Fault, Result};
use crate::inventory::{self, Found, Inventory};
use crate::key::{PrivateKey, pem};
use crate::kubeconfig::Kubeconfig;
pub use crate::request::AccessRequest;
use crate::request::RequestError;
use crate::store::{Store, StoreError};
use crate::tree::{Observed, Tree};
use crate::workers::StopSignal;
use crate::x509::{Certificate, read_certificates};

/// All that was seen and found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessReport {
    /// The moment for which it holds.
    pub looked_at: DateTime<Utc>,
    /// Every client certificate, the most powerful first.
    pub credentials: Vec<Credential>,
    /// Certificates that the log knows and no file has.
    pub unknown: Vec<UnknownCredential>,
    /// What the logs hold; none without one.
    pub log: Option<AuditLog>,
    /// What there is to say, the worst first.
    pub findings: Vec<Finding>,
    /// Files that could not be read, and why.
    pub problems: Vec<Fault>,
    /// What the configuration's reader warns of.
    pub warnings: Vec<Problem>,
}

/// Reads the node's files and the logs, and says who gets in.
///
/// # Errors
/// The configuration or a log cannot be read; `rootfs` is no directory; no line of the logs is an event;
/// [`OperationError::Interrupted`] when `stop` came while a log was read. What cannot be read of the node is in the report.
pub fn access(request: &AccessRequest, now: DateTime<Utc>, stop: &StopSignal) -> Result<AccessReport> {
    let longest = request.longest()?;
    let mut node = Node::open_without_address(&request.node)?;
    let mut tree = node.read();
    let has_config = request.node.has_configuration();
    if !has_config {
        inventory::infer(&mut node.spec, &node.layout, &tree);
    }
    let kubelet = Kubelet::read(&node.store, &request.kubelet_dir);
    tree.add(node.store.read(kubelet.paths()));
    let inventory = node.inventory(&tree, &kubelet, None, has_config)?;
    let mut search = Search::new(&node.store);
    search.catalogue(&inventory);
    search.extra(&request.extra);
    let log = read_logs(&request.audit_log, stop)?;
    let Search { held, beside, problems, mut unread, .. } = search;
    let (credentials, unknown) = credentials(&held, &beside, &inventory, log.as_ref(), now);
    let as_root = (!node.store.is_root()).then_some("run it as root: `sudo kubepki access`");
    unreadable::gather(&mut unread, as_root);
    let mut findings = judge(&credentials, &unknown, log.as_ref(), longest);
    findings.extend(unread);
    complete_remedies(&mut findings, &request.node.caller());
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Ok(AccessReport { looked_at: now, credentials, unknown, log, findings, problems, warnings: node.warnings })
}

pub(super) fn read_logs(paths: &[PathBuf], stop: &StopSignal) -> Result<Option<AuditLog>> {
    if paths.is_empty() {
        return Ok(None);
    }
    let outside = Store::new(None)?;
    let mut log = AuditLog::default();
    for path in paths {
        let stream = outside.stream(path, stop).map_err(|error| match error {
            StoreError::IsADirectory { .. } => {
                let hint = format!("name a file, as {}, not the directory", path.join("audit.log").display());
                crate::error::Error::from(Fault { hint, ..error.fault() })
            }
            error => error.into(),
        })?;
        let read = log.read(stream);
        if stop.has_come() {
            return Err(OperationError::Interrupted.into());
        }
        read.map_err(|error| Store::unread(path, error))?;
    }
    if log.is_none() {
        return Err(RequestError::bad(
            "no line of the audit logs is an event",
            "give logs that the API server has written as JSON (--audit-log-format=json, its default)",
        )
        .into());
    }
    Ok(Some(log))
}

/// The client certificates of files and folders of this machine.
///
/// # Errors
/// One of them cannot be read.
pub(super) fn client_certificates(paths: &[PathBuf]) -> Result<Vec<Held>> {
    let outside = Store::new(None)?;
    let mut search = Search::new(&outside);
    search.extra(paths);
    let Search { held, problems, unread, .. } = search;
    let unread = unread
        .into_iter()
        .find_map(|finding| finding.path)
        .map(|path| StoreError::NoPermission { action: "read", path });
    let problem = problems.into_iter().next().or_else(|| unread.map(|error| error.fault()));
    problem.map_or(Ok(held), |problem| Err(problem.into()))
}

/// What is looked for client certificates.
struct Search<'a> {
    store: &'a Store,
    held: Vec<Held>,
    /// CAs in the files and folders that were named.
    beside: Vec<FoundAuthority>,
    problems: Vec<Fault>,
    /// Files that may not be read: what is in them is not known.
    unread: Vec<Finding>,
}

impl<'a> Search<'a> {
    const fn new(store: &'a Store) -> Self {
        Self { store, held: Vec::new(), beside: Vec::new(), problems: Vec::new(), unread: Vec::new() }
    }

    /// Notes a file that may not be read; `true` when it is one.
    fn may_not_read(&mut self, name: &str, path: &Path, observed: &Observed) -> bool {
        let fault = observed.failing_with(StoreError::NO_PERMISSION);
        self.unread.extend(fault.map(|fault| Finding::unusable(name, path, fault.clone())));
        fault.is_some()
    }

    fn catalogue(&mut self, inventory: &Inventory<'_>) {
        let kinds = [Kind::Leaf, Kind::KubeletClient, Kind::KubeletServer, Kind::Kubeconfig];
        for item in inventory.items(&kinds) {
            self.may_not_read(item.name, item.path(), item.observed());
        }
        for item in inventory.items(&kinds).filter(|item| item.is_there()) {
            if item.row.kind == Kind::Kubeconfig {
                // Its other users get in too.
                self.kubeconfig(item.name, item.path(), inventory.tree);
            } else if let Some(found) = item.found() {
                self.pair(item.name, found, inventory.tree);
            }
        }
    }

    fn pair(&mut self, name: &str, found: &Found, tree: &Tree) {
        let Some(certificate) = found.certificate() else { return };
        let is_own = |key: &PrivateKey| key.public_key_info() == certificate.public_key_info();
        let key = match found.key.present().is_some_and(is_own) {
            true => KeyPlace::Here,
            false
                if is_for_clients(certificate)
                    && self.may_not_read(name, &found.key_path, tree.get(&found.key_path)) =>
            {
                KeyPlace::Unreadable
            }
            false => KeyPlace::Elsewhere,
        };
        self.hold(name, &found.certificate_path, certificate, key);
    }

    fn hold(&mut self, name: &str, path: &Path, certificate: &Certificate, key: KeyPlace) {
        if is_for_clients(certificate) {
            let (name, path) = (name.to_owned(), path.to_owned());
            self.held.push(Held { name, path, certificate: certificate.clone(), key });
        }
    }

    /// Where the key of a certificate is, which may be in this file.
    fn key_at(&mut self, name: &str, path: &Path, leaf: &Certificate) -> KeyPlace {
        let tree = self.store.read([path]);
        match tree.content(path) {
            Some(content) if is_key_of(content, leaf) => KeyPlace::Here,
            None if self.may_not_read(name, path, tree.get(path)) => KeyPlace::Unreadable,
            _ => KeyPlace::Elsewhere,
        }
    }

    /// Every user of a kubeconfig; `false` when it is none.
    fn kubeconfig(&mut self, name: &str, path: &Path, tree: &Tree) -> bool {
        let Some(document) = tree.content(path).and_then(|content| Kubeconfig::parse(content).ok()) else {
            return false;
        };
        let users = document.user_names();
        for user in &users {
            let Ok(shown) = document.user(user) else { continue };
            let file = shown.client_certificate.map(|file| beside(path, file));
            let (certificates, place) = match (shown.client_certificate_data, file) {
                (Some(data), _) => (read_certificates(&data), path.to_owned()),
                (None, Some(file)) => {
                    let tree = self.store.read([&file]);
                    let Some(content) = tree.content(&file) else {
                        self.may_not_read(name, &file, tree.get(&file));
                        continue;
                    };
                    (read_certificates(content), file)
                }
                (None, None) => continue,
            };
            let Some(leaf) = certificates.ok().and_then(|all| all.into_iter().next()) else { continue };
            let key = match (&shown.client_key_data, shown.client_key) {
                (Some(key), _) if is_key_of(key.expose(), &leaf) => KeyPlace::Here,
                (None, Some(file)) => self.key_at(name, &beside(path, file), &leaf),
                _ => KeyPlace::Elsewhere,
            };
            let name = if users.len() > 1 { format!("{name} ({user})") } else { name.to_owned() };
            self.hold(&name, &place, &leaf, key);
        }
        true
    }

    fn extra(&mut self, paths: &[PathBuf]) {
        for path in paths {
            match self.store.list(path) {
                Ok(listing) => {
                    self.problems.extend(listing.problems.iter().map(crate::error::Diagnostic::fault));
                    for file in listing.files {
                        self.file(&file, false);
                    }
                }
                Err(StoreError::NotADirectory { .. }) => self.file(path, true),
                Err(error) => self.problems.push(error.fault()),
            }
        }
    }

    /// A file of any name; one in a folder may be anything else.
    fn file(&mut self, path: &Path, named: bool) {
        let tree = self.store.read([path]);
        let name = path.display().to_string();
        let Some(content) = tree.content(path) else {
            if !self.may_not_read(&name, path, tree.get(path)) && named {
                let fault = match tree.get(path) {
                    Observed::Unreadable(fault) => fault.clone(),
                    _ => StoreError::Missing { path: path.to_owned() }.fault(),
                };
                self.problems.push(fault);
            }
            return;
        };
        if pem::blocks(content).next().is_none() && self.kubeconfig(&name, path, &tree) {
            return;
        }
        match read_certificates(content) {
            Ok(certificates) => {
                for ca in certificates.iter().filter(|one| one.is_ca()) {
                    let row = authority_at(path, ca);
                    self.beside.extend(row.map(|row| FoundAuthority { row, certificate: ca.clone() }));
                }
                let Some(leaf) = certificates.first().filter(|leaf| is_for_clients(leaf)) else { return };
                let own = path.with_extension("key");
                let key = match is_key_of(content, leaf) {
                    true => KeyPlace::Here,
                    false if own == path => KeyPlace::Elsewhere,
                    false => self.key_at(&name, &own, leaf),
                };
                self.hold(&name, path, leaf, key);
            }
            Err(error) if named => self.problems.push(error.fault_at(path)),
            Err(_) => {}
        }
    }
}

fn is_key_of(text: &[u8], certificate: &Certificate) -> bool {
    let is_own = |info: &[u8]| info == certificate.public_key_info();
    match PrivateKey::from_pem(text) {
        Ok(key) => is_own(key.public_key_info()),
        // Kubernetes uses such keys.
        Err(_) => PrivateKey::ed25519_public_key_info(text).is_some_and(|info| is_own(&info)),
    }
}
