//! `kubepki audit`: many trees, each checked as `check` does, and what they say about each other.
//!
//! In: folders, archives, kubeconfigs, answers that were collected before; now. Out: a [`TreeReport`] for each tree, and a
//! [`FleetReport`] of all.

mod fleet;
mod tree;

pub use fleet::{FleetFinding, FleetReport, StatusCounts};
pub use tree::{TreeKind, TreeReport};
