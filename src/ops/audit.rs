//! `kubepki audit`: many trees, each checked as `check` does, and what they say about each other.
//!
//! In: folders, archives, kubeconfigs, reports that were made elsewhere; now. Out: a [`TreeReport`] for each tree as it comes,
//! and a [`FleetSummary`] of all. Trees are looked at on all cores, some at a time, in the order in which they are found:
//! of those that were handed over nothing stays but what is compared between trees.

mod bundle;
mod collected;
mod error;
mod examine;
mod fleet;
mod shape;
mod tree;
mod walk;

use std::collections::VecDeque;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use self::bundle::{Bundle, Packed};
pub use self::error::AuditError;
use self::examine::Examiner;
pub use self::fleet::{FleetFinding, FleetReport, FleetSummary, Gathered, StatusCounts};
pub use self::tree::{TreeKind, TreeReport};
use self::walk::{Place, Walk};
use super::check::read_blocklist;
use crate::error::{Diagnostic as _, Fault, Result};
use crate::key::Blocklist;
use crate::request::AuditRequest;
use crate::store::{Store, StoreError};
use crate::workers::{self, StopSignal};

/// As many trees are looked at before their reports are handed over.
const AT_ONCE: usize = 64;

/// A file of reports is no longer: those of some ten thousand hosts.
const LONGEST_REPORTS: u64 = 512 << 20;

/// An audit under way: an iterator over what was found, in the order in which it was found.
pub struct Audit {
    request: AuditRequest,
    now: DateTime<Utc>,
    threads: Option<usize>,
    blocklist: Option<Blocklist>,
    store: Store,
    walk: Walk,
    stop: StopSignal,
    is_stopped: bool,
    /// The archive that is being read.
    bundle: Option<(PathBuf, Bundle)>,
    ready: VecDeque<TreeReport>,
}

/// One tree to be looked at.
enum Work {
    Place(Place),
    Packed(PathBuf, std::sync::Mutex<Option<Packed>>),
    Failed(PathBuf, Fault),
}

impl Audit {
    /// Begins; nothing is read yet. Once `stop` has come, no more trees do, even within an archive: whoever asked for it knows why.
    ///
    /// # Errors
    /// Nothing is named; a time or a number is none; the list of published keys cannot be read.
    pub fn new(request: &AuditRequest, now: DateTime<Utc>, stop: StopSignal) -> Result<Self> {
        request.thresholds()?;
        let store = Store::new(None)?;
        Ok(Self {
            threads: request.threads()?,
            blocklist: read_blocklist(request.key_blocklist.as_ref())?,
            walk: Walk::new(store.clone().at_one_moment(), request.places()?, stop.clone()),
            stop,
            is_stopped: false,
            request: request.clone(),
            now,
            store,
            bundle: None,
            ready: VecDeque::new(),
        })
    }

    /// The next trees, looked at on all cores; none at the end.
    fn next_work(&mut self) -> Option<Work> {
        while !self.stop.has_come() {
            if let Some((path, bundle)) = &mut self.bundle {
                match bundle.next_tree() {
                    Some(Ok(tree)) => return Some(Work::Packed(path.clone(), Some(tree).into())),
                    Some(Err(fault)) => return Some(Work::Failed(path.clone(), fault)),
                    None => self.bundle = None,
                }
            }
            match self.walk.next()? {
                Place::Archive(path) => match Bundle::open(&self.store, &path, &self.stop) {
                    Ok(bundle) => self.bundle = Some((path, bundle)),
                    Err(error) => return Some(Work::Failed(path, error.fault())),
                },
                place => return Some(Work::Place(place)),
            }
        }
        None
    }

    fn look(&self, work: &Work) -> Vec<TreeReport> {
        if self.stop.has_come() {
            return Vec::new();
        }
        let examiner = Examiner { request: &self.request, blocklist: self.blocklist.as_ref(), now: self.now };
        match work {
            Work::Packed(path, tree) => {
                let tree = tree.lock().ok().and_then(|mut tree| tree.take());
                tree.map(|tree| examiner.packed(path, tree)).into_iter().collect()
            }
            Work::Failed(path, fault) => {
                vec![TreeReport::unread(path, None, TreeKind::Archive, fault.clone())]
            }
            Work::Place(Place::Folder(path, shape)) => vec![examiner.folder(path, *shape)],
            Work::Place(Place::Reports(path)) => self.reports(path),
            Work::Place(Place::Problem(path, fault)) => {
                vec![TreeReport::unread(path, None, TreeKind::Folder, fault.clone())]
            }
            Work::Place(Place::File(path) | Place::Archive(path)) => vec![examiner.file(path)],
        }
    }

    fn reports(&self, path: &std::path::Path) -> Vec<TreeReport> {
        let store = self.store.clone().with_file_limit(LONGEST_REPORTS);
        let tree = store.read([path]);
        let read = match tree.get(path) {
            crate::tree::Observed::File { content, .. } => {
                collected::read(path, content.expose(), self.now).map_err(|error| error.fault())
            }
            crate::tree::Observed::Missing => Err(StoreError::Missing { path: path.to_owned() }.fault()),
            crate::tree::Observed::Unreadable(fault) => Err(fault.clone()),
        };
        let read = read.unwrap_or_else(|fault| vec![TreeReport::unread(path, None, TreeKind::Report, fault)]);
        let is_elsewhere = |tree: &TreeReport| matches!(tree.kind, TreeKind::Report | TreeKind::Archive);
        read.into_iter().map(|tree| if is_elsewhere(&tree) { tree.of_another_machine() } else { tree }).collect()
    }
}

impl Iterator for Audit {
    type Item = TreeReport;

    fn next(&mut self) -> Option<TreeReport> {
        if let Some(report) = self.ready.pop_front() {
            return Some(report);
        }
        if self.is_stopped {
            return None;
        }
        let work: Vec<_> = std::iter::from_fn(|| self.next_work()).take(AT_ONCE).collect();
        let reports = workers::map_on(self.threads, &work, |work| self.look(work));
        self.ready = reports.into_iter().flatten().collect();
        // Some of these were not looked at.
        self.is_stopped |= self.stop.has_come();
        if self.is_stopped {
            self.ready.clear();
            return None;
        }
        // A file of reports may hold none.
        if self.ready.is_empty() && !work.is_empty() { self.next() } else { self.ready.pop_front() }
    }
}

/// Every place that an audit would look at, in its order: each is a path that an audit of its own can be given.
///
/// # Errors
/// As [`Audit::new`].
pub fn places(request: &AuditRequest, stop: StopSignal) -> Result<Vec<PathBuf>> {
    let walk = Walk::new(Store::new(None)?, request.places()?, stop);
    Ok(walk.map(|place| place.path().to_owned()).collect())
}
