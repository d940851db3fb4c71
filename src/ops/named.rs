//! Files that a user names on the command line, and files that must be there.
//!
//! In: a path, what was read. Out: the content, or an error that says what to name instead.

use std::path::{Path, PathBuf};

use crate::error::{Fault, Result};
use crate::secret::Secret;
use crate::store::{Store, StoreError};
use crate::tree::{Observed, Tree};

/// The bytes of a file that a user named on the command line.
pub(super) fn read_named(path: &Path, rootfs: Option<&Path>) -> Result<Secret> {
    find_named(path, rootfs).map(|(content, _)| content)
}

/// The same, and where it was found: commands that name it have to work outside of the root directory.
pub(super) fn find_named(path: &Path, rootfs: Option<&Path>) -> Result<(Secret, PathBuf)> {
    let outside = Store::new(None)?;
    let mut tree = outside.read([path]);
    let mut found = path.to_owned();
    if !tree.is_there(path)
        && let Some(rootfs) = rootfs
    {
        tree = Store::new(Some(rootfs.to_owned()))?.read([path]);
        found = rootfs.join(path.strip_prefix("/").unwrap_or(path));
    }
    named_content(&tree, path).map(|content| (content, found))
}

/// What was read of a file that a user named: what is none there is another file's name that was meant, not a fault of the
/// node's.
pub(super) fn named_content(tree: &Tree, path: &Path) -> Result<Secret> {
    match tree.get(path) {
        Observed::Unreadable(fault) if fault.code == StoreError::IS_A_DIRECTORY => {
            let hint = format!("name a file, as {}, not the directory", path.join("FILE").display());
            Err(Fault { hint, ..fault.clone() }.into())
        }
        Observed::Unreadable(fault) if fault.code == StoreError::NOT_A_REGULAR_FILE => {
            let hint = "write what comes from it to a file first, and name that file".to_owned();
            Err(Fault { hint, ..fault.clone() }.into())
        }
        _ => content_of(tree, path).cloned(),
    }
}

/// The content of a file that must be there and readable.
pub(super) fn content_of<'t>(tree: &'t Tree, path: &Path) -> Result<&'t Secret> {
    match tree.get(path) {
        Observed::File { content, .. } => Ok(content),
        Observed::Missing => Err(StoreError::Missing { path: path.to_owned() }.into()),
        Observed::Unreadable(fault) => Err(fault.clone().into()),
    }
}
