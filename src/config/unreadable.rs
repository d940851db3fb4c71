//! Why a document is no YAML, in the words of a configuration's problems.
//!
//! In: what [`crate::yaml`] says of a text. Out: a problem's code, message and hint. kubeadm takes text with a tag that it
//! does not know as it stands, and passes over what stands behind a document; here both are problems.

use super::problem::{Code, Place, Problems};
use crate::yaml::{Construct, ParseError, Reason};

/// What of the things that Kubernetes passes over stops the reading of a document.
pub(super) fn stops(passed_over: Vec<ParseError>) -> Option<ParseError> {
    passed_over.into_iter().find(|error| !matches!(error.reason, Reason::DuplicateKey(_)))
}

/// Reports that a document cannot be read.
pub(super) fn report(error: ParseError, problems: &mut Problems) {
    let (code, message, hint) = explained(error.reason);
    problems.add(code, &Place::at(error.mark), message, hint);
}

fn explained(reason: Reason) -> (Code, String, &'static str) {
    let syntax = |message: &str, hint| (Code::Syntax, message.to_owned(), hint);
    match reason {
        Reason::Syntax(problem) => {
            let hint = syntax_hint(&problem);
            (Code::Syntax, problem, hint)
        }
        Reason::TooDeep(limit) => {
            let message = format!("more than {limit} collections are nested here");
            (Code::TooComplex, message, "check the file: no kubeadm field nests this deep")
        }
        Reason::TooLarge => {
            let message = "the document is too large once its aliases are resolved".into();
            (Code::TooComplex, message, "repeat less with aliases; a kubeadm configuration needs few")
        }
        Reason::Tag(tag) => {
            let tag: String = tag.chars().take(40).collect();
            let hint = "remove the tag; if another program resolves it, give kubepki the resolved file";
            (Code::Tag, format!("the tag {tag} has no meaning for this value"), hint)
        }
        Reason::DuplicateKey(_) | Reason::NotAMapping => syntax("this is not a mapping", "write name: value"),
        Reason::Unsupported(construct) => match construct {
            Construct::AliasToItself => syntax(
                "the alias stands inside the very value that it names",
                "a value cannot contain itself: write it out",
            ),
            Construct::Binary => (Code::Tag, construct.as_str().to_owned(), "remove the tag, and write the text"),
            Construct::Infinite => {
                (Code::Value, construct.as_str().to_owned(), "write a number that is finite, or quotes around the text")
            }
            Construct::Directive => syntax(construct.as_str(), DIRECTIVE),
            Construct::Escape => syntax(construct.as_str(), "write the character itself"),
            Construct::KeyCollection | Construct::KeyNull | Construct::KeyTooLarge => {
                syntax("a key must be text", "write a field name before the colon")
            }
            Construct::Merge => {
                syntax("a merge key (<<) takes a mapping or a list of mappings", "point the alias at a mapping")
            }
            Construct::SecondDocument => syntax(
                "there is more text after the end of the document",
                "begin the next document with a line that is only ---",
            ),
        },
    }
}

const DIRECTIVE: &str = "remove the directive (%…): kubeadm accepts none in a configuration file";

/// The parser has a hundred messages; these words are in all those of one cause.
fn syntax_hint(problem: &str) -> &'static str {
    let causes = [
        ("tab", "YAML indents with spaces: replace the tab on this line or the next"),
        ("unknown anchor", "define the anchor (&name) above the alias (*name), or quote the text"),
        ("document start", DIRECTIVE),
        ("irective", DIRECTIVE),
    ];
    let found = causes.into_iter().find(|(word, _)| problem.contains(word));
    found.map_or("check the indentation, colons, brackets and quotes of this line and the one above", |(_, hint)| hint)
}
