//! Where each value of a document stands in its text, to the byte.
//!
//! In: the text of one document. Out: [`Place`]s, in the document's own shape. Nothing is resolved: an alias is an alias,
//! a merge key a key. Whoever changes a text by them reads the result again and compares.

use std::ops::Range;

use granit_parser::{Event, Options, Parser};

use super::build::DEEPEST;
use super::set_aside::SetAside;

/// A value and its letters.
#[derive(Debug)]
pub(super) struct Place {
    /// From its first byte to behind its last; empty for a value that is not written. Of a block collection, all of it.
    pub(super) span: Range<usize>,
    pub(super) shape: Shape,
}

/// What stands there.
#[derive(Debug)]
pub(super) enum Shape {
    /// A scalar or an alias.
    Single,
    Sequence(Vec<Place>),
    Mapping(Vec<Pair>),
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) key: Range<usize>,
    pub(super) value: Place,
}

impl Place {
    /// Whether it is a collection in brackets.
    pub(super) fn is_flow(&self, text: &str) -> bool {
        !matches!(self.shape, Shape::Single) && text.get(self.span.start..).is_some_and(|it| it.starts_with(['{', '[']))
    }

    /// Whether it has items or keys.
    pub(super) fn has_content(&self) -> bool {
        match &self.shape {
            Shape::Single => false,
            Shape::Sequence(items) => !items.is_empty(),
            Shape::Mapping(pairs) => !pairs.is_empty(),
        }
    }
}

/// A collection whose end has not come yet.
struct Frame {
    start: usize,
    end: usize,
    shape: Shape,
    key: Option<(String, Range<usize>)>,
}

/// The places of the first document of `text`; none where the parser does not say them.
pub(super) fn locate(text: &str) -> Option<Place> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    let (aside, stand_in) = SetAside::from_text(text);
    let mut frames: Vec<Frame> = Vec::new();
    for event in Parser::new_from_str_with_options(&stand_in, options) {
        let (event, span) = event.ok()?;
        let span = span.start.byte_offset()?..span.end.byte_offset()?;
        let (place, letters) = match event {
            Event::Scalar(letters, ..) => (Place { span, shape: Shape::Single }, Some(aside.put_back(letters))),
            Event::Alias(..) => (Place { span, shape: Shape::Single }, None),
            Event::SequenceStart(..) => {
                frames.push(Frame { start: span.start, end: span.end, shape: Shape::Sequence(Vec::new()), key: None });
                continue;
            }
            Event::MappingStart(..) => {
                frames.push(Frame { start: span.start, end: span.end, shape: Shape::Mapping(Vec::new()), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let frame = frames.pop()?;
                let is_flow = text.get(frame.start..)?.starts_with(['{', '[']);
                let end = if is_flow { span.end } else { frame.end };
                (Place { span: frame.start..end, shape: frame.shape }, None)
            }
            Event::DocumentEnd => return None,
            _ => continue,
        };
        let Some(frame) = frames.last_mut() else { return Some(place) };
        // The parser places an empty value where the next token begins.
        if !place.span.is_empty() {
            frame.end = frame.end.max(place.span.end);
        }
        match &mut frame.shape {
            Shape::Single => return None,
            Shape::Sequence(items) => items.push(place),
            Shape::Mapping(pairs) => match frame.key.take() {
                Some((name, key)) => pairs.push(Pair { name, key, value: place }),
                None => {
                    frame.key = Some((letters?, place.span));
                }
            },
        }
    }
    None
}
