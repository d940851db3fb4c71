//! The certificate by which clients that trust the old CA alone verify what the new one has signed.
//!
//! In: the API server's certificate in the making, the CA that goes beside the one that signs. Out: the new CA's name and key, signed by
//! the old CA; none where no CA makes way for another. Pods that read the CA once, and kubeconfigs outside of the cluster, go on
//! until the old CA is not trusted any more.
//!
//! Source: RFC 5280 section 3.2 (cross-certificates).

use super::workbench::Workbench;
use crate::catalogue::{API_SERVER, Aside, CLUSTER_CA};
use crate::error::Result;
use crate::key::PrivateKey;
use crate::plan::Artefact;
use crate::x509::{Certificate, CertificateTemplate, Issuer, SerialNumber, read_certificates};

/// What the server sends behind its own certificate.
pub(super) fn bridge(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<Option<Certificate>> {
    if artefact.name != API_SERVER {
        return Ok(None);
    }
    let files = bench.layout.aside(CLUSTER_CA, Aside::Previous);
    let (Some(pem), Some(key)) = (bench.tree.content(&files.public), bench.tree.content(&files.key)) else {
        return Ok(None);
    };
    let Some(old) = read_certificates(pem)?.into_iter().next() else { return Ok(None) };
    let key = PrivateKey::from_pem(key)?;
    let trusted = read_certificates(bench.content(&bench.layout.in_use(CLUSTER_CA).public)?.expose())?;
    let new = bench.issuer(CLUSTER_CA)?.certificate().clone();
    if new == old || !trusted.contains(&old) {
        return Ok(None);
    }
    Ok(Some(across(&new, &Issuer::new(old, key)?)?))
}

/// The new CA's name and key, signed by the old CA.
pub(in crate::ops) fn across(new: &Certificate, old: &Issuer) -> Result<Certificate> {
    let ca = old.certificate();
    let (begin, end) = (new.not_before().max(ca.not_before()), new.not_after().min(ca.not_after()));
    let template = CertificateTemplate { other_extensions: Vec::new(), ..CertificateTemplate::like(new, begin, end) };
    Ok(template.issue_across(&SerialNumber::random()?, new.public_key_info(), old)?)
}
