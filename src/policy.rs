//! What a CA signs: the catalogue's rules for each request, and a policy file's that loosen or tighten them.
//!
//! In: a request, a [`Profile`], the CA, now. Out: every reason against it, or what the certificate says ([`answer`]). All pure. Usages and
//! basic constraints are the profile's, never the request's; subject and alternative names are the request's, once they
//! have been found to be what they may be.
//!
//! | part | what it holds |
//! |---|---|
//! | `profile` | what a certificate of a name may say, from the catalogue and what is known of the node |
//! | `file` | the policy file |
//! | `pattern` | its patterns for subjects and alternative names |
//! | `plausible` | the alternative names that a server may have when nothing says which |
//! | `judge` | holding a request against a profile, and its name against the node |
//! | `answer` | what the certificate will say, and until when |
//! | `answered` | whether a certificate still answers its request |
//! | `outlive` | the certificate that would be valid for longer than its CA |
//! | [`serving`] | which requests of kubelets for serving certificates may be approved |
//! | [`signer`] | the signers of the certificates API: what each signs and demands, and whether what came back was asked for |
//!
//! Source: RFC 5280; kubeadm's catalogue; Kubernetes' signers (`kubernetes.io/kube-apiserver-client-kubelet`) for what a
//! careful CA looks at.

mod answer;
mod answered;
mod file;
mod judge;
mod outlive;
mod pattern;
mod plausible;
mod profile;
pub mod serving;
pub mod signer;

pub use answer::{Asked, Draft, Refusal, Signer, answer};
pub use answered::{Answered, due, is_signed_by};
pub use file::Policy;
pub use outlive::OutliveAuthority;
pub use plausible::KnownServer;
pub use profile::{AllowedNames, KnownNode, Profile};

use crate::audit::Finding;
use crate::error::faults;

faults! {
    /// Why nothing was signed.
    pub enum PolicyError {
        /// The policy file is no YAML, has a field that is not known, or a rule that cannot be followed; the message has
        /// line and column.
        #[error("{file}: {reason}")]
        #[fault("policy.invalid", Usage, "the guide on external CAs has the fields of a policy file")]
        Invalid {
            /// The file.
            file: String,
            /// What is wrong, with line and column.
            reason: String,
        },
        /// Requests ask for what is not theirs; every reason is a finding in `context["findings"]`. Nothing was signed.
        #[error("nothing was signed: {}", .findings.iter().map(|one| format!("{}: {}", one.subject, one.evidence)).collect::<Vec<_>>().join("; "))]
        #[fault("policy.refused", Refused,
            "have the requests made again as the catalogue defines them, or allow what they ask for in a --policy file")]
        Refused {
            /// Every reason.
            findings: Vec<Finding>,
        },
    }
}
