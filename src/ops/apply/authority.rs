//! A CA's next certificate, in the place of the one before it.
//!
//! In: what it says, or the certificate itself, and the artefact's files. Out: changes of the transaction, all with one certificate.

use super::bad;
use super::workbench::{Workbench, first};
use crate::error::Result;
use crate::key::PrivateKey;
use crate::plan::renew_ca::{is_copy, replaced};
use crate::plan::{Artefact, AuthorityRenewal, NewCertificate};
use crate::secret::Secret;
use crate::x509::{Certificate, SerialNumber, read_certificates};

/// Signs the certificate, unless it was given, and puts it into every file.
pub(super) fn renew(bench: &mut Workbench<'_>, artefact: &Artefact, renewal: &AuthorityRenewal) -> Result<()> {
    let new = match &renewal.certificate {
        NewCertificate::Signed { certificate, key } => {
            let key = PrivateKey::from_pem(bench.content(key)?.expose())?;
            certificate.sign(&SerialNumber::random()?, &key)?
        }
        NewCertificate::Given { pem } => first(pem.as_bytes())?,
    };
    for file in &artefact.files {
        if renewal.kubeconfigs.contains(&file.path) {
            let document = bench.kubeconfig(file)?;
            let current = document.current()?;
            let cluster = current.cluster.to_owned();
            let embedded = read_certificates(&current.certificate_authority_data.unwrap_or_default())?;
            let pem = with(&embedded, &new, artefact)?;
            document.set_certificate_authority(&cluster, &pem)?;
        } else {
            let there = read_certificates(bench.content(&file.path)?.expose())?;
            let pem = with(&there, &new, artefact)?;
            bench.replace(file, Secret::new(pem));
        }
    }
    bench.note(artefact, Some(&new));
    Ok(())
}

/// The certificates of a file with the new one among them. One that does not hold the CA, by its key and name, is never touched.
fn with(certificates: &[Certificate], new: &Certificate, artefact: &Artefact) -> Result<Vec<u8>> {
    if !certificates.iter().any(|one| is_copy(one, new)) {
        return Err(bad(format!("a file of {} does not hold its certificate", artefact.name)).into());
    }
    Ok(replaced(certificates, new).iter().flat_map(Certificate::to_pem).collect())
}
