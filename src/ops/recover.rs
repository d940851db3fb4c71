//! `kubepki recover`: ends changes that were interrupted.
//!
//! In: a request. Out: what was found, or what was made of it. Every run that changes files does the same first, in the
//! directories that it works in; this verb does nothing else, and takes a decision where one is needed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalogue::{DEFAULT_KUBECONFIG_DIR, DEFAULT_KUBELET_DIR};
use crate::error::Result;
pub use crate::request::RecoverRequest;
use crate::store::{Interrupted, Recovery, Store, StoreError};

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecoverReport {
    /// The changes that wait, of a dry run.
    pub waiting: Vec<Interrupted>,
    /// The changes that were ended.
    pub recovered: Vec<Recovery>,
}

/// Ends interrupted changes, or lists them.
///
/// # Errors
/// `store.recovery_conflict`, `store.journal_corrupt`, `store.journal_unreachable` when one cannot be ended without a
/// decision: their hints have the commands. `store.missing` for a named directory that is not there. Other `store.*`.
pub fn recover(request: &RecoverRequest) -> Result<RecoverReport> {
    let store = Store::new(request.rootfs.dir())?;
    let kubelet = Path::new(DEFAULT_KUBELET_DIR).join("pki");
    let directories = if request.folders.is_empty() {
        let pki = Path::new(DEFAULT_KUBECONFIG_DIR).join("pki");
        vec![PathBuf::from(DEFAULT_KUBECONFIG_DIR), pki, kubelet]
    } else {
        request.folders.clone()
    };
    // A misspelt folder would say that nothing waits.
    for named in &request.folders {
        if let Err(error @ (StoreError::Missing { .. } | StoreError::NotADirectory { .. })) = store.list(named) {
            return Err(error.into());
        }
    }
    if *request.dry_run {
        return Ok(RecoverReport { waiting: store.interrupted(&directories), recovered: Vec::new() });
    }
    Ok(RecoverReport { waiting: Vec::new(), recovered: store.recover(&directories, request.keep)? })
}
