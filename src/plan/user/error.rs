//! Why a user's kubeconfig is not made.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::error::{Category, Diagnostic};

/// What is wrong with what was asked for. No variant holds a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The user or a group has no name, or one that is surely a mistake.
    #[error("{name:?} cannot be the name of a {what}: {fault}")]
    BadName {
        /// `user` or `group`.
        what: &'static str,
        /// What was given.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A group that no access rule can restrict.
    #[error("a user of the group {group} may do everything, and no access rule can restrict or revoke it")]
    Masters {
        /// The group.
        group: String,
    },
    /// A certificate that would never be valid, or for longer than dates can say.
    #[error("a validity of {seconds} seconds makes no usable certificate")]
    BadValidity {
        /// What was given.
        seconds: i64,
    },
    /// The certificate would be valid for longer than its CA.
    #[error("the certificate would be valid until {not_after}, its CA only until {authority_end}")]
    OutlivesAuthority {
        /// Its end.
        not_after: DateTime<Utc>,
        /// The end of the CA.
        authority_end: DateTime<Utc>,
    },
    /// The CA's key is not on this node.
    #[error("the key of the CA is not on this node: {path}")]
    ExternalAuthority {
        /// Where it would be.
        path: String,
    },
    /// This is no token. Its text is never repeated.
    #[error("the token is not usable: {fault}")]
    BadToken {
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Neither the configuration nor `admin.conf` nor the host's routes say where the API server is.
    #[error("nothing on this node says at which address the API server is")]
    NoServer,
    /// This is not the URL of an API server.
    #[error("{server:?} is not the URL of an API server")]
    BadServer {
        /// What was given.
        server: String,
    },
}

impl Diagnostic for UserError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadName { .. } => "user.bad_name",
            Self::Masters { .. } => "user.masters",
            Self::BadValidity { .. } => "user.bad_validity",
            Self::OutlivesAuthority { .. } => "user.outlives_authority",
            Self::ExternalAuthority { .. } => "user.external_authority",
            Self::BadToken { .. } => "user.bad_token",
            Self::NoServer => "user.no_server",
            Self::BadServer { .. } => "user.bad_server",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::BadName { what: "user", .. } => "give the user's name with --client-name, as --client-name jane".into(),
            Self::BadName { .. } => "give groups with --org, as --org developers,testers, without blanks between".into(),
            Self::Masters { .. } => {
                "use a group of your own and bind it to a role (the group kubeadm:cluster-admins is bound to cluster-admin), or insist with --allow-masters".into()
            }
            Self::BadValidity { .. } => "give a validity, as --validity-period 720h or 30d".into(),
            Self::OutlivesAuthority { .. } => {
                "shorten --validity-period, or choose: --outlive-ca clamp (end with the CA) or --outlive-ca allow".into()
            }
            Self::ExternalAuthority { .. } => {
                "make it where the CA's key is (--cert-dir, --server), or use a token, which needs no key".into()
            }
            Self::BadToken { .. } => "give the token alone, as the API server knows it".into(),
            Self::NoServer => "name it, as --server https://192.0.2.10:6443".into(),
            Self::BadServer { .. } => "write it as https://192.0.2.10:6443".into(),
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::BadName { .. }
            | Self::BadValidity { .. }
            | Self::BadToken { .. }
            | Self::NoServer
            | Self::BadServer { .. } => Category::Usage,
            Self::Masters { .. } | Self::OutlivesAuthority { .. } => Category::Refused,
            Self::ExternalAuthority { .. } => Category::Finding,
        }
    }

    fn context(&self) -> Value {
        match self {
            Self::BadName { what, name, .. } => json!({ "what": what, "name": name }),
            Self::Masters { group } => json!({ "group": group }),
            Self::BadValidity { seconds } => json!({ "seconds": seconds }),
            Self::OutlivesAuthority { not_after, authority_end } => {
                json!({ "not_after": not_after, "authority_end": authority_end })
            }
            Self::ExternalAuthority { path } => json!({ "path": path }),
            Self::BadToken { .. } | Self::NoServer => json!({}),
            Self::BadServer { server } => json!({ "server": server }),
        }
    }
}
