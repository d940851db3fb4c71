//! Renewing: a new certificate, and a new key unless it is kept, in the place of those that are there.
//!
//! In: an artefact with its place. Out: changes of the transaction. Each file must still be as the plan found it.

use std::path::{Path, PathBuf};

use super::super::node::content_of;
use super::bad;
use super::workbench::Workbench;
use crate::audit::kubeconfig::client_identity;
use crate::error::Result;
use crate::key::PrivateKey;
use crate::kubeconfig::Kubeconfig;
use crate::plan::place::{Place, Slot};
use crate::plan::{Artefact, Kind, PlannedFile};
use crate::secret::Secret;
use crate::store::Change;
use crate::x509::{Certificate, SerialNumber};

/// Makes the new certificate and notes every file that changes.
pub(super) fn renew(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    let template = artefact.certificate.as_ref().ok_or_else(|| bad("a certificate has no template"))?;
    let place = artefact.place.as_ref().ok_or_else(|| bad("a renewal does not say where the certificate is"))?;
    let key = match artefact.new_key {
        Some(_) => bench.take_key(artefact)?,
        None => kept_key(bench, artefact, place)?,
    };
    let serial = SerialNumber::random()?;
    let certificate = match artefact.issuer.as_deref() {
        Some(issuer) => template.issue(&serial, key.public_key_info(), bench.issuer(issuer)?)?,
        None => template.self_sign(&serial, &key)?,
    };
    bench.judge(artefact, &certificate)?;
    let (place, kubeconfig) = split(artefact, place);
    if let Some(file) = kubeconfig {
        let content = embed(bench, file, place, &certificate, &key)?;
        bench.replace(file, content);
    }
    for file in artefact.files.iter().filter(|file| Some(*file) != kubeconfig) {
        match content_for(place, file, &certificate, &key)? {
            Some(content) => bench.replace(file, content),
            None => bench.change(link_of(place)?),
        }
    }
    bench.note(artefact, Some(&certificate));
    Ok(())
}

/// The kubeconfig itself, where it is among the files that change.
fn split<'a>(artefact: &'a Artefact, place: &'a Place) -> (&'a Place, Option<&'a PlannedFile>) {
    let is_of_place = |file: &&PlannedFile| match place {
        Place::Together { file: one, next } => file.path == *one || next.as_ref() == Some(&file.path),
        Place::Apart { certificate, key } => {
            [certificate, key].iter().any(|slot| **slot == Slot::File(file.path.clone()))
        }
    };
    let kubeconfig = artefact.files.iter().find(|file| artefact.kind == Kind::Kubeconfig && !is_of_place(file));
    (place, kubeconfig)
}

/// What a file of the place holds; none for the link.
fn content_for(
    place: &Place,
    file: &PlannedFile,
    certificate: &Certificate,
    key: &PrivateKey,
) -> Result<Option<Secret>> {
    let path = Slot::File(file.path.clone());
    match place {
        Place::Together { file: one, next: Some(_) } if file.path == *one => Ok(None),
        Place::Together { .. } => Ok(Some(both(&certificate.to_pem(), key))),
        Place::Apart { certificate: one, .. } if *one == path => Ok(Some(Secret::new(certificate.to_pem()))),
        Place::Apart { key: one, .. } if *one == path => Ok(Some(key.to_pem())),
        Place::Apart { .. } => Err(bad(format!("{} is no file of the certificate", file.path.display())).into()),
    }
}

/// Certificates and key in one file, in the kubelet's order.
pub(super) fn both(certificates: &[u8], key: &PrivateKey) -> Secret {
    let mut both = certificates.to_vec();
    both.extend_from_slice(key.to_pem().expose());
    Secret::new(both)
}

fn link_of(place: &Place) -> Result<Change> {
    let Place::Together { file, next } = place else { return Err(bad("a file has no content").into()) };
    link(file, next.as_ref())
}

/// The link is set anew as the kubelet sets it: with the whole path.
pub(super) fn link(path: &Path, next: Option<&PathBuf>) -> Result<Change> {
    let next = next.ok_or_else(|| bad("a file has no content"))?;
    let name = next.file_name().ok_or_else(|| bad("a link leads nowhere"))?;
    let target = if next.is_absolute() { next.clone() } else { name.into() };
    Ok(Change::Link { path: path.to_owned(), target })
}

/// The kubeconfig with the new certificate, key and CA; contexts, other users and unknown fields stay.
fn embed(
    bench: &mut Workbench<'_>,
    file: &PlannedFile,
    place: &Place,
    certificate: &Certificate,
    key: &PrivateKey,
) -> Result<Secret> {
    let mut document = Kubeconfig::parse(content_of(bench.tree, &file.path)?.expose())?;
    let current = document.current()?;
    let (user, cluster) = (current.user.to_owned(), current.cluster.to_owned());
    let embeds_authority = current.certificate_authority_data.is_some();
    match place {
        Place::Apart { certificate: Slot::Embedded, key: Slot::Embedded } => {
            document.set_client_certificate(&user, &certificate.to_pem(), &key.to_pem())?;
        }
        Place::Apart { certificate: Slot::Embedded, .. } => {
            document.embed_client_certificate(&user, &certificate.to_pem())?;
        }
        Place::Apart { .. } | Place::Together { .. } => {}
    }
    if embeds_authority {
        document.set_certificate_authority(&cluster, &bench.trusted_bundle()?)?;
    }
    Ok(document.to_yaml())
}

/// The key that stays.
fn kept_key(bench: &Workbench<'_>, artefact: &Artefact, place: &Place) -> Result<PrivateKey> {
    let path = match place {
        Place::Together { file, .. } => file.clone(),
        Place::Apart { key: Slot::File(path), .. } => path.clone(),
        Place::Apart { key: Slot::Embedded, .. } => {
            let path = bench.layout.kubeconfig(&artefact.name);
            let content = content_of(bench.tree, &path)?;
            let identity = client_identity(bench.tree, &path, content.expose())?;
            let key = identity.and_then(|identity| match identity.key {
                crate::audit::Part::Present(key) => Some(key),
                _ => None,
            });
            return key.ok_or_else(|| bad(format!("{} has no key to keep", artefact.name)).into());
        }
    };
    Ok(PrivateKey::from_pem(content_of(bench.tree, &path)?.expose())?)
}
