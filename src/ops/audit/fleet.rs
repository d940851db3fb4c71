//! What was seen of all trees together.
//!
//! In: the reports of trees. Out: [`FleetReport`], plain data without key material.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::TreeReport;
use crate::audit::Finding;
use crate::audit::node::Status;

/// What is wrong with several trees together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetFinding {
    /// What it is.
    #[serde(flatten)]
    pub finding: Finding,
    /// Where the trees were read that it is about ([`TreeReport::place`]).
    pub trees: Vec<String>,
}

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
}

/// All trees, and what is wrong with them together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetReport {
    /// The moment for which it holds.
    pub audited_at: DateTime<Utc>,
    /// Every tree.
    pub trees: Vec<TreeReport>,
    /// What is wrong between trees, the worst first.
    pub findings: Vec<FleetFinding>,
    /// How many trees are in which state.
    pub counts: StatusCounts,
    /// How many certificates were seen.
    pub certificates: usize,
    /// How many clusters the trees are of, as far as their CAs are known.
    pub clusters: usize,
    /// The worst of all: critical, then unknown, then warning.
    pub status: Status,
}

impl FleetReport {
    /// Puts the reports of trees together.
    #[must_use]
    pub fn of(trees: Vec<TreeReport>, now: DateTime<Utc>) -> Self {
        let mut counts = StatusCounts::default();
        for tree in &trees {
            counts.add(tree.status);
        }
        let certificates = trees.iter().filter_map(|tree| tree.report.as_ref()).map(|report| report.certificates.len());
        let clusters: BTreeSet<_> = trees.iter().filter_map(|tree| tree.cluster.as_deref()).collect();
        let status = trees.iter().map(|tree| tree.status).max_by_key(|status| status.rank()).unwrap_or(Status::Ok);
        Self {
            audited_at: now,
            certificates: certificates.sum(),
            clusters: clusters.len(),
            findings: Vec::new(),
            counts,
            status,
            trees,
        }
    }
}
