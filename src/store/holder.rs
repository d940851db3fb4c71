//! The process that holds a lock, as messages name it.

use std::fmt;

/// The process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id, as this process sees it.
    pub pid: u32,
    /// Its name (`/proc/PID/comm`), if it can be read.
    pub command: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            Some(command) => write!(f, "process {} ({command})", self.pid),
            None => write!(f, "process {}", self.pid),
        }
    }
}

impl Holder {
    pub(super) fn or_unknown(holder: Option<&Self>) -> String {
        holder.map_or_else(|| "another process".into(), ToString::to_string)
    }
}
