//! Reads YAML (or JSON, which is YAML) into a tree, within fixed bounds.
//!
//! In: text. Out: the root mapping of its one document. Aliases are replaced by what they stand for and merge
//! keys (`<<`) are applied, both within a budget; nesting is bounded, so no input makes later steps recurse
//! deeply. A second document, a key given twice, a key that is no scalar and an unknown tag are refused:
//! the Kubernetes tools would each drop or guess something there, and the file would not survive an edit.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};

use super::node::{Mapping, Node, Scalar};
use super::set_aside::SetAside;

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
    let mut options = Options::default();
    options.emit_comments = false;
    options.flow_nesting_limit = DEPTH_LIMIT;
    options.block_nesting_limit = DEPTH_LIMIT;
    let (aside, text) = SetAside::from_text(text);
    let mut builder = Builder { aside, ..Builder::default() };
    for event in Parser::new_from_str_with_options(&text, options) {
        let (event, span) = event.map_err(|error| ParseError::Syntax {
            line: error.marker().line(),
            column: error.marker().col().saturating_add(1),
            problem: error.info(),
        })?;
        builder.line = span.start.line();
        // A value that is not written at all comes as an empty `~`.
        let event = match event {
            Event::Scalar(_, ScalarStyle::Plain, anchor, None) if span.is_empty() => {
                Event::Scalar("null".into(), ScalarStyle::Plain, anchor, None)
            }
            event => event,
        };
        builder.take(event)?;
    }
    match builder.root {
        None => Ok(Mapping::default()),
        Some(Node::Mapping(mapping)) => Ok(mapping),
        Some(Node::Scalar(scalar)) if scalar.is_null() => Ok(Mapping::default()),
        Some(_) => Err(ParseError::NotAMapping),
    }
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
    Mapping { mapping: Mapping, seen: HashSet<String>, key: Option<Key>, merges: Vec<Node> },
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
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq")?;
                self.open(Collection::Sequence(Vec::new()), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map")?;
                let (mapping, seen, merges) = (Mapping::default(), HashSet::new(), Vec::new());
                self.open(Collection::Mapping { mapping, seen, key: None, merges }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => {
                let built = self.anchors.get(&id).cloned().ok_or_else(|| self.unsupported("an alias to itself"))?;
                self.spend(built.cost)?;
                self.finish(built, 0)
            }
            // Anchors number on across documents, so none is known in the wrong one.
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

    fn check_tag(&self, tag: Option<&Tag>, wanted: &str) -> Result<(), ParseError> {
        match tag {
            Some(tag) if !tag.is_yaml_core_schema_tag(wanted) => Err(self.unsupported("a tag")),
            _ => Ok(()),
        }
    }

    fn scalar(&self, text: String, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar, ParseError> {
        match (tag, style) {
            (None, ScalarStyle::Plain) => Ok(Scalar::unquoted(text)),
            (None, _) => Ok(Scalar::text(text)),
            // The lone `!` says the same as quotes.
            (Some(tag), _) if tag.is_yaml_core_schema_tag("str") || tag.parts() == ("", "!") => Ok(Scalar::text(text)),
            (Some(_), _) => Err(self.unsupported("a tag")),
        }
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
        if self.frames.is_empty() && self.root.is_some() {
            return Err(self.unsupported("a second document"));
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
            Collection::Mapping { mut mapping, mut seen, merges, .. } => {
                for merged in merges {
                    self.merge(&mut mapping, &mut seen, merged)?;
                }
                Node::Mapping(mapping)
            }
        };
        self.finish(Built { node, height: frame.height.saturating_add(1), cost: frame.cost }, frame.anchor)
    }

    /// Adds the keys of `merged` that `mapping` does not have: its own win, and earlier merges win over later.
    fn merge(&self, mapping: &mut Mapping, seen: &mut HashSet<String>, merged: Node) -> Result<(), ParseError> {
        let sources = match merged {
            Node::Sequence(items) => items,
            single => vec![single],
        };
        for source in sources {
            let Node::Mapping(source) = source else {
                return Err(self.unsupported("a merge key whose value is not a mapping"));
            };
            for (key, value) in source.iter() {
                if seen.insert(key.as_str().to_owned()) {
                    mapping.push(key.clone(), value.clone());
                }
            }
        }
        Ok(())
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
            if self.root.is_none() {
                self.root = Some(built.node);
            } else if !built.node.is_null() {
                return Err(self.unsupported("a second document"));
            }
            return Ok(());
        };
        frame.height = frame.height.max(built.height);
        frame.cost = frame.cost.saturating_add(built.cost);
        match &mut frame.collection {
            Collection::Sequence(items) => items.push(built.node),
            Collection::Mapping { mapping, seen, key, merges } => match (key.take(), built.node) {
                (Some(Key::Merge), node) => merges.push(node),
                (Some(Key::Named(key)), node) => mapping.push(key, node),
                (None, Node::Scalar(scalar)) => {
                    if !seen.insert(scalar.as_str().to_owned()) {
                        return Err(ParseError::DuplicateKey { line, key: scalar.as_str().to_owned() });
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
