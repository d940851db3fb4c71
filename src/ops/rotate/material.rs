//! Files that a user names with a CA that comes: its certificates, and its key.
//!
//! In: a path. Out: its content, unless others can change it: whoever can has every node trust a CA of theirs.

use std::path::Path;

use crate::edge::program::{self, Distrust};
use crate::error::{Result, faults};
use crate::ops::named::read_named;
use crate::plan::rotate::Given;
use crate::secret::Secret;
use crate::store::Store;

/// How a private key in PEM ends.
const KEY: &[u8] = b"PRIVATE KEY-----";

faults! {
    /// Why a file with a CA that comes is not taken.
    pub enum MaterialError {
        /// Others can change the file with the CA that comes, which every node is to trust.
        #[error("others can change the file with the CA that comes: {place}: {reason}")]
        #[fault("rotate.foreign_material", Refused, format!("let it and its folders belong to root or to you, and nobody else write to them: {place}"))]
        Foreign {
            /// What they can change.
            place: String,
            /// Who.
            reason: String,
        },
        /// What a node is given is not what `rotate export` prints.
        #[error("--material is not what `kubepki rotate export` prints: line {line}, column {column}")]
        #[fault("rotate.bad_material", Usage,
            "give what this version of kubepki prints on a node where the rotation has begun, as it is: `kubepki rotate export`; \
             a CA of your own in PEM is --new-ca FILE")]
        NoExport {
            /// Where it differs. The text may be a key.
            line: usize,
            /// And there.
            column: usize,
        },
    }
}

/// The content of such a file.
pub(super) fn read_material(path: &Path) -> Result<Secret> {
    if let Err(Distrust { place, reason }) = program::refuse_foreign(path) {
        return Err(MaterialError::Foreign { place: place.display().to_string(), reason }.into());
    }
    let content = read_named(path, None)?;
    let mode = Store::new(None)?.standing(path).filter(|found| !found.is_folder).map_or(0, |found| found.mode);
    if mode & 0o077 != 0 && content.expose().windows(KEY.len()).any(|part| part == KEY) {
        let path = path.display();
        log::warn!("{path} holds a CA's private key, and others can read it (mode {mode:04o}): chmod 600 {path}");
    }
    Ok(content)
}

/// The CA that comes, of such a file.
pub(super) fn read_new_ca(path: &Path) -> Result<Given> {
    let content = read_material(path)?;
    Given::of_pem(&content)
}
