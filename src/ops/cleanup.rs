//! `kubepki certs cleanup`: what a certificate needed on its way goes, and CA keys for external CA mode.

use chrono::{DateTime, Utc};

use super::kubelet::Kubelet;
use super::node::Node;
use super::planned::Planned;
use crate::catalogue;
use crate::error::{Result, faults};
use crate::inventory::infer;
use crate::plan::cleanup::{self, Options};
use crate::plan::generate::Selection;
pub use crate::request::CleanupRequest;
use crate::request::refuse_unknown;

faults! {
    /// Why a cleanup was not planned.
    pub enum CleanupError {
        /// A CA key would be removed, and it is not clear whether a copy is kept: `--ca-key-backup DIR`, or
        /// `--no-backup`.
        #[error("a CA key would be removed, and it is not clear whether a copy is kept")]
        #[fault("cleanup.ca_key_backup", Usage,
            "name a folder for the copy that is not on this node (--ca-key-backup DIR), or pass --no-backup if you have a copy already")]
        KeyBackup,
    }
}

/// Reads the node's files and plans what goes.
///
/// # Errors
/// [`CleanupError`]; a name is unknown; the configuration cannot be read or is invalid. A file that must stay is a
/// finding in the plan, not an error.
pub fn plan(request: &CleanupRequest, now: DateTime<Utc>) -> Result<Planned> {
    let known: Vec<_> = catalogue::rows([catalogue::Kind::Authority]).map(|row| row.name).collect();
    refuse_unknown(&Selection::Names(request.ca_keys.clone()), &known)?;
    let takes_keys = !request.ca_keys.is_empty();
    if takes_keys && !*request.backups.no_backup && request.ca_key_backup.is_none() {
        return Err(CleanupError::KeyBackup.into());
    }
    let mut node = Node::open_without_address(&request.node)?;
    let recorded = request.node.recorded(&node.spec);
    let backup_dir = match &request.ca_key_backup {
        _ if *request.backups.no_backup => None,
        Some(directory) if takes_keys => {
            let own = [&*node.layout.certificates_dir, &node.layout.kubeconfig_dir, &**request.backups.backup_dir];
            Some(node.store.refuse_own_place(directory, &own)?)
        }
        _ => request.backups.dir(),
    };
    let is_said = request.node.has_configuration();
    refuse_unknown(&request.names, &catalogue::request_names())?;
    if *request.recover {
        node.recover()?;
    }
    let kubelet = Kubelet::read(&node.store, &request.kubelet_dir);
    let manifests_dir = kubelet.configuration.manifests_dir(&node.layout.kubeconfig_dir);
    let next = kubelet.next_client(&node.store, now);
    let renewal = node.layout.renewal();
    let more = renewal.all_on_the_way().chain(cleanup::manifests(&manifests_dir)).chain(next.clone());
    let tree = node.read_on_the_way(&kubelet, more);
    if !is_said {
        infer(&mut node.spec, &node.layout, &tree);
    }
    let options = Options { names: request.names.clone(), authority_keys: request.ca_keys.clone(), manifests_dir };
    let inventory = node.inventory(&tree, &kubelet, next.as_deref(), is_said)?;
    let renewals = inventory.renewals(&tree)?;
    let mut plan = cleanup::cleanup(&inventory, &renewals, &options, now);
    plan.backup_dir = backup_dir;
    Planned::of(plan, node.warnings, &request.node)?.record(request, &recorded)
}
