//! The events of a parser put together to a tree.
//!
//! In: events with their places. Out: nodes, with what Kubernetes passes over in them. Aliases are replaced by what they
//! stand for and merge keys (`<<`) are applied, both within a budget; nesting is bounded, so no input makes later steps
//! recurse deeply.
//!
//! Source: go-yaml v2 `decode.go`, `resolve.go`: of equal keys the last counts, merge keys count in their place, tags of
//! the core schema must fit their value, any other tag makes a string.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{ErrorKind, Event, Marker, ScalarStyle, ScanError, Tag};

use super::error::{Construct, ParseError, Reason};
use super::node::{Entry, Mapping, Mark, Node, Scalar, Value};
use super::resolve::Kind;
use super::set_aside::SetAside;

/// Collections inside collections, aliases followed. The types of Kubernetes need some ten.
pub(super) const DEEPEST: usize = 100;

/// How much anchors and aliases may add to a document, in bytes of text plus a few for each node.
const ALIAS_BUDGET: usize = 4 << 20;

/// The cost of a node beside its text.
const NODE_COST: usize = 16;

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
    mark: Mark,
    collection: Collection,
    anchor: usize,
    height: usize,
    cost: usize,
}

enum Collection {
    Sequence(Vec<Node>),
    Mapping(Open),
}

/// A mapping that is being read.
#[derive(Default)]
struct Open {
    entries: Vec<Entry>,
    /// The index of every key.
    places: HashMap<String, usize>,
    key: Option<Key>,
}

/// A key that waits for its value.
enum Key {
    Named { name: String, written: Option<String>, mark: Mark },
    Merge,
}

#[derive(Default)]
pub(super) struct Builder<'t> {
    aside: SetAside<'t>,
    first_line: usize,
    /// The place of the event at hand.
    pub(super) mark: Mark,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    copied: usize,
    pub(super) root: Option<Node>,
    /// Whether the document has ended.
    pub(super) is_done: bool,
    pub(super) passed_over: Vec<ParseError>,
}

impl<'t> Builder<'t> {
    pub(super) fn new(aside: SetAside<'t>, first_line: usize) -> Self {
        Self { aside, first_line, ..Self::default() }
    }

    pub(super) fn place(&self, marker: &Marker) -> Mark {
        let line = marker.line().saturating_sub(1).saturating_add(self.first_line);
        Mark { line, column: marker.col().saturating_add(1) }
    }

    fn error(&self, reason: Reason) -> ParseError {
        ParseError { mark: self.mark, reason }
    }

    pub(super) fn unsupported(&self, construct: Construct) -> ParseError {
        self.error(Reason::Unsupported(construct))
    }

    pub(super) fn scan_error(&self, error: &ScanError) -> ParseError {
        let reason = match error.kind() {
            ErrorKind::RecursionLimitExceeded => Reason::TooDeep(DEEPEST),
            _ => Reason::Syntax(error.info()),
        };
        ParseError { mark: self.place(error.marker()), reason }
    }

    pub(super) fn pass_over(&mut self, reason: Reason) {
        let error = self.error(reason);
        self.passed_over.push(error);
    }

    pub(super) fn take(&mut self, event: Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_merge = style == ScalarStyle::Plain && tag.is_none() && text == "<<";
                if is_merge && self.merge_key() {
                    return Ok(());
                }
                let text = self.aside.put_back(text);
                let cost = text.len().saturating_add(NODE_COST);
                let value = Value::Scalar(self.scalar(text, style, tag.as_deref())?);
                self.finish(Built { node: Node { mark: self.mark, value }, height: 0, cost }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "seq");
                self.open(Collection::Sequence(Vec::new()), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "map");
                self.open(Collection::Mapping(Open::default()), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => {
                let built = self.anchors.get(&id).ok_or_else(|| self.unsupported(Construct::AliasToItself))?;
                let cost = built.cost;
                self.spend(cost)?;
                match self.anchors.get(&id).cloned() {
                    Some(built) => self.finish(built, 0),
                    None => Ok(()),
                }
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
        if self.copied > ALIAS_BUDGET { Err(self.error(Reason::TooLarge)) } else { Ok(()) }
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar, ParseError> {
        let Some(tag) = tag else {
            return Ok(if style == ScalarStyle::Plain { Scalar::unquoted(text) } else { Scalar::text(text) });
        };
        let is = |name: &str| tag.is_yaml_core_schema_tag(name) || tag.parts() == ("tag:yaml.org,2002:", name);
        if is("binary") {
            self.pass_over(Reason::Tag(tag.original().clone()));
            let letters: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
            let bytes = STANDARD.decode(letters).map_err(|_| self.unsupported(Construct::Binary))?;
            return Ok(Scalar::text(String::from_utf8_lossy(&bytes)));
        }
        if !["int", "float", "bool", "null", "timestamp"].into_iter().any(is) {
            if !is("str") && tag.original() != "!" {
                self.pass_over(Reason::Tag(tag.original().clone()));
            }
            return Ok(Scalar::text(text));
        }
        let scalar = Scalar::unquoted(text);
        let fits = match scalar.kind() {
            Kind::Null => is("null"),
            Kind::Bool(_) => is("bool"),
            Kind::Integer(_) | Kind::LargeInteger(_) => is("int") || is("float"),
            Kind::Float(_) => is("float"),
            Kind::Text => is("timestamp") && matches!(scalar, Scalar::Plain(_)),
        };
        if fits { Ok(scalar) } else { Err(self.error(Reason::Tag(tag.original().clone()))) }
    }

    fn check_collection_tag(&mut self, tag: Option<&Tag>, name: &str) {
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema_tag(name)
            && tag.original() != "!"
        {
            self.pass_over(Reason::Tag(tag.original().clone()));
        }
    }

    /// Notes a merge key, if a key may stand here.
    fn merge_key(&mut self) -> bool {
        match self.frames.last_mut() {
            Some(Frame { collection: Collection::Mapping(Open { key: key @ None, .. }), .. }) => {
                *key = Some(Key::Merge);
                true
            }
            _ => false,
        }
    }

    fn open(&mut self, collection: Collection, anchor: usize) -> Result<(), ParseError> {
        if self.frames.len() >= DEEPEST {
            return Err(self.error(Reason::TooDeep(DEEPEST)));
        }
        if let Some(Frame { collection: Collection::Mapping(Open { key: None, .. }), .. }) = self.frames.last() {
            return Err(self.unsupported(Construct::KeyCollection));
        }
        self.frames.push(Frame { mark: self.mark, collection, anchor, height: 0, cost: NODE_COST });
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParseError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let value = match frame.collection {
            Collection::Sequence(items) => Value::Sequence(items),
            Collection::Mapping(Open { entries, .. }) => Value::Mapping(Mapping { entries }),
        };
        let node = Node { mark: frame.mark, value };
        self.finish(Built { node, height: frame.height.saturating_add(1), cost: frame.cost }, frame.anchor)
    }

    /// Puts a finished node where it belongs: as a key, a value, an item or the root.
    fn finish(&mut self, built: Built, anchor: usize) -> Result<(), ParseError> {
        if self.frames.len().saturating_add(built.height) > DEEPEST {
            return Err(self.error(Reason::TooDeep(DEEPEST)));
        }
        if anchor != 0 {
            // The copy that is kept for aliases counts too: nested anchors would multiply it.
            self.spend(built.cost)?;
            self.anchors.insert(anchor, built.clone());
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(built.node);
            return Ok(());
        };
        frame.height = frame.height.max(built.height);
        frame.cost = frame.cost.saturating_add(built.cost);
        let mark = self.mark;
        let refused = |construct| Err(ParseError { mark, reason: Reason::Unsupported(construct) });
        match &mut frame.collection {
            Collection::Sequence(items) => items.push(built.node),
            Collection::Mapping(open) => match (open.key.take(), built.node) {
                (Some(Key::Merge), node) => return open.merge(node),
                (Some(Key::Named { name, written, mark }), node) => {
                    open.put(Entry { name, written, mark, node, earlier: None, is_merged: false });
                }
                (None, Node { value: Value::Scalar(scalar), mark }) => {
                    let Some(name) = scalar.kind().key(scalar.as_str()) else {
                        return refused(if scalar.is_null() { Construct::KeyNull } else { Construct::KeyTooLarge });
                    };
                    let written = match &scalar {
                        Scalar::Text(_) => None,
                        Scalar::Plain(letters) => Some(letters.to_string()),
                    };
                    let is_second = open.places.get(&name).and_then(|index| open.entries.get(*index));
                    if is_second.is_some_and(|first| !first.is_merged) {
                        self.passed_over.push(ParseError { mark, reason: Reason::DuplicateKey(name.clone()) });
                    }
                    open.key = Some(Key::Named { name, written, mark });
                }
                (None, _) => return refused(Construct::KeyCollection),
            },
        }
        Ok(())
    }
}

impl Open {
    /// Sets a key; one that is there already keeps its place among the others and gets the new value.
    fn put(&mut self, mut entry: Entry) {
        if let Some(existing) = self.places.get(&entry.name).and_then(|index| self.entries.get_mut(*index)) {
            entry.earlier = if existing.is_merged { None } else { Some(existing.mark) };
            entry.is_merged &= existing.is_merged;
            *existing = entry;
        } else {
            self.places.insert(entry.name.clone(), self.entries.len());
            self.entries.push(entry);
        }
    }

    /// Sets the keys of a merge key's value; of several mappings an earlier one goes before a later one.
    fn merge(&mut self, merged: Node) -> Result<(), ParseError> {
        let sources = match merged {
            Node { value: Value::Sequence(items), .. } => items,
            single => vec![single],
        };
        for source in sources.into_iter().rev() {
            let Value::Mapping(mapping) = source.value else {
                return Err(ParseError { mark: source.mark, reason: Reason::Unsupported(Construct::Merge) });
            };
            for entry in mapping.entries {
                self.put(Entry { is_merged: true, ..entry });
            }
        }
        Ok(())
    }
}
