//! The place where a manifest is while its component is stopped.
//!
//! In: a session, manifests. Out: [`Holding`], which puts them back, at the latest when it is dropped; and what an
//! earlier run has left there. Each move is one transaction of the store, with a note (`NAME.json`) of where the
//! manifest belongs: whenever the process dies, the manifest is at one place and whole, and the next run knows.
//! The place is outside the manifests directory, as the kubelet would read a copy there as another pod. The
//! store's own temporary names begin with a dot, and the kubelet passes over those.
//!
//! Source: kubelet `pkg/kubelet/config/file.go`, `file_linux.go` (names that begin with a dot).

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::RestartError;
use crate::catalogue::DEFAULT_KUBECONFIG_DIR;
use crate::component::STATIC_PODS;
use crate::error::{Fault, Result};
use crate::plan::restart::HeldManifest;
use crate::secret::Secret;
use crate::store::{Change, Expected, Session, Store, StoreError};
use crate::tree::Observed;

/// Where manifests are held.
pub(in super::super) const HOLDING_DIR: &str = "/var/lib/kubepki/restart";

/// What is noted beside a held manifest.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    component: String,
    manifest: PathBuf,
    held_at: DateTime<Utc>,
}

/// Manifests that are out of their places, with the right to move them.
pub(super) struct Holding<'s> {
    session: &'s mut Session,
    store: &'s Store,
    out: Vec<HeldManifest>,
}

impl<'s> Holding<'s> {
    pub(super) const fn new(session: &'s mut Session, store: &'s Store) -> Self {
        Self { session, store, out: Vec::new() }
    }

    /// Moves the manifest of `component` out.
    pub(super) fn take(&mut self, component: &str, manifest: &Path, now: DateTime<Utc>) -> Result<()> {
        let content = content(self.store, manifest)?;
        let (held, note) = places(component);
        let written = Note { component: component.to_owned(), manifest: manifest.to_owned(), held_at: now };
        let written = serde_json::to_vec_pretty(&written).unwrap_or_default();
        self.session.apply(&[
            Change::Restore {
                path: held.clone(),
                content,
                attributes: self.store.attributes(manifest)?,
                expected: Expected::Absent,
            },
            Change::Write { path: note, content: written.into(), mode: 0o600, expected: Expected::Any },
            Change::Remove { path: manifest.to_owned(), expected: Expected::Any },
        ])?;
        let component = component.to_owned();
        self.out.push(HeldManifest { component, manifest: manifest.to_owned(), held, held_at: Some(now) });
        Ok(())
    }

    /// Moves it back.
    pub(super) fn put_back(&mut self, component: &str) -> Result<()> {
        match self.out.iter().position(|held| held.component == component) {
            Some(place) => put_back(self.session, self.store, &self.out.remove(place)),
            None => Ok(()),
        }
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        // The last one that went out is the first that comes back: etcd before the API server.
        while let Some(held) = self.out.pop() {
            if let Err(error) = put_back(self.session, self.store, &held) {
                log::error!("{error}");
            }
        }
    }
}

/// What earlier runs have left.
pub(in super::super) fn held(store: &Store) -> Vec<HeldManifest> {
    let read = |component: &str| {
        let (held, note) = places(component);
        let tree = store.read([held.clone(), note.clone()]);
        // What may not be looked at is not known to be there.
        if !tree.is_there(&held) || tree.get(&held).failing_with(StoreError::NO_PERMISSION).is_some() {
            return None;
        }
        let written: Option<Note> = tree.content(&note).and_then(|bytes| serde_json::from_slice(bytes).ok());
        // The note is written with the manifest; whoever has removed it has left kubeadm's place as the best guess.
        let manifest = match &written {
            Some(note) if note.manifest.file_stem().is_some_and(|stem| stem == component) => note.manifest.clone(),
            _ => Path::new(DEFAULT_KUBECONFIG_DIR).join(format!("manifests/{component}.yaml")),
        };
        let held_at = written.map(|note| note.held_at);
        Some(HeldManifest { component: component.to_owned(), manifest, held, held_at })
    };
    STATIC_PODS.into_iter().filter_map(read).collect()
}

/// Why it cannot be seen whether earlier runs have left something.
pub(in super::super) fn unseen(store: &Store) -> Option<Fault> {
    let paths: Vec<_> = STATIC_PODS.into_iter().map(|component| places(component).0).collect();
    let tree = store.read(paths);
    tree.iter().find_map(|(_, observed)| observed.failing_with(StoreError::NO_PERMISSION)).cloned()
}

/// Moves one manifest to where it belongs. If the same one is there already, the held one is just removed.
///
/// # Errors
/// [`RestartError::HeldConflict`] when another one is there; [`RestartError::NotPutBack`] when it cannot be written.
pub(super) fn put_back(session: &mut Session, store: &Store, manifest: &HeldManifest) -> Result<()> {
    let HeldManifest { component, manifest, held, .. } = manifest;
    let failed = |error: crate::error::Error| RestartError::NotPutBack {
        component: component.clone(),
        manifest: manifest.clone(),
        held: held.clone(),
        reason: error.to_string(),
    };
    let content = content(store, held).map_err(failed)?;
    let mut changes = Vec::new();
    match store.read([manifest]).get(manifest) {
        Observed::Missing => {
            let attributes = store.attributes(held).map_err(|error| failed(error.into()))?;
            changes.push(Change::Restore { path: manifest.clone(), content, attributes, expected: Expected::Absent });
        }
        Observed::File { content: there, .. } if *there == content => {}
        _ => {
            let (component, manifest, held) = (component.clone(), manifest.clone(), held.clone());
            return Err(RestartError::HeldConflict { component, manifest, held }.into());
        }
    }
    let (_, note) = places(component);
    changes.push(Change::Remove { path: note, expected: Expected::Any });
    changes.push(Change::Remove { path: held.clone(), expected: Expected::Any });
    session.apply(&changes).map_err(|error| failed(error.into()))?;
    log::info!("{component}: its manifest is back in {}", manifest.display());
    Ok(())
}

/// The places of a held manifest and of its note.
fn places(component: &str) -> (PathBuf, PathBuf) {
    let place = |ending: &str| Path::new(HOLDING_DIR).join(format!("{component}.{ending}"));
    (place("yaml"), place("json"))
}

fn content(store: &Store, path: &Path) -> Result<Secret> {
    super::super::node::content_of(&store.read([path]), path).cloned()
}
