//! What was seen of all trees together.
//!
//! In: the reports of trees, as they come. Out: [`FleetSummary`], whose size does not grow with the certificates, and
//! [`FleetReport`], which has the trees too. Plain data without key material.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::TreeReport;
use crate::audit::Severity;
use crate::audit::fleet::Fleet;
pub use crate::audit::fleet::FleetFinding;
use crate::audit::node::Status;
use crate::workers::StopSignal;

/// How many trees are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCounts {
    /// Nothing to do.
    pub ok: usize,
    /// To be looked at.
    pub warning: usize,
    /// Broken, or soon so.
    pub critical: usize,
    /// They could not be seen.
    pub unknown: usize,
}

impl StatusCounts {
    /// Counts one more.
    pub const fn add(&mut self, status: Status) {
        match status {
            Status::Ok => self.ok += 1,
            Status::Warning => self.warning += 1,
            Status::Critical => self.critical += 1,
            Status::Unknown => self.unknown += 1,
        }
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.ok + self.warning + self.critical + self.unknown
    }

    /// The worst that there is.
    #[must_use]
    pub const fn worst(&self) -> Status {
        match self {
            Self { critical: 1.., .. } => Status::Critical,
            Self { unknown: 1.., .. } => Status::Unknown,
            Self { warning: 1.., .. } => Status::Warning,
            Self { .. } => Status::Ok,
        }
    }
}

/// All trees but for what is in each of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetSummary {
    /// What is wrong between trees, the worst first.
    pub findings: Vec<FleetFinding>,
    /// How many trees are in which state.
    pub counts: StatusCounts,
    /// How many certificates were seen.
    pub certificates: usize,
    /// How many clusters the trees are of, as far as their CAs are known.
    pub clusters: usize,
    /// The worst of all, of what is wrong between trees too: critical, then unknown, then warning.
    pub status: Status,
}

/// All trees, and what is wrong with them together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetReport {
    /// The moment for which it holds.
    pub audited_at: DateTime<Utc>,
    /// Every tree.
    pub trees: Vec<TreeReport>,
    /// What is known of all of them.
    #[serde(flatten)]
    pub summary: FleetSummary,
}

/// What is kept of the trees that came by.
#[derive(Debug, Default)]
pub struct Gathered {
    fleet: Fleet,
    counts: StatusCounts,
    certificates: usize,
    clusters: BTreeSet<String>,
}

impl Gathered {
    /// Takes one more.
    pub fn add(&mut self, tree: &TreeReport) {
        self.counts.add(tree.status);
        self.certificates += tree.report.as_ref().map_or(0, |report| report.certificates.len());
        self.clusters.extend(tree.cluster.clone());
        self.fleet.add(&tree.facts(&tree.place(), tree.options().as_deref()));
    }

    /// How many trees are in which state so far.
    #[must_use]
    pub const fn counts(&self) -> StatusCounts {
        self.counts
    }

    /// What is known of all of them; less, once `stop` has come ([`Fleet::findings`]).
    #[must_use]
    pub fn summary(&self, stop: &StopSignal) -> FleetSummary {
        let findings = self.fleet.findings(stop);
        let worst = findings.iter().map(|one| match one.finding.severity {
            Severity::Critical => Status::Critical,
            Severity::Warning => Status::Warning,
            Severity::Info => Status::Ok,
        });
        let status = worst.chain([self.counts.worst()]).max_by_key(|status| status.rank());
        FleetSummary {
            status: status.unwrap_or(Status::Ok),
            findings,
            counts: self.counts,
            certificates: self.certificates,
            clusters: self.clusters.len(),
        }
    }
}

impl FleetReport {
    /// Puts the reports of trees together, until `stop` comes.
    #[must_use]
    pub fn of(trees: Vec<TreeReport>, now: DateTime<Utc>, stop: &StopSignal) -> Self {
        let mut gathered = Gathered::default();
        for tree in &trees {
            gathered.add(tree);
        }
        Self { audited_at: now, summary: gathered.summary(stop), trees }
    }
}
