//! The strings of names: which characters each type may hold.
//!
//! In: a tag and bytes. Out: the text, or the broken rule. `T61String` is read as Latin-1, as most programs do.

use super::rule::{Broken, Rule};

/// The text of a name's value.
pub(in crate::x509) fn read_text(tag: u8, value: &[u8]) -> Result<String, Broken> {
    let ascii_of = |rule: Rule, allowed: fn(u8) -> bool| match value.iter().find(|byte| !allowed(**byte)) {
        None => Ok(value.iter().map(|byte| char::from(*byte)).collect()),
        Some(byte) => {
            Err(Broken::of(rule, format!("a name holds the byte {byte:02x} in a string of ASN.1 type {tag}")))
        }
    };
    match tag {
        12 => std::str::from_utf8(value)
            .map(str::to_owned)
            .map_err(|_| Broken::of(Rule::UTF8, "a name holds a UTF8String that is not UTF-8")),
        18 => ascii_of(Rule::NUMERIC, |byte| byte.is_ascii_digit() || byte == b' '),
        19 => ascii_of(Rule::PRINTABLE, is_printable),
        20 => Ok(value.iter().map(|byte| char::from(*byte)).collect()),
        22 => ascii_of(Rule::IA5, |byte| byte.is_ascii()),
        30 => two_byte_text(value).ok_or_else(|| Broken::of(Rule::BMP, "a name holds a broken BMPString")),
        _ => Err(Broken::of(Rule::STRING_TYPE, format!("a name holds a value of ASN.1 type {tag}"))),
    }
}

fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)
}

fn two_byte_text(value: &[u8]) -> Option<String> {
    let value = value.strip_suffix(&[0, 0]).filter(|_| value.len().is_multiple_of(2)).unwrap_or(value);
    let (pairs, []) = value.as_chunks::<2>() else { return None };
    pairs
        .iter()
        .map(|pair| u32::from(u16::from_be_bytes(*pair)))
        .map(|point| char::from_u32(point).filter(|_| point < 0xfffe && !(0xfdd0..=0xfdef).contains(&point)))
        .collect()
}
