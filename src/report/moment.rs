//! Times as people say them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::text::counted;

/// How far an end of validity is away: `ends in 87 days`, `expired 3 hours ago`.
///
/// ```
/// use chrono::{DateTime, TimeDelta};
/// use kubepki::report::moment::ends;
/// let now = DateTime::UNIX_EPOCH;
/// assert_eq!(ends(now + TimeDelta::days(87), now), "ends in 87 days");
/// assert_eq!(ends(now - TimeDelta::hours(73), now), "expired 3 days ago");
/// assert_eq!(ends(now, now), "expired just now");
/// ```
#[must_use]
pub fn ends(not_after: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let left = not_after - now;
    if left > TimeDelta::zero() {
        return format!("ends in {}", span(left));
    }
    match span(-left).as_str() {
        "0 seconds" => "expired just now".to_owned(),
        ago => format!("expired {ago} ago"),
    }
}

/// A span in its largest unit.
pub(super) fn span(span: TimeDelta) -> String {
    let (days, hours, minutes) = (span.num_days(), span.num_hours(), span.num_minutes());
    let (number, unit) = match (days, hours, minutes) {
        (0, 0, 0) => (span.num_seconds(), "second"),
        (0, 0, minutes) => (minutes, "minute"),
        (0, hours, _) => (hours, "hour"),
        (days, ..) => (days, "day"),
    };
    counted(usize::try_from(number).unwrap_or_default(), unit)
}
