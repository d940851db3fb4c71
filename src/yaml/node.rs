//! The tree: scalars that know whether they are text, sequences, and mappings in their written order, each with its place.
//!
//! In: nothing. Out: [`Node`]. Scalars are wiped when dropped, and `Debug` shows the shape and the keys alone. Two trees
//! are equal when they say the same, wherever it stands.

use std::fmt;

use super::resolve::{Kind, is_text, resolve};
use crate::secret::WipedText;

/// A place in a file, both numbers from 1; the column counts characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A scalar and the way it is read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A string.
    Text(WipedText),
    /// A number, boolean, null or date, in the very letters of the file (`010`, `yes`, `~`).
    Plain(WipedText),
}

impl Scalar {
    /// A string.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(WipedText::new(text))
    }

    /// An unquoted scalar: a string, unless Kubernetes takes these letters for something else.
    pub(crate) fn unquoted(text: impl Into<String>) -> Self {
        let text = WipedText::new(text);
        if text.is_empty() {
            Self::null()
        } else if is_text(&text) {
            Self::Text(text)
        } else {
            Self::Plain(text)
        }
    }

    /// Nothing.
    pub(crate) fn null() -> Self {
        Self::Plain(WipedText::new("null"))
    }

    /// The letters, whatever they mean.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Plain(text) => text,
        }
    }

    /// What it is in JSON.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Plain(text) => resolve(text),
        }
    }

    /// Whether this is YAML's null (and not the string "null").
    pub(crate) fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }
}

/// A value and its place; for an alias, the place of what it stands for.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// One scalar.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values.
    Mapping(Mapping),
    /// A reader of the tree has refused what stood here, and has said so. The parser makes none.
    Unusable,
}

impl From<Value> for Node {
    /// A value that stands in no file.
    fn from(value: Value) -> Self {
        Self { mark: Mark::default(), value }
    }
}

impl From<Mapping> for Node {
    fn from(mapping: Mapping) -> Self {
        Value::Mapping(mapping).into()
    }
}

impl FromIterator<Self> for Node {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Value::Sequence(items.into_iter().collect()).into()
    }
}

impl Node {
    /// A string.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Value::Scalar(Scalar::text(text)).into()
    }

    /// A number or boolean.
    pub(crate) fn plain(value: impl fmt::Display) -> Self {
        Value::Scalar(Scalar::unquoted(value.to_string())).into()
    }

    /// Nothing.
    pub(crate) fn null() -> Self {
        Value::Scalar(Scalar::null()).into()
    }

    /// Whether this is null.
    pub(crate) fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(Scalar::is_null)
    }

    /// The scalar, if it is one.
    pub(crate) const fn as_scalar(&self) -> Option<&Scalar> {
        if let Value::Scalar(scalar) = &self.value { Some(scalar) } else { None }
    }

    /// The letters of a scalar that is not null.
    pub(crate) fn letters(&self) -> Option<&str> {
        self.as_scalar().filter(|scalar| !scalar.is_null()).map(Scalar::as_str)
    }

    /// The items, if it is a list.
    pub(crate) fn as_sequence(&self) -> Option<&[Self]> {
        if let Value::Sequence(items) = &self.value { Some(items) } else { None }
    }

    /// The mapping, if it is one.
    pub(crate) const fn as_mapping(&self) -> Option<&Mapping> {
        if let Value::Mapping(mapping) = &self.value { Some(mapping) } else { None }
    }

    /// The value of `key`, if it is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.as_mapping()?.get(key)
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Node {}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Scalar(scalar) => write!(f, "Scalar({} bytes)", scalar.as_str().len()),
            Value::Sequence(items) => f.debug_list().entries(items).finish(),
            Value::Mapping(mapping) => fmt::Debug::fmt(mapping, f),
            Value::Unusable => f.write_str("Unusable"),
        }
    }
}

/// A key and its value.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The key as it is in JSON: `8` for `010`.
    pub(crate) name: String,
    /// The key's letters, where they are no string.
    pub(crate) written: Option<String>,
    /// The place of the key.
    pub(crate) mark: Mark,
    /// The value.
    pub(crate) node: Node,
    /// Where the same key stood before; its value is gone, as the last one wins in Kubernetes.
    pub(crate) earlier: Option<Mark>,
    /// Whether it came through a merge key (`<<`), which a written key may override.
    pub(super) is_merged: bool,
}

impl Entry {
    fn new(name: impl Into<String>, node: Node) -> Self {
        let mark = Mark::default();
        Self { name: name.into(), written: None, mark, node, earlier: None, is_merged: false }
    }

    /// The key's letters.
    pub(super) fn letters(&self) -> &str {
        self.written.as_ref().unwrap_or(&self.name)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.written, &self.node) == (&other.name, &other.written, &other.node)
    }
}

impl Eq for Entry {}

/// Keys and values in written order; no two keys have the same name.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) entries: Vec<Entry>,
}

impl Mapping {
    /// No keys.
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.name == key).map(|entry| &entry.node)
    }

    /// The value of `key`, to change.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|entry| entry.name == key).map(|entry| &mut entry.node)
    }

    /// The letters of `key`, if it is a scalar that is not null.
    pub(crate) fn letters(&self, key: &str) -> Option<&str> {
        self.get(key)?.letters()
    }

    /// Sets `key`: an existing one keeps its place, a new one goes before the first that sorts after it.
    pub(crate) fn set(&mut self, key: &str, value: Node) {
        if let Some(existing) = self.get_mut(key) {
            *existing = value;
            return;
        }
        let place = self.entries.iter().position(|entry| entry.name.as_str() > key).unwrap_or(self.entries.len());
        self.entries.insert(place, Entry::new(key, value));
    }

    /// Appends a key that the caller knows to be new.
    pub(crate) fn push(&mut self, key: &str, value: Node) {
        self.entries.push(Entry::new(key, value));
    }

    /// Takes `key` away, if it is there.
    pub(crate) fn remove(&mut self, key: &str) {
        self.entries.retain(|entry| entry.name != key);
    }

    /// Keys and values in order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Node)> {
        self.entries.iter().map(|entry| (entry.name.as_str(), &entry.node))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Into<String>> FromIterator<(K, Node)> for Mapping {
    /// The caller gives every key once.
    fn from_iter<I: IntoIterator<Item = (K, Node)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().map(|(key, value)| Entry::new(key, value)).collect() }
    }
}

impl<const N: usize> From<[(&str, Node); N]> for Mapping {
    /// The caller gives every key once.
    fn from(entries: [(&str, Node); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_takes_its_alphabetical_place_and_an_old_one_stays() {
        let mut mapping = Mapping::from([("b", Node::text("1")), ("d", Node::text("2"))]);
        mapping.set("c", Node::text("3"));
        mapping.set("e", Node::text("4"));
        mapping.set("b", Node::text("5"));
        let keys: Vec<_> = mapping.iter().map(|(key, value)| (key, value.clone())).collect();
        let expected = [("b", "5"), ("c", "3"), ("d", "2"), ("e", "4")].map(|(key, value)| (key, Node::text(value)));
        assert_eq!(keys, expected);
        mapping.remove("c");
        assert_eq!(mapping.get("c"), None);
    }

    #[test]
    fn debug_shows_keys_and_no_values() {
        let node = Node::from(Mapping::from([("token", Node::from_iter([Node::text("hunter2")]))]));
        assert_eq!(format!("{node:?}"), r#"{"token": [Scalar(7 bytes)]}"#);
    }
}
