//! How far a restart is.

use std::fmt;

use serde::Serialize;

use crate::error::Evidence;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It is looked at.
    Inspected,
    /// It has been asked to end, and it is waited until it has.
    Stopped,
    /// Its manifest is out, and it is waited until it has ended.
    Held,
    /// It is to come back, and it is waited until it is well.
    Started,
    /// It is well, and serves what is on disk.
    Done,
}

impl Evidence for Phase {
    fn evidence(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inspected => "inspected",
            Self::Stopped => "stopped",
            Self::Held => "held",
            Self::Started => "started",
            Self::Done => "done",
        })
    }
}

/// How far a restart is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// The component.
    pub component: String,
    /// What is being done with it.
    pub phase: Phase,
    /// For how long, in seconds.
    pub seconds: f64,
    /// What is still waited for; empty at the start of a phase.
    pub detail: String,
}
