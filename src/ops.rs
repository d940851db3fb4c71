//! One file a verb: reads, judges, plans, applies, reports.
//!
//! In: a request as a command line or a script makes it. Out: plans, reports, errors. Nothing here decides what
//! a certificate says (`audit`, `policy` and `plan` do) or how a file is written (`store` does).

pub mod access;
mod advice;
mod again;
pub mod apply;
pub mod audit;
pub mod backup;
pub mod bundle;
pub mod certificates;
pub mod check;
pub mod check_expiration;
pub mod cleanup;
pub mod cluster;
pub mod embed;
pub mod enable_serving;
pub mod etcd_snapshot;
mod exposure;
pub mod generate_csr;
mod given;
pub mod import;
pub mod init;
mod interrupted;
mod keys;
mod kubelet;
mod named;
mod node;
pub mod output;
mod planned;
pub mod probe;
pub mod recover;
pub mod renew;
pub mod renew_ca;
pub mod require_serving;
pub mod restart;
pub mod rotate;
pub mod serving;
mod settings;
pub mod show;
pub mod sign;
pub mod signer;
pub mod signing;
pub mod systemd;
pub mod user;
pub mod version;

pub use keys::{Continue, Progress};
pub use node::{STDIN, configuration};
pub use planned::Planned;

use crate::audit::{Finding, FindingCode};
use crate::error::faults;
pub use crate::request::NodeRequest;
use crate::store::StoreError;

faults! {
    /// Why an operation was not done.
    pub enum OperationError {
        /// Critical findings stand against the plan, and nothing was changed; each finding has its remedy.
        #[error("nothing was changed: {}", summary(.findings))]
        #[fault("plan.blocked", Finding, way_on(findings))]
        Blocked {
            /// All findings of the plan.
            findings: Vec<Finding>,
        },
        /// A file is no longer as it was when the plan was made; make the plan again.
        #[error("nothing was changed: {path} has changed since the plan was made")]
        #[fault("plan.stale", Refused, "make the plan again for the files as they are now")]
        Stale {
            /// The file.
            path: String,
        },
        /// There is no file that ends in `.csr` below the folder; name others as `NAME=FILE`.
        #[error("there is no signing request below {folder}")]
        #[fault("sign.no_requests", Usage, "requests are files that end in .csr; name others as NAME=FILE")]
        NoRequests {
            /// The folder.
            folder: String,
        },
        /// Two certificates would be written into one file; sign them one after the other.
        #[error("two certificates would be written to {path}")]
        #[fault("sign.same_place", Usage, "sign them one after the other, into different folders")]
        SamePlace {
            /// The file.
            path: String,
        },
        /// The file holds no serial number in hexadecimal digits below 2^159; restore it, or sign with random numbers.
        #[error("{path} holds no serial number as openssl writes it")]
        #[fault("sign.bad_serial_file", Finding,
            "it is one number in hexadecimal digits, below 2^159; restore it, or sign with random numbers")]
        BadSerialFile {
            /// The file.
            path: String,
        },
        /// The work was stopped while keys were made; nothing was changed.
        #[error("interrupted: nothing was changed")]
        #[fault("plan.interrupted", Interrupted, "run it again")]
        Interrupted,
        /// It is not what its request plans: it was edited (the message names the place), a file that was named outside
        /// the node has changed, another version made it, or it is of another operation.
        #[error("this is not a plan that can be applied: {reason}")]
        #[fault("plan.bad", Usage, "make the plan with this version of kubepki and hand it on unchanged")]
        BadPlan {
            /// What is wrong with it.
            reason: String,
        },
    }
}

/// The findings, if none of them stands against going on.
fn unless_critical(findings: Vec<Finding>) -> Result<Vec<Finding>, OperationError> {
    if findings.iter().any(Finding::is_critical) { Err(OperationError::Blocked { findings }) } else { Ok(findings) }
}

fn bad(reason: impl Into<String>) -> OperationError {
    OperationError::BadPlan { reason: reason.into() }
}

/// What to do about the findings that block a plan.
fn way_on(findings: &[Finding]) -> &'static str {
    let mut critical = findings.iter().filter(|one| one.is_critical());
    let is_missing = |one: &Finding| one.code == FindingCode::FileMissing || one.code == FindingCode::AuthorityMissing;
    if critical.clone().any(|one| one.code == StoreError::NO_PERMISSION) {
        "run it as root, with sudo"
    } else if critical.any(is_missing) {
        "resolve the critical findings and run the command again; where the node's files are elsewhere, say where with \
         --certificates-dir or --rootfs"
    } else {
        "resolve the critical findings and run the command again; --dry-run shows the plan"
    }
}

/// `3 critical findings: apiserver: …; …`: a message is one line.
fn summary(findings: &[Finding]) -> String {
    let critical: Vec<_> = findings.iter().filter(|finding| finding.is_critical()).collect();
    let place = |one: &Finding| one.path.as_ref().map(|path| path.display().to_string());
    let shown: Vec<_> = critical
        .iter()
        .map(|one| {
            match place(one).filter(|place| one.code == FindingCode::FileMissing && !one.evidence.contains(place)) {
                Some(place) => format!("{}: {}: {place}", one.subject, one.evidence),
                None => format!("{}: {}", one.subject, one.evidence),
            }
        })
        .collect();
    match shown.as_slice() {
        [one] => one.clone(),
        all => format!("{} critical findings: {}", all.len(), all.join("; ")),
    }
}
