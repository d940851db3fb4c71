//! The only place that asks the system for the time.
//!
//! In: nothing. Out: a [`Clock`]. Every function that depends on time takes `now` as an argument; a clock
//! is read once, at the top of an operation.

use chrono::{DateTime, SubsecRound, Utc};

/// Something that knows the present moment.
pub trait Clock: Send + Sync {
    /// The present moment in UTC, truncated to whole seconds as X.509 times are (RFC 5280 section 4.1.2.5).
    fn now(&self) -> DateTime<Utc>;
}

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
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        self.exact().trunc_subsecs(0)
    }
}

/// A clock that stands still, for tests and for `now=` arguments.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub DateTime<Utc>);

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.trunc_subsecs(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, Timelike};

    #[test]
    fn times_are_whole_seconds() {
        assert_eq!(SystemClock.now().nanosecond(), 0);
        let fixed = FixedClock(DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_999));
        assert_eq!(fixed.now().timestamp(), 1);
        assert_eq!(fixed.now().nanosecond(), 0);
    }
}
