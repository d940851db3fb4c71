//! Renewing: a new certificate, and a new key unless it is kept, in the place of those that are there.
//!
//! In: an artefact with its place. Out: changes of the transaction. Each file must still be as the plan found it.

use std::path::Path;

use super::super::node::content_of;
use super::bridge::bridge;
use super::request::present;
use super::workbench::{Workbench, only_file};
use super::{bad, trust};
use crate::error::Result;
use crate::inventory::{Client, Place, Slot};
use crate::key::PrivateKey;
use crate::plan::{Artefact, PlannedFile, Step};
use crate::secret::Secret;
use crate::store::Change;
use crate::x509::Certificate;

/// Makes the new certificate and notes every file that changes.
pub(super) fn renew(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    let Step::Renew { certificate: template, new_key, place, trust, order } = &artefact.step else { return Ok(()) };
    let key = match new_key {
        Some(_) => bench.take_key(artefact)?,
        None => kept_key(bench, artefact, place)?,
    };
    let chain = if order.is_some() {
        bench.take_issued(artefact)?
    } else {
        let leaf = bench.sign(artefact, template, &key)?;
        std::iter::once(leaf).chain(bridge(bench, artefact)?).collect()
    };
    let pem: Vec<u8> = chain.iter().flat_map(Certificate::to_pem).collect();
    for file in &artefact.files {
        let is_of_trust = trust.as_ref().is_some_and(|bundle| bundle.kubeconfigs.contains(&file.path));
        if !put(bench, file, place, &pem, &key)? && !is_of_trust {
            return Err(bad(format!("{} is no file of the certificate", file.path.display())).into());
        }
    }
    if let Some(bundle) = trust {
        trust::replace(bench, artefact, bundle)?;
    }
    bench.note(artefact, chain.first());
    Ok(())
}

/// Notes what a file of the place holds from now on; `false` when it is none of the place.
pub(super) fn put(
    bench: &mut Workbench<'_>,
    file: &PlannedFile,
    place: &Place,
    certificates: &[u8],
    key: &PrivateKey,
) -> Result<bool> {
    match place {
        Place::Together { file: one, next: Some(next) } if file.path == *one => bench.change(link(one, next)?),
        Place::Together { file: one, next } if file.path == *next.as_ref().unwrap_or(one) => {
            bench.replace(file, both(certificates, key));
        }
        Place::Apart { certificate: Slot::File(path), .. } if *path == file.path => {
            bench.replace(file, Secret::new(certificates.to_vec()));
        }
        Place::Apart { key: Slot::File(path), .. } if *path == file.path => bench.replace(file, key.to_pem()),
        Place::Apart { certificate: Slot::Embedded, key: slot } => {
            bench.embed(file, certificates, Some(key).filter(|_| *slot == Slot::Embedded))?;
        }
        Place::Apart { .. } | Place::Together { .. } => return Ok(false),
    }
    Ok(true)
}

/// Certificates and key in one file, in the kubelet's order.
fn both(certificates: &[u8], key: &PrivateKey) -> Secret {
    let mut both = certificates.to_vec();
    both.extend_from_slice(key.to_pem().expose());
    Secret::new(both)
}

/// The link is set anew as the kubelet sets it: with the whole path.
fn link(path: &Path, next: &Path) -> Result<Change> {
    let name = next.file_name().ok_or_else(|| bad("a link leads nowhere"))?;
    let target = if next.is_absolute() { next.to_owned() } else { name.into() };
    Ok(Change::Link { path: path.to_owned(), target })
}

/// The key that stays.
fn kept_key(bench: &mut Workbench<'_>, artefact: &Artefact, place: &Place) -> Result<PrivateKey> {
    match place {
        Place::Together { file: path, .. } | Place::Apart { key: Slot::File(path), .. } => {
            Ok(PrivateKey::from_pem(content_of(bench.tree, path)?.expose())?)
        }
        Place::Apart { key: Slot::Embedded, .. } => {
            let file = only_file(artefact)?;
            let document = bench.kubeconfig(file)?.clone();
            present(Client::of(bench.tree, &file.path, Ok(document))?.found.key.into_part(), &file.path)
        }
    }
}
