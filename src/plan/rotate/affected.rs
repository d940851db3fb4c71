//! What in the cluster holds on to a CA that goes, and does not follow by itself.
//!
//! In: objects of the cluster, the CAs that go, those that are wanted. Out: [`Affected`]. It is information, not a condition: whose
//! webhook it is decides what it trusts.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::objects::{are_the_same, shown};
use crate::catalogue::ROOT_CA_MAP;
use crate::digest::hex;
use crate::objects::{Object, Pod, Secret};
use crate::plan::words::words;
use crate::x509::{Certificate, read_certificates};

words! {
    /// Why an object is affected.
    AffectedKind {
        /// The API server verifies a server with it.
        CaBundle = "ca-bundle",
        /// A token that does not end, with the CAs for whoever uses it.
        TokenSecret = "token-secret",
        /// A pod that may have read the CAs when it started, and not since.
        Pod = "pod",
    }
}

/// An object that holds on to a CA that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Why.
    pub kind: AffectedKind,
    /// The object, as `APIService v1.example.org`.
    pub object: String,
    /// What was seen.
    pub reason: String,
}

/// A CA bundle of an object: its place, as `webhook a.example.org`, and the bundle in base64.
pub struct Bundle<'b> {
    /// The object.
    pub object: String,
    /// The bundle.
    pub base64: Option<&'b str>,
}

impl<'b> Bundle<'b> {
    /// The bundle of an object, or of a part of it.
    pub fn of<T: Object>(object: &T, part: Option<&str>, base64: Option<&'b String>) -> Self {
        let part = part.map(|part| format!(", {part}")).unwrap_or_default();
        Self { object: format!("{} {}{part}", T::KIND, object.metadata().name), base64: base64.map(String::as_str) }
    }

    /// Whether it holds a CA that goes.
    #[must_use]
    pub fn judge(&self, goes: &[Certificate]) -> Option<Affected> {
        let pem = STANDARD.decode(self.base64?).ok()?;
        let held = read_certificates(&pem).ok()?;
        let (gone, left): (Vec<_>, Vec<_>) = held.into_iter().partition(|one| goes.contains(one));
        if gone.is_empty() {
            return None;
        }
        let besides = if left.is_empty() { String::new() } else { format!(", besides {}", shown(&left)) };
        let reason = format!("its caBundle holds {}{besides}", shown(&gone));
        Some(Affected { kind: AffectedKind::CaBundle, object: self.object.clone(), reason })
    }
}

/// Whether a service account's lasting token is of a key that goes, or comes with other CAs than the cluster's; `keys` are those that go,
/// each by the SHA-256 of its public key in hexadecimal.
#[must_use]
pub fn token(secret: &Secret, authority: &[Certificate], keys: &[String]) -> Option<Affected> {
    let object = || format!("Secret {}/{}", secret.metadata.namespace, secret.metadata.name);
    let affected = |reason| Some(Affected { kind: AffectedKind::TokenSecret, object: object(), reason });
    if let Some(key) = secret.data.get("token").and_then(|token| signing_key(token)).filter(|key| keys.contains(key)) {
        let short = key.get(..12).unwrap_or(&key);
        return affected(format!("its token is signed with the key {short}, and does not end by itself"));
    }
    let encoded = secret.data.get(ROOT_CA_MAP.1).filter(|_| !authority.is_empty())?;
    let held =
        STANDARD.decode(encoded.as_bytes()).ok().and_then(|pem| read_certificates(&pem).ok()).unwrap_or_default();
    if are_the_same(&held, authority) { None } else { affected(format!("its CA entry holds {}", shown(&held))) }
}

/// The key that has signed a token, by its header: `kid` is the SHA-256 of the public key (kubernetes `pkg/serviceaccount/jwt.go`).
fn signing_key(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Header {
        kid: String,
    }
    let token = Zeroizing::new(STANDARD.decode(token).ok()?);
    let header = token.split(|byte| *byte == b'.').next()?;
    let Header { kid } = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    Some(hex(&URL_SAFE_NO_PAD.decode(kid).ok()?))
}

/// Whether a pod has run since before the moment. A static pod's files are the node's.
#[must_use]
pub fn pod(pod: &Pod, before: DateTime<Utc>) -> Option<Affected> {
    let started = pod.status.start_time.filter(|started| *started < before)?;
    if pod.is_mirror() || pod.has_ended() {
        return None;
    }
    let object = format!("Pod {}/{}", pod.metadata.namespace, pod.metadata.name);
    let again = match stays_by_hand(pod) {
        None => String::new(),
        Some(reason) => format!("; {reason}"),
    };
    Some(Affected { kind: AffectedKind::Pod, object, reason: format!("it started at {started}{again}") })
}

/// Why a pod is not restarted by an eviction; none where something makes it anew.
#[must_use]
pub fn stays_by_hand(pod: &Pod) -> Option<String> {
    match pod.controller() {
        None => Some("nothing makes it anew: restart it by hand".into()),
        Some(owner) if owner.kind == "Job" => {
            Some(format!("Job {} would count it as failed: it ends by itself", owner.name))
        }
        Some(_) => None,
    }
}
