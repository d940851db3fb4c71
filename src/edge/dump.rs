//! No image of this process's memory, with keys in it, on a disk: not by a crash, not by another process of the user.
//!
//! In: nothing. Out: [`refuse`] for a process of ours; [`NotDumped`] for one that only calls us, which is as it was when
//! the last guard is dropped. `RLIMIT_CORE` alone would not do: the kernel passes over it when a program takes the dumps
//! (`systemd-coredump`).
//!
//! Source: `core(5)`, `prctl(2)` (`PR_SET_DUMPABLE`), `setrlimit(2)`.

use std::sync::{Mutex, PoisonError};

use rustix::process::{DumpableBehavior, Resource, Rlimit};

/// Refuses dumps for the rest of this process's life, and core files of its children.
pub fn refuse() {
    // Neither can fail for a process that lowers its own limit; a kernel that refuses leaves things as they were.
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// How many guards there are, and whether the first of them changed anything.
static GUARDS: Mutex<(usize, bool)> = Mutex::new((0, false));

/// While there is one, this process is not dumped.
#[derive(Debug)]
pub struct NotDumped(());

impl NotDumped {
    /// Holds off dumps.
    #[must_use]
    pub fn hold() -> Self {
        let mut guards = GUARDS.lock().unwrap_or_else(PoisonError::into_inner);
        if guards.0 == 0 {
            let is_dumpable = matches!(rustix::process::dumpable_behavior(), Ok(DumpableBehavior::Dumpable));
            guards.1 = is_dumpable && rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
        }
        guards.0 += 1;
        Self(())
    }
}

impl Drop for NotDumped {
    fn drop(&mut self) {
        let mut guards = GUARDS.lock().unwrap_or_else(PoisonError::into_inner);
        guards.0 = guards.0.saturating_sub(1);
        if guards.0 == 0 && std::mem::take(&mut guards.1) {
            let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_that_overlap_keep_dumps_off_until_the_last_is_gone() {
        let is_dumpable = || rustix::process::dumpable_behavior().unwrap() == DumpableBehavior::Dumpable;
        let before = is_dumpable();
        let first = NotDumped::hold();
        let second = NotDumped::hold();
        assert!(!is_dumpable());
        drop(first);
        assert!(!is_dumpable());
        drop(second);
        assert_eq!(is_dumpable(), before);
    }
}
