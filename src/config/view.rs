//! A checked document, seen field by field.
//!
//! In: a tree that [`super::schema`] has checked, or none. Out: [`View`]s, each a value (or its absence) with the
//! place to complain about. An absent document reads as one in which every field is absent.

use super::problem::Place;
use super::scalar::Kind;
use super::schema::child;
use super::yaml::{Mark, Node, Value};

/// A value, or where one would be.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    node: Option<&'a Node>,
    place: Place,
}

impl<'a> View<'a> {
    /// The top of a document.
    pub(super) fn root(node: Option<&'a Node>) -> Self {
        Self { node, place: Place { mark: node.map(|node| node.mark), field: String::new() } }
    }

    /// The value's place; that of the nearest enclosing value when it is absent.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The field `name`.
    pub(super) fn field(&self, name: &str) -> Self {
        let entry = match self.node.map(|node| &node.value) {
            Some(Value::Map(entries)) => entries.iter().find(|entry| &*entry.key == name),
            _ => None,
        };
        let mark: Option<Mark> = entry.map(|entry| entry.node.mark).or(self.place.mark);
        Self { node: entry.map(|entry| &entry.node), place: Place { mark, field: child(&self.place.field, name) } }
    }

    /// The fields on the way `names`.
    pub(super) fn path(&self, names: &[&str]) -> Self {
        names.iter().fold(self.clone(), |view, name| view.field(name))
    }

    /// Whether there is a value that is not null.
    pub(super) fn is_present(&self) -> bool {
        self.node.is_some_and(|node| node.value != Value::Null)
    }

    /// Whether there is a value whose type was wrong; that was reported, and what follows from it is not worth
    /// reporting.
    pub(super) fn is_unusable(&self) -> bool {
        self.node.is_some_and(|node| node.value == Value::Unusable)
    }

    /// The string, unless it is absent or empty, which kubeadm treats alike.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.node.map(|node| &node.value) {
            Some(Value::Scalar { text, .. }) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The truth value; false when absent.
    pub(super) fn flag(&self) -> bool {
        matches!(self.node.map(|node| &node.value), Some(Value::Scalar { kind: Kind::Bool(true), .. }))
    }

    /// The integer, if there is one of at most 64 bits.
    pub(super) fn integer(&self) -> Option<i64> {
        match self.node.map(|node| &node.value) {
            Some(Value::Scalar { kind: Kind::Integer(value), .. }) => Some(*value),
            _ => None,
        }
    }

    /// The items of a list; none when absent.
    pub(super) fn items(&self) -> Vec<Self> {
        let Some(Value::List(items)) = self.node.map(|node| &node.value) else {
            return Vec::new();
        };
        let item = |(index, node): (usize, &'a Node)| Self {
            node: Some(node),
            place: Place { mark: Some(node.mark), field: format!("{}[{index}]", self.place.field) },
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The keys of a mapping, each with the view of its value at the key's place; none when absent.
    pub(super) fn keys(&self) -> Vec<(&'a str, Self)> {
        let Some(Value::Map(entries)) = self.node.map(|node| &node.value) else {
            return Vec::new();
        };
        entries
            .iter()
            .map(|entry| {
                let field = child(&self.place.field, &entry.key);
                (&*entry.key, Self { node: Some(&entry.node), place: Place { mark: Some(entry.mark), field } })
            })
            .collect()
    }
}
