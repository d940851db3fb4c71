//! Times: `UTCTime` with or without seconds, `GeneralizedTime`, with `Z` or an offset.
//!
//! In: a tag and text. Out: the moment. Go parses a time and writes it again: what is not the same then is refused, so
//! fractions, missing digits and an offset of zero are.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::der::Reader;
use super::rule::{Broken, Rule};

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The next time of `reader`.
pub(super) fn read_time(reader: &mut Reader<'_>) -> Result<DateTime<Utc>, Broken> {
    let element = reader.any().ok_or_else(|| Broken::of(Rule::DER, "a time is missing"))?;
    let shown = || element.content.escape_ascii().to_string();
    let moment = match element.tag {
        UTC_TIME => utc_time(element.content),
        GENERALIZED_TIME => generalized_time(element.content),
        tag => return Err(Broken::of(Rule::TIME, format!("a time has the ASN.1 type {tag}"))),
    };
    moment.ok_or_else(|| Broken::of(Rule::TIME, format!("the time is written {:?}", shown())))
}

fn utc_time(text: &[u8]) -> Option<DateTime<Utc>> {
    let (year, rest) = digits(text, 2)?;
    let year = if year < 50 { 2000 + year } else { 1900 + year };
    let (date, rest) = date(year, rest)?;
    moment(date, rest, true)
}

fn generalized_time(text: &[u8]) -> Option<DateTime<Utc>> {
    let (year, rest) = digits(text, 4)?;
    let (date, rest) = date(year, rest)?;
    moment(date, rest, false)
}

fn date(year: u32, text: &[u8]) -> Option<(NaiveDate, &[u8])> {
    let (month, rest) = digits(text, 2)?;
    let (day, rest) = digits(rest, 2)?;
    Some((NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?, rest))
}

fn moment(date: NaiveDate, text: &[u8], may_lack_seconds: bool) -> Option<DateTime<Utc>> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(rest, 2)?;
    let (second, rest) = match digits(rest, 2) {
        Some(read) => read,
        None if may_lack_seconds => (0, rest),
        None => return None,
    };
    let local = date.and_hms_opt(hour, minute, second)?.and_utc();
    let offset = offset(rest)?;
    local.checked_sub_signed(offset)
}

/// `Z`, or an offset that is not zero, of up to 24 hours and 59 minutes.
fn offset(text: &[u8]) -> Option<TimeDelta> {
    if text == b"Z" {
        return Some(TimeDelta::zero());
    }
    let (sign, rest) = text.split_first()?;
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(rest, 2)?;
    if !rest.is_empty() || hours > 24 || minutes > 59 || (hours, minutes) == (0, 0) {
        return None;
    }
    let offset = TimeDelta::minutes(i64::from(hours * 60 + minutes));
    match sign {
        b'+' => Some(offset),
        b'-' => Some(-offset),
        _ => None,
    }
}

fn digits(text: &[u8], count: usize) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    let number = digits.iter().try_fold(0, |sum, byte| Some(sum * 10 + char::from(*byte).to_digit(10)?))?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<String> {
        utc_time(text.as_bytes()).map(|moment| moment.format("%FT%TZ").to_string())
    }

    #[test]
    fn seconds_may_be_missing_and_offsets_may_be_there() {
        assert_eq!(utc("500101000000Z").as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(utc("491231235959Z").as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(utc("2501020304Z").as_deref(), Some("2025-01-02T03:04:00Z"));
        assert_eq!(utc("250102030405+0130").as_deref(), Some("2025-01-02T01:34:05Z"));
        for wrong in [
            "250102030405",
            "250102030405.5Z",
            "250230000000Z",
            "250102030405+0000",
            "250102030405-0060",
            "2501020304056Z",
        ] {
            assert_eq!(utc(wrong), None, "{wrong}");
        }
        assert!(generalized_time(b"00000101000000Z").is_some());
        assert!(generalized_time(b"205001010000Z").is_none());
    }
}
