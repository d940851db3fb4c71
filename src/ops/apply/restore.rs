//! Files as they were when a backup was made, with their mode, owner and group.

use super::super::node::content_of;
use super::bad;
use super::workbench::{Workbench, only_file};
use crate::error::Result;
use crate::plan::{Artefact, RestoredFile};
use crate::store::{Attributes, Change, Expected};
use crate::x509::read_certificates;

/// Notes the change of the artefact's one file. Its content is that of an input of the plan, which has been compared
/// with what the plan was made for; so has the file that makes way.
pub(super) fn restore(bench: &mut Workbench<'_>, artefact: &Artefact, restored: &RestoredFile) -> Result<()> {
    let file = only_file(artefact)?;
    if !bench.is_input(&restored.source) {
        return Err(bad(format!("{} is restored from a file that is not among the inputs", artefact.name)).into());
    }
    let content = content_of(bench.tree, &restored.source)?.clone();
    let certificate = read_certificates(content.expose()).ok().and_then(|all| all.into_iter().next());
    let extended = restored.extended.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    bench.change(Change::Restore {
        path: file.path.clone(),
        content,
        attributes: Attributes::from_hex(file.mode, restored.uid, restored.gid, extended),
        expected: Expected::of(bench.tree.content(&file.path)),
    });
    bench.note(artefact, certificate.as_ref());
    Ok(())
}
