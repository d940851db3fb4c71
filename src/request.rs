//! What each verb is asked for: options, their defaults and units, and what they mean together.
//!
//! In: the fields that a command line or a script gives. Out: requests, which serde reads; from them the options of plans,
//! or a [`RequestError`] that says what to give instead. It reads no file and asks no host.

mod access;
mod audit;
mod backup;
pub mod bundle;
mod certificates;
mod check;
mod cluster;
mod etcd_snapshot;
mod moment;
mod node;
mod probe;
mod renew;
mod renew_ca;
mod restart;
mod rotate;
mod serving;
mod shared;
mod show;
mod sign;
mod signer;
mod signing;
mod span;
mod systemd;
mod words;

pub use access::AccessRequest;
pub use audit::AuditRequest;
pub use backup::{BackupPlace, PruneRequest, RecoverRequest, RestoreRequest};
pub use certificates::{CleanupRequest, EmbedRequest, GenerateCsrRequest, ImportRequest, InitRequest, UserRequest};
pub use check::{CheckFilesRequest, CheckRequest};
pub use cluster::ClusterAccess;
pub use etcd_snapshot::EtcdSnapshotRequest;
pub use moment::moment;
pub use node::NodeRequest;
pub use probe::ProbeRequest;
pub use renew::RenewRequest;
pub use renew_ca::RenewCaRequest;
pub use restart::{RestartOptions, RestartRequest};
pub use rotate::{
    Coming, ConductRequest, Evicting, Keeping, Leaving, NodeRotationRequest, Objects, RotateReserveRequest,
    RotateStepRequest, RotatedNodes, RotationRequest, StepPatience, UnusedHereRequest, UnusedRequest, Wish,
};
pub use serving::{EnableServingRequest, RequireServingRequest, ServingRequest};
pub use shared::{
    Authorities, BackupDir, Backups, Critical, DryRun, FileProfile, KeyBlocklist, KubeletDir, NoBackup, OutliveCa,
    Recover, Rootfs, Warning,
};
pub use show::ShowRequest;
pub use sign::{NamedFile, NodeEntry, Nodes, OfAuthorities, SignRequest, SignTextRequest};
pub use signer::SignerRequest;
pub use signing::{IssuedBy, Signing};
pub use span::Span;
pub use systemd::{ScheduleRequest, UnitsRequest};

use clap::{Args, Command};

use crate::error::{evidence, faults, nearest};
use crate::plan::generate::Selection;

faults! {
    /// Why nothing can be done that was asked for.
    pub enum RequestError {
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
        /// A CA or `sa` was named to `certs renew`; CAs are renewed by `kubepki ca renew`, `sa` has no end.
        #[error("{name:?} cannot be renewed")]
        #[fault("plan.not_renewable", Usage,
            if name == crate::catalogue::SERVICE_ACCOUNT {
                "it is a key pair that does not expire; with a new one, every token that it signed would be invalid"
            } else {
                "a CA has a command of its own, `kubepki ca renew`; `all` means the certificates that it has signed"
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
        /// One file of serial numbers is named for several CAs; use `--serial-files`, or random numbers.
        #[error("{path} cannot hold the serial numbers of several CAs: {}", .issuers.join(", "))]
        #[fault("sign.shared_serial_file", Usage, "use a file beside each CA (--serial-files), or random numbers")]
        SharedSerialFile {
            /// The file.
            path: String,
            /// The CAs.
            issuers: Vec<String>,
        },
        /// A duration cannot be read, or is not positive where it must be: a number and a unit, as `30d`, `2w`, `720h`,
        /// `1h30m`.
        #[error("'{text}' is not a {}duration", if *must_be_positive { "positive " } else { "" })]
        #[fault("cli.duration" as DURATION, Usage,
            if *must_be_positive {
                "write a number above 0 and a unit: 30d, 8760h; --days takes a number alone"
            } else {
                "write a number and a unit: 30d, 2w, 720h, 1h30m"
            },
            context = evidence!(text))]
        NotADuration {
            /// What was given.
            text: String,
            /// Whether it is a duration, but not a positive one.
            must_be_positive: bool,
        },
        /// A moment cannot be read: `+30d`, `-2w`, `20301231235959Z`, or RFC 3339.
        #[error("'{text}' is not a moment")]
        #[fault("cli.moment", Usage, "write +30d, 20301231235959Z, or 2030-12-31T23:59:59Z", context = evidence!(text))]
        NotAMoment {
            /// What was given.
            text: String,
        },
        /// `--warning` is shorter than `--critical`; a warning comes first.
        #[error("--warning {warning} is shorter than --critical {critical}")]
        #[fault("cli.thresholds", Usage, "a warning comes before the critical state: give it the longer time")]
        Thresholds {
            /// What was given.
            warning: String,
            /// What was given.
            critical: String,
        },
        /// Neither `keep` nor `older_than` is given, or one of them is negative.
        #[error("{reason}")]
        #[fault("api.nothing_to_prune", Usage, hint.clone(), context = evidence!(reason))]
        NothingToPrune {
            /// What is wrong.
            reason: String,
            /// What to do.
            hint: String,
        },
        /// `timeout` is zero, negative or beyond all measure.
        #[error("--timeout: {seconds} s is not a usable timeout")]
        #[fault("restart.bad_timeout", Usage, "give --timeout a time between a moment and a year, as 5m")]
        BadTimeout {
            /// What was given.
            seconds: f64,
        },
    }
}

impl RequestError {
    /// The error for a name that is none of `known`; a near one is suggested.
    pub(crate) fn unknown_name(name: &str, known: &[&str]) -> Self {
        Self::UnknownName {
            name: name.to_owned(),
            nearest: nearest(name, known.iter().copied()).map(str::to_owned),
            known: known.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    pub(crate) fn bad(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::BadRequest { reason: reason.into(), hint: hint.into() }
    }
}

/// The request of a command line without options: an option's declaration has its default, and nothing else says it.
fn by_default<T: Args>() -> T {
    let command = T::augment_args(Command::new("").no_binary_name(true)).mut_args(|argument| argument.required(false));
    let matches = command.try_get_matches_from([""; 0]);
    let read = matches.and_then(|matches| T::from_arg_matches(&matches));
    read.unwrap_or_else(|error| unreachable!("every default can be read: {error}"))
}

/// `Default` by the declarations of the options; they are read once, as serde asks for it whenever a request comes in.
macro_rules! defaults {
    ($($request:ty)+) => {$(
        impl Default for $request {
            fn default() -> Self {
                static DEFAULT: ::std::sync::LazyLock<$request> = ::std::sync::LazyLock::new($crate::request::by_default);
                DEFAULT.clone()
            }
        }
    )+};
}
use defaults;

/// Refuses a name that is not among the known ones.
pub(crate) fn refuse_unknown(selection: &Selection, known: &[&'static str]) -> Result<(), RequestError> {
    let Selection::Names(names) = selection else { return Ok(()) };
    let unknown = names.iter().find(|name| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |name| Err(RequestError::unknown_name(name, known)))
}
