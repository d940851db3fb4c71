//! Finding trees: in folders at any depth, archives, single files.
//!
//! In: the paths that a user named. Out: [`Place`]s, one after the other. Links to folders are not followed but where they
//! are named, and what is below a tree is that tree's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::error::AuditError;
use super::shape::Shape;
use crate::catalogue;
use crate::error::{Diagnostic as _, Fault};
use crate::store::{EntryKind, Store};
use crate::workers::StopSignal;

/// No fleet is kept deeper.
const DEEPEST: usize = 24;

/// Where something is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A tree in a folder.
    Folder(PathBuf, Shape),
    /// An archive.
    Archive(PathBuf),
    /// A kubeconfig or certificates.
    File(PathBuf),
    /// Reports in JSON.
    Reports(PathBuf),
    /// What cannot be looked into.
    Problem(PathBuf, Fault),
}

impl Place {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder(path, _)
            | Self::Problem(path, _)
            | Self::Archive(path)
            | Self::File(path)
            | Self::Reports(path) => path,
        }
    }
}

/// The places below what was named.
pub(super) struct Walk {
    store: Store,
    stop: StopSignal,
    /// What is still to be looked at, the next last; with its depth below what was named.
    pending: Vec<(PathBuf, usize)>,
    /// Where the search below a named path began, and whether anything was found.
    named: Option<(PathBuf, bool)>,
}

impl Walk {
    pub(super) fn new(store: Store, named: Vec<PathBuf>, stop: StopSignal) -> Self {
        // What is named twice is looked at once.
        let mut seen = BTreeSet::new();
        let named: Vec<_> = named.into_iter().filter(|path| seen.insert(path.clone())).collect();
        Self { store, stop, pending: named.into_iter().rev().map(|path| (path, 0)).collect(), named: None }
    }

    /// What a file is, by its name and its beginning.
    fn file(path: PathBuf) -> Place {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if is_archive(&name) {
            Place::Archive(path)
        } else if has_end(&name, &[".json", ".jsonl"]) {
            Place::Reports(path)
        } else {
            Place::File(path)
        }
    }

    fn folder(&mut self, path: PathBuf, depth: usize) -> Option<Place> {
        let entries = match self.store.entries(&path) {
            Ok(entries) => entries,
            Err(error) => return Some(Place::Problem(path, error.fault())),
        };
        if let Some(shape) = Shape::of(&self.store, &path, &entries) {
            return Some(Place::Folder(path, shape));
        }
        if depth >= DEEPEST {
            let fault = AuditError::TooDeep { path: path.clone(), depth: DEEPEST }.fault();
            return Some(Place::Problem(path, fault));
        }
        let wanted = entries.into_iter().rev().filter(|(name, kind)| match kind {
            EntryKind::Directory => true,
            EntryKind::File => is_wanted(&name.to_string_lossy().to_ascii_lowercase()),
            EntryKind::Other => false,
        });
        self.pending.extend(wanted.map(|(name, _)| (path.join(name), depth + 1)));
        None
    }

    /// Nothing was found below what was named last: that is worth a word.
    fn ended(&mut self) -> Option<Place> {
        let (path, has_any) = self.named.take()?;
        (!has_any).then(|| {
            let fault = AuditError::NothingThere { path: path.clone() }.fault();
            Place::Problem(path, fault)
        })
    }
}

impl Iterator for Walk {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        while !self.stop.has_come() {
            let Some((path, depth)) = self.pending.pop() else { return self.ended() };
            if depth == 0 {
                if let Some(problem) = self.ended() {
                    self.pending.push((path, depth));
                    return Some(problem);
                }
                self.named = Some((path.clone(), false));
                if !self.store.is_directory(&path)
                    && let Err(error) = self.store.attributes(&path)
                {
                    self.named = None;
                    return Some(Place::Problem(path, error.fault()));
                }
            }
            let found = if self.store.is_directory(&path) { self.folder(path, depth) } else { Some(Self::file(path)) };
            if let Some(place) = found {
                self.named = self.named.take().map(|(path, _)| (path, true));
                return Some(place);
            }
        }
        None
    }
}

fn is_archive(name: &str) -> bool {
    has_end(name, &[".tar", ".tar.gz", ".tgz"])
}

fn has_end(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| name.ends_with(end))
}

/// What is looked at in a folder that is searched: it holds other things besides.
fn is_wanted(name: &str) -> bool {
    is_archive(name)
        || name == "kubeconfig"
        || name.ends_with(".kubeconfig")
        || catalogue::kubeconfig_names().contains(&name)
}
