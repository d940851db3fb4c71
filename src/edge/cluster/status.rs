//! What a refusal of the API server means.
//!
//! In: an HTTP status, headers that matter, the body. Out: a [`Refusal`]. Source: `metav1.Status`, `StatusReason`.

use std::time::Duration;

use serde::Deserialize;

use super::ClusterError;

/// No more of a server's words is kept than this, in characters.
const LONGEST: usize = 500;

/// How long a busy server is left alone when it does not say.
const PAUSE: Duration = Duration::from_secs(1);

/// The part of `metav1.Status` that is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
    reason: String,
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    retry_after_seconds: u64,
}

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    reason: String,
    message: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// Reads it. `retry_after` is the header of that name.
    pub(super) fn read(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        let said: Option<Status> = serde_json::from_slice(body).ok();
        let plain = || String::from_utf8_lossy(body.get(..LONGEST).unwrap_or(body)).trim().to_owned();
        let Status { message, reason, details } =
            said.unwrap_or_else(|| Status { message: plain(), ..Status::default() });
        let header = retry_after.and_then(|seconds| seconds.trim().parse().ok());
        let seconds = header.or(Some(details.retry_after_seconds).filter(|seconds| *seconds > 0));
        Self {
            status,
            reason,
            message: message.chars().take(LONGEST).collect(),
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    /// After which time it may be asked again: the server has not begun with the request.
    pub(super) fn again_after(&self) -> Option<Duration> {
        match self.status {
            429 => Some(self.retry_after.unwrap_or(PAUSE)),
            // Without that header a gateway may speak, whose server has done the work.
            503 => self.retry_after,
            _ => None,
        }
    }

    /// What it says, for a message.
    pub(super) fn said(&self) -> String {
        match (self.message.as_str(), self.reason.as_str()) {
            ("", "") => format!("HTTP status {}", self.status),
            ("", reason) => reason.to_owned(),
            (message, _) => message.to_owned(),
        }
    }

    /// The error that it is.
    pub(super) fn error(self, server: &str, what: &str) -> ClusterError {
        let (server, what, status, reason) = (server.to_owned(), what.to_owned(), self.status, self.said());
        match status {
            401 => ClusterError::Unauthorized { server, reason },
            403 => ClusterError::Forbidden { server, reason },
            404 => ClusterError::NotFound { what, reason },
            409 if self.reason == "AlreadyExists" => ClusterError::AlreadyExists { what, reason },
            409 => ClusterError::Conflict { what, reason },
            400..=499 => ClusterError::Refused { server, what, status: status.into(), reason },
            _ => ClusterError::Failed { server, what, status: status.into(), reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, retry_after: Option<&str>, body: &str) -> Refusal {
        Refusal::read(status, retry_after, body.as_bytes())
    }

    #[test]
    fn a_status_is_the_error_that_it_means() {
        let code = |status, body: &str| refusal(status, None, body).error("https://cp1:6443", "/api/v1/nodes");
        let said = r#"{"kind":"Status","message":"nodes is forbidden","reason":"Forbidden"}"#;
        assert_eq!(code(403, said).to_string(), "https://cp1:6443 forbids it: nodes is forbidden");
        assert!(matches!(code(409, r#"{"reason":"AlreadyExists"}"#), ClusterError::AlreadyExists { .. }));
        assert!(matches!(code(409, r#"{"reason":"Conflict"}"#), ClusterError::Conflict { .. }));
        assert!(matches!(code(422, ""), ClusterError::Refused { status: 422, .. }));
        assert!(matches!(code(502, "<html>bad gateway"), ClusterError::Failed { status: 502, .. }));
    }

    #[test]
    fn only_a_server_that_has_not_begun_is_asked_again() {
        assert_eq!(refusal(429, Some("3"), "").again_after(), Some(Duration::from_secs(3)));
        assert_eq!(refusal(429, None, "").again_after(), Some(PAUSE));
        let details = r#"{"details":{"retryAfterSeconds":7}}"#;
        assert_eq!(refusal(429, None, details).again_after(), Some(Duration::from_secs(7)));
        assert_eq!(refusal(503, Some("1"), "").again_after(), Some(Duration::from_secs(1)));
        assert_eq!(refusal(503, None, "").again_after(), None);
        assert_eq!(refusal(500, Some("1"), "").again_after(), None);
    }

    #[test]
    fn what_is_no_status_is_said_in_part() {
        assert_eq!(refusal(500, None, &"x".repeat(10_000)).said().len(), LONGEST);
        assert_eq!(refusal(500, None, "").said(), "HTTP status 500");
    }
}
