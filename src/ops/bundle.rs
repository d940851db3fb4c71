//! `kubepki bundle`: what the nodes of a cluster share, out of one node and into another.
//!
//! In: a request; the certificate key and the bundle's text apart from it. Out: [`Collected`], which can be sealed; a
//! plan without secrets, and what was done. Files are read and judged before anything is sealed, and everything is
//! opened and judged before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::apply::{Report, apply_supplied};
use super::node::{Node, NodeRequest, content_of};
use super::{OperationError, exposure};
use crate::audit::{Finding, Severity, complete_remedies};
use crate::bundle::{
    BundleError, Content, EXTERNAL_ETCD, EXTERNAL_ETCD_CA, Entry, Manifest, Recipient, entries, is_node_bound,
};
use crate::catalogue::{self, API_SERVER_TO_ETCD, ETCD_CA};
use crate::certificate_key::CertificateKey;
use crate::config::{ClusterSpec, Problem, Role};
use crate::error::Result;
use crate::key::pem;
use crate::plan::Plan;
use crate::plan::bundle::{Options, import as plan_files, judge};
use crate::secret::Secret;
use crate::tree::{Observed, Tree};

/// The entry that a worker gets.
const AUTHORITY: &str = "ca.crt";

/// What `bundle export` is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportRequest {
    /// Which node has the files.
    pub node: NodeRequest,
    /// The kind of node that they are for.
    pub recipient: Recipient,
    /// Whether the keys of external CAs may be left out.
    pub allow_missing_ca_keys: bool,
}

/// One entry of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    files: Vec<(String, Option<Secret>)>,
}

/// Reads what a joining node needs.
///
/// # Errors
/// [`BundleError::MissingFiles`], [`BundleError::ExternalAuthority`], [`BundleError::NodeBound`];
/// [`OperationError::Blocked`] when a file cannot be used; `config.*`, `store.*`.
pub fn collect(request: &ExportRequest, now: DateTime<Utc>) -> Result<Collected> {
    let node = Node::open_without_address(&request.node)?;
    let entries = entries(request.recipient, &node.spec, &node.layout);
    refuse_node_bound_paths(&entries, &node)?;
    let tree = node.store.read(entries.iter().filter_map(|entry| entry.path.clone()));
    refuse_missing(&entries, &tree, request.allow_missing_ca_keys)?;
    let mut findings = judge(&entries, &tree, &node.layout, Severity::Warning, now);
    complete_remedies(&mut findings, &request.node.caller());
    if findings.iter().any(Finding::is_critical) {
        return Err(OperationError::Blocked { findings }.into());
    }
    let mut files = Vec::new();
    for entry in &entries {
        let content = match &entry.path {
            Some(path) if !matches!(tree.get(path), Observed::Missing) => Some(content_of(&tree, path)?.clone()),
            _ => None,
        };
        files.push((entry.name.clone(), content));
    }
    let exported = entries.into_iter().zip(&files).map(|(entry, (name, content))| ExportedEntry {
        name: name.clone(),
        path: entry.path,
        is_empty: content.is_none(),
    });
    Ok(Collected { entries: exported.collect(), findings, warnings: node.warnings, files })
}

impl Collected {
    /// The Secret for a control-plane node.
    ///
    /// # Errors
    /// `certificate_key.library`.
    pub fn seal(&self, key: &CertificateKey) -> Result<Manifest> {
        Manifest::seal(self.files.iter().map(|(name, content)| (name.as_str(), content.as_ref())), key)
    }

    /// The CA's certificate, which is all that a worker gets; it is public.
    #[must_use]
    pub fn authority(&self) -> &[u8] {
        self.files
            .iter()
            .find_map(|(name, content)| content.as_ref().filter(|_| name == AUTHORITY))
            .map_or(&[], Secret::expose)
    }
}

/// What `bundle import` is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportRequest {
    /// Which node the files are for.
    pub node: NodeRequest,
    /// The kind of that node; the configuration's without one.
    pub recipient: Option<Recipient>,
    /// Whether the keys of external CAs may be missing.
    pub allow_missing_ca_keys: bool,
    /// Whether files that differ are replaced.
    pub force: bool,
    /// Where the files that are replaced are kept; nowhere when there is none.
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
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
    if request.recover {
        node.recover()?;
    }
    let is_worker = node.spec.role == Role::Worker;
    let recipient = request.recipient.unwrap_or(if is_worker { Recipient::Worker } else { Recipient::ControlPlane });
    if is_worker && recipient == Recipient::ControlPlane {
        return Err(BundleError::NotForWorkers.into());
    }
    let entries = entries(recipient, &node.spec, &node.layout);
    refuse_node_bound_paths(&entries, &node)?;
    let files = match recipient {
        Recipient::ControlPlane => open(&entries, bundle, key, &node.spec, request.allow_missing_ca_keys)?,
        Recipient::Worker => authority_for_worker(bundle)?,
    };
    let (mut new, mut supplied) = (Tree::default(), BTreeMap::new());
    for entry in &entries {
        if let (Some(path), Some(content)) = (&entry.path, files.get(&entry.name)) {
            new.insert(path.clone(), Observed::File { content: content.clone(), mode: entry.mode(content.expose()) });
            supplied.insert(path.clone(), content.clone());
        }
    }
    let present = node.store.read(supplied.keys().cloned());
    let mut plan = plan_files(&entries, &new, &present, &node.layout, &Options { force: request.force }, now);
    plan.rootfs.clone_from(&request.node.rootfs);
    plan.backup_dir.clone_from(&request.backup_dir);
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

fn refuse_missing(entries: &[Entry], tree: &Tree, allow_missing_ca_keys: bool) -> Result<()> {
    let is_missing =
        |entry: &&Entry| entry.path.as_ref().is_some_and(|path| matches!(tree.get(path), Observed::Missing));
    let (keys, others): (Vec<_>, Vec<_>) =
        entries.iter().filter(is_missing).partition(|entry| entry.content == Content::AuthorityKey);
    let certificate_is_there = |key: &&&Entry| !others.iter().any(|entry| entry.artefact == key.artefact);
    let paths = |all: &mut dyn Iterator<Item = &&Entry>| -> Vec<String> {
        all.filter_map(|entry| entry.path.as_ref()).map(|path| path.display().to_string()).collect()
    };
    if !others.is_empty() {
        let with_their_keys = entries.iter().filter(is_missing).collect::<Vec<_>>();
        let external: BTreeSet<_> = keys.iter().filter(certificate_is_there).map(|entry| &entry.name).collect();
        let paths = paths(&mut with_their_keys.iter().filter(|entry| !external.contains(&entry.name)));
        return Err(BundleError::MissingFiles { paths }.into());
    }
    if !keys.is_empty() && !allow_missing_ca_keys {
        return Err(BundleError::ExternalAuthority { paths: paths(&mut keys.iter()) }.into());
    }
    Ok(())
}

/// An external etcd's files may be anywhere, but they are not the node's own certificates or kubeconfigs; the API
/// server's etcd client is where kubeadm keeps the shared one.
fn refuse_node_bound_paths(entries: &[Entry], node: &Node) -> Result<()> {
    let rows = catalogue::ROWS.iter().filter(|row| !row.is_shared() && row.name != API_SERVER_TO_ETCD);
    let bound: BTreeSet<PathBuf> = rows.flat_map(|row| node.layout.paths(row)).collect();
    let names: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.path.as_ref())
        .filter(|path| bound.contains(*path))
        .map(|path| path.display().to_string())
        .collect();
    if names.is_empty() { Ok(()) } else { Err(BundleError::NodeBound { entries: names }.into()) }
}

/// The files of a Secret by the names of their entries, all opened.
fn open(
    entries: &[Entry],
    bundle: &[u8],
    key: Option<&CertificateKey>,
    spec: &ClusterSpec,
    allow_missing_ca_keys: bool,
) -> Result<BTreeMap<String, Secret>> {
    let manifest = Manifest::read(bundle)?;
    refuse_strangers(&manifest, entries, spec)?;
    let wanted = || entries.iter().filter(|entry| entry.path.is_some());
    let missing: Vec<_> =
        wanted().map(|entry| entry.name.clone()).filter(|name| !manifest.data.contains_key(name)).collect();
    if !missing.is_empty() {
        return Err(BundleError::MissingEntries { entries: missing }.into());
    }
    let empty: Vec<_> = wanted()
        .filter(|entry| manifest.data.get(&entry.name).is_some_and(Vec::is_empty))
        .filter(|entry| !(allow_missing_ca_keys && entry.content == Content::AuthorityKey))
        .collect();
    if !empty.is_empty() {
        return Err(BundleError::EmptyEntries {
            only_authority_keys: empty.iter().all(|entry| entry.content == Content::AuthorityKey),
            entries: empty.iter().map(|entry| entry.name.clone()).collect(),
        }
        .into());
    }
    Ok(manifest.open(key.ok_or(BundleError::NoKey)?)?)
}

/// Refuses entries that are not in the table.
fn refuse_strangers(manifest: &Manifest, entries: &[Entry], spec: &ClusterSpec) -> Result<()> {
    let strangers = manifest.data.keys().filter(|name| !entries.iter().any(|entry| entry.name == name.as_str()));
    let (mut unknown, mut bound) = (Vec::new(), Vec::new());
    for name in strangers.cloned() {
        let base_name = name.rsplit_once('.').map_or(name.as_str(), |(base, _)| base).replace('/', "-");
        match base_name.as_str() {
            base if is_node_bound(base) => bound.push(name),
            ETCD_CA | EXTERNAL_ETCD | EXTERNAL_ETCD_CA => {
                let (bundle, configuration) =
                    if spec.has_external_etcd() { ("a local", "an external") } else { ("an external", "a local") };
                return Err(BundleError::OtherEtcd { bundle, configuration }.into());
            }
            _ => unknown.push(name),
        }
    }
    if !bound.is_empty() {
        return Err(BundleError::NodeBound { entries: bound }.into());
    }
    if unknown.is_empty() { Ok(()) } else { Err(BundleError::UnknownEntries { entries: unknown }.into()) }
}

/// A worker's bundle is the CA's certificate as it is.
fn authority_for_worker(bundle: &[u8]) -> Result<BTreeMap<String, Secret>> {
    let has_pem = pem::blocks(bundle).next().is_some();
    if !has_pem && Manifest::read(bundle).is_ok() {
        return Err(BundleError::NotForWorkers.into());
    }
    Ok(BTreeMap::from([(AUTHORITY.to_owned(), Secret::new(bundle.to_vec()))]))
}
