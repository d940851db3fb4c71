//! A plan of a rotation in the making: artefacts, and the content that no plan holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::inventory::Inventory;
use crate::plan::{Artefact, Installation, Kind, Operation, Plan, PlannedFile, Step};
use crate::secret::Secret;

/// What is to be done, and the content of files that no plan holds.
#[derive(Debug)]
pub struct Turn {
    /// The plan.
    pub plan: Plan,
    /// What goes into files with keys.
    pub supplied: BTreeMap<PathBuf, Secret>,
}

impl Turn {
    /// Both at once, of the same files as they were read.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.plan.artefacts.extend(other.plan.artefacts);
        self.supplied.extend(other.supplied);
        self
    }
}

/// A plan in the making.
pub(super) struct Draft<'a> {
    inventory: &'a Inventory<'a>,
    artefacts: Vec<Artefact>,
    supplied: BTreeMap<PathBuf, Secret>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(inventory: &'a Inventory<'a>) -> Self {
        Self { inventory, artefacts: Vec::new(), supplied: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, artefact: Artefact, files: &[(&PathBuf, u32)]) {
        let files = files.iter().map(|(path, mode)| file(path, *mode)).collect();
        self.artefacts.push(Artefact { files, ..artefact });
    }

    /// Files whose content the plan does not hold; those that hold it already stay.
    pub(super) fn supply<'f>(
        &mut self,
        name: &str,
        kind: Kind,
        reason: &str,
        contents: impl IntoIterator<Item = (&'f PathBuf, u32, Secret)>,
    ) {
        let mut files = Vec::new();
        for (path, mode, content) in contents {
            if self.inventory.tree.content(path) != Some(content.expose()) {
                files.push(file(path, mode));
                self.supplied.insert(path.clone(), content);
            }
        }
        if !files.is_empty() {
            self.artefacts.push(Artefact::new(name, kind, Step::Install(Installation::Supplied), reason, files));
        }
    }

    /// Files that go, as far as they are there.
    pub(super) fn remove(&mut self, name: &str, kind: Kind, reason: &str, paths: &[PathBuf]) {
        let there = paths.iter().filter(|path| self.inventory.tree.is_there(path));
        let files: Vec<_> = there.map(|path| file(path, 0o600)).collect();
        if !files.is_empty() {
            self.artefacts.push(Artefact::new(name, kind, Step::Remove, reason, files));
        }
    }

    pub(super) fn add(&mut self, more: Self) {
        self.artefacts.extend(more.artefacts);
        self.supplied.extend(more.supplied);
    }

    pub(super) fn turn(self, now: DateTime<Utc>) -> Turn {
        let Self { inventory, artefacts, supplied } = self;
        let plan = Plan::new(Operation::Rotate, inventory.layout, inventory.tree, now, artefacts, Vec::new());
        Turn { plan, supplied }
    }
}

fn file(path: &Path, mode: u32) -> PlannedFile {
    PlannedFile { path: path.to_owned(), mode }
}
