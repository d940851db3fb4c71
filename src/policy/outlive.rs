//! What becomes of a certificate that would be valid for longer than its CA.
//!
//! In: the wanted end, the CA's end, the caller's choice. Out: the end that it gets, or none.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What to do with a certificate that would be valid for longer than its CA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutliveAuthority {
    /// Refuse the plan.
    #[default]
    Refuse,
    /// Let it end with its CA.
    Clamp,
    /// Make it as asked, as kubeadm does.
    Allow,
}

impl OutliveAuthority {
    /// The end of a certificate that should end at `wanted`; `None` when it is refused.
    #[must_use]
    pub fn end(self, wanted: DateTime<Utc>, authority_end: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            _ if wanted <= authority_end => Some(wanted),
            Self::Clamp => Some(authority_end),
            Self::Allow => Some(wanted),
            Self::Refuse => None,
        }
    }
}
