//! Durations that a caller gives: as text on a command line, and before a date is made of them.
//!
//! In: text, or seconds. Out: a [`Span`], and of it a [`TimeDelta`] that can be added to every date that Python or a certificate
//! can say, or an error that names the option.

use std::num::IntErrorKind;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::RequestError;
use crate::text::duration;

/// From the first to the last year that a certificate can name, in seconds.
const LONGEST: i64 = 10_000 * 366 * 24 * 60 * 60;

/// The last year that a certificate can name (RFC 5280 section 4.1.2.5.2).
const LAST_YEAR: i32 = 9999;

/// A duration that a caller gives: on a command line as `wait` reads it, in a request as seconds.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(f64);

impl FromStr for Span {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        wait(text).map(Self)
    }
}

impl Span {
    /// So many seconds.
    #[must_use]
    #[allow(clippy::as_conversions, clippy::cast_precision_loss)] // exact for every second of the calendar
    pub const fn of_seconds(seconds: i64) -> Self {
        Self(seconds as f64)
    }

    /// So many seconds, and parts of them.
    #[must_use]
    pub const fn of_precise(seconds: f64) -> Self {
        Self(seconds)
    }

    /// In whole seconds.
    #[must_use]
    #[allow(clippy::as_conversions, clippy::cast_possible_truncation)] // what is beyond the calendar stays beyond it
    pub const fn seconds(self) -> i64 {
        self.0 as i64
    }

    /// In seconds and parts of them.
    #[must_use]
    pub const fn precise(self) -> f64 {
        self.0
    }

    /// As a time to wait; `None` for no time at all, and for what is beyond all measure.
    pub(crate) fn wait(self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.0).ok().filter(|wait| !wait.is_zero())
    }

    /// As `--timeout` says it.
    ///
    /// # Errors
    /// [`RequestError::BadTimeout`] when it is no time at all, or longer than `longest`.
    pub(crate) fn timeout(self, longest: Duration) -> Result<Duration, RequestError> {
        let wait = self.wait().filter(|wait| *wait <= longest);
        wait.ok_or_else(|| RequestError::BadTimeout { seconds: self.precise() })
    }

    /// As it is written; only Python can ask for a time below zero.
    pub(crate) fn shown(self) -> String {
        let sign = if self.0 < 0.0 { "-" } else { "" };
        format!("{sign}{}", duration(self.seconds().unsigned_abs()))
    }

    /// As `option` says it.
    ///
    /// # Errors
    /// [`RequestError::BadRequest`] when it is longer than the calendar.
    pub(crate) fn within(self, option: &str) -> Result<TimeDelta, RequestError> {
        let seconds = self.seconds();
        TimeDelta::try_seconds(seconds).filter(|_| seconds.unsigned_abs() <= LONGEST.unsigned_abs()).ok_or_else(|| {
            RequestError::bad(
                format!("{option}: {seconds} seconds are longer than the calendar, which ends with the year 9999"),
                format!("give {option} a shorter time, as 720h or 365d"),
            )
        })
    }

    /// As `option` says it, for a certificate that is made at `now`.
    ///
    /// # Errors
    /// [`RequestError::BadRequest`] when the certificate would end after the year 9999, which none can say.
    pub(crate) fn from(self, option: &str, now: DateTime<Utc>) -> Result<TimeDelta, RequestError> {
        let validity = self.within(option)?;
        let end = now.checked_add_signed(validity).filter(|end| end.year() <= LAST_YEAR);
        end.map(|_| validity).ok_or_else(|| {
            RequestError::bad(
                format!("{option}: no certificate can end after the year {LAST_YEAR}"),
                format!("give {option} a shorter time, as 720h or 365d"),
            )
        })
    }

    /// Reads the duration of a certificate, which cannot end before it begins.
    ///
    /// # Errors
    /// [`RequestError::NotADuration`].
    pub(crate) fn positive(text: &str) -> Result<Self, RequestError> {
        positive(text, text.parse()?)
    }

    /// Reads a whole number of days, for a certificate.
    ///
    /// # Errors
    /// [`RequestError::NotADuration`] where it is not positive; [`RequestError::BadRequest`] for what is no number.
    pub(crate) fn days(text: &str) -> Result<Self, RequestError> {
        let days = text.parse::<i64>().or_else(|error| match error.kind() {
            IntErrorKind::PosOverflow => Ok(i64::MAX),
            IntErrorKind::NegOverflow => Ok(i64::MIN),
            _ => Err(RequestError::bad(format!("{text:?} is not a number of days"), "write a whole number, as 365")),
        })?;
        positive(text, Self::of_seconds(days.saturating_mul(24 * 60 * 60)))
    }
}

fn positive(text: &str, span: Span) -> Result<Span, RequestError> {
    let bad = || RequestError::NotADuration { text: text.to_owned(), must_be_positive: true };
    Some(span).filter(|span| span.seconds() > 0).ok_or_else(bad)
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
fn wait(text: &str) -> Result<f64, RequestError> {
    let bad = || RequestError::NotADuration { text: text.to_owned(), must_be_positive: false };
    // The one number that needs no unit, in Go too.
    if text == "0" {
        return Ok(0.0);
    }
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
            ("0", 0),
            ("99999999w", 60_479_999_395_200),
        ] {
            assert_eq!(text.parse::<Span>().unwrap().seconds(), wanted, "{text}");
        }
        assert!((wait("250ms").unwrap() - 0.25).abs() < 1e-9);
        for text in
            ["", "5", "d", "5 d", "-5d", "5x", "1.d", ".5d", "1..5d", "5dd", "1h 30m", "5D", "٣d", "inf", "1e3s"]
        {
            assert!(matches!(text.parse::<Span>(), Err(RequestError::NotADuration { .. })), "{text:?}");
        }
    }

    #[test]
    fn a_validity_is_positive() {
        for (text, wanted) in [("1", 86_400), ("365", 31_536_000), ("99999999999999999999", i64::MAX)] {
            assert_eq!(Span::days(text).unwrap().seconds(), wanted, "{text}");
        }
        assert_eq!(Span::positive("1h").unwrap().seconds(), 3600);
        let refused = |outcome: Result<Span, RequestError>| outcome.unwrap_err().code();
        for outcome in [
            Span::days("0"),
            Span::days("-3"),
            Span::days("-99999999999999999999"),
            Span::positive("0d"),
            Span::positive("x"),
        ] {
            assert_eq!(refused(outcome), RequestError::DURATION);
        }
        assert_eq!(refused(Span::days("3d")), "plan.bad_request");
    }
    use crate::error::Diagnostic;

    #[test]
    fn a_time_beyond_the_calendar_is_an_error_that_names_the_option() {
        let now = DateTime::UNIX_EPOCH;
        for seconds in [i64::MIN, i64::MIN + 1, -LONGEST - 1, LONGEST + 1, 100_000_000 * 86_400, i64::MAX - 1, i64::MAX]
        {
            for outcome in [Span::of_seconds(seconds).within("--x"), Span::of_seconds(seconds).from("--x", now)] {
                let error = outcome.unwrap_err();
                assert!(error.to_string().starts_with("--x: "), "{error}");
                assert_eq!(error.code(), "plan.bad_request");
            }
        }
        assert!(Span::of_seconds(LONGEST).from("--x", now).is_err());
        assert!(Span::of_seconds(8000 * 365 * 86_400).from("--x", now).is_ok());
        assert_eq!(Span::of_seconds(-5).within("--x").unwrap(), TimeDelta::seconds(-5));
    }
}
