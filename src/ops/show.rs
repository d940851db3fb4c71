//! `kubepki show`: what is in files, decoded, without private parts.
//!
//! In: paths. Out: for each file all that it holds, or why it cannot be shown.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::node::content_of;
use crate::audit::content::{Content, contents};
use crate::error::{Fault, Result};
pub use crate::request::ShowRequest;
use crate::store::Store;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownFile {
    /// Its path.
    pub path: PathBuf,
    /// What it holds, in its order.
    pub contents: Vec<Content>,
    /// Why it cannot be shown.
    pub problem: Option<Fault>,
}

/// Decodes every file; the answers are in their order. What stands for stdin has been read by the caller.
///
/// # Errors
/// `rootfs` is no directory. A file that cannot be shown is an answer, not an error.
pub fn show(request: &ShowRequest, stdin: Option<&[u8]>) -> Result<Vec<ShownFile>> {
    let store = Store::new(request.rootfs.clone())?;
    let decoded = |path: &PathBuf| {
        if let Some(bytes) = stdin.filter(|_| path == Path::new("-")) {
            return answer(path, contents(bytes));
        }
        let tree = store.read([path]);
        answer(path, content_of(&tree, path).map_err(Fault::from).and_then(|found| contents(found.expose())))
    };
    Ok(request.files.iter().map(decoded).collect())
}

fn answer(path: &Path, found: Result<Vec<Content>, Fault>) -> ShownFile {
    let (contents, problem) = found.map_or_else(|fault| (Vec::new(), Some(fault)), |contents| (contents, None));
    ShownFile { path: path.to_owned(), contents, problem }
}
