//! Whether all is there that a bundle must have, and nothing besides.
//!
//! In: the table of entries, and the files as they were read or a bundle's text. Out: the files by the names of their
//! entries, or what is lacking or in excess.

use std::collections::BTreeMap;

use super::entries::is_node_bound;
use super::{BundleError, Content, EXTERNAL_ETCD, EXTERNAL_ETCD_CA, Entry, Manifest};
use crate::catalogue::{self, API_SERVER_TO_ETCD, ETCD_CA, Layout};
use crate::certificate_key::CertificateKey;
use crate::key::pem;
use crate::secret::Secret;
use crate::tree::Tree;

type Files = BTreeMap<String, Secret>;

/// An external etcd's files may be anywhere, but they are not the node's own certificates or kubeconfigs; the API
/// server's etcd client is where kubeadm keeps the shared one.
///
/// # Errors
/// [`BundleError::NodeBound`].
pub fn refuse_node_bound_paths(entries: &[Entry], layout: &Layout) -> Result<(), BundleError> {
    let rows = catalogue::ROWS.iter().filter(|row| !row.is_shared() && row.name != API_SERVER_TO_ETCD);
    let bound: Vec<_> = rows.flat_map(|row| layout.paths(row)).collect();
    let names = paths(entries.iter().filter(|entry| entry.path.as_ref().is_some_and(|path| bound.contains(path))));
    if names.is_empty() { Ok(()) } else { Err(BundleError::NodeBound { entries: names }) }
}

/// A CA's key alone may be missing, when that is said.
///
/// # Errors
/// [`BundleError::MissingFiles`], [`BundleError::ExternalAuthority`].
pub fn refuse_missing(entries: &[Entry], tree: &Tree, allow_missing_ca_keys: bool) -> Result<(), BundleError> {
    let is_missing = |entry: &&Entry| entry.path.as_ref().is_some_and(|path| !tree.is_there(path));
    let missing: Vec<_> = entries.iter().filter(is_missing).collect();
    let is_key = |entry: &Entry| entry.content == Content::AuthorityKey;
    let has_certificate = |key: &Entry| !missing.iter().any(|one| !is_key(one) && one.artefact == key.artefact);
    let (external, lacking): (Vec<&Entry>, Vec<_>) =
        missing.iter().partition(|entry| is_key(entry) && has_certificate(entry));
    if !lacking.is_empty() {
        return Err(BundleError::MissingFiles { paths: paths(lacking) });
    }
    if external.is_empty() || allow_missing_ca_keys {
        return Ok(());
    }
    Err(BundleError::ExternalAuthority { paths: paths(external) })
}

fn paths<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Vec<String> {
    entries.into_iter().filter_map(|entry| entry.path.as_ref()).map(|path| path.display().to_string()).collect()
}

/// The files of a control-plane node's bundle, all opened.
///
/// # Errors
/// [`BundleError`] when it cannot be read or opened, holds what it must not, or not all that it must.
pub fn open(
    entries: &[Entry],
    bundle: &[u8],
    key: Option<&CertificateKey>,
    has_external_etcd: bool,
    allow_missing_ca_keys: bool,
) -> Result<Files, BundleError> {
    let manifest = Manifest::read(bundle)?;
    refuse_strangers(&manifest, entries, has_external_etcd)?;
    let wanted = || entries.iter().filter(|entry| entry.path.is_some());
    let missing: Vec<_> =
        wanted().map(|entry| entry.name.clone()).filter(|name| !manifest.data.contains_key(name)).collect();
    if !missing.is_empty() {
        return Err(BundleError::MissingEntries { entries: missing });
    }
    let is_key = |entry: &Entry| entry.content == Content::AuthorityKey;
    let empty: Vec<_> = wanted()
        .filter(|entry| manifest.data.get(&entry.name).is_some_and(Vec::is_empty))
        .filter(|entry| !(allow_missing_ca_keys && is_key(entry)))
        .collect();
    if !empty.is_empty() {
        return Err(BundleError::EmptyEntries {
            only_authority_keys: empty.iter().all(|entry| is_key(entry)),
            entries: empty.iter().map(|entry| entry.name.clone()).collect(),
        });
    }
    manifest.open(key.ok_or(BundleError::NoKey)?)
}

/// Refuses entries that are not in the table.
fn refuse_strangers(manifest: &Manifest, entries: &[Entry], has_external_etcd: bool) -> Result<(), BundleError> {
    let strangers = manifest.data.keys().filter(|name| !entries.iter().any(|entry| entry.name == name.as_str()));
    let (mut unknown, mut bound) = (Vec::new(), Vec::new());
    for name in strangers.cloned() {
        let base_name = name.rsplit_once('.').map_or(name.as_str(), |(base, _)| base).replace('/', "-");
        match base_name.as_str() {
            base if is_node_bound(base) => bound.push(name),
            ETCD_CA | EXTERNAL_ETCD | EXTERNAL_ETCD_CA => {
                let (bundle, configuration) =
                    if has_external_etcd { ("a local", "an external") } else { ("an external", "a local") };
                return Err(BundleError::OtherEtcd { bundle, configuration });
            }
            _ => unknown.push(name),
        }
    }
    if !bound.is_empty() {
        return Err(BundleError::NodeBound { entries: bound });
    }
    if unknown.is_empty() { Ok(()) } else { Err(BundleError::UnknownEntries { entries: unknown }) }
}

/// A worker's bundle is the CA's certificate as it is.
///
/// # Errors
/// [`BundleError::NotForWorkers`].
pub fn open_for_worker(entries: &[Entry], bundle: &[u8]) -> Result<Files, BundleError> {
    if pem::blocks(bundle).next().is_none() && Manifest::read(bundle).is_ok() {
        return Err(BundleError::NotForWorkers);
    }
    Ok(entries.iter().map(|entry| (entry.name.clone(), Secret::new(bundle.to_vec()))).collect())
}
