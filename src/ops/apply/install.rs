//! Putting what was signed elsewhere, or brought along, into its place: files of `pki/`, or fields of a kubeconfig.

use super::super::OperationError;
use super::super::given::key_of;
use super::super::node::content_of;
use super::renew::put;
use super::workbench::{Workbench, first, only_file};
use super::{bad, trust};
use crate::digest::sha256_hex;
use crate::error::Result;
use crate::inventory::Place;
use crate::key::PrivateKey;
use crate::plan::{Artefact, Installation, KeySource, TrustBundle};
use crate::secret::Secret;
use crate::store::Store;
use crate::x509::{Certificate, X509Error, read_certificates};

/// Installs the artefact. Certificate and key change together; a key that is not the certificate's is refused here
/// too, for a plan may have been on a journey.
pub(super) fn install(bench: &mut Workbench<'_>, artefact: &Artefact, installation: &Installation) -> Result<()> {
    match installation {
        Installation::Files { certificates, key } => files(bench, artefact, certificates, key.as_ref()),
        Installation::Kubeconfig { certificates, key, trust } => {
            kubeconfig(bench, artefact, certificates.as_deref(), key.as_ref(), trust.as_ref())
        }
        Installation::Rotating { certificates, key, file, next } => {
            let place = Place::Together { file: file.clone(), next: next.clone() };
            rotating(bench, artefact, certificates, key, &place, &file.to_string_lossy())
        }
        Installation::Supplied => supplied(bench, artefact),
    }
}

fn files(bench: &mut Workbench<'_>, artefact: &Artefact, certificates: &str, source: Option<&KeySource>) -> Result<()> {
    let leaf = first(certificates.as_bytes())?;
    let mut contents = Vec::new();
    if let Some(source) = source {
        contents.push(key_for(bench, artefact, source, &leaf)?.to_pem());
    }
    contents.push(Secret::new(certificates.as_bytes().to_vec()));
    bench.write(artefact, contents, Some(&leaf), None)
}

fn kubeconfig(
    bench: &mut Workbench<'_>,
    artefact: &Artefact,
    certificates: Option<&str>,
    source: Option<&KeySource>,
    trusted: Option<&TrustBundle>,
) -> Result<()> {
    let file = only_file(artefact)?;
    let embedded = bench.kubeconfig(file)?.current()?.client_certificate_data;
    let pem = certificates.map(|text| text.as_bytes().to_vec()).or(embedded).ok_or(X509Error::NoCertificate)?;
    let leaf = first(&pem)?;
    let key = source.map(|source| key_for(bench, artefact, source, &leaf)).transpose()?;
    bench.embed(file, &pem, key.as_ref())?;
    if let Some(bundle) = trusted {
        trust::replace(bench, artefact, bundle)?;
    }
    bench.note(artefact, Some(&leaf));
    Ok(())
}

/// As the kubelet does it: a new file with certificate and key, and the link leads there. `kubelet.conf`, where it is
/// among the files, reads both from there afterwards.
fn rotating(
    bench: &mut Workbench<'_>,
    artefact: &Artefact,
    certificates: &str,
    source: &KeySource,
    place: &Place,
    path: &str,
) -> Result<()> {
    let leaf = first(certificates.as_bytes())?;
    let key = key_for(bench, artefact, source, &leaf)?;
    for file in &artefact.files {
        if !put(bench, file, place, certificates.as_bytes(), &key)? {
            let document = bench.kubeconfig(file)?;
            let user = document.current()?.user.to_owned();
            document.set_client_paths(&user, path, path)?;
        }
    }
    bench.note(artefact, Some(&leaf));
    Ok(())
}

/// Each of the artefact's files with the content that was supplied for it.
fn supplied(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    let mut certificate = None;
    for file in &artefact.files {
        let content = bench.take_supplied(&file.path).ok_or_else(|| {
            bad(format!("it has no content for {}; a bundle's plan is applied with the bundle", file.path.display()))
        })?;
        certificate = certificate.or_else(|| read_certificates(content.expose()).ok()?.into_iter().next());
        bench.replace(file, content);
    }
    bench.note(artefact, certificate.as_ref());
    Ok(())
}

fn key_for(bench: &Workbench<'_>, artefact: &Artefact, source: &KeySource, leaf: &Certificate) -> Result<PrivateKey> {
    let store = Store::new(bench.rootfs().filter(|_| source.on_node))?;
    let content = content_of(&store.read([&source.path]), &source.path)?.clone();
    if sha256_hex(content.expose()) != source.sha256 {
        return Err(OperationError::Stale { path: source.path.display().to_string() }.into());
    }
    let key = key_of(content.expose())?;
    if key.public_key_info() != leaf.public_key_info() {
        return Err(bad(format!("the key for {} is another certificate's", artefact.name)).into());
    }
    Ok(key)
}
