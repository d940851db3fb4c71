//! Durations that a caller gives: as text on a command line, and before a date is made of them.
//!
//! In: the option's name, its seconds. Out: a [`TimeDelta`] that can be added to every date that Python or a certificate
//! can say, or an error that names the option.

use std::num::IntErrorKind;

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

/// More than this is no duration that anybody means, and none that can be counted.
const LONGEST_TEXT: f64 = 1e14;

/// The units of durations, and how many seconds each has: Go's, and days and weeks.
const UNITS: [(&str, f64); 6] =
    [("w", 604_800.0), ("d", 86_400.0), ("h", 3600.0), ("ms", 0.001), ("m", 60.0), ("s", 1.0)];

/// A duration as Go writes it (`720h`, `1h30m`), or in days and weeks (`30d`, `2w`), in seconds.
///
/// # Errors
/// [`RequestError::NotADuration`].
pub(crate) fn wait(text: &str) -> Result<f64, RequestError> {
    let bad = || RequestError::NotADuration { text: text.to_owned(), must_be_positive: false };
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() || total == 0.0 && rest.len() == text.len() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
        let (number, behind) = rest.split_at(end);
        let is_number =
            number.starts_with(|c: char| c.is_ascii_digit()) && number.ends_with(|c: char| c.is_ascii_digit());
        let number: f64 = number.parse().ok().filter(|_| is_number).ok_or_else(bad)?;
        let (unit, seconds) = UNITS.into_iter().find(|(unit, _)| behind.starts_with(unit)).ok_or_else(bad)?;
        total += number * seconds;
        rest = &behind[unit.len()..];
    }
    if total > LONGEST_TEXT { Err(bad()) } else { Ok(total) }
}

/// The same in whole seconds.
///
/// # Errors
/// [`RequestError::NotADuration`].
#[allow(clippy::as_conversions, clippy::cast_possible_truncation)] // what is beyond the calendar stays beyond it
pub(crate) fn seconds(text: &str) -> Result<i64, RequestError> {
    wait(text).map(|seconds| seconds as i64)
}

/// The same for a certificate, which cannot end before it begins.
///
/// # Errors
/// [`RequestError::NotADuration`].
pub(crate) fn positive_seconds(text: &str) -> Result<i64, RequestError> {
    positive(text, seconds(text)?)
}

/// A whole number of days, in seconds, for a certificate.
///
/// # Errors
/// [`RequestError::NotADuration`] where it is not positive; [`RequestError::BadRequest`] for what is no number.
pub(crate) fn days(text: &str) -> Result<i64, RequestError> {
    let days = text.parse::<i64>().or_else(|error| match error.kind() {
        IntErrorKind::PosOverflow => Ok(i64::MAX),
        IntErrorKind::NegOverflow => Ok(i64::MIN),
        _ => Err(RequestError::bad(format!("{text:?} is not a number of days"), "write a whole number, as 365")),
    })?;
    positive(text, days.saturating_mul(24 * 60 * 60))
}

fn positive(text: &str, seconds: i64) -> Result<i64, RequestError> {
    let is_positive = |seconds: &i64| *seconds > 0;
    let bad = || RequestError::NotADuration { text: text.to_owned(), must_be_positive: true };
    Some(seconds).filter(is_positive).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos_and_days_and_weeks() {
        for (text, wanted) in [
            ("720h", 2_592_000),
            ("1h30m", 5400),
            ("30d", 2_592_000),
            ("2w", 1_209_600),
            ("1w12h", 648_000),
            ("1.5h", 5400),
            ("500ms", 0),
            ("0s", 0),
            ("99999999w", 60_479_999_395_200),
        ] {
            assert_eq!(seconds(text).unwrap(), wanted, "{text}");
        }
        assert!((wait("250ms").unwrap() - 0.25).abs() < 1e-9);
        for text in
            ["", "5", "d", "5 d", "-5d", "5x", "1.d", ".5d", "1..5d", "5dd", "1h 30m", "5D", "٣d", "inf", "1e3s"]
        {
            assert!(matches!(seconds(text), Err(RequestError::NotADuration { .. })), "{text:?}");
        }
    }

    #[test]
    fn a_validity_is_positive() {
        for (text, wanted) in [("1", 86_400), ("365", 31_536_000), ("99999999999999999999", i64::MAX)] {
            assert_eq!(days(text).unwrap(), wanted, "{text}");
        }
        assert_eq!(positive_seconds("1h").unwrap(), 3600);
        let refused = |outcome: Result<i64, RequestError>| outcome.unwrap_err().code();
        for outcome in
            [days("0"), days("-3"), days("-99999999999999999999"), positive_seconds("0d"), positive_seconds("x")]
        {
            assert_eq!(refused(outcome), RequestError::DURATION);
        }
        assert_eq!(refused(days("3d")), "plan.bad_request");
    }
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
