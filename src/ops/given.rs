//! Certificate files that a user names, and what lies beside them: keys, kubeconfigs with keys, requests.
//!
//! In: paths of files and directories, as they are named or, where that is not there, below the node's root. Out:
//! [`Given`]s. Whether a file is fit for anything is a plan's to say; that a named path is not there is an error.

use std::path::{Path, PathBuf};

use super::OperationError;
use super::node::content_of;
use crate::catalogue::with_ending;
use crate::digest::sha256_hex;
use crate::error::Result;
use crate::inventory::{Inventory, Item, Part};
use crate::key::{KeyError, PrivateKey};
use crate::kubeconfig::Kubeconfig;
use crate::plan::embed::Original;
use crate::plan::import::{ENDINGS, Given, GivenKey, Waiting};
use crate::plan::{KeySource, Plan};
use crate::secret::Secret;
use crate::store::{Listing, Store, StoreError};
use crate::tree::Tree;
use crate::x509::{CertificateRequest, read_certificates};

/// The machine that the user is at, and the node.
pub(super) struct Sources<'a> {
    node: &'a Store,
    machine: Option<Store>,
}

impl<'a> Sources<'a> {
    /// `rootfs` is the node's; without one both are the same.
    pub(super) fn new(node: &'a Store, rootfs: Option<&Path>) -> Result<Self> {
        let machine = if rootfs.is_some() { Some(Store::new(None)?) } else { None };
        Ok(Self { node, machine })
    }

    /// The certificate files of each path, in order; those of a directory in byte order.
    pub(super) fn certificates(&self, paths: &[PathBuf]) -> Result<Vec<Given>> {
        let mut all = Vec::new();
        for path in paths {
            let (on_node, listing) = self.list(path)?;
            match listing {
                None => all.push(self.certificate(path, on_node, true)?),
                Some(listing) => {
                    if let Some(problem) = listing.problems.into_iter().next() {
                        return Err(problem.into());
                    }
                    for file in listing.files.iter().filter(|file| is_certificate_file(file)) {
                        all.push(self.certificate(file, on_node, false)?);
                    }
                    let is_answered = |request: &Path| {
                        ENDINGS.iter().any(|ending| listing.files.contains(&request.with_extension(ending)))
                    };
                    let requests = listing.files.iter().filter(|file| file.extension().is_some_and(|end| end == "csr"));
                    all.extend(requests.filter(|file| !is_answered(file)).map(|file| self.unanswered(file, on_node)));
                }
            }
        }
        Ok(all)
    }

    /// The certificates of the node's `renewal` folder, with their keys, by name.
    pub(super) fn renewed(&self, renewals: &Inventory<'_>) -> Result<Vec<(&'static str, Given)>> {
        let is_there = |item: &&Item<'_>| renewals.tree.is_there(&item.certificate);
        let of = |item: &Item<'_>| Ok((item.name, self.certificate(&item.certificate, true, true)?));
        renewals.issued().filter(is_there).map(of).collect()
    }

    /// The keys and requests of the node's `renewal` folder, by name.
    pub(super) fn waiting(&self, renewals: &Inventory<'_>) -> Result<Vec<Waiting>> {
        let of = |item: &Item<'_>| {
            let given_key = |content: &[u8]| -> Result<Option<GivenKey>> {
                let Ok(key) = key_of(content) else { return Ok(None) };
                Ok(Some(GivenKey { source: self.source(&item.key, true, content)?, key }))
            };
            let key = renewals.tree.content(&item.key).map(given_key).transpose()?.flatten();
            Ok(Waiting { name: item.name, key, request: item.read_request().present().cloned() })
        };
        renewals.issued().map(of).collect()
    }

    /// A request in a directory that was named, beside which no certificate lies.
    fn unanswered(&self, path: &Path, on_node: bool) -> Given {
        let tree = self.store(on_node).read([path]);
        Given {
            path: path.to_owned(),
            is_named: false,
            certificates: Part::Missing,
            keys: Vec::new(),
            request: tree.content(path).and_then(|content| CertificateRequest::from_pem(content).ok()),
        }
    }

    /// One certificate file that was named.
    pub(super) fn certificate_file(&self, path: &Path) -> Result<Given> {
        let (_, on_node) = self.read(path)?;
        self.certificate(path, on_node, true)
    }

    /// A key file that was named.
    pub(super) fn key_file(&self, path: &Path) -> Result<GivenKey> {
        let (content, on_node) = self.read(path)?;
        let key = key_of(content.expose())?;
        Ok(GivenKey { source: self.source(path, on_node, content.expose())?, key })
    }

    /// A kubeconfig of the node, with the client certificates and the key that it embeds; `None` where one of them is not there.
    pub(super) fn kubeconfig_on_node(&self, tree: &Tree, path: &Path) -> Result<Option<(Original, Given, GivenKey)>> {
        let content = content_of(tree, path)?.expose();
        let document = Kubeconfig::parse(content)?;
        let current = document.current()?;
        let (Some(pem), Some(key)) = (&current.client_certificate_data, &current.client_key_data) else {
            return Ok(None);
        };
        let original = Original { path: path.to_owned(), server: current.server.map(str::to_owned) };
        let certificates = Part::Present(read_certificates(pem)?);
        let given = Given { path: path.to_owned(), is_named: true, certificates, keys: Vec::new(), request: None };
        let key = GivenKey { source: self.source(path, true, content)?, key: PrivateKey::from_pem(key.expose())? };
        Ok(Some((original, given, key)))
    }

    fn store(&self, on_node: bool) -> &Store {
        self.machine.as_ref().filter(|_| !on_node).unwrap_or(self.node)
    }

    fn list(&self, path: &Path) -> Result<(bool, Option<Listing>)> {
        for on_node in [false, true] {
            match self.store(on_node).list(path) {
                Ok(listing) => return Ok((on_node, Some(listing))),
                // Not one of the directories above it.
                Err(StoreError::NotADirectory { component, .. }) if component.file_name() == path.file_name() => {
                    return Ok((on_node, None));
                }
                Err(StoreError::Missing { .. }) if !on_node => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Missing { path: path.to_owned() }.into())
    }

    fn read(&self, path: &Path) -> Result<(Secret, bool)> {
        let on_node = !self.store(false).read([path]).is_there(path);
        let tree = self.store(on_node).read([path]);
        Ok((content_of(&tree, path)?.clone(), on_node))
    }

    fn certificate(&self, path: &Path, on_node: bool, is_named: bool) -> Result<Given> {
        let stem = path.with_extension("");
        let beside = [with_ending(&stem, "key"), stem.clone(), path.to_owned()];
        let request_path = with_ending(&stem, "csr");
        let tree = self.store(on_node).read(beside.iter().chain([&request_path]));
        let mut keys = Vec::new();
        for one in &beside {
            if let Some(content) = tree.content(one)
                && let Ok(key) = key_of(content)
            {
                keys.push(GivenKey { source: self.source(one, on_node, content)?, key });
            }
        }
        Ok(Given {
            path: path.to_owned(),
            is_named,
            certificates: Part::read(&tree, path, read_certificates),
            keys,
            request: tree.content(&request_path).and_then(|content| CertificateRequest::from_pem(content).ok()),
        })
    }

    /// Below a root the node's own path; else one that holds in whatever directory the plan is applied.
    fn source(&self, path: &Path, on_node: bool, content: &[u8]) -> Result<KeySource> {
        let is_logical = on_node && self.machine.is_some();
        let path = if is_logical { path.to_owned() } else { self.store(on_node).locate(path)? };
        Ok(KeySource { path, on_node: is_logical || self.machine.is_none(), sha256: sha256_hex(content) })
    }
}

/// A certificate file that is in its place on the node already.
pub(super) fn in_place(tree: &Tree, path: &Path) -> Given {
    Given {
        path: path.to_owned(),
        is_named: true,
        certificates: Part::read(tree, path, read_certificates),
        keys: Vec::new(),
        request: None,
    }
}

/// The key of a PEM file, or of a kubeconfig's current user.
pub(super) fn key_of(content: &[u8]) -> Result<PrivateKey> {
    let no_key = match PrivateKey::from_pem(content) {
        Err(error @ (KeyError::NoKey | KeyError::OtherFormat { .. })) => error,
        other => return Ok(other?),
    };
    let embedded = Kubeconfig::parse(content).ok().and_then(|kubeconfig| {
        let current = kubeconfig.current().ok()?;
        current.client_key_data
    });
    Ok(PrivateKey::from_pem(embedded.ok_or(no_key)?.expose())?)
}

/// Refuses a plan of which a key file has changed since.
pub(super) fn refuse_other_keys(plan: &Plan, node: &Store) -> Result<()> {
    let machine = Store::new(None)?;
    for source in plan.changes().filter_map(|artefact| artefact.step.key_source()) {
        let tree = if source.on_node { node } else { &machine }.read([&source.path]);
        if tree.content(&source.path).map(sha256_hex).as_ref() != Some(&source.sha256) {
            return Err(OperationError::Stale { path: source.path.display().to_string() }.into());
        }
    }
    Ok(())
}

fn is_certificate_file(path: &Path) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending))
}
