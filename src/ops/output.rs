//! A file that a user asks for by name, with secrets in it: `--out FILE`.
//!
//! In: a path of this machine (no `--rootfs`), the text. Out: the file with mode 0600, or an error after which nothing
//! has changed. Nothing is overwritten unasked, and no secret goes into a file that others can read.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{Category, Diagnostic, Result};
use crate::secret::Secret;
use crate::store::{Change, Expected, Store};
use crate::tree::Observed;

/// Why the file was not written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Something is there.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What is there may be read by others, and replacing it would keep that.
    #[error("{} may be read by others than its owner (mode {mode:04o})", path.display())]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl Diagnostic for OutputError {
    fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "output.exists",
            Self::ReadableByOthers { .. } => "output.readable_by_others",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Exists { .. } => "name another file, or overwrite it with --force".into(),
            Self::ReadableByOthers { path, .. } => format!("chmod 600 {}, or remove it", path.display()),
        }
    }

    fn category(&self) -> Category {
        Category::Refused
    }

    fn context(&self) -> Value {
        match self {
            Self::Exists { path } => json!({ "path": path }),
            Self::ReadableByOthers { path, mode } => json!({ "path": path, "mode": format!("{mode:04o}") }),
        }
    }
}

/// Writes a new file with mode 0600; with `force` in the place of one that only its owner can read.
///
/// # Errors
/// [`OutputError`], `store.*`.
pub fn write_secret(path: &Path, text: &Secret, force: bool) -> Result<()> {
    let store = Store::new(None)?;
    let path = store.locate(path)?;
    let expected = match store.read([path.clone()]).get(&path) {
        Observed::Missing => Expected::Absent,
        Observed::File { mode, .. } if force && mode & 0o077 != 0 => {
            return Err(OutputError::ReadableByOthers { path, mode: *mode }.into());
        }
        Observed::File { .. } | Observed::Unreadable { .. } if force => Expected::Any,
        Observed::File { .. } | Observed::Unreadable { .. } => return Err(OutputError::Exists { path }.into()),
    };
    let folder = path.parent().unwrap_or(&path).to_owned();
    let write = Change::Write { path, content: text.clone(), mode: 0o600, expected };
    store.lock(&[folder])?.apply(&[write])?;
    Ok(())
}
