//! What a plain YAML scalar means: YAML 1.1 as go-yaml v2 reads it, because kubeadm reads with that.
//!
//! In: the text of an unquoted scalar. Out: its [`Kind`]. It never sees quoted text, which is always a string.
//! Source: `sigs.k8s.io/yaml/goyaml.v2`, `resolve`.

/// The YAML type of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// Also `yes`, `no`, `on`, `off`, `y`, `n` in their three spellings.
    Bool(bool),
    /// Also hexadecimal, binary, octal (`0o17`, `017`) and with underscores.
    Integer(i64),
    /// An integer that needs more than 64 bits.
    LargeInteger,
    /// A number with a fraction or an exponent, infinity, not-a-number.
    Float,
    /// Everything else, dates too.
    Text,
}

/// The meaning of a plain scalar.
pub(super) fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Kind::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Kind::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Kind::Float,
        _ => {}
    }
    match text.bytes().next() {
        Some(b'.') if is_float(text) => Kind::Float,
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let plain = text.replace('_', "");
            if let Some(integer) = integer(&plain) {
                integer
            } else if is_float(&plain) {
                Kind::Float
            } else {
                Kind::Text
            }
        }
        _ => Kind::Text,
    }
}

/// Go's `ParseInt(text, 0, 64)`; `None` when the text is no integer.
fn integer(text: &str) -> Option<Kind> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(hexadecimal) = lower.strip_prefix("0x") {
        (16, hexadecimal)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (8, octal)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.strip_prefix('0').unwrap_or_default())
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    Some(i64::from_str_radix(&format!("{sign}{digits}"), radix).map_or(Kind::LargeInteger, Kind::Integer))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_is_good = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    mantissa_is_good && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_go_yaml_says() {
        let integer = Kind::Integer;
        let cases = [
            ("", Kind::Null),
            ("~", Kind::Null),
            ("Null", Kind::Null),
            ("nULL", Kind::Text),
            ("yes", Kind::Bool(true)),
            ("Y", Kind::Bool(true)),
            ("off", Kind::Bool(false)),
            ("n", Kind::Bool(false)),
            ("yEs", Kind::Text),
            ("6443", integer(6443)),
            ("+7", integer(7)),
            ("-7", integer(-7)),
            ("010", integer(8)),
            ("0o10", integer(8)),
            ("0x1F", integer(31)),
            ("0b101", integer(5)),
            ("-0b11", integer(-3)),
            ("1_000", integer(1000)),
            ("0", integer(0)),
            ("99999999999999999999", Kind::LargeInteger),
            ("08", Kind::Float),
            ("1.36", Kind::Float),
            (".5", Kind::Float),
            ("5.", Kind::Float),
            ("1e3", Kind::Float),
            ("-.inf", Kind::Float),
            (".", Kind::Text),
            ("e3", Kind::Text),
            ("1e", Kind::Text),
            ("1.2.3", Kind::Text),
            ("0x", Kind::Text),
            ("8760h", Kind::Text),
            ("-", Kind::Text),
            ("+", Kind::Text),
            ("2001:db8::10", Kind::Text),
            ("12:30:45", Kind::Text),
            ("2026-01-02", Kind::Text),
            ("v1.36.0", Kind::Text),
        ];
        for (text, kind) in cases {
            assert_eq!(resolve(text), kind, "{text:?}");
        }
    }
}
