//! Moments that a caller gives as text.
//!
//! In: text, now. Out: a moment, or an error that repeats the text.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use super::{RequestError, Span};

/// `GeneralizedTime` as certificates have it (RFC 5280 section 4.1.2.5.2).
const GENERALIZED_TIME: &str = "%Y%m%d%H%M%SZ";

/// Reads a moment: relative to `now` (`+30d`, `-2w`), as certificates have it (`20301231235959Z`), or RFC 3339, where a time without an
/// offset is UTC, and a date is its first moment.
///
/// # Errors
/// [`RequestError::NotAMoment`].
pub fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, RequestError> {
    read(text.trim(), now).ok_or_else(|| RequestError::NotAMoment { text: text.to_owned() })
}

fn read(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Some(ahead) = text.strip_prefix('+') {
        return now.checked_add_signed(span(ahead)?);
    }
    if let Some(back) = text.strip_prefix('-') {
        return now.checked_sub_signed(span(back)?);
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.to_utc());
    }
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", GENERALIZED_TIME];
    let read = naive.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    read.or_else(date).map(|moment| moment.and_utc())
}

fn span(text: &str) -> Option<TimeDelta> {
    text.parse::<Span>().ok()?.within("").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_relative_generalized_time_or_rfc_3339() {
        let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        for (text, wanted) in [
            ("+1d", "2030-03-18T17:46:40+00:00"),
            ("-2w", "2030-03-03T17:46:40+00:00"),
            ("20301231235959Z", "2030-12-31T23:59:59+00:00"),
            ("2030-12-31T23:59:59Z", "2030-12-31T23:59:59+00:00"),
            ("2030-12-31T23:59:59+02:00", "2030-12-31T21:59:59+00:00"),
            ("2030-12-31 23:59:59+00:00", "2030-12-31T23:59:59+00:00"),
            ("2030-12-31T23:59:59", "2030-12-31T23:59:59+00:00"),
            ("2030-12-31", "2030-12-31T00:00:00+00:00"),
        ] {
            assert_eq!(moment(text, now).unwrap().to_rfc3339(), wanted, "{text}");
        }
        for text in ["", "+", "soon", "+3", "30d", "2030", "20301301000000Z", "2030-02-30", "+99999999w"] {
            assert!(moment(text, now).is_err(), "{text}");
        }
    }
}
