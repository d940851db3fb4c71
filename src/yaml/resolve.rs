//! What an unquoted scalar means: text, or something else.
//!
//! In: the letters. Out: the [`Kind`] of value that Kubernetes takes them for. Quoted letters, which are always text, do
//! not come here.
//!
//! Source: go-yaml v2 `resolve`, with Go's `strconv` and `time.Parse`; then `sigs.k8s.io/yaml`, which makes JSON of the result.
//! `tests/yaml/scalars.json` is what they say.

/// What the JSON that Kubernetes makes of YAML has for a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Nothing.
    Null,
    /// `true` or `false`; in YAML also `yes`, `no`, `on`, `off`, `y`, `n`.
    Bool(bool),
    /// An integer of 64 bits with a sign.
    Integer(i64),
    /// An integer of 64 bits that needs all of them.
    LargeInteger(u64),
    /// Another number; infinity and not-a-number, which JSON cannot say, are among them.
    Float(f64),
    /// A string; dates are strings too.
    Text,
}

impl Kind {
    /// The integer, if it is one; JSON has no other spelling for `8.0` or `08`, a float to YAML, than `8`.
    pub(crate) fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(value),
            Self::Float(value) => format!("{value}").parse().ok(),
            Self::Null | Self::Bool(_) | Self::LargeInteger(_) | Self::Text => None,
        }
    }

    /// Whether it is an integer of any size.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Integer(_) | Self::LargeInteger(_))
            || matches!(self, Self::Float(value) if value.is_finite() && value.fract() == 0.0)
    }

    /// Whether JSON cannot say it.
    pub(crate) const fn is_not_finite(self) -> bool {
        matches!(self, Self::Float(value) if !value.is_finite())
    }

    /// The key that JSON has for `letters` of this kind; `None` where it has none.
    pub(super) fn key(self, letters: &str) -> Option<String> {
        match self {
            Self::Null | Self::LargeInteger(_) => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Float(value) => Some(key_of_float(value)),
            Self::Text => Some(letters.to_owned()),
        }
    }
}

/// What these letters, unquoted, are.
pub(super) fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Kind::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Kind::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Kind::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Kind::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let found = match text.bytes().next() {
        Some(b'.') => fraction(text),
        Some(b'+' | b'-' | b'0'..=b'9') if !is_timestamp(text) => number(text),
        _ => None,
    };
    found.unwrap_or(Kind::Text)
}

/// What go-yaml makes of letters that begin with a digit or a sign; it takes underscores out first.
fn number(text: &str) -> Option<Kind> {
    let digits = text.replace('_', "");
    integer(&digits).or_else(|| decimal(&digits).map(Kind::Float)).or_else(|| signed_binary(&digits))
}

/// What go-yaml makes of letters that begin with a dot; an underscore stands between two digits or not at all.
fn fraction(text: &str) -> Option<Kind> {
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
fn key_of_float(value: f64) -> String {
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

/// Whether these letters, unquoted, are a string and nothing else; a date is one in JSON, and a date in YAML.
pub(super) fn is_text(text: &str) -> bool {
    resolve(text) == Kind::Text && !is_timestamp(text)
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
