//! Answering a signing request: a condition is written, though somebody else writes to the object at the same time.

use chrono::{DateTime, Utc};

use super::Api;
use crate::edge::cluster::ClusterError;
use crate::objects::CertificateSigningRequest;

/// An answer is tried so often when something else of the object changes at the same time.
const TRIES: usize = 3;

/// What has become of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is written.
    Written,
    /// Somebody else had answered, or the request was gone.
    Gone,
    /// Others were faster each time.
    Busy,
}

impl Api<'_> {
    /// Writes a condition (`Approved`, `Denied`) into a request that was judged.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn answer(
        &mut self,
        judged: &CertificateSigningRequest,
        kind: &str,
        (reason, message): (&str, &str),
        now: DateTime<Utc>,
    ) -> Result<Answered, ClusterError> {
        let mut latest = judged.clone();
        for _ in 0..TRIES {
            let mut answered = latest.clone();
            answered.set_condition(kind, reason, message, now);
            match self.replace(&answered, Some("approval")) {
                Ok(_) => return Ok(Answered::Written),
                Err(ClusterError::NotFound { .. }) => return Ok(Answered::Gone),
                Err(ClusterError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
            // What was judged is its specification, which nobody can change.
            let there: Option<CertificateSigningRequest> = self.find(None, &judged.metadata.name)?;
            match there.filter(|there| there.metadata.uid == judged.metadata.uid && there.is_pending()) {
                Some(there) if there.spec == judged.spec => latest = there,
                _ => return Ok(Answered::Gone),
            }
        }
        Ok(Answered::Busy)
    }
}
