//! `kubepki explain`: what a code means, and what to do.

use clap::Args;
use serde::Serialize;

use super::codes;
use super::error::CommandError;
use super::options::{Form, OneOf, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::error::{Code, Declaration, nearest};
use crate::report::wrapped;

/// Say what a code of an error or a finding means, and what to do.
///
/// Without a code all are listed, each with a sentence; with an area, as `key`, those of the area.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki explain
  kubepki explain store
  kubepki explain certificate.expired
  kubepki explain key.encrypted -o json")]
pub(super) struct Explain {
    /// The code, as `key.encrypted`, or an area, as `key`.
    #[arg(value_name = "CODE", value_parser = OneOf(codes::names), hide_possible_values = true)]
    code: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// A list is read in pages (`| less`), which have no width of their own.
const WIDTH: usize = 80;

/// A code as data.
#[derive(Serialize)]
struct Explanation {
    code: Code,
    of: &'static str,
    kinds: Vec<String>,
    meaning: String,
    remedy: &'static str,
    source: &'static str,
    example: &'static str,
}

#[derive(Serialize)]
struct Listing {
    codes: Vec<Explanation>,
}

impl Explanation {
    fn of((of, one): (&'static str, &'static Declaration)) -> Self {
        // A kind is a word of the sources, or words of their own.
        let kinds = one.kinds.iter().map(|kind| kind.to_lowercase()).collect();
        let Declaration { code, meaning, remedy, source, example, .. } = *one;
        Self { code, of, kinds, meaning: spelled_out(meaning.trim()), remedy, source, example }
    }

    fn text(&self, width: Option<usize>) -> String {
        let kinds = self.kinds.join("; ");
        let parts = [
            Some(format!("{}: {}, {kinds}", self.code, self.of)),
            Some(self.meaning.clone()),
            Some(format!("what to do: {}", self.remedy)).filter(|_| !self.remedy.is_empty()),
            Some(format!("source: {}", self.source)).filter(|_| !self.source.is_empty()),
            Some(format!("for example: {}", self.example)).filter(|_| !self.example.is_empty()),
        ];
        let line = |(at, part): (usize, String)| match (at, width) {
            (0, _) => part,
            (_, Some(width)) => wrapped(&part, width, "  "),
            (_, None) => format!("  {part}"),
        };
        parts.into_iter().flatten().enumerate().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Run for Explain {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let all = || codes::all().map(Explanation::of);
        // As it is printed: `code: key.encrypted`, `[key.encrypted]`.
        let given = self.code.as_deref().map(|code| code.trim_matches(['[', ']', '.']));
        if let Some(one) = all().find(|one| given == Some(one.code.as_str())) {
            match self.output.form {
                Form::Text => session.screen.show(&one.text(session.screen.width()))?,
                form => session.structured(&one, form)?,
            }
            return Ok(0);
        }
        let of_area = |one: &Explanation| given.is_none_or(|given| area(one.code) == given);
        let listed: Vec<_> = all().filter(of_area).collect();
        if listed.is_empty() {
            return Err(unknown(given.unwrap_or_default()).into());
        }
        match self.output.form {
            Form::Text => {
                let width = session.screen.width().unwrap_or(WIDTH);
                let lines =
                    |one: &Explanation| format!("{}\n{}", one.code, wrapped(&sentence(&one.meaning), width, "    "));
                session.screen.show(&listed.iter().map(lines).collect::<Vec<_>>().join("\n"))?;
            }
            form => session.structured(&Listing { codes: listed }, form)?,
        }
        Ok(0)
    }
}

/// What stands before the point: `key` of `key.encrypted`.
fn area(code: Code) -> &'static str {
    code.as_str().split('.').next().unwrap_or_default()
}

/// The first sentence of a meaning.
fn sentence(meaning: &str) -> String {
    meaning.split_once(". ").map_or(meaning, |(first, _)| first).trim_end_matches('.').to_owned()
}

/// The reference's links as a terminal has them: the words, and the file behind them.
fn spelled_out(meaning: &str) -> String {
    let mut rest = meaning;
    let mut text = String::new();
    while let Some((before, words, place, after)) = link(rest) {
        let file = place.split('#').next().unwrap_or_default();
        text.extend([before, words, " (docs/reference/", file, ")"]);
        rest = after;
    }
    text + rest
}

/// What is before the first `[words](place)`, its two parts, and what is after it.
fn link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (head, tail) = text.split_once("](")?;
    let (before, words) = head.rsplit_once('[')?;
    let (place, after) = tail.split_once(')')?;
    Some((before, words, place, after))
}

fn unknown(given: &str) -> CommandError {
    let known = codes::all().flat_map(|(_, one)| [one.code.as_str(), area(one.code)]);
    let listing = "`kubepki explain` lists all codes";
    let hint = match nearest(given, known) {
        Some(near) => format!("did you mean {near}? {listing}"),
        None => listing.to_owned(),
    };
    CommandError::usage(format!("there is no code {given:?}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_meaning_and_a_first_sentence_of_one_line() {
        for one in codes::all().map(Explanation::of) {
            assert!(!one.meaning.is_empty() && !one.kinds.is_empty(), "{}", one.code);
            assert!(!sentence(&one.meaning).contains('\n'), "{}", one.code);
            assert!(one.text(None).starts_with(&format!("{}: ", one.code)), "{}", one.code);
        }
    }

    #[test]
    fn a_link_of_the_reference_is_its_words_and_its_file() {
        let text = spelled_out(
            "See [the\ntable](reload.md), or [what ends it](store.md#when-recovery-refuses); [not] (this).",
        );
        let expected =
            "See the\ntable (docs/reference/reload.md), or what ends it (docs/reference/store.md); [not] (this).";
        assert_eq!(text, expected);
        assert!(codes::all().map(Explanation::of).all(|one| !one.meaning.contains("](")));
    }

    #[test]
    fn a_mistyped_code_is_answered_with_the_nearest_one() {
        for (given, near) in [("key.encryted", "key.encrypted"), ("stor", "store")] {
            let hint = crate::error::Diagnostic::hint(&unknown(given));
            assert!(hint.starts_with(&format!("did you mean {near}?")), "{hint}");
        }
        let hint = crate::error::Diagnostic::hint(&unknown("nothing.like.it.at.all"));
        assert_eq!(hint, "`kubepki explain` lists all codes");
    }
}
