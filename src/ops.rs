//! One file a verb: reads, judges, plans, applies, reports.
//!
//! In: a request as a command line or a script makes it. Out: plans, reports, errors. Nothing here decides what
//! a certificate says (floors 3 and 4 do) or how a file is written (floor 5 does).

mod advice;
mod again;
pub mod apply;
pub mod backup;
pub mod bundle;
pub mod certificates;

pub mod check;
pub mod check_expiration;
pub mod cleanup;
pub mod embed;
mod exposure;
pub mod generate_csr;
mod given;
pub mod import;
pub mod init;
mod interrupted;
mod keys;
mod kubelet;
mod node;
pub mod output;
pub mod recover;
pub mod renew;
pub mod restart;
pub mod sign;
mod span;
pub mod systemd;
pub mod user;

pub use keys::{Continue, Progress};
pub use node::{NodeRequest, configuration};

use crate::audit::Finding;
use crate::error::{evidence, faults, nearest};

faults! {
    /// Why an operation was not done.
    pub enum OperationError {
        /// Critical findings stand against the plan, and nothing was changed; each finding has its remedy.
        #[error("nothing was changed: {}", summary(.findings))]
        #[fault("plan.blocked", Finding,
            "resolve the critical findings and run the command again; --dry-run shows the plan")]
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
        /// There is no certificate, CA, key or kubeconfig of that name; the hint has the nearest, or all.
        #[error("unknown name {name:?}")]
        #[fault("plan.unknown_name", Usage,
            match nearest {
                Some(name) => format!("did you mean {name}?"),
                None => format!("known names: {}", known.join(", ")),
            })]
        UnknownName {
            /// What was given.
            name: String,
            /// The nearest name that is known.
            nearest: Option<String>,
            /// All names that are known.
            known: Vec<String>,
        },
        /// A CA or `sa` was named to `certs renew`; CAs are replaced in steps, `sa` has no end.
        #[error("{name:?} cannot be renewed")]
        #[fault("plan.not_renewable", Usage,
            if name == crate::catalogue::SERVICE_ACCOUNT {
                "it is a key pair that does not expire; with a new one, every token that it signed would be invalid"
            } else {
                "a CA is replaced in steps, as its clients must trust the old and the new one; `all` means its certificates"
            })]
        NotRenewable {
            /// What was given.
            name: String,
        },
        /// Options contradict each other, or a value is not usable: the hint says what to give instead.
        #[error("{reason}")]
        #[fault("plan.bad_request", Usage, hint.clone(), context = evidence!(reason))]
        BadRequest {
            /// What is wrong.
            reason: String,
            /// What to do.
            hint: String,
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
        /// One file of serial numbers is named for several CAs; use `--srl`, or random numbers.
        #[error("{path} cannot hold the serial numbers of several CAs: {}", .issuers.join(", "))]
        #[fault("sign.shared_serial_file", Usage, "use a file beside each CA (--srl), or random numbers")]
        SharedSerialFile {
            /// The file.
            path: String,
            /// The CAs.
            issuers: Vec<String>,
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

impl OperationError {
    /// The error for a name that is none of `known`; a near one is suggested.
    pub(crate) fn unknown_name(name: &str, known: &[&str]) -> Self {
        Self::UnknownName {
            name: name.to_owned(),
            nearest: nearest(name, known.iter().copied()).map(str::to_owned),
            known: known.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

/// `3 critical findings: apiserver: …; …` with the first few.
fn summary(findings: &[Finding]) -> String {
    let critical: Vec<_> = findings.iter().filter(|finding| finding.is_critical()).collect();
    let shown: Vec<_> = critical.iter().map(|one| format!("{}: {}", one.subject, one.evidence)).collect();
    match shown.as_slice() {
        [one] => one.clone(),
        all => format!("{} critical findings\n  {}", all.len(), all.join("\n  ")),
    }
}
