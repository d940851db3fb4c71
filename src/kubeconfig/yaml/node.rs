//! The tree: scalars that know whether they are text, sequences, and mappings in their written order.
//!
//! In: nothing. Out: [`Node`]. Scalars are wiped when dropped, and `Debug` shows the shape and the keys alone.

use std::fmt;

use zeroize::Zeroizing;

use super::resolve::{Json, is_text, json};

/// A scalar and the way it is read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A string.
    Text(Zeroizing<String>),
    /// A number, boolean, null or date, in the very letters of the file (`010`, `yes`, `~`).
    Plain(Zeroizing<String>),
}

impl Scalar {
    /// A string.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// An unquoted scalar: a string, unless YAML 1.1 takes these letters for something else.
    pub(crate) fn unquoted(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
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
        Self::Plain(Zeroizing::new("null".to_owned()))
    }

    /// The letters, whatever they mean.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Plain(text) => text,
        }
    }

    /// What it is in JSON.
    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Text(_) => Json::Text,
            Self::Plain(text) => json(text),
        }
    }

    /// Whether this is YAML's null (and not the string "null").
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Plain(text) if matches!(text.as_str(), "~" | "null" | "Null" | "NULL"))
    }
}

/// A value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// One scalar.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values.
    Mapping(Mapping),
}

impl Node {
    /// A string.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Scalar(Scalar::text(text))
    }

    /// A number or boolean.
    pub(crate) fn plain(value: impl fmt::Display) -> Self {
        Self::Scalar(Scalar::unquoted(value.to_string()))
    }

    /// Nothing.
    pub(crate) fn null() -> Self {
        Self::Scalar(Scalar::null())
    }

    /// Whether this is null.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(scalar) if scalar.is_null())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => write!(f, "Scalar({} bytes)", scalar.as_str().len()),
            Self::Sequence(items) => f.debug_list().entries(items).finish(),
            Self::Mapping(mapping) => fmt::Debug::fmt(mapping, f),
        }
    }
}

/// Keys and values in written order; keys are scalars, and no two have the same letters.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    entries: Vec<(Scalar, Node)>,
}

impl Mapping {
    /// No keys.
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, _)| name.as_str() == key).map(|(_, value)| value)
    }

    /// The value of `key`, to change.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|(name, _)| name.as_str() == key).map(|(_, value)| value)
    }

    /// Sets `key`: an existing one keeps its place, a new one goes before the first that sorts after it.
    pub(crate) fn set(&mut self, key: &str, value: Node) {
        if let Some(existing) = self.get_mut(key) {
            *existing = value;
            return;
        }
        let place = self.entries.iter().position(|(name, _)| name.as_str() > key).unwrap_or(self.entries.len());
        self.entries.insert(place, (Scalar::text(key), value));
    }

    /// Takes `key` away, if it is there.
    pub(crate) fn remove(&mut self, key: &str) {
        self.entries.retain(|(name, _)| name.as_str() != key);
    }

    /// Appends a key that the caller knows to be new.
    pub(crate) fn push(&mut self, key: Scalar, value: Node) {
        self.entries.push((key, value));
    }

    /// Replaces the value at `index`, which a former [`Self::push`] filled.
    pub(crate) fn replace(&mut self, index: usize, value: Node) {
        if let Some((_, existing)) = self.entries.get_mut(index) {
            *existing = value;
        }
    }

    /// Keys and values in order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&Scalar, &Node)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<const N: usize> From<[(&str, Node); N]> for Mapping {
    /// The caller gives every key once.
    fn from(entries: [(&str, Node); N]) -> Self {
        Self { entries: entries.into_iter().map(|(key, value)| (Scalar::text(key), value)).collect() }
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(key, value)| (key.as_str(), value))).finish()
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
        let keys: Vec<_> = mapping.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        let expected = [("b", "5"), ("c", "3"), ("d", "2"), ("e", "4")].map(|(key, value)| (key, Node::text(value)));
        assert_eq!(keys, expected);
        mapping.remove("c");
        assert_eq!(mapping.get("c"), None);
    }

    #[test]
    fn debug_shows_keys_and_no_values() {
        let node = Node::Mapping(Mapping::from([("token", Node::Sequence(vec![Node::text("hunter2")]))]));
        assert_eq!(format!("{node:?}"), r#"{"token": [Scalar(7 bytes)]}"#);
    }
}
