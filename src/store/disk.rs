//! Every step that changes the disk passes here, so that a test can let any one of them fail.
//!
//! In: what is about to be done. Out: its result. Outside tests this adds nothing to the system call. It never
//! decides what is done after a failure.

#[cfg(test)]
pub(super) mod faults;

use rustix::io::Errno;

/// A kind of system call that changes the disk, or makes a change durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    CreateDirectory,
    RemoveDirectory,
    CreateFile,
    CreateLink,
    Write,
    SetOwner,
    SetAttribute,
    SetMode,
    SyncFile,
    SyncDirectory,
    Link,
    Rename,
    Unlink,
}

impl Step {
    /// The step as a verb, for error texts.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::CreateDirectory => "create the directory",
            Self::RemoveDirectory => "remove the directory",
            Self::CreateFile | Self::CreateLink => "create",
            Self::Write => "write",
            Self::SetOwner => "set the owner of",
            Self::SetAttribute => "set an extended attribute of",
            Self::SetMode => "set the mode of",
            Self::SyncFile | Self::SyncDirectory => "flush to disk",
            Self::Link => "keep a copy of",
            Self::Rename => "put into place",
            Self::Unlink => "remove",
        }
    }
}

/// The way to the disk.
#[derive(Clone, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    faults: Option<std::sync::Arc<faults::Faults>>,
}

impl Disk {
    /// Does one step. `name` is the file it is for, for a test that watches.
    #[cfg_attr(not(test), allow(clippy::unused_self, unused_variables))] // the watching is compiled for tests alone
    pub(super) fn run<T>(
        &self,
        step: Step,
        name: &std::path::Path,
        call: impl FnOnce() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        #[cfg(test)]
        if let Some(faults) = &self.faults {
            return faults.run(step, name, call);
        }
        call()
    }
}
