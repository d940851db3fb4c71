//! Why a user's kubeconfig is not made.

use chrono::{DateTime, Utc};

use crate::error::faults;

faults! {
    /// What is wrong with what was asked for. No variant holds a token.
    #[derive(Clone, PartialEq, Eq)]
    pub enum UserError {
        /// The user or a group has no name, or one with a blank at its ends or a control character.
        #[error("{name:?} cannot be the name of a {what}: {fault}")]
        #[fault("user.bad_name", Usage,
            if *what == "user" {
                "give the user's name with --client-name, as --client-name jane"
            } else {
                "give groups with --organization, as --organization developers,testers, without blanks between"
            })]
        BadName {
            /// `user` or `group`.
            what: &'static str,
            /// What was given.
            name: String,
            /// What is wrong with it.
            fault: &'static str,
        },
        /// The group `system:masters` cannot be restricted; use another, or allow it with `--allow-masters`.
        #[error("a user of the group {group} may do everything, and no access rule can restrict or revoke it")]
        #[fault("user.masters", Refused,
            "use a group of your own and bind it to a role (the group kubeadm:cluster-admins is bound to cluster-admin), or insist with --allow-masters")]
        Masters {
            /// The group.
            group: String,
        },
        /// The certificate would be over when it is made, or end after the year 9999.
        #[error("a validity of {seconds} seconds makes no usable certificate")]
        #[fault("user.bad_validity", Usage, "give a validity, as --validity 720h or 30d")]
        BadValidity {
            /// What was given.
            seconds: i64,
        },
        /// The certificate would be valid for longer than its CA; shorten it, or `--outlive-ca clamp` or `allow`.
        #[error("the certificate would be valid until {not_after}, its CA only until {authority_end}")]
        #[fault("user.outlives_authority", Refused,
            "shorten --validity, or choose: --outlive-ca clamp (end with the CA) or --outlive-ca allow")]
        OutlivesAuthority {
            /// Its end.
            not_after: DateTime<Utc>,
            /// The end of the CA.
            authority_end: DateTime<Utc>,
        },
        /// The CA's key is not on this node; make it where the key is, or use a token.
        #[error("the key of the CA is not on this node: {path}")]
        #[fault("user.external_authority", Finding,
            "make it where the CA's key is (--certificates-dir, --server), or use a token, which needs no key")]
        ExternalAuthority {
            /// Where it would be.
            path: String,
        },
        /// The signer that is asked never makes such a certificate.
        #[error("{signer} {why}")]
        #[fault("user.no_signer", Refused, "ask for other groups, or another signer (--signer); or make it where the CA's key is, without --issuer")]
        Signer {
            /// The signer.
            signer: String,
            /// What it does not do.
            why: String,
        },
        /// The token is empty, or holds a blank or a line break. The message never repeats it.
        #[error("the token is not usable: {fault}")]
        #[fault("user.bad_token", Usage, "give the token alone, as the API server knows it")]
        BadToken {
            /// What is wrong with it.
            fault: &'static str,
        },
        /// Neither `--server` nor the configuration, `admin.conf` or the host's default route says where the API server
        /// is.
        #[error("nothing on this node says at which address the API server is")]
        #[fault("user.no_server", Usage, "name it, as --server https://192.0.2.10:6443")]
        NoServer,
        /// `--server` is no URL with `https://`.
        #[error("{server:?} is not the URL of an API server")]
        #[fault("user.bad_server", Usage, "write it as https://192.0.2.10:6443")]
        BadServer {
            /// What was given.
            server: String,
        },
    }
}
