//! Numbers as Go reads them: `strconv.ParseInt` with base 0, and `ParseFloat` as far as YAML lets it.
//!
//! In: letters. Out: the number, or `None` when they are none. Source: Go `strconv`, go-yaml v2 `resolve`.

use super::resolve::Kind;

/// What go-yaml makes of letters that begin with a digit or a sign; it takes underscores out first.
pub(super) fn number(text: &str) -> Option<Kind> {
    let digits = text.replace('_', "");
    integer(&digits).or_else(|| decimal(&digits).map(Kind::Float)).or_else(|| signed_binary(&digits))
}

/// What go-yaml makes of letters that begin with a dot; an underscore stands between two digits or not at all.
pub(super) fn fraction(text: &str) -> Option<Kind> {
    let bytes = text.as_bytes();
    let is_well_placed = bytes.iter().enumerate().all(|(index, byte)| {
        let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        *byte != b'_' || is_digit(index.checked_sub(1)) && is_digit(index.checked_add(1))
    });
    if is_well_placed { decimal(&text.replace('_', "")).map(Kind::Float) } else { None }
}

/// An integer (sign, `0x`, `0o`, `0b` or a leading zero) that fits 64 bits.
fn integer(digits: &str) -> Option<Kind> {
    let (sign, body) = match digits.strip_prefix(['+', '-']) {
        Some(body) => (digits.get(..1), body),
        None => (None, digits),
    };
    let radices = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
    let prefixed = radices.into_iter().find_map(|(prefix, radix)| Some((body.strip_prefix(prefix)?, radix)));
    let octal = || Some((body.strip_prefix('0').filter(|rest| !rest.is_empty())?, 8));
    let (number, radix) = prefixed.or_else(octal).unwrap_or((body, 10));
    // `from_str_radix` would take a second sign.
    if !number.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(number, radix).ok()?;
    match sign {
        Some("-") => 0_i64.checked_sub_unsigned(value).map(Kind::Integer),
        Some(_) => i64::try_from(value).ok().map(Kind::Integer),
        None => Some(i64::try_from(value).map_or(Kind::LargeInteger(value), Kind::Integer)),
    }
}

/// `0b-1`, which go-yaml takes for minus one.
fn signed_binary(digits: &str) -> Option<Kind> {
    let number = digits.strip_prefix("0b").filter(|rest| rest.starts_with(['+', '-']))?;
    i64::from_str_radix(number, 2).ok().map(Kind::Integer)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, if 64 bits can say it.
fn decimal(digits: &str) -> Option<f64> {
    let body = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (body, None),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = are_digits(whole) && are_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let is_exponent = exponent.is_none_or(|exponent| !exponent.is_empty() && are_digits(exponent));
    if !(is_mantissa && is_exponent) {
        return None;
    }
    digits.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A float as `sigs.k8s.io/yaml` makes a key of it: Go's `FormatFloat(value, 'g', -1, 32)`.
pub(super) fn key_of_float(value: f64) -> String {
    let single = value.to_string().parse().unwrap_or(f32::NAN);
    if single.is_nan() {
        return ".nan".into();
    }
    if single.is_infinite() {
        return if single > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    let scientific = format!("{single:e}");
    match scientific.split_once('e').and_then(|(mantissa, exponent)| Some((mantissa, exponent.parse::<i32>().ok()?))) {
        Some((mantissa, exponent)) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => single.to_string(),
    }
}
