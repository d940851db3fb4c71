//! Documents that are to say something else: a file of the node, a text in a `ConfigMap`.
//!
//! In: what a plan makes of a text. Out: the same, written. A file is written in a transaction, with a backup. An object that
//! somebody else has changed meanwhile is read and edited again: whatever it says then stays.

use std::path::Path;
use std::time::Duration;

use super::cluster::Api;
use super::node::content_of;
use crate::catalogue::DEFAULT_KUBECONFIG_DIR;
use crate::clock::SystemClock;
use crate::digest::Digest;
use crate::edge::cluster::ClusterError;
use crate::error::{Category, Error, Fault, Result};
use crate::objects::{ConfigMap, KUBE_SYSTEM};
use crate::plan::setting::{Setting, SettingError};
use crate::request::Backups;
use crate::secret::Secret;
use crate::store::{Applied, BackupOrder, Change, Expected, Session, Store};

/// So often an object is changed that others change at the same time.
const TRIES: usize = 5;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// What makes the new text of a document: its place and its text.
pub(super) type Edit<'e> = dyn Fn(&str, &str) -> Result<Setting, SettingError> + 'e;

/// A text in a `ConfigMap` of the cluster's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its namespace.
    pub(super) namespace: &'static str,
    /// The `ConfigMap`.
    pub(super) map: &'static str,
    /// The name of the text in it.
    pub(super) key: &'static str,
}

/// What kubeadm gives to kubelets that join and are upgraded.
pub(super) const KUBELET_CONFIG: Entry = Entry { namespace: KUBE_SYSTEM, map: "kubelet-config", key: "kubelet" };

/// What kubeadm sets up control-plane nodes by.
pub(super) const KUBEADM_CONFIG: Entry =
    Entry { namespace: KUBE_SYSTEM, map: "kubeadm-config", key: "ClusterConfiguration" };

impl Entry {
    /// What it is called in messages.
    fn place(self) -> String {
        format!("ConfigMap {}/{}", self.namespace, self.map)
    }

    fn of(self, map: &ConfigMap) -> &str {
        map.data.get(self.key).map(String::as_str).unwrap_or_default()
    }

    /// What it says.
    pub(super) fn read(self, api: &mut Api<'_>) -> Result<String> {
        let map: ConfigMap = api.get(Some(self.namespace), self.map)?;
        Ok(self.of(&map).to_owned())
    }

    /// What it says, and is to say.
    pub(super) fn plan(self, api: &mut Api<'_>, edit: &Edit<'_>) -> Result<Setting> {
        let map: ConfigMap = api.get(Some(self.namespace), self.map)?;
        Ok(edit(&self.place(), self.of(&map))?)
    }

    /// Writes what it is to say. All other data of the object stay.
    pub(super) fn write(self, api: &mut Api<'_>, edit: &Edit<'_>) -> Result<()> {
        let mut tries = 0;
        loop {
            let mut map: ConfigMap = api.get(Some(self.namespace), self.map)?;
            let setting = edit(&self.place(), self.of(&map))?;
            if setting.is_set() {
                return Ok(());
            }
            map.data.insert(self.key.to_owned(), setting.after);
            tries += 1;
            match api.replace(&map, None) {
                Ok(_) => {
                    log::info!("{}: {}", setting.place, setting.says);
                    return Ok(());
                }
                Err(ClusterError::Conflict { .. }) if tries < TRIES => api.pause(PAUSE)?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The text of a file of the node.
pub(super) fn text_of(store: &Store, path: &Path) -> Result<String> {
    let tree = store.read([path]);
    let content = content_of(&tree, path)?;
    let text = str::from_utf8(content.expose()).map_err(|error| SettingError::Unfit {
        place: path.display().to_string(),
        reason: format!("byte {} is no UTF-8", error.valid_up_to()),
        says: "a text in UTF-8".into(),
    })?;
    Ok(text.to_owned())
}

/// The change of a file that makes it say what it is to say, if it is still as it was.
pub(super) fn change(path: &Path, setting: &Setting) -> Change {
    Change::Write {
        path: path.to_owned(),
        content: Secret::new(setting.after.clone().into_bytes()),
        mode: 0o600,
        expected: Expected::Digest(Digest::of(setting.before.as_bytes())),
    }
}

/// Makes the change, with a backup unless none is wanted.
pub(super) fn apply(
    session: &mut Session,
    change: Change,
    backup_dir: Option<&Path>,
    operation: &str,
) -> Result<Applied> {
    let changes = [change];
    Ok(match backup_dir {
        None => session.apply(&changes)?,
        Some(directory) => session.apply_with_backup(
            &changes,
            &BackupOrder {
                directory,
                on_machine: false,
                operation,
                made_at: SystemClock.now(),
                certificates_dir: Path::new(&format!("{DEFAULT_KUBECONFIG_DIR}/pki")),
                kubeconfig_dir: Path::new(DEFAULT_KUBECONFIG_DIR),
            },
        )?,
    })
}

/// Refuses a place of the backups before anything is written.
pub(super) fn refuse_backup_place(store: &Store, backups: &Backups) -> Result<()> {
    match backups.dir() {
        Some(directory) => {
            Ok(store.refuse_backup_place(&directory, Path::new(&format!("{DEFAULT_KUBECONFIG_DIR}/pki")))?)
        }
        None => Ok(()),
    }
}

/// The error of a step that follows one which stands.
pub(super) fn after(done: Option<&str>, error: Error) -> Error {
    let Some(done) = done else { return error };
    let category = match error.category() {
        Category::Interrupted => Category::Interrupted,
        _ => Category::Partial,
    };
    let fault = Fault::from(error);
    Fault { category, message: format!("{done}; {}", fault.message), ..fault }.into()
}
