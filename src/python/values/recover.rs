//! Changes that were interrupted, and what was made of them.

use super::values;
use crate::ops::recover::RecoverReport;
use crate::report;
use crate::store;
use crate::text::{counted, printable};

values! {
    /// A change that waits to be ended; `directory` is where its record is, and `command` what ends it.
    InterruptedChange(it: store::Interrupted);
    shown = format!("{}: {}", it.directory.display(), counted(it.paths.len(), "file"));
    text = printable(&report::recover::waits(it)).into_owned();
    attributes {
        /// Its identity: part of the names of its temporary files.
        transaction = &it.transaction;
        /// The folder of its record.
        directory = &it.directory;
        /// Its files, as far as they can be told.
        paths = &it.paths;
        /// Whether files may be of both generations.
        is_committed = it.is_committed;
        /// The command that ends it.
        command = it.command.trim_matches('`');
    }
}

values! {
    /// An interrupted change that was ended; `paths` are on this machine, and empty when it had not begun.
    Recovery(it: store::Recovery);
    shown = report::recover::was_ended(it);
    text = report::recover::was_ended(it);
    attributes {
        /// Its identity: part of the names of its temporary files.
        transaction = &it.transaction;
        /// What was made of it.
        outcome = it.outcome;
        /// Its files.
        paths = &it.paths;
    }
}

values! {
    /// The changes that wait, after a dry run, or that were ended.
    RecoveryReport(it: RecoverReport);
    shown = format!("{} waiting, {} ended", it.waiting.len(), it.recovered.len());
    attributes {
        /// The changes that wait, of a dry run.
        waiting = &it.waiting;
        /// The changes that were ended.
        recovered = &it.recovered;
    }
}
