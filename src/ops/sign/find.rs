//! The requests that are to be signed, and all that is read for it.
//!
//! In: a folder and named files. Out: where each request is and where its certificate goes; the tree with both, the CAs
//! and the files of serial numbers. Nodes have filled the folder: no link in it is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::OperationError;
use super::nodes;
use crate::catalogue::{self, Layout};
use crate::error::{Diagnostic, Fault, Result};
use crate::plan::sign::{FoundRequest, name_of_file};
use crate::policy::Policy;
use crate::request::{NamedFile, SignRequest};
use crate::store::{Store, StoreError};
use crate::tree::{Observed, Tree};
use crate::workers;

/// The requests of the folder, then those that were named; each once.
pub(super) fn find_requests(store: &Store, wanted: &SignRequest, policy: &Policy) -> Result<Vec<FoundRequest>> {
    let mut found = Vec::new();
    if let Some(folder) = &wanted.csr_dir {
        // Nodes have filled the folder: a link of one node's would lead into another's, or out of it.
        let listed = store.list_without_links(folder)?.files;
        for path in listed.into_iter().filter(|path| path.extension().is_some_and(|end| end == "csr")) {
            let certificate = match &wanted.out_dir {
                Some(out) => out.join(path.strip_prefix(folder).unwrap_or(&path)),
                None => path.clone(),
            };
            let folder = nodes::folder_of(path.strip_prefix(folder).unwrap_or(&path), policy);
            found.push(FoundRequest { certificate: certificate.with_extension("crt"), path, name: None, folder });
        }
        if found.is_empty() && wanted.files.is_empty() {
            return Err(OperationError::NoRequests { folder: folder.display().to_string() }.into());
        }
    }
    for file in &wanted.files {
        let certificate = match &wanted.out_dir {
            Some(out) => out.join(place_of(file, policy)),
            None => file.path.clone(),
        };
        let certificate = if certificate.extension().is_some_and(|end| end == "csr") {
            certificate.with_extension("crt")
        } else {
            catalogue::with_ending(&certificate, "crt")
        };
        found.push(FoundRequest { path: file.path.clone(), certificate, name: file.name.clone(), folder: None });
    }
    let mut places = BTreeSet::new();
    if let Some(twice) = found.iter().find(|one| !places.insert(&one.certificate)) {
        return Err(OperationError::SamePlace { path: twice.certificate.display().to_string() }.into());
    }
    Ok(found)
}

/// Where a named request's certificate goes below the folder: as kubeadm has it, or by the file's own name.
fn place_of(file: &NamedFile, policy: &Policy) -> PathBuf {
    let name = file.name.clone().or_else(|| name_of_file(&file.path, policy));
    let Some(name) = name else { return file.path.file_name().map(PathBuf::from).unwrap_or_default() };
    let base_name = catalogue::issued(&name).map_or(name.as_str(), |row| row.base_name);
    PathBuf::from(format!("{base_name}.csr"))
}

/// Reads the requests, what is in the places of their certificates, the CAs, and the files of serial numbers.
pub(super) fn read(
    store: &Store,
    layout: &Layout,
    requests: &[FoundRequest],
    issuers: &BTreeSet<String>,
    serial_files: &BTreeMap<String, PathBuf>,
) -> Tree {
    let pairs = issuers.iter().map(|issuer| layout.authority(issuer)).flat_map(|(certificate, key)| [certificate, key]);
    let mut tree = store.read(pairs.chain(serial_files.values().cloned()));
    let both = |one: &FoundRequest| [store.read([&one.path]), read_place(store, &one.certificate)];
    workers::map(requests, both).into_iter().flatten().for_each(|more| tree.add(more));
    tree
}

/// A link where a certificate goes is never followed: it came with the requests perhaps, in an archive.
fn read_place(store: &Store, path: &Path) -> Tree {
    if !store.is_link(path) {
        return store.read([path]);
    }
    let fault = Fault {
        hint: "remove the link, or write the certificates elsewhere: --out-dir DIR".to_owned(),
        ..StoreError::IsASymlink { path: path.to_owned() }.fault()
    };
    let mut tree = Tree::default();
    tree.insert(path.to_owned(), Observed::Unreadable(fault));
    tree
}
