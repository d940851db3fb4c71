//! Keys and tokens kept out of the YAML parser, whose buffers are not wiped.
//!
//! In: a text. Out: the same with a stand-in for every long run of base64 in it, and the way back. What the
//! parser makes of a stand-in is what it would make of the run: both are plain text to YAML 1.1 and 1.2, and equally long,
//! so that every place in the text stays what it is. Where only lines and columns are asked for, what stands at the end of a line can be
//! shorter: a parser looks at each letter, and nearly all of a kubeconfig is base64 at the ends of lines.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::secret::WipedText;

/// A shorter run is a name as often as a secret.
const SHORTEST: usize = 40;

/// How a stand-in begins; a text that has it already is parsed as it is.
const MARK: &str = "Zset-aside-";

/// How its number ends; the same fills it up.
const END: char = 'Z';

/// The runs of a text, each once.
#[derive(Default)]
pub(super) struct SetAside<'t> {
    runs: Vec<&'t str>,
}

impl<'t> SetAside<'t> {
    /// The runs of `text`, and the text with stand-ins.
    pub(super) fn from_text(text: &'t str) -> (Self, WipedText) {
        Self::with(text, false)
    }

    /// The same with short stand-ins at the ends of lines: every value still begins in its line and column, but an end, and a value that
    /// is not written, need not. `None` where that is no gain, or where a `?` could put a value that is not written behind a run.
    pub(super) fn shortened(text: &'t str) -> Option<(Self, WipedText)> {
        if text.contains('?') {
            return None;
        }
        Some(Self::with(text, true)).filter(|(_, short)| short.len() < text.len())
    }

    fn with(text: &'t str, is_short: bool) -> (Self, WipedText) {
        // It never grows: a stand-in is as long as what it stands for.
        let mut rest = WipedText::new(String::with_capacity(text.len()));
        let mut runs = Vec::new();
        if text.contains(MARK) {
            rest.push_str(text);
            return (Self { runs }, rest);
        }
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let bytes = text.as_bytes();
        let (mut last, mut position, mut previous) = (0, 0, b'\n');
        while let Some(first) = bytes.get(position) {
            if !first.is_ascii_alphanumeric() {
                (previous, position) = (*first, position + 1);
                continue;
            }
            let begun = position;
            let length = bytes.iter().skip(begun).take_while(|byte| is_of_a_run(**byte)).count();
            position += length;
            // What follows a backslash is an escape.
            let Some(run) = text.get(begun..position).filter(|run| previous != b'\\' && is_secret(run)) else {
                continue;
            };
            let number = *numbers.entry(run).or_insert_with(|| {
                runs.push(run);
                runs.len() - 1
            });
            rest.push_str(text.get(last..begun).unwrap_or_default());
            let name = format!("{MARK}{number}");
            rest.push_str(&name);
            let ends_its_line = bytes.get(position).is_none_or(|next| matches!(next, b'\n' | b'\r'));
            let fill = if is_short && ends_its_line { 1 } else { length.saturating_sub(name.len()) };
            rest.extend(std::iter::repeat_n(END, fill));
            last = position;
        }
        rest.push_str(text.get(last..).unwrap_or_default());
        (Self { runs }, rest)
    }

    /// A text that came out of the parser, with its runs.
    pub(super) fn put_back(&self, parsed: Cow<'_, str>) -> String {
        if self.runs.is_empty() || !parsed.contains(MARK) {
            return parsed.into_owned();
        }
        let length = parsed.split(MARK).skip(1).filter_map(|part| Some(self.run(part)?.0.len())).sum::<usize>();
        // As long as it can become, so that it does not grow and leave a copy behind.
        let mut whole = String::with_capacity(parsed.len().saturating_add(length));
        for (index, part) in parsed.split(MARK).enumerate() {
            match self.run(part).filter(|_| index > 0) {
                Some((run, rest)) => {
                    whole.push_str(run);
                    whole.push_str(rest);
                }
                None => whole.push_str(part),
            }
        }
        whole
    }

    /// The run that a part behind the mark names, and what follows.
    fn run<'p>(&self, part: &'p str) -> Option<(&'t str, &'p str)> {
        let (number, behind) = part.split_once(END)?;
        let run = self.runs.get(number.parse::<usize>().ok()?).copied()?;
        let filled = part.split_at_checked(run.len().checked_sub(MARK.len())?);
        // Behind a short one is the end of its line.
        let whole =
            filled.filter(|(name, _)| name.get(number.len()..).is_some_and(|fill| fill.chars().all(|one| one == END)));
        Some((run, whole.map_or(behind, |(_, rest)| rest)))
    }
}

/// Base64, base64url and what joins the parts of a token.
const fn is_of_a_run(letter: u8) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'/' | b'=' | b'-' | b'_' | b'.')
}

/// Whether a run is long, and no number in any notation of YAML.
fn is_secret(run: &str) -> bool {
    let is_no_digit =
        |letter: char| letter.is_ascii_alphabetic() && !letter.is_ascii_hexdigit() && !"xXoO".contains(letter);
    run.len() >= SHORTEST && run.contains(is_no_digit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_set_aside_comes_back(parts in proptest::collection::vec("[A-Za-z0-9+/=._-]{0,90}|[ :\n\"é#\\\\]{1,3}", 0..12)) {
            let text = parts.concat();
            let (aside, rest) = SetAside::from_text(&text);
            prop_assert_eq!(rest.len(), text.len());
            prop_assert_eq!(aside.put_back(Cow::Borrowed(rest.as_str())), text.as_str());
            if let Some((aside, rest)) = SetAside::shortened(&text) {
                prop_assert!(rest.len() < text.len() && rest.lines().count() == text.lines().count());
                prop_assert_eq!(aside.put_back(Cow::Borrowed(rest.as_str())), text.as_str());
            }
        }
    }

    #[test]
    fn at_the_end_of_a_line_a_stand_in_is_short_where_no_place_depends_on_it() {
        let key = "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=".repeat(3);
        let text = format!("k: {key}\nl: [{key}, {key}\n]\nm: \"{key}\"\nb: |\n  {key}\n  {key}\r\ne: {key}");
        let (aside, rest) = SetAside::shortened(&text).unwrap();
        let (short, long) = (format!("{MARK}0Z"), format!("{MARK}0{}", "Z".repeat(key.len() - MARK.len() - 1)));
        let expected =
            format!("k: {short}\nl: [{long}, {short}\n]\nm: \"{long}\"\nb: |\n  {short}\n  {short}\r\ne: {short}");
        assert_eq!(rest.as_str(), expected);
        assert_eq!(aside.put_back(Cow::Borrowed(rest.as_str())), text);
        assert!(SetAside::shortened(&format!("? {key}\n")).is_none());
        assert!(SetAside::shortened(&format!("k: \"{key}\"\n")).is_none());
    }

    #[test]
    fn keys_and_tokens_do_not_reach_the_parser_and_names_and_numbers_do() {
        let key = "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=".repeat(3);
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJlX29m-x_y";
        let number = "1".repeat(60);
        let text = format!("k: {key}\nt: \"{token}\"\nn: {number}\nname: kubernetes-admin@kubernetes\nagain: {key}\n");
        let (aside, rest) = SetAside::from_text(&text);
        assert!(!rest.contains(&key) && !rest.contains(token) && rest.contains(&number), "{}", rest.as_str());
        assert_eq!(aside.runs, [key.as_str(), token]);
        let odd = format!("{MARK}0Z: {key}");
        assert_eq!(SetAside::from_text(&odd).1.as_str(), odd);
    }
}
