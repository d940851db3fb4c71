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
use crate::error::{Category, Diagnostic, nearest};

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// Critical findings stand against the plan.
    #[error("nothing was changed: {}", summary(.findings))]
    Blocked {
        /// All findings of the plan.
        findings: Vec<Finding>,
    },
    /// A file is not as it was when the plan was made.
    #[error("nothing was changed: {path} has changed since the plan was made")]
    Stale {
        /// The file.
        path: String,
    },
    /// No certificate, CA, key or kubeconfig of that name.
    #[error("unknown name {name:?}")]
    UnknownName {
        /// What was given.
        name: String,
        /// The nearest name that is known.
        nearest: Option<String>,
        /// All names that are known.
        known: Vec<String>,
    },
    /// A CA, or the service accounts' key pair.
    #[error("{name:?} cannot be renewed")]
    NotRenewable {
        /// What was given.
        name: String,
    },
    /// Options that contradict each other, or a value that is none.
    #[error("{reason}")]
    BadRequest {
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A folder without requests.
    #[error("there is no signing request below {folder}")]
    NoRequests {
        /// The folder.
        folder: String,
    },
    /// Two certificates would be written into one file.
    #[error("two certificates would be written to {path}")]
    SamePlace {
        /// The file.
        path: String,
    },
    /// One file of serial numbers for several CAs.
    #[error("{path} cannot hold the serial numbers of several CAs: {}", .issuers.join(", "))]
    SharedSerialFile {
        /// The file.
        path: String,
        /// The CAs.
        issuers: Vec<String>,
    },
    /// A file of serial numbers that holds none.
    #[error("{path} holds no serial number as openssl writes it")]
    BadSerialFile {
        /// The file.
        path: String,
    },
    /// The caller asked to stop; nothing was changed.
    #[error("interrupted: nothing was changed")]
    Interrupted,
    /// A plan of another operation, or from a file that was edited.
    #[error("this is not a plan that can be applied: {reason}")]
    BadPlan {
        /// What is wrong with it.
        reason: String,
    },
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

impl Diagnostic for OperationError {
    fn code(&self) -> &'static str {
        match self {
            Self::Blocked { .. } => "plan.blocked",
            Self::Stale { .. } => "plan.stale",
            Self::UnknownName { .. } => "plan.unknown_name",
            Self::NotRenewable { .. } => "plan.not_renewable",
            Self::BadRequest { .. } => "plan.bad_request",
            Self::NoRequests { .. } => "sign.no_requests",
            Self::SamePlace { .. } => "sign.same_place",
            Self::SharedSerialFile { .. } => "sign.shared_serial_file",
            Self::BadSerialFile { .. } => "sign.bad_serial_file",
            Self::Interrupted => "plan.interrupted",
            Self::BadPlan { .. } => "plan.bad",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Blocked { .. } => "resolve the critical findings and run the command again; --dry-run shows the plan".into(),
            Self::Stale { .. } => "make the plan again for the files as they are now".into(),
            Self::UnknownName { nearest: Some(name), .. } => format!("did you mean {name}?"),
            Self::UnknownName { known, .. } => format!("known names: {}", known.join(", ")),
            Self::NotRenewable { name } if name == crate::catalogue::SERVICE_ACCOUNT => {
                "it is a key pair that does not expire; with a new one, every token that it signed would be invalid".into()
            }
            Self::NotRenewable { .. } => {
                "a CA is replaced in steps, as its clients must trust the old and the new one; `all` means its certificates"
                    .into()
            }
            Self::BadRequest { hint, .. } => hint.clone(),
            Self::NoRequests { .. } => "requests are files that end in .csr; name others as NAME=FILE".into(),
            Self::SamePlace { .. } => "sign them one after the other, into different folders".into(),
            Self::SharedSerialFile { .. } => "use a file beside each CA (--srl), or random numbers".into(),
            Self::BadSerialFile { .. } => {
                "it is one number in hexadecimal digits, below 2^159; restore it, or sign with random numbers".into()
            }
            Self::Interrupted => "run it again".into(),
            Self::BadPlan { .. } => "make the plan with this version of kubepki and hand it on unchanged".into(),
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::Blocked { .. } | Self::BadSerialFile { .. } => Category::Finding,
            Self::Stale { .. } => Category::Refused,
            Self::UnknownName { .. }
            | Self::NotRenewable { .. }
            | Self::BadRequest { .. }
            | Self::BadPlan { .. }
            | Self::NoRequests { .. }
            | Self::SamePlace { .. }
            | Self::SharedSerialFile { .. } => Category::Usage,
            Self::Interrupted => Category::Interrupted,
        }
    }

    fn context(&self) -> serde_json::Value {
        match self {
            Self::Blocked { findings } => serde_json::json!({ "findings": findings }),
            Self::Stale { path } | Self::SamePlace { path } | Self::BadSerialFile { path } => {
                serde_json::json!({ "path": path })
            }
            Self::UnknownName { name, known, .. } => serde_json::json!({ "name": name, "known": known }),
            Self::NotRenewable { name } => serde_json::json!({ "name": name }),
            Self::NoRequests { folder } => serde_json::json!({ "folder": folder }),
            Self::SharedSerialFile { path, issuers } => serde_json::json!({ "path": path, "issuers": issuers }),
            Self::Interrupted => serde_json::json!({}),
            Self::BadRequest { reason, .. } | Self::BadPlan { reason } => serde_json::json!({ "reason": reason }),
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
