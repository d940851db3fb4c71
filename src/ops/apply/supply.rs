//! Files that the caller brings along, as a plan must not hold them: those of a bundle.

use super::bad;
use super::workbench::Workbench;
use crate::error::Result;
use crate::plan::Artefact;
use crate::x509::read_certificates;

/// Notes each of the artefact's files with the content that was supplied for it.
pub(super) fn supply(bench: &mut Workbench<'_>, artefact: &Artefact) -> Result<()> {
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
