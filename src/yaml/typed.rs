//! Structs read from YAML by serde, as Kubernetes reads its own: through JSON.
//!
//! In: text. Out: a value of any type that serde can read, or the first [`TypedError`] with its place. Text must be text: a
//! number or truth value for a string is an error, as it is to the kubelet. It keeps no value.
//!
//! Source: `sigs.k8s.io/yaml` `YAMLToJSON`, which the kubelet and kubeadm decode their files by, and `encoding/json`, to
//! which null is a field that is not there.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::error::ParseError;
use super::node::{Entry, Mark, Node, Scalar, Value};
use super::parse::{Document, read};
use super::resolve::Kind;
use super::source::text_of;

/// Why a text is not what was to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedError {
    mark: Option<Mark>,
    message: String,
}

impl TypedError {
    /// The same at `mark`, unless it has a place that is nearer.
    fn at(mut self, mark: Mark) -> Self {
        self.mark.get_or_insert(mark);
        self
    }
}

impl fmt::Display for TypedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Mark { line, column }) = self.mark {
            write!(f, "line {line} column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for TypedError {}

impl de::Error for TypedError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { mark: None, message: message.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid type: {}, expected {expected}", without_text(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid value: {}, expected {expected}", without_text(found)))
    }
}

/// What was found, but not its text: a private key where a configuration should be is one long text to YAML, and errors are
/// printed, logged and sent.
fn without_text(found: Unexpected<'_>) -> Unexpected<'_> {
    match found {
        Unexpected::Str(_) => Unexpected::Other("text"),
        other => other,
    }
}

impl From<ParseError> for TypedError {
    fn from(error: ParseError) -> Self {
        Self { mark: Some(error.mark), message: error.reason.to_string() }
    }
}

/// Reads a file of kubepki's own: what Kubernetes passes over (equal keys, further documents, tags) is an error, and so are
/// a key that YAML does not take for its letters (`no`, `010`) and a truth value that is neither `true` nor `false`.
///
/// # Errors
/// [`TypedError`] for the first place that is no YAML or does not fit the type.
pub fn from_str<'de, T: Deserialize<'de>>(text: &str) -> Result<T, TypedError> {
    from_own(&own(text)?)
}

/// The tree of a file of kubepki's own.
pub(crate) fn own(text: &str) -> Result<Node, TypedError> {
    let Document { root, passed_over } = read(text, 1)?;
    passed_over.into_iter().next().map_or(Ok(root), |error| Err(error.into()))
}

/// Reads a tree of [`own`] as [`from_str`] does.
///
/// # Errors
/// [`TypedError`] for the first place that does not fit the type.
pub(crate) fn from_own<'de, T: Deserialize<'de>>(root: &Node) -> Result<T, TypedError> {
    T::deserialize(Typed { node: root, is_strict: true })
}

/// Reads a file of Kubernetes as it does: of equal keys the last, of several documents the first, null as nothing.
///
/// # Errors
/// [`TypedError`] for the first place that is no YAML or does not fit the type.
pub(crate) fn from_clients<'de, T: Deserialize<'de>>(bytes: &[u8]) -> Result<T, TypedError> {
    let text =
        text_of(bytes).map_err(|offset| <TypedError as de::Error>::custom(format!("byte {offset} is no text")))?;
    T::deserialize(Typed { node: &read(&text, 1)?.root, is_strict: false })
}

/// A node to read from.
#[derive(Clone, Copy)]
struct Typed<'a> {
    node: &'a Node,
    is_strict: bool,
}

impl Typed<'_> {
    /// Whether it is a null that leaves its field empty.
    fn is_empty(self) -> bool {
        !self.is_strict && self.node.is_null()
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        let inner = |node| Self { node, ..self };
        match &self.node.value {
            Value::Unusable => visitor.visit_unit(),
            Value::Scalar(scalar) => match scalar.kind() {
                Kind::Null => visitor.visit_unit(),
                Kind::Bool(_) if self.is_strict && !matches!(scalar.as_str(), "true" | "false") => {
                    let letters = scalar.as_str();
                    Err(de::Error::custom(format!(
                        "{letters} is a truth value to YAML: write true or false, or quotes"
                    )))
                }
                Kind::Bool(value) => visitor.visit_bool(value),
                Kind::LargeInteger(value) => visitor.visit_u64(value),
                Kind::Text => visitor.visit_str(scalar.as_str()),
                kind @ (Kind::Integer(_) | Kind::Float(_)) => match (kind.integer(), kind) {
                    (None, Kind::Float(value)) => visitor.visit_f64(value),
                    (integer, _) => visitor.visit_i64(integer.unwrap_or_default()),
                },
            },
            Value::Sequence(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(inner))),
            Value::Mapping(mapping) => {
                let rest = mapping.entries.iter();
                visitor.visit_map(Entries { rest, value: None, is_strict: self.is_strict })
            }
        }
    }
}

impl IntoDeserializer<'_, TypedError> for Typed<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Says of null what the zero of its type is.
macro_rules! null_is {
    ($($method:ident => $visit:ident($zero:expr);)+) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
            if self.is_empty() { visitor.$visit($zero) } else { self.deserialize_any(visitor) }
        }
    )+ };
}

impl<'de> Deserializer<'de> for Typed<'_> {
    type Error = TypedError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        self.any(visitor).map_err(|error| error.at(self.node.mark))
    }

    null_is! {
        deserialize_bool => visit_bool(false);
        deserialize_u16 => visit_u64(0);
        deserialize_u32 => visit_u64(0);
        deserialize_u64 => visit_u64(0);
        deserialize_seq => visit_seq(SeqDeserializer::new(std::iter::empty::<Self>()));
        deserialize_map => visit_map(Entries::default());
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        // serde would fill the fields from a list, one by one.
        if self.node.as_sequence().is_some() {
            let message = "a mapping is expected, not a list".to_owned();
            return Err(TypedError { mark: Some(self.node.mark), message });
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        match self.node.as_scalar() {
            Some(_) if self.is_empty() => visitor.visit_str(""),
            Some(Scalar::Plain(_)) if self.node.as_scalar().is_some_and(|scalar| scalar.kind() != Kind::Text) => {
                let message = "a string is expected, and these letters are none: put them in quotes";
                Err(TypedError { mark: Some(self.node.mark), message: message.to_owned() })
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TypedError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        let read = match &self.node.value {
            Value::Scalar(scalar) if scalar.kind() == Kind::Text => visitor.visit_enum(text(scalar.as_str())),
            _ => Err(de::Error::custom("one of a few words is expected")),
        };
        read.map_err(|error| error.at(self.node.mark))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

fn text(text: &str) -> StrDeserializer<'_, TypedError> {
    text.into_deserializer()
}

/// The entries of a mapping that are still to be read.
#[derive(Default)]
struct Entries<'a> {
    rest: std::slice::Iter<'a, Entry>,
    value: Option<&'a Node>,
    is_strict: bool,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = TypedError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TypedError> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.value = Some(&entry.node);
        if self.is_strict
            && let Some(letters) = &entry.written
        {
            let message = format!("the key {letters} is {:?} to YAML: put it in quotes", entry.name);
            return Err(TypedError { mark: Some(entry.mark), message });
        }
        seed.deserialize(text(&entry.name)).map(Some).map_err(|error| error.at(entry.mark))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, TypedError> {
        let Some(node) = self.value.take() else { return Err(de::Error::custom("a value without a key")) };
        seed.deserialize(Typed { node, is_strict: self.is_strict })
    }
}
