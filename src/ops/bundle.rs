//! `kubepki bundle`: what the nodes of a cluster share, out of one node and into another.
//!
//! In: a request; the certificate key and the bundle's text apart from it. Out: [`Collected`], which can be sealed; a
//! plan without secrets, and what was done. Files are read and judged before anything is sealed, and everything is
//! opened and judged before anything is written.

mod upload;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::apply::{Report, apply_supplied};
use super::node::{Node, content_of};
use super::{exposure, unless_critical};
use crate::audit::{Finding, Severity, complete_remedies};
use crate::bundle::{
    BundleError, Entry, Manifest, Recipient, entries, open, open_for_worker, refuse_missing, refuse_node_bound_paths,
};
use crate::certificate_key::CertificateKey;
use crate::config::{Problem, Role};
use crate::error::Result;
use crate::plan::Plan;
use crate::plan::bundle::{import as plan_files, judge};
pub use crate::request::bundle::{DownloadRequest, ExportRequest, ImportRequest, UploadRequest};
use crate::secret::Secret;
use crate::tree::{Observed, Tree};
pub use upload::{Upload, download, upload};

/// One entry of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedEntry {
    /// Its name.
    pub name: String,
    /// The file that it is made of.
    pub path: Option<PathBuf>,
    /// Whether there is nothing in it: a key of an external CA, or a file that the external etcd has not.
    pub is_empty: bool,
}

/// The files of a bundle, read and judged.
#[derive(Debug)]
pub struct Collected {
    /// Its entries.
    pub entries: Vec<ExportedEntry>,
    /// What should be looked at.
    pub findings: Vec<Finding>,
    /// What the configuration's reader warns of.
    pub warnings: Vec<Problem>,
    /// The content of each entry.
    files: Vec<Option<Secret>>,
}

/// Reads what a joining node needs.
///
/// # Errors
/// [`BundleError::MissingFiles`], [`BundleError::ExternalAuthority`], [`BundleError::NodeBound`];
/// [`OperationError::Blocked`](crate::ops::OperationError::Blocked) when a file cannot be used; `config.*`, `store.*`.
pub fn collect(request: &ExportRequest, now: DateTime<Utc>) -> Result<Collected> {
    let node = Node::open_without_address(&request.node)?;
    let entries = entries(request.role, &node.spec, &node.layout);
    refuse_node_bound_paths(&entries, &node.layout)?;
    let tree = node.store.read(entries.iter().filter_map(|entry| entry.path.clone()));
    refuse_missing(&entries, &tree, request.allow_missing_ca_keys)?;
    let mut findings = judge(&entries, &tree, &node.layout, Severity::Warning, now);
    complete_remedies(&mut findings, &request.node.caller());
    let findings = unless_critical(findings)?;
    let (mut exported, mut files) = (Vec::new(), Vec::new());
    for Entry { name, path, .. } in entries {
        let there = path.as_ref().filter(|path| tree.is_there(path));
        let content = there.map(|path| content_of(&tree, path)).transpose()?.cloned();
        exported.push(ExportedEntry { name, path, is_empty: content.is_none() });
        files.push(content);
    }
    Ok(Collected { entries: exported, findings, warnings: node.warnings, files })
}

/// What a joining node gets.
#[derive(Clone, PartialEq)]
pub enum Contents {
    /// A worker gets the CA's certificate (PEM), which is public.
    Authority(Vec<u8>),
    /// A control-plane node gets a Secret, and the key that opens it.
    Sealed {
        /// The Secret.
        manifest: Manifest,
        /// The key.
        key: CertificateKey,
    },
}

impl Collected {
    /// The Secret for a control-plane node.
    ///
    /// # Errors
    /// `certificate_key.library`.
    pub fn seal(&self, key: &CertificateKey) -> Result<Manifest> {
        let names = self.entries.iter().map(|entry| entry.name.as_str());
        Manifest::seal(names.zip(self.files.iter().map(Option::as_ref)), key)
    }

    /// The CA's certificate, which is all that a worker gets; it is public.
    #[must_use]
    pub fn authority(&self) -> &[u8] {
        self.files.iter().flatten().next().map_or(&[], Secret::expose)
    }

    /// What `recipient` gets, sealed with `key` or with a new one.
    ///
    /// # Errors
    /// As [`Self::seal`] and [`CertificateKey::random`].
    pub fn contents(&self, recipient: Recipient, key: Option<CertificateKey>) -> Result<Contents> {
        if recipient == Recipient::Worker {
            return Ok(Contents::Authority(self.authority().to_vec()));
        }
        let key = key.map_or_else(CertificateKey::random, Ok)?;
        Ok(Contents::Sealed { manifest: self.seal(&key)?, key })
    }
}

/// A plan, the files that it is about, and what the configuration's reader warns of.
#[derive(Debug)]
pub struct Planned {
    /// The plan, without any of the files.
    pub plan: Plan,
    /// The warnings.
    pub warnings: Vec<Problem>,
    supplied: BTreeMap<PathBuf, Secret>,
}

/// Opens a bundle and plans to put it on the node.
///
/// # Errors
/// [`BundleError`] when it cannot be read or opened, or holds what it must not; `config.*`. What is wrong with its files,
/// or stands in their way, is a finding in the plan.
pub fn plan_import(
    request: &ImportRequest,
    bundle: &[u8],
    key: Option<&CertificateKey>,
    now: DateTime<Utc>,
) -> Result<Planned> {
    let node = Node::open_without_address(&request.node)?;
    if *request.recover {
        node.recover()?;
    }
    let is_worker = node.spec.role == Role::Worker;
    let recipient = request.role.unwrap_or(if is_worker { Recipient::Worker } else { Recipient::ControlPlane });
    if is_worker && recipient == Recipient::ControlPlane {
        return Err(BundleError::NotForWorkers.into());
    }
    let entries = entries(recipient, &node.spec, &node.layout);
    refuse_node_bound_paths(&entries, &node.layout)?;
    let mut files = match recipient {
        Recipient::ControlPlane => {
            open(&entries, bundle, key, node.spec.has_external_etcd(), request.allow_missing_ca_keys)?
        }
        Recipient::Worker => open_for_worker(&entries, bundle)?,
    };
    let (mut new, mut supplied) = (Tree::default(), BTreeMap::new());
    for entry in &entries {
        if let (Some(path), Some(content)) = (&entry.path, files.remove(&entry.name)) {
            new.insert(path.clone(), Observed::File { content: content.clone(), mode: entry.mode(content.expose()) });
            supplied.insert(path.clone(), content);
        }
    }
    let present = node.store.read(supplied.keys().cloned());
    let mut plan = plan_files(&entries, &new, &present, &node.layout, request.force, now);
    plan.rootfs.clone_from(&request.node.rootfs);
    plan.backup_dir = request.backups.dir();
    exposure::judge_plan(&mut plan)?;
    super::interrupted::put_first_in(&mut plan);
    complete_remedies(&mut plan.findings, &request.node.caller());
    Ok(Planned { plan, warnings: node.warnings, supplied })
}

/// Opens a bundle and puts its files on the node: all of them, or none.
///
/// # Errors
/// As [`plan_import`] and [`apply`](super::apply::apply).
pub fn import(
    request: &ImportRequest,
    bundle: &[u8],
    key: Option<&CertificateKey>,
    now: DateTime<Utc>,
) -> Result<Report> {
    let planned = plan_import(request, bundle, key, now)?;
    apply_supplied(&planned.plan, planned.supplied)
}
