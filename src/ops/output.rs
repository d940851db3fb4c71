//! A file that a user asks for by name, with secrets in it: `--out FILE`.
//!
//! In: a path of this machine (no `--rootfs`), the text. Out: the file with mode 0600, or an error after which nothing
//! has changed. Nothing is overwritten unasked, and no secret goes into a file that others can read or that is another
//! user's. No link is followed in a folder that others can write to.

use std::path::{Path, PathBuf};

use crate::error::{Result, faults};
use crate::secret::Secret;
use crate::store::{Attributes, Change, Expected, Store, running_user};
use crate::tree::Observed;

faults! {
    /// Why the file was not written.
    pub enum OutputError {
        /// The file is there; name another, or overwrite it with `--force`.
        #[error("{} exists already", path.display())]
        #[fault("output.exists", Refused, "name another file, or overwrite it with --force")]
        Exists {
            /// The file.
            path: PathBuf,
        },
        /// The file that `--force` would overwrite can be read by others, and secrets would go into it; `chmod 600`, or
        /// remove it.
        #[error("{} may be read by others than its owner (mode {mode:04o})", path.display())]
        #[fault("output.readable_by_others", Refused, format!("chmod 600 {}, or remove it", path.display()))]
        ReadableByOthers {
            /// The file.
            path: PathBuf,
            /// Its permission bits.
            mode: u32,
        },
    }
}

/// What a file is made like, where somebody asked for more than mode 0600 and the running user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Permission bits.
    pub mode: Option<u32>,
    /// The owner's user id.
    pub uid: Option<u32>,
    /// The owner's group id.
    pub gid: Option<u32>,
}

impl Access {
    fn attributes(self) -> Option<Attributes> {
        if self == Self::default() {
            return None;
        }
        let (uid, gid) = running_user();
        Some(Attributes::from_hex(self.mode.unwrap_or(0o600), self.uid.unwrap_or(uid), self.gid.unwrap_or(gid), []))
    }
}

/// What is there, and what the new file is made like.
struct Standing {
    path: PathBuf,
    expected: Expected,
    attributes: Option<Attributes>,
}

/// Refuses a file that [`write_secret`] would refuse, before the text for it is made. Nothing is changed.
///
/// # Errors
/// As [`write_secret`].
pub fn refuse_place(path: &Path, force: bool, access: Access) -> Result<()> {
    let store = Store::new(None)?;
    let Standing { path, .. } = standing(&store, path, force, access)?;
    Ok(store.rehearse(&[], &[(path.as_path(), access.uid)])?)
}

fn standing(store: &Store, path: &Path, force: bool, access: Access) -> Result<Standing> {
    let path = store.locate(path)?;
    let mut attributes = access.attributes();
    let expected = match store.read([path.clone()]).get(&path) {
        Observed::Missing => Expected::Absent,
        Observed::File { mode, .. } if force && attributes.is_none() && mode & 0o077 != 0 => {
            return Err(OutputError::ReadableByOthers { path, mode: *mode }.into());
        }
        // What was looked at may be another file by the time it is replaced: nothing is taken over from that one.
        Observed::File { mode, .. } if force => {
            let private = Access { mode: Some(*mode & 0o700), ..Access::default() };
            attributes = attributes.or_else(|| private.attributes());
            Expected::Any
        }
        Observed::Unreadable(_) if force => Expected::Any,
        Observed::File { .. } | Observed::Unreadable(_) => return Err(OutputError::Exists { path }.into()),
    };
    Ok(Standing { path, expected, attributes })
}

/// Writes a new file with mode 0600; with `force` in the place of one that only its owner can read. With an `access` the
/// new file has it from the moment it has its name.
///
/// # Errors
/// [`OutputError`], `store.*`; of these `store.untrusted_link` and `store.foreign_file` in a folder that others can write
/// to.
pub fn write_secret(path: &Path, text: &Secret, force: bool, access: Access) -> Result<()> {
    let store = Store::new(None)?;
    let Standing { path, expected, attributes } = standing(&store, path, force, access)?;
    let folder = path.parent().unwrap_or(&path).to_owned();
    let content = text.clone();
    let write = match attributes {
        Some(attributes) => Change::Restore { path, content, attributes, expected },
        None => Change::Write { path, content, mode: 0o600, expected },
    };
    store.lock_with_outputs::<PathBuf, _>(&[], &[folder])?.apply(&[write])?;
    Ok(())
}
