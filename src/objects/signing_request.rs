//! A request for a certificate, as the API keeps it.
//!
//! Source: `certificates.k8s.io/v1`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Metadata, object};

/// The condition of a request that may be signed.
pub const APPROVED: &str = "Approved";
/// The condition of a request that must not be signed.
pub const DENIED: &str = "Denied";
/// The condition of a request that the signer gave up.
pub const FAILED: &str = "Failed";

/// A request for a certificate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateSigningRequest {
    /// Name and version.
    pub metadata: Metadata,
    /// What is asked for, and by whom.
    pub spec: SigningRequestSpec,
    /// What has become of it.
    pub status: SigningRequestStatus,
}

object!(CertificateSigningRequest = "CertificateSigningRequest", "certificates.k8s.io/v1", "certificatesigningrequests", namespaced: false);

/// What is asked for, and by whom; the API server writes who.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SigningRequestSpec {
    /// The request in PEM, in base64.
    pub request: String,
    /// Who is to sign it.
    pub signer_name: String,
    /// For how long, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_seconds: Option<i64>,
    /// The usages of the certificate, as `digital signature` and `client auth`.
    pub usages: Vec<String>,
    /// The user that made the request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// The user's groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Which user of this name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// What the authenticator says besides.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What has become of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SigningRequestStatus {
    /// Approved, denied, failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The certificate in PEM, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// All else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One thing that has become of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    /// `Approved`, `Denied`, `Failed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`.
    pub status: String,
    /// One word.
    pub reason: String,
    /// For people.
    pub message: String,
    /// When it was said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<DateTime<Utc>>,
    /// When it became so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<DateTime<Utc>>,
}

impl CertificateSigningRequest {
    /// The condition of this kind, if the request is in it.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.kind == kind && condition.status != "False")
    }

    /// Whether nobody has approved or denied it yet.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.condition(APPROVED).is_none() && self.condition(DENIED).is_none()
    }

    /// Notes a condition.
    pub fn set_condition(&mut self, kind: &str, reason: &str, message: &str, now: DateTime<Utc>) {
        self.status.conditions.push(Condition {
            kind: kind.to_owned(),
            status: "True".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_update_time: Some(now),
            last_transition_time: None,
        });
    }
}
