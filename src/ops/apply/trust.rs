//! A changed set of CAs: in the file of a CA, in kubeconfigs, or in both at once.
//!
//! In: the set, and the artefact's files. Out: changes of the transaction, so that whoever trusts by one of the files
//! changes together with the others or not at all. A kubeconfig keeps everything else, what another step of the same plan
//! has put into it too.

use super::workbench::{Workbench, first};
use crate::error::Result;
use crate::kubeconfig::Kubeconfig;
use crate::plan::{Artefact, TrustBundle};
use crate::secret::Secret;

/// Changes the artefact's files; its certificate is the CA's, or the kubeconfig's own.
pub(super) fn trust(bench: &mut Workbench<'_>, artefact: &Artefact, bundle: &TrustBundle) -> Result<()> {
    replace(bench, artefact, bundle)?;
    let certificate = match (&bundle.file, bundle.kubeconfigs.first()) {
        (None, Some(path)) => {
            let document = Kubeconfig::parse(bench.content(path)?.expose())?;
            document.current()?.client_certificate_data.map(|pem| first(&pem)).transpose()?
        }
        _ => Some(first(bundle.certificates.as_bytes())?),
    };
    bench.note(artefact, certificate.as_ref());
    Ok(())
}

/// Puts the set into every file of the artefact that is to hold it.
pub(super) fn replace(bench: &mut Workbench<'_>, artefact: &Artefact, bundle: &TrustBundle) -> Result<()> {
    let pem = bundle.certificates.as_bytes();
    // An empty or damaged set would lock everybody out.
    first(pem)?;
    for file in &artefact.files {
        if bundle.file.as_ref() == Some(&file.path) {
            bench.replace(file, Secret::new(pem.to_vec()));
        } else if bundle.kubeconfigs.contains(&file.path) {
            bench.edit(file, |document| {
                let cluster = document.current()?.cluster.to_owned();
                document.set_certificate_authority(&cluster, pem)
            })?;
        }
    }
    Ok(())
}
