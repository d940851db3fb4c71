//! Text from outside, made fit for a terminal, a log and a page.
//!
//! In: any text: names of certificates, file names, YAML values, answers of servers. Out: [`printable`], one line without
//! characters that a terminal obeys or that change how other characters look. What is exact data (JSON, YAML, PEM) does
//! not go through here. A letter of any script stays as it is.
//!
//! Source: Unicode Standard Annex 9 (bidirectional controls), Technical Standard 39 (invisible characters); ECMA-48.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A sentence, a cell or a log line longer than this is cut, in characters.
const LIMIT: usize = 4096;

/// Room for what says that a text was cut: text that was cut once is not cut again.
const NOTE: usize = 64;

/// A number of things: `1 file`, `2 files`.
///
/// ```
/// assert_eq!(kubepki::text::counted(1, "file"), "1 file");
/// assert_eq!(kubepki::text::counted(0, "file"), "0 files");
/// ```
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A duration as systemd and kubepki both read it, in its largest whole unit: `30d`, `90m`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size));
    unit.map_or_else(|| format!("{seconds}s"), |(size, unit)| format!("{}{unit}", seconds / size))
}

/// Whether every shell takes it for this one word, as it stands.
///
/// # Examples
/// ```
/// use kubepki::text::is_plain_word;
/// assert!(is_plain_word("/var/lib/etcd_1.db") && is_plain_word("--authority") && is_plain_word("ca,etcd-ca"));
/// assert!(["$(id)", "a b", "a;b", "~", "*", "a\nb", "'"].into_iter().all(|word| !is_plain_word(word)));
/// ```
#[must_use]
pub fn is_plain_word(word: &str) -> bool {
    word.chars().all(|one| one.is_ascii_alphanumeric() || "/._-,=:".contains(one))
}

/// A URL without the name and password that may stand in front of its host.
#[must_use]
pub fn without_password(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return url.into() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://(not shown)@{host}{path}").into(),
        None => url.into(),
    }
}

/// The file's name without its folders; the path itself where it has none.
#[must_use]
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Whether a character may not be shown as it is: it controls a terminal, ends a line, reorders what is around it, or
/// cannot be seen.
///
/// ```
/// assert!(['\n', '\x1b', '\u{9b}', '\u{202e}', '\u{200b}'].into_iter().all(kubepki::text::is_unprintable));
/// assert!(!['a', 'ü', '*', '界', ' '].into_iter().any(kubepki::text::is_unprintable));
/// ```
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            // Zero width, marks and overrides of direction, line and paragraph separators.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            // Interlinear annotations, tags.
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text as one line that is safe to show; what may not be shown as it is reads `\n`, `\x1b`, `\u{202e}`.
///
/// A text that is shown twice is escaped once: backslashes stay as they are.
///
/// # Examples
/// ```
/// use kubepki::text::printable;
/// assert_eq!(printable("evil\u{1b}[2J\nok"), "evil\\x1b[2J\\nok");
/// assert_eq!(printable("*.bücher.example"), "*.bücher.example");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_long = text.len() > LIMIT;
    if !is_long && !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        escape_into(&mut escaped, character);
    }
    if is_long { Cow::Owned(shortened(escaped)) } else { Cow::Owned(escaped) }
}

/// Adds one character as it may be shown.
pub(crate) fn escape_into(escaped: &mut String, character: char) {
    match character {
        '\n' => escaped.push_str("\\n"),
        '\r' => escaped.push_str("\\r"),
        '\t' => escaped.push_str("\\t"),
        _ if !is_unprintable(character) => escaped.push(character),
        _ => {
            let number = u32::from(character);
            // Writing to a string cannot fail.
            let _ =
                if number < 0x100 { write!(escaped, "\\x{number:02x}") } else { write!(escaped, "\\u{{{number:x}}}") };
        }
    }
}

fn shortened(mut text: String) -> String {
    let length = text.chars().count();
    if length <= LIMIT + NOTE {
        return text;
    }
    if let Some((end, _)) = text.char_indices().nth(LIMIT) {
        text.truncate(end);
        let _ = write!(text, "… ({} more characters)", length - LIMIT);
    }
    text
}

/// Serialises a sentence for people: printable, also where JSON would carry anything.
pub(crate) fn serialize<S: serde::Serializer>(sentence: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&printable(sentence))
}

/// A file name may be any bytes, and JSON holds only text: what is not UTF-8 in it is replaced.
#[allow(clippy::ptr_arg)] // what serde hands over
pub(crate) fn serialize_path<S: serde::Serializer>(path: &PathBuf, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_shown_is_one_line_of_characters_that_nothing_obeys(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_unprintable));
        }

        #[test]
        fn a_text_that_is_shown_twice_is_escaped_once(text in any::<String>(), times in 1_usize..2000) {
            let long = text.repeat(times);
            let once = printable(&long).into_owned();
            prop_assert_eq!(printable(&once).into_owned(), once.clone());
            prop_assert!(once.chars().count() <= LIMIT + NOTE);
        }
    }

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (url, shown) in [
            ("https://ann:secret@h:6443/a@b", "https://(not shown)@h:6443/a@b"),
            ("https://a@b:secret@h?x=1", "https://(not shown)@h?x=1"),
            ("https://h:6443/x@y", "https://h:6443/x@y"),
            ("h:6443", "h:6443"),
            ("", ""),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn durations_are_in_their_largest_whole_unit() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m"), (5400, "90m"), (7200, "2h"), (86_400, "1d")] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_long_text_says_how_much_is_left_out() {
        let shown = printable(&"x".repeat(5000)).into_owned();
        assert!(shown.ends_with("x… (904 more characters)"), "{shown}");
    }
}
