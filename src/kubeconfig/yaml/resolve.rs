//! What an unquoted scalar means: text, or something else.
//!
//! In: the letters. Out: whether YAML 1.1, as the Kubernetes tools resolve it, takes them for a string.
//! Source: go-yaml v2 `resolve`, with Go's `strconv` and `time.Parse` syntax that it leans on.

/// What the JSON that Kubernetes makes of YAML says for an unquoted scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// A string; dates are strings too.
    Text,
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool,
    /// An integer of 64 bits with a sign.
    Integer,
    /// An integer of 64 bits that needs all of them.
    LargeInteger,
    /// Another number.
    Float,
    /// Infinity, or not a number: JSON cannot say it.
    NotFinite,
}

/// What these letters, unquoted, become in JSON.
pub(super) fn json(text: &str) -> Json {
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        Json::Null
    } else if is_word(text) {
        if text.contains('.') { Json::NotFinite } else { Json::Bool }
    } else if is_text(text) || is_timestamp(text) {
        Json::Text
    } else if !text.starts_with('.') && is_integer(&text.replace('_', "")) {
        let is_large =
            !text.starts_with('-') && !is_integer(&format!("+{}", text.trim_start_matches('+').replace('_', "")));
        if is_large { Json::LargeInteger } else { Json::Integer }
    } else {
        Json::Float
    }
}

/// Whether these letters, unquoted, are a string (and no null, boolean, number or date).
pub(super) fn is_text(text: &str) -> bool {
    if is_word(text) {
        return false;
    }
    match text.bytes().next() {
        Some(b'.') => !is_dotted_float(text),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let digits = text.replace('_', "");
            !(is_timestamp(text) || is_integer(&digits) || is_float(&digits))
        }
        _ => true,
    }
}

/// Whether these letters are YAML 1.1's sexagesimal number (`12:30:45`), which is read as text but never
/// written unquoted.
pub(super) fn is_sexagesimal(text: &str) -> bool {
    let mut groups = text.strip_prefix(['+', '-']).unwrap_or(text).split(':');
    let Some(first) = groups.next() else { return false };
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !first.chars().all(|c| c.is_ascii_digit() || c == '_') {
        return false;
    }
    let rest: Vec<_> = groups.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    let is_group = |group: &str| match group.as_bytes() {
        [units] | [b'0'..=b'5', units] => units.is_ascii_digit(),
        _ => false,
    };
    middle.iter().all(|group| is_group(group))
        && is_group(last)
        && fraction.chars().all(|c| c.is_ascii_digit() || c == '_')
}

fn is_word(text: &str) -> bool {
    matches!(
        text,
        "" | "~"
            | "null"
            | "Null"
            | "NULL"
            | "y"
            | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "true"
            | "True"
            | "TRUE"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
            | "false"
            | "False"
            | "FALSE"
            | ".nan"
            | ".NaN"
            | ".NAN"
            | ".inf"
            | ".Inf"
            | ".INF"
            | "+.inf"
            | "+.Inf"
            | "+.INF"
            | "-.inf"
            | "-.Inf"
            | "-.INF"
    )
}

/// A Go integer literal (sign, `0x`, `0o`, `0b` or a leading zero) that fits 64 bits.
fn is_integer(digits: &str) -> bool {
    let (negative, body) = match digits.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, digits),
    };
    let (signed, body) = match body.strip_prefix('+').filter(|_| !negative) {
        Some(body) => (true, body),
        None => (negative, body),
    };
    let (radix, number) = match body.strip_prefix('0') {
        None | Some("") => (10, body),
        Some(rest) => {
            let prefixed = [(16, ['x', 'X']), (8, ['o', 'O']), (2, ['b', 'B'])];
            prefixed
                .into_iter()
                .find_map(|(radix, marks)| Some((radix, rest.strip_prefix(marks)?)))
                .unwrap_or((8, rest))
        }
    };
    // `from_str_radix` would take a second sign.
    if !number.starts_with(|c: char| c.is_digit(radix)) {
        return false;
    }
    match u64::from_str_radix(number, radix) {
        Ok(value) if negative => value <= i64::MIN.unsigned_abs(),
        Ok(value) if signed => i64::try_from(value).is_ok(),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// YAML's own float syntax, finite in 64 bits: `1.`, `-.5`, `1e+3`.
fn is_float(digits: &str) -> bool {
    let body = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    is_decimal(body) && is_finite(digits)
}

/// What Go reads as a float after a leading dot; an underscore stands between two digits or not at all.
fn is_dotted_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let underscores_stand_well = bytes.iter().enumerate().all(|(index, byte)| {
        let digit_at = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        *byte != b'_' || digit_at(index.checked_sub(1)) && digit_at(index.checked_add(1))
    });
    let digits = text.replace('_', "");
    underscores_stand_well && is_decimal(&digits) && is_finite(&digits)
}

fn is_finite(digits: &str) -> bool {
    digits.parse::<f64>().is_ok_and(f64::is_finite)
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal(body: &str) -> bool {
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_is_right = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    mantissa_is_right && exponent_is_right
}

/// `2001-1-1`, alone, with ` 15:4:5`, or with `T15:4:5` and a zone.
fn is_timestamp(text: &str) -> bool {
    let mut rest = Cursor(text);
    let Some(year) = rest.digits(4, 4) else { return false };
    let Some(month) = rest.then("-").and_then(|()| rest.digits(1, 2)) else { return false };
    let Some(day) = rest.then("-").and_then(|()| rest.digits(1, 2)) else { return false };
    if !(1..=12).contains(&month) || day < 1 || day > days_in(month, year) {
        return false;
    }
    if rest.0.is_empty() {
        return true;
    }
    if rest.then(" ").is_some() {
        rest.0 = rest.0.trim_start_matches(' ');
        return rest.time_of_day() && rest.0.is_empty();
    }
    (rest.then("T").is_some() || rest.then("t").is_some()) && rest.time_of_day() && rest.zone() && rest.0.is_empty()
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What of a timestamp is still unread.
struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn then(&mut self, literal: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(count).filter(|_| count >= least)?;
        self.0 = rest;
        digits.parse().ok()
    }

    /// A number of one or two digits under `limit`.
    fn below(&mut self, limit: u32) -> bool {
        self.digits(1, 2).is_some_and(|value| value < limit)
    }

    /// `15:4:5` and any fraction after a dot or comma.
    fn time_of_day(&mut self) -> bool {
        let clock = self.below(24) && self.then(":").is_some() && self.below(60) && self.then(":").is_some();
        if !(clock && self.below(60)) {
            return false;
        }
        if let Some(fraction) = self.0.strip_prefix(['.', ',']) {
            let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if after.len() < fraction.len() {
                self.0 = after;
            }
        }
        true
    }

    /// `Z`, or `+07:00`.
    fn zone(&mut self) -> bool {
        if self.then("Z").is_some() {
            return true;
        }
        if self.then("+").or_else(|| self.then("-")).is_none() {
            return false;
        }
        let hours = self.digits(2, 2).is_some_and(|hours| hours <= 24);
        let minutes = self.then(":").and_then(|()| self.digits(2, 2)).is_some_and(|minutes| minutes <= 60);
        hours && minutes
    }
}
