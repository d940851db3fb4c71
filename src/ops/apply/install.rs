//! Putting what was signed elsewhere into its place: files of `pki/`, or fields of a kubeconfig.

use super::super::OperationError;
use super::super::given::key_of;
use super::super::node::content_of;
use super::bad;
use super::renew::{both, link};
use super::workbench::Workbench;
use crate::digest::sha256_hex;
use crate::error::Result;
use crate::key::PrivateKey;
use crate::kubeconfig::Kubeconfig;
use crate::plan::place::Place;
use crate::plan::{Artefact, Installation, KeySource};
use crate::secret::Secret;
use crate::store::Store;
use crate::x509::{Certificate, read_certificates};

/// Installs the artefact. Certificate and key change together; a key that is not the certificate's is refused here
/// too, for a plan may have been on a journey.
pub(super) fn install(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    match artefact.install.as_ref().ok_or_else(|| bad(format!("{} has nothing to install", artefact.name)))? {
        Installation::Files { certificates, key } => files(bench, artefact, certificates, key.as_ref()),
        Installation::Kubeconfig { certificates, key, authority } => {
            kubeconfig(bench, artefact, certificates.as_deref(), key.as_ref(), authority.as_deref())
        }
        Installation::Rotating { certificates, key } => rotating(bench, artefact, certificates, key),
    }
}

fn files(bench: &mut Workbench<'_>, artefact: &Artefact, certificates: &str, source: Option<&KeySource>) -> Result<()> {
    let all = read_certificates(certificates.as_bytes())?;
    let leaf = all.first().ok_or_else(|| bad(format!("{} has no certificate", artefact.name)))?;
    let mut contents = Vec::new();
    if let Some(source) = source {
        contents.push(key_for(bench, artefact, source, leaf)?.to_pem());
    }
    contents.push(Secret::new(certificates.as_bytes().to_vec()));
    put(bench, artefact, contents, Some(leaf))
}

fn kubeconfig(
    bench: &mut Workbench<'_>,
    artefact: &Artefact,
    certificates: Option<&str>,
    source: Option<&KeySource>,
    authority: Option<&str>,
) -> Result<()> {
    let path = artefact.files.first().map(|file| file.path.clone()).unwrap_or_default();
    let mut document = Kubeconfig::parse(content_of(bench.tree, &path)?.expose())?;
    let (user, cluster, embedded) = {
        let current = document.current()?;
        (current.user.to_owned(), current.cluster.to_owned(), current.client_certificate_data)
    };
    let pem = certificates.map(|text| text.as_bytes().to_vec()).or(embedded);
    let leaf = match &pem {
        Some(pem) => read_certificates(pem)?.into_iter().next(),
        None => None,
    };
    match (&leaf, &pem, source) {
        (Some(leaf), Some(pem), Some(source)) => {
            let key = key_for(bench, artefact, source, leaf)?;
            document.set_client_certificate(&user, pem, &key.to_pem())?;
        }
        (_, Some(pem), None) if certificates.is_some() => document.embed_client_certificate(&user, pem)?,
        (_, _, Some(_)) => return Err(bad(format!("{} gets a key without a certificate", artefact.name)).into()),
        _ => {}
    }
    if let Some(authority) = authority {
        document.set_certificate_authority(&cluster, authority.as_bytes())?;
    }
    put(bench, artefact, vec![document.to_yaml()], leaf.as_ref())
}

/// As the kubelet does it: a new file with certificate and key, and the link leads there. `kubelet.conf`, where it is
/// among the files, reads both from there afterwards.
fn rotating(bench: &mut Workbench<'_>, artefact: &Artefact, certificates: &str, source: &KeySource) -> Result<()> {
    let Some(Place::Together { file: current, next }) = &artefact.place else {
        return Err(bad(format!("{} has no place", artefact.name)).into());
    };
    let all = read_certificates(certificates.as_bytes())?;
    let leaf = all.first().ok_or_else(|| bad(format!("{} has no certificate", artefact.name)))?;
    let key = key_for(bench, artefact, source, leaf)?;
    for file in &artefact.files {
        if Some(&file.path) == next.as_ref() || file.path == *current && next.is_none() {
            bench.replace(file, both(certificates.as_bytes(), &key));
        } else if file.path == *current {
            bench.change(link(current, next.as_ref())?);
        } else {
            let mut document = Kubeconfig::parse(content_of(bench.tree, &file.path)?.expose())?;
            let user = document.current()?.user.to_owned();
            let path = current.to_string_lossy();
            document.set_client_paths(&user, &path, &path)?;
            bench.replace(file, document.to_yaml());
        }
    }
    bench.note(artefact, Some(leaf));
    Ok(())
}

/// `contents` are in the order of the artefact's files.
fn put(
    bench: &mut Workbench<'_>,
    artefact: &Artefact,
    contents: Vec<Secret>,
    certificate: Option<&Certificate>,
) -> Result<()> {
    if contents.len() != artefact.files.len() {
        return Err(bad(format!("{} has {} files", artefact.name, artefact.files.len())).into());
    }
    for (file, content) in artefact.files.iter().zip(contents) {
        bench.replace(file, content);
    }
    bench.note(artefact, certificate);
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
