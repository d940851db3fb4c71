//! Durations that a caller gives, before a date is made of them.
//!
//! In: the option's name, its seconds. Out: a [`TimeDelta`] that can be added to every date that Python or a certificate
//! can say, or an error that names the option.

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::RequestError;

/// From the first to the last year that a certificate can name, in seconds.
const LONGEST: i64 = 10_000 * 366 * 24 * 60 * 60;

/// The last year that a certificate can name (RFC 5280 section 4.1.2.5.2).
const LAST_YEAR: i32 = 9999;

/// The duration of `option`.
///
/// # Errors
/// [`RequestError::BadRequest`] when it is longer than the calendar.
pub(crate) fn span(option: &str, seconds: i64) -> Result<TimeDelta, RequestError> {
    TimeDelta::try_seconds(seconds).filter(|_| seconds.unsigned_abs() <= LONGEST.unsigned_abs()).ok_or_else(|| {
        RequestError::bad(
            format!("{option}: {seconds} seconds are longer than the calendar, which ends with the year 9999"),
            format!("give {option} a shorter time, as 720h or 365d"),
        )
    })
}

/// The validity period of `option`, for a certificate that is made at `now`.
///
/// # Errors
/// [`RequestError::BadRequest`] when the certificate would end after the year 9999, which none can say.
pub(crate) fn validity(option: &str, seconds: i64, now: DateTime<Utc>) -> Result<TimeDelta, RequestError> {
    let validity = span(option, seconds)?;
    let end = now.checked_add_signed(validity).filter(|end| end.year() <= LAST_YEAR);
    end.map(|_| validity).ok_or_else(|| {
        RequestError::bad(
            format!("{option}: no certificate can end after the year {LAST_YEAR}"),
            format!("give {option} a shorter time, as 720h or 365d"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnostic;

    #[test]
    fn a_time_beyond_the_calendar_is_an_error_that_names_the_option() {
        let now = DateTime::UNIX_EPOCH;
        for seconds in [i64::MIN, i64::MIN + 1, -LONGEST - 1, LONGEST + 1, 100_000_000 * 86_400, i64::MAX - 1, i64::MAX]
        {
            for outcome in [span("--x", seconds), validity("--x", seconds, now)] {
                let error = outcome.unwrap_err();
                assert!(error.to_string().starts_with("--x: "), "{error}");
                assert_eq!(error.code(), "plan.bad_request");
            }
        }
        assert!(validity("--x", LONGEST, now).is_err());
        assert!(validity("--x", 8000 * 365 * 86_400, now).is_ok());
        assert_eq!(span("--x", -5).unwrap(), TimeDelta::seconds(-5));
    }
}
