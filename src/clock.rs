//! The only place that asks the system for the time.
//!
//! In: nothing. Out: the moment. Every function that depends on time takes `now` as an argument; a clock
//! is read once, at the top of an operation.

use chrono::{DateTime, SubsecRound, Utc};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The present moment with its fraction of a second, for counting what is left of a validity: kubeadm counts from
    /// the very moment, so a certificate that was made for 365 days a moment ago has 364 whole days left.
    #[must_use]
    #[allow(clippy::disallowed_methods)]
    pub fn exact(self) -> DateTime<Utc> {
        Utc::now()
    }

    /// The present moment in UTC, truncated to whole seconds as X.509 times are (RFC 5280 section 4.1.2.5).
    #[must_use]
    pub fn now(self) -> DateTime<Utc> {
        self.exact().trunc_subsecs(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Timelike;

    #[test]
    fn times_are_whole_seconds() {
        assert_eq!(SystemClock.now().nanosecond(), 0);
    }
}
