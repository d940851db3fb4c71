//! Reading certificates from anywhere: files of one or many, thousands at once.
//!
//! In: paths. Out: for each its certificates, or why it cannot be read. On all cores.

use std::path::{Path, PathBuf};
use std::thread;

use super::node::content_of;
use crate::error::Result;
use crate::store::Store;
use crate::x509::{Certificate, read_certificates};

/// Reads the certificates of each file; the answers are in the order of `paths`.
///
/// # Errors
/// Inside, one for each file: `store.*` when it cannot be read, `x509.*` when it holds no certificate.
///
/// # Errors
/// Outside, when `rootfs` is no directory.
pub fn read(paths: &[PathBuf], rootfs: Option<PathBuf>) -> Result<Vec<Result<Vec<Certificate>>>> {
    let store = Store::new(rootfs)?;
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = paths.len().div_ceil(workers).max(1);
    Ok(thread::scope(|scope| {
        let store = &store;
        let parts: Vec<_> = paths
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(|path| read_one(store, path)).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    }))
}

fn read_one(store: &Store, path: &Path) -> Result<Vec<Certificate>> {
    let tree = store.read([path]);
    Ok(read_certificates(&content_of(&tree, path)?)?)
}
