//! Reads YAML (or JSON, which is YAML) into a tree, within fixed bounds.
//!
//! In: text. Out: the first document, and what Kubernetes passes over in it and behind it. It makes no node itself.
//!
//! Source: go-yaml v2 `yaml.go` (of several documents the first is read), `readerc.go`, `scannerc.go`.

use granit_parser::{Event, Options, Parser, ScalarStyle};

use super::build::{Builder, DEEPEST};
use super::error::{Construct, ParseError, Reason};
use super::node::{Mapping, Mark, Node, Value};
use super::set_aside::SetAside;
use super::source;

/// A document that was read.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The root; null for a text that says nothing.
    pub(crate) root: Node,
    /// What Kubernetes reads in silence and its owner may not mean: the second of two equal keys, tags without a meaning,
    /// a second document.
    pub(crate) passed_over: Vec<ParseError>,
}

/// Reads the one mapping of `text`; an empty text is an empty mapping. What Kubernetes would pass over is an error.
///
/// # Errors
/// Every [`ParseError`].
pub(crate) fn parse(text: &str) -> Result<Mapping, ParseError> {
    let (root, passed_over) = parse_as_clients(text)?;
    passed_over.into_iter().next().map_or(Ok(root), Err)
}

/// Reads the first mapping of `text` as clients of Kubernetes do. Equal keys and further documents, which that passes
/// over, come as the second value.
///
/// # Errors
/// [`ParseError`], when they would not read it either.
pub(crate) fn parse_as_clients(text: &str) -> Result<(Mapping, Vec<ParseError>), ParseError> {
    let Document { root, mut passed_over } = read(text, 1)?;
    passed_over.retain(|error| !matches!(error.reason, Reason::Tag(_)));
    match root.value {
        Value::Mapping(mapping) => Ok((mapping, passed_over)),
        Value::Scalar(scalar) if scalar.is_null() => Ok((Mapping::default(), passed_over)),
        _ => Err(ParseError { mark: root.mark, reason: Reason::NotAMapping }),
    }
}

/// Reads the first document of `text`, whose first line is the file's line `first_line`.
///
/// # Errors
/// The first thing for which Kubernetes would not read the text, or that exceeds the bounds.
pub(crate) fn read(text: &str, first_line: usize) -> Result<Document, ParseError> {
    let at = |mark: Mark| Mark { line: mark.line.saturating_sub(1).saturating_add(first_line), ..mark };
    if let Some((mark, found)) = source::control_character(text) {
        let problem = format!("the control character U+{:04X} may not stand in YAML", u32::from(found));
        return Err(ParseError { mark: at(mark), reason: Reason::Syntax(problem) });
    }
    if let Some(line) = source::foreign_directive(text) {
        let reason = Reason::Unsupported(Construct::Directive);
        return Err(ParseError { mark: at(Mark { line, column: 1 }), reason });
    }
    // Places at the ends of lines are named by faults alone.
    if let Some((aside, short)) = SetAside::shortened(text)
        && let Ok(document) = document(aside, &short, first_line)
        && document.passed_over.is_empty()
    {
        return Ok(document);
    }
    let (aside, text) = SetAside::from_text(text);
    document(aside, &text, first_line)
}

fn document(aside: SetAside<'_>, text: &str, first_line: usize) -> Result<Document, ParseError> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    let mut builder = Builder::new(aside, first_line);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(next) => next,
            // What is not read need not be YAML.
            Err(error) if builder.is_done => {
                builder.mark = builder.place(error.marker());
                builder.pass_over(Reason::Unsupported(Construct::SecondDocument));
                break;
            }
            Err(error) => return Err(builder.scan_error(&error)),
        };
        builder.mark = builder.place(&span.start);
        if builder.is_done {
            let is_empty = matches!(&event, Event::Scalar(..) if span.is_empty());
            let is_content = matches!(
                event,
                Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(..)
            );
            if is_content && !is_empty {
                builder.pass_over(Reason::Unsupported(Construct::SecondDocument));
                break;
            }
            continue;
        }
        if let Event::Scalar(_, ScalarStyle::DoubleQuoted, ..) = event
            && let (Some(start), Some(end)) = (span.start.byte_offset(), span.end.byte_offset())
            && text.get(start..end).is_some_and(source::has_foreign_escape)
        {
            return Err(builder.unsupported(Construct::Escape));
        }
        // A value that is not written at all comes as an empty `~`.
        let event = match event {
            Event::Scalar(_, ScalarStyle::Plain, anchor, None) if span.is_empty() => {
                Event::Scalar("null".into(), ScalarStyle::Plain, anchor, None)
            }
            event => event,
        };
        builder.take(event)?;
    }
    let nothing = || Node { mark: Mark { line: first_line, column: 1 }, ..Node::null() };
    let root = builder.root.unwrap_or_else(nothing);
    check_finite(&root)?;
    Ok(Document { root, passed_over: builder.passed_over })
}

/// Kubernetes makes JSON of the whole document, so a number that JSON does not have spoils it wherever it stands.
fn check_finite(node: &Node) -> Result<(), ParseError> {
    match &node.value {
        Value::Scalar(scalar) if scalar.kind().is_not_finite() => {
            Err(ParseError { mark: node.mark, reason: Reason::Unsupported(Construct::Infinite) })
        }
        Value::Scalar(_) | Value::Unusable => Ok(()),
        Value::Sequence(items) => items.iter().try_for_each(check_finite),
        Value::Mapping(mapping) => mapping.entries.iter().try_for_each(|entry| check_finite(&entry.node)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_read_alike(text: &str) -> bool {
        let Some((aside, short)) = SetAside::shortened(text) else { return false };
        let Ok(found) = document(aside, &short, 7) else { return false };
        if !found.passed_over.is_empty() {
            return false;
        }
        let (aside, whole) = SetAside::from_text(text);
        let expected = document(aside, &whole, 7).unwrap();
        assert_eq!(found.root, expected.root, "{text}");
        assert_eq!(marks(&found.root), marks(&expected.root), "{text}");
        assert!(expected.passed_over.is_empty(), "{text}");
        true
    }

    fn marks(node: &Node) -> Vec<(usize, usize)> {
        let below: Vec<_> = match &node.value {
            Value::Sequence(items) => items.iter().flat_map(marks).collect(),
            Value::Mapping(mapping) => mapping.entries.iter().flat_map(|entry| marks(&entry.node)).collect(),
            Value::Scalar(_) | Value::Unusable => Vec::new(),
        };
        std::iter::once((node.mark.line, node.mark.column)).chain(below).collect()
    }

    #[test]
    fn long_runs_of_base64_at_the_ends_of_lines_are_read_as_they_stand() {
        let run = "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=".repeat(50);
        let other = "c2Vjb25k".repeat(30);
        for text in [
            format!("a: {run}\nb: {other}\nc: 1\n"),
            format!("a: {run}"),
            format!("a: {run}\r\nb: 2\r\n"),
            format!("a: {run}\n  {other}\n  {run}\nb: \"{run}\n  {other}\"\nc: '{other}\n\n  {run}\n'\n"),
            format!("a: |\n  {run}\n  {other}\nb: >-\n  {run}\n\n  {other}\nc: [{run}\n , {other}, {run}\n ]\n"),
            format!("- {run}\n- &x {other}\n- *x\n- {{a: {run}\n  , b}}\n"),
            run.clone(),
        ] {
            assert!(is_read_alike(&text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_beside_a_run_is_read_alike(
            parts in proptest::collection::vec(
                "(a: |b:|- |  |\n|\r\n|\"|'|\\[|\\]|, |\\{|\\}|&x |\\*x|[|]\n  |>\n  |#|\\\\|x|1|~|R|S)", 0..24,
            ),
        ) {
            let text: String = parts.concat().replace('R', &"c2VjcmV0".repeat(9)).replace('S', &"b3RoZXI/Zy".repeat(7));
            is_read_alike(&text);
        }
    }
}
