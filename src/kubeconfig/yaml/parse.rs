//! Reads YAML (or JSON, which is YAML) into a tree, within fixed bounds.
//!
//! In: text. Out: the root mapping of its one document. Aliases are replaced by what they stand for and merge
//! keys (`<<`) are applied, both within a budget; nesting is bounded, so no input makes later steps recurse
//! deeply. [`parse`] refuses a second document and a key given twice; [`parse_as_clients`] reads them as client-go does,
//! and notes what is passed over.
//!
//! Source: go-yaml v2 `decode.go`, `resolve.go`, which client-go reads with: merge keys count in their place, tags of the
//! core schema must fit their value, any other tag makes a string.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};

use super::node::{Mapping, Node, Scalar};
use super::resolve::Json;
use super::set_aside::SetAside;
use super::source;

/// How deep collections may nest; kubeconfigs need four, extensions a few more.
const DEPTH_LIMIT: usize = 64;

/// How much anchors and aliases may add to a document, in bytes of text plus a few for each node.
const ALIAS_BUDGET: usize = 4 << 20;

/// The cost of a node beside its text.
const NODE_COST: usize = 16;

/// Why a text is not usable YAML. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParseError {
    /// It is not YAML.
    Syntax {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What is wrong, without any of the text.
        problem: String,
    },
    /// It nests too deeply, or its aliases multiply it.
    TooComplex {
        /// The line where the bound was reached.
        line: usize,
    },
    /// It is YAML that would not survive reading and writing.
    Unsupported {
        /// The line.
        line: usize,
        /// The construct, in words.
        construct: &'static str,
    },
    /// A key appears twice in one mapping.
    DuplicateKey {
        /// The line after which the second one stands.
        line: usize,
        /// The key.
        key: String,
    },
    /// The document is a list or a single value.
    NotAMapping,
}

/// Reads the one document of `text`; an empty text is an empty mapping.
///
/// # Errors
/// Every [`ParseError`].
pub(crate) fn parse(text: &str) -> Result<Mapping, ParseError> {
    let (root, passed_over) = read(text)?;
    passed_over.into_iter().next().map_or(Ok(root), Err)
}

/// Reads `text` as client-go does: of equal keys the last, of several documents the first. What that passes over comes
/// as the second value.
///
/// # Errors
/// [`ParseError`], when client-go would not read it either.
pub(crate) fn parse_as_clients(text: &str) -> Result<(Mapping, Vec<ParseError>), ParseError> {
    if let Some((line, found)) = source::control_character(text) {
        let problem = format!("the control character U+{:04X} may not stand in YAML", u32::from(found));
        return Err(ParseError::Syntax { line, column: 1, problem });
    }
    if let Some(line) = source::foreign_directive(text) {
        return Err(ParseError::Unsupported { line, construct: "a directive that Kubernetes does not know" });
    }
    read(text)
}

fn read(text: &str) -> Result<(Mapping, Vec<ParseError>), ParseError> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.flow_nesting_limit = DEPTH_LIMIT;
    options.block_nesting_limit = DEPTH_LIMIT;
    let (aside, text) = SetAside::from_text(text);
    let mut builder = Builder { aside, ..Builder::default() };
    for event in Parser::new_from_str_with_options(&text, options) {
        let (event, span) = match event {
            Ok(next) => next,
            // What is not read need not be YAML.
            Err(error) if builder.is_done => {
                builder.note_second_document(error.marker().line());
                break;
            }
            Err(error) => {
                return Err(ParseError::Syntax {
                    line: error.marker().line(),
                    column: error.marker().col().saturating_add(1),
                    problem: error.info(),
                });
            }
        };
        builder.line = span.start.line();
        if builder.is_done {
            let is_empty = matches!(&event, Event::Scalar(..) if span.is_empty());
            let is_content = matches!(
                event,
                Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(..)
            );
            if is_content && !is_empty {
                builder.note_second_document(span.start.line());
                break;
            }
            continue;
        }
        if let Event::Scalar(_, ScalarStyle::DoubleQuoted, ..) = event
            && let (Some(start), Some(end)) = (span.start.byte_offset(), span.end.byte_offset())
            && text.get(start..end).is_some_and(source::has_foreign_escape)
        {
            return Err(builder.unsupported("an escape that Kubernetes does not read (\\/ or half a character)"));
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
    let root = match builder.root {
        None => Mapping::default(),
        Some(Node::Mapping(mapping)) => mapping,
        Some(Node::Scalar(scalar)) if scalar.is_null() => Mapping::default(),
        Some(_) => return Err(ParseError::NotAMapping),
    };
    Ok((root, builder.passed_over))
}

/// A finished node with what an alias to it would cost.
#[derive(Clone)]
struct Built {
    node: Node,
    /// Levels of collections, 0 for a scalar.
    height: usize,
    cost: usize,
}

/// A collection whose end has not come yet.
struct Frame {
    collection: Collection,
    anchor: usize,
    height: usize,
    cost: usize,
}

enum Collection {
    Sequence(Vec<Node>),
    /// `places` has the index of every key, and whether it came through a merge key.
    Mapping {
        mapping: Mapping,
        places: HashMap<String, (usize, bool)>,
        key: Option<Key>,
    },
}

/// A key that waits for its value.
enum Key {
    Named(Scalar),
    Merge,
}

#[derive(Default)]
struct Builder<'t> {
    aside: SetAside<'t>,
    line: usize,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    copied: usize,
    root: Option<Node>,
    is_done: bool,
    passed_over: Vec<ParseError>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let merge = style == ScalarStyle::Plain && tag.is_none() && text == "<<";
                if merge && self.merge_key() {
                    return Ok(());
                }
                let text = self.aside.put_back(text);
                let cost = text.len().saturating_add(NODE_COST);
                let scalar = self.scalar(text, style, tag.as_deref())?;
                self.finish(Built { node: Node::Scalar(scalar), height: 0, cost }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(Collection::Sequence(Vec::new()), anchor),
            Event::MappingStart(_, anchor, _) => {
                let (mapping, places) = (Mapping::default(), HashMap::new());
                self.open(Collection::Mapping { mapping, places, key: None }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => {
                let built = self.anchors.get(&id).cloned().ok_or_else(|| self.unsupported("an alias to itself"))?;
                self.spend(built.cost)?;
                self.finish(built, 0)
            }
            Event::DocumentEnd => {
                self.is_done = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Counts a copy against the budget for aliases.
    fn spend(&mut self, cost: usize) -> Result<(), ParseError> {
        self.copied = self.copied.saturating_add(cost);
        if self.copied > ALIAS_BUDGET { Err(ParseError::TooComplex { line: self.line }) } else { Ok(()) }
    }

    fn unsupported(&self, construct: &'static str) -> ParseError {
        ParseError::Unsupported { line: self.line, construct }
    }

    fn note_second_document(&mut self, line: usize) {
        self.passed_over.push(ParseError::Unsupported { line, construct: "a second document" });
    }

    fn scalar(&self, text: String, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar, ParseError> {
        let Some(tag) = tag else {
            return Ok(if style == ScalarStyle::Plain { Scalar::unquoted(text) } else { Scalar::text(text) });
        };
        let is = |name: &str| tag.is_yaml_core_schema_tag(name) || tag.parts() == ("tag:yaml.org,2002:", name);
        if is("binary") {
            let letters: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
            let bytes = STANDARD.decode(letters).map_err(|_| self.unsupported("binary data that is not base64"))?;
            return Ok(Scalar::text(String::from_utf8_lossy(&bytes)));
        }
        if !["int", "float", "bool", "null", "timestamp"].into_iter().any(is) {
            return Ok(Scalar::text(text));
        }
        let scalar = Scalar::unquoted(text);
        let fits = match scalar.json() {
            Json::Null => is("null"),
            Json::Bool => is("bool"),
            Json::Integer | Json::LargeInteger => is("int") || is("float"),
            Json::Float | Json::NotFinite => is("float"),
            Json::Text => is("timestamp") && matches!(scalar, Scalar::Plain(_)),
        };
        if fits { Ok(scalar) } else { Err(self.unsupported("a tag that does not fit its value")) }
    }

    /// Notes a merge key, if a key may stand here.
    fn merge_key(&mut self) -> bool {
        match self.frames.last_mut() {
            Some(Frame { collection: Collection::Mapping { key: key @ None, .. }, .. }) => {
                *key = Some(Key::Merge);
                true
            }
            _ => false,
        }
    }

    fn open(&mut self, collection: Collection, anchor: usize) -> Result<(), ParseError> {
        if self.frames.len() >= DEPTH_LIMIT {
            return Err(ParseError::TooComplex { line: self.line });
        }
        if let Some(Frame { collection: Collection::Mapping { key: None, .. }, .. }) = self.frames.last() {
            return Err(self.unsupported("a key that is a list or a mapping"));
        }
        self.frames.push(Frame { collection, anchor, height: 0, cost: NODE_COST });
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParseError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let node = match frame.collection {
            Collection::Sequence(items) => Node::Sequence(items),
            Collection::Mapping { mapping, .. } => Node::Mapping(mapping),
        };
        self.finish(Built { node, height: frame.height.saturating_add(1), cost: frame.cost }, frame.anchor)
    }

    /// Puts a finished node where it belongs.
    fn finish(&mut self, built: Built, anchor: usize) -> Result<(), ParseError> {
        if self.frames.len().saturating_add(built.height) > DEPTH_LIMIT {
            return Err(ParseError::TooComplex { line: self.line });
        }
        if anchor != 0 {
            // The copy that is kept for aliases counts too: nested anchors would multiply it.
            self.spend(built.cost)?;
            self.anchors.insert(anchor, built.clone());
        }
        let line = self.line;
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(built.node);
            return Ok(());
        };
        frame.height = frame.height.max(built.height);
        frame.cost = frame.cost.saturating_add(built.cost);
        match &mut frame.collection {
            Collection::Sequence(items) => items.push(built.node),
            Collection::Mapping { mapping, places, key } => match (key.take(), built.node) {
                (Some(Key::Merge), node) => merge(mapping, places, node, line)?,
                (Some(Key::Named(key)), node) => put(mapping, places, key, node, false),
                (None, Node::Scalar(scalar)) => {
                    if scalar.json() == Json::Null {
                        return Err(ParseError::Unsupported { line, construct: "a key that is null" });
                    }
                    if scalar.json() == Json::LargeInteger {
                        return Err(ParseError::Unsupported { line, construct: "a key that is too large a number" });
                    }
                    if places.get(scalar.as_str()).is_some_and(|(_, merged)| !merged) {
                        self.passed_over.push(ParseError::DuplicateKey { line, key: scalar.as_str().to_owned() });
                    }
                    *key = Some(Key::Named(scalar));
                }
                (None, _) => {
                    let construct = "a key that is a list or a mapping";
                    return Err(ParseError::Unsupported { line, construct });
                }
            },
        }
        Ok(())
    }
}

/// Sets a key; one that is there already keeps its place and gets the new value.
fn put(mapping: &mut Mapping, places: &mut HashMap<String, (usize, bool)>, key: Scalar, value: Node, merged: bool) {
    if let Some((index, was_merged)) = places.get_mut(key.as_str()) {
        mapping.replace(*index, value);
        *was_merged &= merged;
    } else {
        places.insert(key.as_str().to_owned(), (places.len(), merged));
        mapping.push(key, value);
    }
}

/// Sets the keys of `merged`; of several mappings an earlier one goes before a later one.
fn merge(
    mapping: &mut Mapping,
    places: &mut HashMap<String, (usize, bool)>,
    merged: Node,
    line: usize,
) -> Result<(), ParseError> {
    let sources = match merged {
        Node::Sequence(items) => items,
        single => vec![single],
    };
    for source in sources.into_iter().rev() {
        let Node::Mapping(source) = source else {
            let construct = "a merge key whose value is not a mapping";
            return Err(ParseError::Unsupported { line, construct });
        };
        for (key, value) in source.iter() {
            put(mapping, places, key.clone(), value.clone(), true);
        }
    }
    Ok(())
}
