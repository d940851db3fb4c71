//! The fields of a kubeconfig's tree: where they are, what shape they have, base64.
//!
//! In: the root mapping. Out: entries, strings and decoded bytes, or a [`KubeconfigError`] that names the field.
//!
//! Source: client-go `tools/clientcmd/api/v1`.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::error::KubeconfigError;
use crate::secret::Secret;
use crate::yaml::{Mapping, Node, Value};

/// Go's decoder: padding is needed, the bits that it does not use may be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

fn entries<'a>(root: &'a Mapping, list: &str) -> impl Iterator<Item = &'a Mapping> {
    let items = root.get(list).and_then(Node::as_sequence).unwrap_or_default();
    items.iter().filter_map(Node::as_mapping)
}

/// The names of the entries of `list`, in order.
pub(super) fn names<'a>(root: &'a Mapping, list: &str) -> Vec<&'a str> {
    entries(root, list).map(|entry| entry.letters("name").unwrap_or_default()).collect()
}

/// One named entry of a list: its name, and its content unless that is null or absent.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) content: Option<&'a Mapping>,
    /// `users[admin].user`
    pub(super) path: String,
}

/// The entry of `list` with this name.
pub(super) fn entry<'a>(root: &'a Mapping, list: &str, content: &str, name: &str) -> Option<Entry<'a>> {
    entries(root, list).find_map(|entry| {
        let found = entry.letters("name").unwrap_or_default();
        if found != name {
            return None;
        }
        let mapping = entry.get(content).and_then(Node::as_mapping);
        Some(Entry { name: found, content: mapping, path: format!("{list}[{name}].{content}") })
    })
}

/// The content of an entry of `list` to change, made if it is null or absent.
pub(super) fn content_mut<'a>(root: &'a mut Mapping, list: &str, content: &str, name: &str) -> Option<&'a mut Mapping> {
    let Value::Sequence(items) = &mut root.get_mut(list)?.value else { return None };
    let entry = items.iter_mut().find_map(|item| match &mut item.value {
        Value::Mapping(entry) if entry.letters("name").unwrap_or_default() == name => Some(entry),
        _ => None,
    })?;
    if entry.get(content).and_then(Node::as_mapping).is_none() {
        entry.set(content, Mapping::default().into());
    }
    match &mut entry.get_mut(content)?.value {
        Value::Mapping(mapping) => Some(mapping),
        _ => None,
    }
}

/// A string field; null, absent and empty are the same to Kubernetes, and `None` here.
pub(super) fn string<'a>(mapping: &'a Mapping, key: &str, path: &str) -> Result<Option<&'a str>, KubeconfigError> {
    match mapping.get(key) {
        Some(node) if node.as_scalar().is_none() => {
            Err(KubeconfigError::WrongType { field: joined(path, key), expected: "a string" })
        }
        node => Ok(node.and_then(Node::letters).filter(|text| !text.is_empty())),
    }
}

/// A base64 field, decoded.
pub(super) fn bytes(mapping: &Mapping, key: &str, path: &str) -> Result<Option<Secret>, KubeconfigError> {
    let Some(text) = string(mapping, key, path)? else { return Ok(None) };
    match decoded(text) {
        Some(bytes) if bytes.expose().is_empty() => Ok(None),
        Some(bytes) => Ok(Some(bytes)),
        None => Err(KubeconfigError::InvalidBase64 { field: joined(path, key) }),
    }
}

/// Base64 as Go reads it: line breaks may stand anywhere, and nothing else.
pub(super) fn decoded(text: &str) -> Option<Secret> {
    if ![b'\n', b'\r'].iter().any(|end| text.as_bytes().contains(end)) {
        return BASE64.decode(text).ok().map(Secret::new);
    }
    // All at once: a buffer that grows leaves pieces of a key behind.
    let mut letters = Vec::with_capacity(text.len());
    for line in text.as_bytes().split(|byte| matches!(byte, b'\n' | b'\r')) {
        letters.extend_from_slice(line);
    }
    let letters = Secret::new(letters);
    BASE64.decode(letters.expose()).ok().map(Secret::new)
}

/// The node of a base64 field.
pub(super) fn data(bytes: &[u8]) -> Node {
    Node::text(BASE64.encode(bytes))
}

pub(super) fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
