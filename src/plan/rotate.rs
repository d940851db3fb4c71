//! Replacing a CA, or the service accounts' key, by steps: what one step changes on one node.
//!
//! In: the inventory, with the files beside each pair; what the node is given; now. Out: a [`Turn`]: a plan, and the content of the
//! files that a plan must not hold. Every step can be made again: it changes what is not yet as it shall be.
//!
//! | step | from | to |
//! |---|---|---|
//! | [`Phase::TrustBoth`] | single, prepared | trust-both/issue-old |
//! | [`Phase::IssueNew`] | trust-both/issue-old | trust-both/issue-new |
//! | [`Phase::IssueOld`] | trust-both/issue-new | trust-both/issue-old |
//! | [`Phase::TrustNew`] | trust-both/issue-new | single |
//! | [`Phase::TrustOld`] | trust-both/issue-old, prepared | single |

pub mod affected;
pub mod course;
mod draft;
mod elsewhere;
mod given;
mod keys;
pub mod objects;
mod turn;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use draft::Turn;
pub use elsewhere::{refuse_elsewhere, refuse_lacking};
pub use given::{Given, Material, prepare};
pub use keys::sign_anew;
pub use turn::{turn, without_signing_file};

use super::words::words;
use crate::catalogue::KeyFiles;
use crate::error::faults;
use crate::remedy::command;
use crate::text::file_name;

words! {
    /// A step of one node.
    Phase {
        /// The new CA is trusted beside the old one.
        TrustBoth = "trust-both",
        /// The new CA signs.
        IssueNew = "issue-new",
        /// The old CA signs again.
        IssueOld = "issue-old",
        /// What the other CA has signed is renewed.
        Reissue = "reissue",
        /// The old CA is not trusted any more.
        TrustNew = "trust-new",
        /// The new CA is not trusted any more.
        TrustOld = "trust-old",
        /// The cluster's objects follow the files of this node.
        Cluster = "cluster",
    }
}

impl Phase {
    /// All of them, in the order of a rotation.
    pub const ALL: [Self; 7] =
        [Self::TrustBoth, Self::IssueNew, Self::IssueOld, Self::Reissue, Self::TrustNew, Self::TrustOld, Self::Cluster];
}

faults! {
    /// Why a CA is not replaced.
    pub enum RotateError {
        /// The step does not follow the state that this node is in.
        #[error("{authority} is at {stage}: {phase} does not follow it")]
        #[fault("rotate.wrong_stage", Refused,
            format!("see how far each node is: {}", command(["kubepki", "rotate", "status"])))]
        WrongStage {
            /// The authority.
            authority: String,
            /// Where it is.
            stage: &'static str,
            /// What was asked for.
            phase: &'static str,
        },
        /// What this node would be given is not what it has.
        #[error("{authority}: {reason}")]
        #[fault("rotate.other_authority", Refused,
            format!("end the rotation that is under way first: {} or {}",
                command(["kubepki", "rotate", "resume"]), command(["kubepki", "rotate", "abort"])))]
        OtherAuthority {
            /// The authority.
            authority: String,
            /// What differs.
            reason: String,
        },
        /// The new CA cannot be used: its certificate is no CA's, is not valid now, or the key is another's.
        #[error("the new {authority} cannot be used: {reason}")]
        #[fault("rotate.bad_authority", Finding, "give a CA certificate that is valid, and its key, in PEM")]
        BadAuthority {
            /// The authority.
            authority: String,
            /// What is wrong.
            reason: String,
        },
        /// Certificates of this node would not be accepted any more.
        #[error("{authority}: certificates of this node are not signed by the CA that stays: {}", leaves.join(", "))]
        #[fault("rotate.leaves_left", Refused, hint.clone(), context = crate::error::evidence!(authority, leaves))]
        LeavesLeft {
            /// The authority.
            authority: String,
            /// The certificates.
            leaves: Vec<String>,
            /// What to do.
            hint: String,
        },
        /// Clients that know the old CA alone could not verify the API server once the new CA signs: the old one cannot vouch for it.
        #[error("the old {authority} cannot vouch for a new one: {reason}")]
        #[fault("rotate.cannot_vouch", Refused,
            "pods and users that have the old CA alone fail from the step reissue on, until they are given the new one; to replace it all the same: --allow-failing-clients")]
        CannotVouch {
            /// The authority.
            authority: String,
            /// Why.
            reason: String,
        },
        /// The node has nothing of it, or no key where one is needed.
        #[error("{authority}: {reason}")]
        #[fault("rotate.not_here", Usage, hint.clone(), context = crate::error::evidence!(authority, reason))]
        NotHere {
            /// The authority.
            authority: String,
            /// What is missing.
            reason: String,
            /// What to do.
            hint: String,
        },
        /// A component takes whom it trusts from a file that is not kubeadm's, and it does not hold what it has to; no step writes it.
        #[error("{authority}: {reason}")]
        #[fault("rotate.trusted_elsewhere", Refused, hint.clone(), context = crate::error::evidence!(authority, reason))]
        Elsewhere {
            /// The authority.
            authority: String,
            /// The setting, the file, what it lacks.
            reason: String,
            /// What to do.
            hint: String,
        },
        /// The cluster has not followed in time: what a gate waits for is in the message.
        #[error("the cluster has not followed within {} s: {}", waited.as_secs(), gates.join("; "))]
        #[fault("rotate.gates_closed", Environment,
            format!("see why, then go on: {}; to wait longer: --timeout 15m", command(["kubepki", "rotate", "resume"])),
            context = crate::error::evidence!(waited, gates))]
        GatesClosed {
            /// How long it was waited.
            waited: std::time::Duration,
            /// Each gate, and what it waits for.
            gates: Vec<String>,
        },
        /// The tokens that the service-account key which goes has signed may still be in use.
        #[error("sa.key was last changed {waited} ago: tokens of the key that goes may live for {life}")]
        #[fault("rotate.tokens_alive", Refused, "wait, or say that no such token is in use: --token-life 1h",
            context = crate::error::evidence!(waited, life))]
        TokensAlive {
            /// How long ago.
            waited: String,
            /// How long tokens live.
            life: String,
        },
    }
}

impl RotateError {
    /// The key of a pair is missing, or is that of another one.
    fn no_key(authority: &str, files: &KeyFiles) -> Self {
        Self::NotHere {
            authority: authority.to_owned(),
            reason: format!("{} is missing, or not the key of {}", files.key.display(), file_name(&files.public)),
            hint: format!(
                "copy it from a control-plane node that has it, with mode 0600; one that another node has beside its pair in use comes with {}",
                command(["kubepki", "rotate", "resume"])
            ),
        }
    }
}

/// The moment, and whether the files are a worker's.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The moment.
    pub now: DateTime<Utc>,
    /// Whether it is a worker: it has certificates of CAs, and never their keys.
    pub is_worker: bool,
}

/// What has to be said of a CA's subject or key for the one that comes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Wishes {
    /// Another common name than the old one's.
    pub common_name: Option<String>,
}
