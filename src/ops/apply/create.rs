//! Making what is not there: CAs, certificates, kubeconfigs, the service accounts' keys.

use super::super::node::content_of;
use super::bad;
use super::workbench::Workbench;
use crate::error::Result;
use crate::key::PrivateKey;
use crate::kubeconfig::{Client, ClientConfig, Kubeconfig};
use crate::plan::{Artefact, Kind};
use crate::secret::Secret;
use crate::store::Expected;
use crate::x509::{Certificate, Issuer, SerialNumber};

/// Makes the artefact. Nothing is overwritten: each of its files must be absent when it is written.
pub(super) fn create(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    match artefact.kind {
        Kind::CertificateAuthority => authority(bench, artefact),
        Kind::Certificate => leaf(bench, artefact),
        Kind::KeyPair => service_account(bench, artefact),
        Kind::Kubeconfig => kubeconfig(bench, artefact),
        Kind::File => Err(bad(format!("{} is a file that can only be restored", artefact.name)).into()),
    }
}

fn authority(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    let template = artefact.certificate.as_ref().ok_or_else(|| bad("a CA has no certificate template"))?;
    let key = bench.take_key(artefact)?;
    let certificate = template.self_sign(&SerialNumber::random()?, &key)?;
    bench.write(artefact, pair(&key, &certificate), Some(&certificate), Expected::Absent)?;
    bench.add_issuer(&artefact.name, Issuer::new(certificate, key)?);
    Ok(())
}

fn leaf(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    let (key, certificate) = signed(bench, artefact)?;
    bench.write(artefact, pair(&key, &certificate), Some(&certificate), Expected::Absent)
}

fn kubeconfig(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    let (key, certificate) = signed(bench, artefact)?;
    let template = artefact.kubeconfig.as_ref().ok_or_else(|| bad("a kubeconfig has no template"))?;
    let trusted = bench.trusted_bundle()?;
    let document = Kubeconfig::new(&ClientConfig {
        cluster_name: &template.cluster_name,
        server: &template.server,
        certificate_authority_pem: Some(&trusted),
        user: &template.user,
        client: Client::Certificate { certificate_pem: certificate.to_pem(), key_pem: key.to_pem() },
    });
    bench.write(artefact, vec![document.to_yaml()], Some(&certificate), Expected::Absent)
}

fn service_account(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
    let public_key = |key: &PrivateKey| Secret::new(key.public_key_pem());
    let contents = if artefact.new_key.is_some() {
        let key = bench.take_key(artefact)?;
        vec![key.to_pem(), public_key(&key)]
    } else {
        let key = PrivateKey::from_pem(content_of(bench.tree, &bench.layout.service_account_key())?.expose())?;
        vec![public_key(&key)]
    };
    bench.write(artefact, contents, None, Expected::Absent)
}

fn signed(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<(PrivateKey, Certificate)> {
    let template = artefact.certificate.as_ref().ok_or_else(|| bad("a certificate has no template"))?;
    let key = bench.take_key(artefact)?;
    let name = artefact.issuer.as_deref().ok_or_else(|| bad("a certificate has no issuer"))?;
    let certificate = template.issue(&SerialNumber::random()?, key.public_key_info(), bench.issuer(name)?)?;
    bench.judge(artefact, &certificate)?;
    Ok((key, certificate))
}

/// In the order of a pair's files.
fn pair(key: &PrivateKey, certificate: &Certificate) -> Vec<Secret> {
    vec![key.to_pem(), Secret::new(certificate.to_pem())]
}
