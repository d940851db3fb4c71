//! One YAML document to a tree in which every node knows its place.
//!
//! In: the text of a document and the line it starts on. Out: a [`Node`] tree with anchors, aliases and merge
//! keys resolved as go-yaml v2 does, or the one [`SyntaxError`] that ended the reading. Work and memory are bounded:
//! nesting, and the size of the tree after aliases. It knows nothing of kubeadm.
//!
//! The events come from `granit-parser`, on which `serde-saphyr` is built; serde itself gives no place to a
//! duplicate key, and stops at the first error.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use super::problem::Code;
use super::scalar::{self, Kind};

/// A place in a file, both numbers from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value and its place (for an alias, the place of what it stands for).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) value: Value,
}

/// A YAML value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing, or `null`.
    Null,
    /// The schema found a wrong type here and has said so.
    Unusable,
    /// A string, number or truth value, with its text as written.
    Scalar { kind: Kind, text: Rc<str> },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the file's order.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Rc<str>,
    pub(super) mark: Mark,
    pub(super) node: Node,
    /// Where the same key stood before; its value is gone, as the last one wins in kubeadm.
    pub(super) earlier: Option<Mark>,
    /// Whether it came through a merge key (`<<`), which a written key may override.
    merged: bool,
}

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) code: Code,
    pub(super) mark: Mark,
    pub(super) message: String,
    pub(super) hint: String,
}

/// Collections inside collections, aliases followed. kubeadm's own types need nine.
const DEEPEST: usize = 100;
/// What a tree may cost; see [`cost`]. An honest file of the largest size stays below.
const BUDGET: usize = 32 << 20;

/// Reads the document `text`, whose first line is the file's line `first_line`.
///
/// # Errors
/// The first thing that is not YAML, that kubeadm's YAML has not, or that exceeds the limits.
pub(super) fn parse(text: &str, first_line: usize) -> Result<Node, SyntaxError> {
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_comments: false,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    let mut builder = Builder::new(first_line);
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| builder.scan_error(&error))?;
        builder.event(event, builder.mark(&span.start))?;
    }
    let start = Mark { line: first_line, column: 1 };
    Ok(builder.root.unwrap_or(Node { mark: start, value: Value::Null }))
}

/// What a node adds to the budget: about its bytes in memory.
fn cost(value: &Value) -> usize {
    const NODE: usize = 48;
    match value {
        Value::Scalar { text, .. } => text.len().saturating_add(NODE),
        _ => NODE,
    }
}

/// A finished subtree that aliases may repeat.
struct Anchored {
    node: Node,
    cost: usize,
    depth: usize,
}

/// A collection that is being read.
struct Frame {
    mark: Mark,
    anchor: usize,
    cost: usize,
    depth: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, index: HashMap<Rc<str>, usize>, key: Option<Key> },
}

enum Key {
    Text(Rc<str>, Mark),
    Merge,
}

struct Builder {
    first_line: usize,
    spent: usize,
    documents: usize,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
}

impl Builder {
    fn new(first_line: usize) -> Self {
        Self { first_line, spent: 0, documents: 0, stack: Vec::new(), anchors: HashMap::new(), root: None }
    }

    fn mark(&self, marker: &Marker) -> Mark {
        Mark {
            line: marker.line().saturating_sub(1).saturating_add(self.first_line),
            column: marker.col().saturating_add(1),
        }
    }

    fn scan_error(&self, error: &ScanError) -> SyntaxError {
        let hint = match error.kind() {
            // Several kinds; every one of their texts names the tab.
            _ if error.info().contains("tab") => "YAML indents with spaces: replace the tab on this line or the next",
            ErrorKind::UnknownAnchor => "define the anchor (&name) above the alias (*name), or quote the text",
            ErrorKind::DirectiveDisallowed => "remove the directive (%…): kubeadm accepts none in a configuration file",
            _ => "check the indentation, colons, brackets and quotes of this line and the one above",
        };
        self.error(Code::Syntax, self.mark(error.marker()), error.info(), hint)
    }

    #[allow(clippy::unused_self)] // Reads as the other constructors do at every call.
    fn error(&self, code: Code, mark: Mark, message: impl Into<String>, hint: impl Into<String>) -> SyntaxError {
        SyntaxError { code, mark, message: message.into(), hint: hint.into() }
    }

    fn event(&mut self, event: Event<'_>, mark: Mark) -> Result<(), SyntaxError> {
        match event {
            Event::DocumentStart(..) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    return Err(self.error(
                        Code::Syntax,
                        mark,
                        "there is more text after the end of the document",
                        "begin the next document with a line that is only ---",
                    ));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), mark),
            Event::SequenceStart(_, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "seq", mark)?;
                self.open(mark, anchor, Content::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "map", mark)?;
                let content = Content::Map { entries: Vec::new(), index: HashMap::new(), key: None };
                self.open(mark, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, mark),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        mark: Mark,
    ) -> Result<(), SyntaxError> {
        let plain = style == ScalarStyle::Plain;
        if tag.is_none()
            && plain
            && text == "<<"
            && let Some(Frame { content: Content::Map { key: key @ None, .. }, .. }) = self.stack.last_mut()
        {
            *key = Some(Key::Merge);
            return Ok(());
        }
        let kind = self.kind(text, plain, tag, mark)?;
        let value = match kind {
            Kind::Null => Value::Null,
            kind => Value::Scalar { kind, text: text.into() },
        };
        let node = Node { mark, value };
        let cost = cost(&node.value);
        self.spend(cost, mark)?;
        self.anchor(anchor, &node, cost, 0, mark)?;
        self.add(node, cost, 0)
    }

    /// The kind of a scalar, its tag respected. Custom tags mark text that another program must process first
    /// (`!vault`); kubeadm would take the text as it stands.
    fn kind(&self, text: &str, plain: bool, tag: Option<&Tag>, mark: Mark) -> Result<Kind, SyntaxError> {
        let Some(tag) = tag else {
            return Ok(if plain { scalar::resolve(text) } else { Kind::Text });
        };
        if tag.original() == "!" || tag.is_yaml_core_schema_tag("str") {
            return Ok(Kind::Text);
        }
        let kind = scalar::resolve(text);
        let named = match kind {
            Kind::Null => "null",
            Kind::Bool(_) => "bool",
            Kind::Integer(_) | Kind::LargeInteger => "int",
            Kind::Float => "float",
            Kind::Text => "",
        };
        if tag.is_yaml_core_schema_tag(named) { Ok(kind) } else { Err(self.tag_error(tag, mark)) }
    }

    fn check_collection_tag(&self, tag: Option<&Tag>, name: &str, mark: Mark) -> Result<(), SyntaxError> {
        match tag {
            Some(tag) if !tag.is_yaml_core_schema_tag(name) && tag.original() != "!" => Err(self.tag_error(tag, mark)),
            _ => Ok(()),
        }
    }

    fn tag_error(&self, tag: &Tag, mark: Mark) -> SyntaxError {
        let tag: String = tag.original().chars().take(40).collect();
        let message = format!("the tag {tag} has no meaning for this value");
        self.error(
            Code::Tag,
            mark,
            message,
            "remove the tag; if another program resolves it, give kubepki the resolved file",
        )
    }

    fn spend(&mut self, cost: usize, mark: Mark) -> Result<(), SyntaxError> {
        self.spent = self.spent.saturating_add(cost);
        if self.spent > BUDGET {
            return Err(self.error(
                Code::TooComplex,
                mark,
                "the document is too large once its aliases are resolved",
                "repeat less with aliases; a kubeadm configuration needs few",
            ));
        }
        Ok(())
    }

    fn too_deep(&self, mark: Mark) -> SyntaxError {
        let message = format!("more than {DEEPEST} collections are nested here");
        self.error(Code::TooComplex, mark, message, "check the file: no kubeadm field nests this deep")
    }

    fn open(&mut self, mark: Mark, anchor: usize, content: Content) -> Result<(), SyntaxError> {
        if self.stack.len() >= DEEPEST {
            return Err(self.too_deep(mark));
        }
        let cost = cost(&Value::Null);
        self.spend(cost, mark)?;
        self.stack.push(Frame { mark, anchor, cost, depth: 0, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let value = match frame.content {
            Content::List(items) => Value::List(items),
            Content::Map { entries, .. } => Value::Map(entries),
        };
        let node = Node { mark: frame.mark, value };
        let depth = frame.depth.saturating_add(1);
        self.anchor(frame.anchor, &node, frame.cost, depth, frame.mark)?;
        self.add(node, frame.cost, depth)
    }

    /// Keeps `node` for aliases; the copy is paid for.
    fn anchor(&mut self, anchor: usize, node: &Node, cost: usize, depth: usize, mark: Mark) -> Result<(), SyntaxError> {
        if anchor != 0 {
            self.spend(cost, mark)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), cost, depth });
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, mark: Mark) -> Result<(), SyntaxError> {
        let Some(Anchored { cost, depth, .. }) = self.anchors.get(&anchor) else {
            return Err(self.error(
                Code::Syntax,
                mark,
                "the alias stands inside the very value that it names",
                "a value cannot contain itself: write it out",
            ));
        };
        let (cost, depth) = (*cost, *depth);
        if self.stack.len().saturating_add(depth) > DEEPEST {
            return Err(self.too_deep(mark));
        }
        self.spend(cost, mark)?;
        match self.anchors.get(&anchor).map(|anchored| anchored.node.clone()) {
            Some(node) => self.add(node, cost, depth),
            None => Ok(()),
        }
    }

    /// Puts a finished node where it belongs: as a key, a value, an item or the root.
    fn add(&mut self, node: Node, cost: usize, depth: usize) -> Result<(), SyntaxError> {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        frame.cost = frame.cost.saturating_add(cost);
        frame.depth = frame.depth.max(depth);
        match &mut frame.content {
            Content::List(items) => {
                items.push(node);
                Ok(())
            }
            Content::Map { entries, index, key } => match key.take() {
                None => {
                    *key = Some(as_key(&node)?);
                    Ok(())
                }
                Some(Key::Text(key, mark)) => {
                    insert(entries, index, Entry { key, mark, node, earlier: None, merged: false });
                    Ok(())
                }
                Some(Key::Merge) => merge(entries, index, node),
            },
        }
    }
}

/// A key as the JSON that kubeadm makes of it: numbers and truth values become text.
fn as_key(node: &Node) -> Result<Key, SyntaxError> {
    let text = match &node.value {
        Value::Scalar { kind: Kind::Bool(value), .. } => Rc::from(if *value { "true" } else { "false" }),
        Value::Scalar { kind: Kind::Integer(value), .. } => Rc::from(value.to_string()),
        Value::Scalar { text, .. } => Rc::clone(text),
        Value::Null | Value::Unusable | Value::List(_) | Value::Map(_) => {
            return Err(SyntaxError {
                code: Code::Syntax,
                mark: node.mark,
                message: "a key must be text".into(),
                hint: "write a field name before the colon".into(),
            });
        }
    };
    Ok(Key::Text(text, node.mark))
}

fn insert(entries: &mut Vec<Entry>, index: &mut HashMap<Rc<str>, usize>, mut entry: Entry) {
    let existing = index.get(&entry.key).and_then(|&position| entries.get_mut(position));
    if let Some(existing) = existing {
        entry.earlier = if existing.merged { None } else { Some(existing.mark) };
        *existing = entry;
    } else {
        index.insert(Rc::clone(&entry.key), entries.len());
        entries.push(entry);
    }
}

/// Adds the entries of a merge key's value; of several mappings an earlier one goes before a later one.
fn merge(entries: &mut Vec<Entry>, index: &mut HashMap<Rc<str>, usize>, node: Node) -> Result<(), SyntaxError> {
    let mark = node.mark;
    let sources = match node.value {
        Value::List(items) => items,
        Value::Map(_) => vec![node],
        Value::Null | Value::Unusable | Value::Scalar { .. } => return Err(bad_merge(mark)),
    };
    for source in sources.into_iter().rev() {
        let Value::Map(merged) = source.value else {
            return Err(bad_merge(source.mark));
        };
        for entry in merged {
            insert(entries, index, Entry { merged: true, ..entry });
        }
    }
    Ok(())
}

fn bad_merge(mark: Mark) -> SyntaxError {
    SyntaxError {
        code: Code::Syntax,
        mark,
        message: "a merge key (<<) takes a mapping or a list of mappings".into(),
        hint: "point the alias at a mapping".into(),
    }
}

#[cfg(test)]
mod tests;
