//! A checked document, seen field by field.
//!
//! In: a tree that [`super::schema`] has checked, or none. Out: [`View`]s, each a value (or its absence) with the
//! place to complain about. An absent document reads as one in which every field is absent.

use super::problem::Place;
use super::schema::child;
use crate::yaml::{Kind, Mark, Node, Scalar, Value};

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
        let node = self.node.and_then(|node| node.get(name));
        let mark: Option<Mark> = node.map(|node| node.mark).or(self.place.mark);
        Self { node, place: Place { mark, field: child(&self.place.field, name) } }
    }

    /// The fields on the way `names`.
    pub(super) fn path(&self, names: &[&str]) -> Self {
        names.iter().fold(self.clone(), |view, name| view.field(name))
    }

    /// Whether there is a value that is not null.
    pub(super) fn is_present(&self) -> bool {
        self.node.is_some_and(|node| !node.is_null())
    }

    /// Whether there is a value whose type was wrong; that was reported, and what follows from it is not worth
    /// reporting.
    pub(super) fn is_unusable(&self) -> bool {
        self.node.is_some_and(|node| node.value == Value::Unusable)
    }

    /// The string, unless it is absent or empty, which kubeadm treats alike.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.node.and_then(Node::letters).filter(|text| !text.is_empty())
    }

    /// The truth value; false when absent.
    pub(super) fn flag(&self) -> bool {
        self.kind() == Some(Kind::Bool(true))
    }

    /// The integer, if there is one of at most 64 bits.
    pub(super) fn integer(&self) -> Option<i64> {
        self.kind().and_then(Kind::integer)
    }

    fn kind(&self) -> Option<Kind> {
        self.node.and_then(Node::as_scalar).map(Scalar::kind)
    }

    /// The items of a list; none when absent.
    pub(super) fn items(&self) -> Vec<Self> {
        let items = self.node.and_then(Node::as_sequence).unwrap_or_default();
        let item = |(index, node): (usize, &'a Node)| Self {
            node: Some(node),
            place: Place { mark: Some(node.mark), field: format!("{}[{index}]", self.place.field) },
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The keys of a mapping, each with the view of its value at the key's place; none when absent.
    pub(super) fn keys(&self) -> Vec<(&'a str, Self)> {
        let Some(mapping) = self.node.and_then(Node::as_mapping) else { return Vec::new() };
        mapping
            .entries
            .iter()
            .map(|entry| {
                let field = child(&self.place.field, &entry.name);
                (entry.name.as_str(), Self { node: Some(&entry.node), place: Place { mark: Some(entry.mark), field } })
            })
            .collect()
    }
}
