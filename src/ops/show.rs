//! `kubepki show`: what is in files, decoded, without private parts.
//!
//! In: paths. Out: for each file all that it holds, or why it cannot be shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::node::named_content;
use crate::audit::content::{Content, contents};
use crate::error::{Fault, Result};
pub use crate::request::ShowRequest;
use crate::secret::Secret;
use crate::store::Store;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownFile {
    /// Its path.
    pub path: PathBuf,
    /// What it holds, in its order.
    pub contents: Vec<Content>,
    /// Why it, or a part of it, cannot be shown.
    pub problem: Option<Fault>,
}

/// Decodes every file; the answers are in their order. What `streams` holds, stdin and pipes, has been read by the caller.
///
/// # Errors
/// `rootfs` is no directory. A file that cannot be shown is an answer, not an error.
pub fn show(request: &ShowRequest, streams: &BTreeMap<PathBuf, Secret>) -> Result<Vec<ShownFile>> {
    let store = Store::new(request.rootfs.dir())?;
    let decoded = |path: &PathBuf| {
        if let Some(content) = streams.get(path) {
            return contents(content.expose(), Path::new("FILE"));
        }
        let tree = store.read([path]);
        match named_content(&tree, path) {
            Ok(found) => contents(found.expose(), path),
            Err(error) => (Vec::new(), Some(error.into())),
        }
    };
    let shown = |path: &PathBuf| {
        let (contents, problem) = decoded(path);
        ShownFile { path: path.clone(), contents, problem }
    };
    Ok(request.files.iter().map(shown).collect())
}
