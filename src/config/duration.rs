//! Durations in Go's syntax: `1h30m10.7s`.
//!
//! In: text. Out: a [`TimeDelta`] to the nanosecond, or why not. It knows no defaults and no units of a day or
//! longer, as Go does not; such a text gets the hint that says it in hours.
//! Source: Go `time.ParseDuration`.

use chrono::TimeDelta;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDuration {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

const EXAMPLE: &str = "write numbers with the units h, m and s, as 8760h or 1h30m";

/// The duration that Go reads in `text`.
///
/// # Errors
/// [`BadDuration`] when Go would not read it.
pub fn parse(text: &str) -> Result<TimeDelta, BadDuration> {
    let bad = |message: String, hint: String| Err(BadDuration { message, hint });
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned == "0" {
        return Ok(TimeDelta::zero());
    }
    if unsigned.is_empty() {
        return bad("a duration is missing".into(), format!("{EXAMPLE}, or remove the field for the default"));
    }
    let mut total: i128 = 0;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let number_ends = rest.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_ends);
        let unit_ends = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_ends);
        if unit.is_empty() {
            return bad("the duration has no unit".into(), in_hours(text).unwrap_or_else(|| EXAMPLE.into()));
        }
        let Some(unit) = nanoseconds(unit) else {
            return bad(
                "the duration has an unknown unit".into(),
                in_hours(text).unwrap_or_else(|| format!("{EXAMPLE}; there is no unit longer than h")),
            );
        };
        let Some(part) = multiply(number, unit) else {
            return bad("this is not a duration".into(), EXAMPLE.into());
        };
        total = total.saturating_add(part);
        rest = after;
    }
    let signed = if negative { -total } else { total };
    match i64::try_from(signed) {
        Ok(nanoseconds) => Ok(TimeDelta::nanoseconds(nanoseconds)),
        Err(_) => bad("the duration is too long".into(), "use at most 2562047h (292 years)".into()),
    }
}

fn nanoseconds(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        // U+00B5, the micro sign, and U+03BC, the Greek letter.
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `number` units; `None` when `number` has no digit or two points.
fn multiply(number: &str, unit: i128) -> Option<i128> {
    // The thirteenth digit of a fraction of an hour is less than a nanosecond.
    const FRACTION_DIGITS: usize = 13;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = match whole.trim_start_matches('0') {
        "" => 0,
        digits if digits.len() > 19 => i128::from(u64::MAX),
        digits => digits.parse().ok()?,
    };
    let mut nanoseconds = whole.saturating_mul(unit);
    let mut scale: i128 = 1;
    let mut numerator: i128 = 0;
    for digit in fraction.chars().take(FRACTION_DIGITS) {
        numerator = numerator.saturating_mul(10).saturating_add(i128::from(digit.to_digit(10)?));
        scale = scale.saturating_mul(10);
    }
    nanoseconds = nanoseconds.saturating_add(numerator.saturating_mul(unit) / scale);
    Some(nanoseconds)
}

/// For `365d`, `52w`, `1y` and a bare `8760`: the sentence that says it in hours.
fn in_hours(text: &str) -> Option<String> {
    let unit_starts = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_starts);
    let number: u32 = number.parse().ok()?;
    let hours: u32 = match unit.to_ascii_lowercase().as_str() {
        "" => return Some(format!("a unit is required: write {number}h for hours, {number}s for seconds")),
        "d" | "day" | "days" => 24,
        "w" | "week" | "weeks" => 168,
        "y" | "year" | "years" => 8760,
        _ => return None,
    };
    Some(format!("write {}h: there is no unit longer than h", number.checked_mul(hours)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_durations_have_go_s_value() {
        let cases = [
            ("0", 0),
            ("-0", 0),
            ("8760h", 8760 * 3_600_000_000_000),
            ("720h0m0s", 720 * 3_600_000_000_000),
            ("1h30m10.7s", 5_410_700_000_000),
            ("-1h", -3_600_000_000_000),
            ("+1.5h", 5_400_000_000_000),
            (".5m", 30_000_000_000),
            ("1.s", 1_000_000_000),
            ("1us1µs1μs1ms1ns", 1_003_001),
            ("0.25h", 900_000_000_000),
            ("9223372036854775807ns", i64::MAX),
        ];
        for (text, nanoseconds) in cases {
            assert_eq!(parse(text), Ok(TimeDelta::nanoseconds(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn bad_durations_say_what_to_write_instead() {
        let cases = [
            ("", "a duration is missing", "remove the field"),
            ("-", "a duration is missing", "8760h"),
            ("8760", "has no unit", "write 8760h for hours"),
            ("1h30", "has no unit", "as 8760h"),
            ("365d", "unknown unit", "write 8760h:"),
            ("52w", "unknown unit", "write 8736h:"),
            ("10y", "unknown unit", "write 87600h:"),
            ("1H", "unknown unit", "8760h or 1h30m"),
            ("1 h", "unknown unit", "8760h"),
            ("h", "not a duration", "8760h"),
            (".h", "not a duration", "8760h"),
            ("1.2.3h", "not a duration", "8760h"),
            ("1h-1m", "unknown unit", "8760h"),
            ("2562048h", "too long", "292 years"),
            ("99999999999999999999999999999999999999999h", "too long", "292 years"),
        ];
        for (text, message, hint) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(message), "{text}: {}", error.message);
            assert!(error.hint.contains(hint), "{text}: {}", error.hint);
        }
    }
}
