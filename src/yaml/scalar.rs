//! How a string is written: unquoted, single-quoted, double-quoted, or as a literal block.
//!
//! In: a string and where it stands. Out: a [`Style`]. Source: go-yaml v2's encoder and scalar analysis, with
//! one difference. go-yaml counts U+2028 and U+2029 as line breaks and writes them raw, which a YAML 1.2
//! reader does not undo; here they are escaped like every other character that is not printable.

use super::resolve::{is_sexagesimal, is_text};

/// The notation of one scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `text`
    Unquoted,
    /// `'text'`
    SingleQuoted,
    /// `"text"`
    DoubleQuoted,
    /// `|` and the lines below.
    Literal,
}

impl Style {
    /// The notation that go-yaml chooses for a string which does not stand as a simple key.
    pub(super) fn of(text: &str) -> Self {
        let spaces_meet_breaks = text.contains(" \n");
        let special = !text.chars().all(is_printable);
        if text.contains('\n') {
            let literal = !special && !spaces_meet_breaks && !text.ends_with(' ');
            return if literal { Self::Literal } else { Self::DoubleQuoted };
        }
        if special || !is_text(text) || is_sexagesimal(text) {
            Self::DoubleQuoted
        } else if has_indicator(text) || text.starts_with(' ') || text.ends_with(' ') {
            Self::SingleQuoted
        } else {
            Self::Unquoted
        }
    }

    /// The notation for a key on the same line as its value; a literal block cannot stand there. A text that
    /// would merge mappings when it is an unquoted key is quoted, which go-yaml forgets.
    pub(super) fn of_key(text: &str) -> Self {
        match Self::of(text) {
            Self::Literal => Self::DoubleQuoted,
            Self::Unquoted if text == "<<" => Self::DoubleQuoted,
            style => style,
        }
    }
}

/// What go-yaml prints as it is. Characters beyond the basic plane are not among them.
pub(super) fn is_printable(c: char) -> bool {
    let separates = matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}') && !separates
}

/// Whether an unquoted text would begin as, or hold, something other than text.
fn has_indicator(text: &str) -> bool {
    let starts = text.starts_with(['#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`']);
    let lone = matches!(text, "-" | "?" | ":") || text.starts_with("- ") || text.starts_with("? ");
    let document = text.starts_with("---") || text.starts_with("...");
    starts || lone || document || text.contains(": ") || text.ends_with(':') || text.contains(" #")
}

/// The letter or number that stands for `c` behind a backslash.
pub(super) fn escape(c: char) -> String {
    let code = u32::from(c);
    match code {
        0x00 => "\\0".into(),
        0x07 => "\\a".into(),
        0x08 => "\\b".into(),
        0x09 => "\\t".into(),
        0x0a => "\\n".into(),
        0x0b => "\\v".into(),
        0x0c => "\\f".into(),
        0x0d => "\\r".into(),
        0x1b => "\\e".into(),
        0x22 => "\\\"".into(),
        0x5c => "\\\\".into(),
        0x85 => "\\N".into(),
        0xa0 => "\\_".into(),
        0x2028 => "\\L".into(),
        0x2029 => "\\P".into(),
        _ if code <= 0xff => format!("\\x{code:02X}"),
        _ if code <= 0xffff => format!("\\u{code:04X}"),
        _ => format!("\\U{code:08X}"),
    }
}
