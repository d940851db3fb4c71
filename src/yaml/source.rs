//! The text of a file, and what go-yaml refuses in it, before and within scalars, and a YAML 1.2 reader takes.
//!
//! In: bytes, text, or the letters of a double-quoted scalar. Out: text; where the first fault is, and what it is.
//!
//! Source: go-yaml v2 `readerc.go` (control characters), `scannerc.go` `yaml_parser_scan_flow_scalar` (escapes).

use zeroize::Zeroizing;

use super::node::Mark;
use crate::secret::WipedText;

/// The text of a file as go-yaml finds it: UTF-8, or UTF-16 behind its byte order mark.
///
/// # Errors
/// The offset of the first byte that is neither.
pub(crate) fn text_of(bytes: &[u8]) -> Result<WipedText, usize> {
    let units = |from: fn([u8; 2]) -> u16| {
        let pairs = bytes.get(2..).unwrap_or_default().chunks_exact(2);
        let whole = pairs.remainder().is_empty();
        let units: Zeroizing<Vec<u16>> =
            Zeroizing::new(pairs.filter_map(|pair| pair.try_into().ok()).map(from).collect());
        String::from_utf16(&units).ok().filter(|_| whole).map(WipedText::new).ok_or(0)
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
            str::from_utf8(bytes).map(WipedText::new).map_err(|error| error.valid_up_to())
        }
    }
}

/// The first character that may not stand anywhere, comments included, and its place.
pub(crate) fn control_character(text: &str) -> Option<(Mark, char)> {
    let is_allowed = |c: char| {
        matches!(c,
            '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    };
    // Most files are of these alone.
    if text.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')) {
        return None;
    }
    let (offset, found) = text.char_indices().find(|(_, c)| !is_allowed(*c))?;
    let before = text.get(..offset).unwrap_or_default();
    let (line, start) = before.split('\n').zip(1..).last().map_or((1, ""), |(start, line)| (line, start));
    Some((Mark { line, column: start.chars().count().saturating_add(1) }, found))
}

/// The line of a directive that go-yaml does not know: all but `%YAML 1.1` and `%TAG`.
pub(super) fn foreign_directive(text: &str) -> Option<usize> {
    let is_before = |line: &str| line.trim().is_empty() || line.starts_with(['#', '%']);
    let mut before = text.lines().zip(1..).take_while(|(line, _)| is_before(line));
    before.find_map(|(line, number)| {
        let mut words = line.strip_prefix('%')?.split_whitespace();
        let is_known = match words.next() {
            Some("YAML") => words.next() == Some("1.1"),
            Some("TAG") => true,
            _ => false,
        };
        (!is_known).then_some(number)
    })
}

/// Whether the letters of a double-quoted scalar hold an escape that only YAML 1.2 or JSON knows.
pub(super) fn has_foreign_escape(letters: &str) -> bool {
    let mut rest = letters;
    while let Some((_, after)) = rest.split_once('\\') {
        let is_surrogate = || {
            let code = after.get(1..5).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            code.is_some_and(|code| (0xd800..0xe000).contains(&code))
        };
        match after.chars().next() {
            Some('/') => return true,
            Some('u') if is_surrogate() => return true,
            Some(c) => rest = after.get(c.len_utf8()..).unwrap_or_default(),
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_is_found() {
        assert_eq!(control_character("a\n\tb\u{85}\u{feff}\u{1f600}\r\n"), None);
        assert_eq!(control_character("a\nb\u{7f}"), Some((Mark { line: 2, column: 2 }, '\u{7f}')));
        assert_eq!(control_character("\0"), Some((Mark { line: 1, column: 1 }, '\0')));
        assert_eq!(foreign_directive("# a\n%YAML 1.1\n---\na: 1\n"), None);
        assert_eq!(foreign_directive("%YAML 1.2\n---\n"), Some(1));
        assert_eq!(foreign_directive("a: 1\n%FOO\n"), None);
        assert!(has_foreign_escape(r"a\/b") && has_foreign_escape(r"\ud83d\ude00"));
        assert!(!has_foreign_escape(r"\\/ \u0041 \n /"));
    }
}
