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
use crate::audit::access::{AuditLog, Credential, Held, UnknownCredential, credentials, is_for_clients, judge};
use crate::audit::{Finding, complete_remedies};
use crate::catalogue::{Kind, beside};
use crate::config::Problem;
use crate::error::{Diagnostic as _, Fault, Result};
use crate::inventory::{self, Found, Inventory};
use crate::key::{PrivateKey, pem};
use crate::kubeconfig::Kubeconfig;
pub use crate::request::AccessRequest;
use crate::request::RequestError;
use crate::store::{Store, StoreError};
use crate::tree::Tree;
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
    let mut search = Search { store: &node.store, held: Vec::new(), problems: Vec::new() };
    search.catalogue(&inventory);
    search.extra(&request.extra);
    let log = read_logs(&request.audit_log, stop)?;
    let Search { held, problems, .. } = search;
    let (credentials, unknown) = credentials(&held, &inventory, log.as_ref(), now);
    let mut findings = judge(&credentials, &unknown, log.as_ref(), longest);
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
        let read = log.read(outside.stream(path, stop)?);
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
    let mut search = Search { store: &outside, held: Vec::new(), problems: Vec::new() };
    search.extra(paths);
    let Search { held, problems, .. } = search;
    problems.into_iter().next().map_or(Ok(held), |problem| Err(problem.into()))
}

/// What is looked for client certificates.
struct Search<'a> {
    store: &'a Store,
    held: Vec<Held>,
    problems: Vec<Fault>,
}

impl Search<'_> {
    fn catalogue(&mut self, inventory: &Inventory<'_>) {
        let kinds = [Kind::Leaf, Kind::KubeletClient, Kind::KubeletServer, Kind::Kubeconfig];
        for item in inventory.items(&kinds).filter(|item| item.is_there()) {
            if item.row.kind == Kind::Kubeconfig {
                // Its other users get in too.
                self.kubeconfig(item.name, item.path(), inventory.tree);
            } else if let Some(found) = item.found() {
                self.pair(item.name, found);
            }
        }
    }

    fn pair(&mut self, name: &str, found: &Found) {
        let Some(certificate) = found.certificate() else { return };
        let is_own = |key: &PrivateKey| key.public_key_info() == certificate.public_key_info();
        self.hold(name, &found.certificate_path, certificate, found.key.present().is_some_and(is_own));
    }

    fn hold(&mut self, name: &str, path: &Path, certificate: &Certificate, has_key: bool) {
        if is_for_clients(certificate) {
            let (name, path) = (name.to_owned(), path.to_owned());
            self.held.push(Held { name, path, certificate: certificate.clone(), has_key });
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
                (None, Some(file)) => match self.content(&file) {
                    Some(content) => (read_certificates(content.expose()), file),
                    None => continue,
                },
                (None, None) => continue,
            };
            let Some(leaf) = certificates.ok().and_then(|all| all.into_iter().next()) else { continue };
            let key = shown.client_key_data.or_else(|| self.content(&beside(path, shown.client_key?)));
            let has_key = key.is_some_and(|key| is_key_of(key.expose(), &leaf));
            let name = if users.len() > 1 { format!("{name} ({user})") } else { name.to_owned() };
            self.hold(&name, &place, &leaf, has_key);
        }
        true
    }

    fn content(&self, path: &Path) -> Option<crate::secret::Secret> {
        let tree = self.store.read([path]);
        tree.content(path).map(|content| crate::secret::Secret::new(content.to_vec()))
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
            if named {
                let fault = match tree.get(path) {
                    crate::tree::Observed::Unreadable(fault) => fault.clone(),
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
                let Some(leaf) = certificates.first() else { return };
                let beside = path.with_extension("key");
                let has_key = is_key_of(content, leaf)
                    || beside != path && self.content(&beside).is_some_and(|key| is_key_of(key.expose(), leaf));
                self.hold(&name, path, leaf, has_key);
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
