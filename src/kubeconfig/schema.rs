//! The fields of a kubeconfig and their types, as client-go decodes them.
//!
//! In: the root mapping. Out: the first field whose value has another type. Every entry counts, in use or not: client-go
//! decodes the file as a whole, and refuses it as a whole.
//!
//! Source: client-go v0.36 `tools/clientcmd/api/v1/types.go`; `encoding/json` (null leaves a field empty, an unknown
//! field is passed over) in the form of `sigs.k8s.io/json`.

use std::collections::HashSet;

use super::error::KubeconfigError;
use super::fields::{decoded, joined};
use crate::yaml::{Kind, Mapping, Node, Value};

/// The type of a field.
enum Type {
    /// A string.
    Text,
    /// `true` or `false`.
    Flag,
    /// Bytes in base64.
    Data,
    /// Anything that JSON can say.
    Any,
    /// A list of one type.
    List(&'static Type),
    /// A mapping of any keys to one type.
    Map(&'static Type),
    /// A mapping with these fields.
    Struct(&'static [(&'static str, Type)]),
    /// A list of [`EXTENSION`]s, whose names differ.
    Extensions,
}

const EXTENSION: Type = Type::Struct(&[("name", Type::Text), ("extension", Type::Any)]);

static ROOT: [(&str, Type); 7] = [
    ("preferences", Type::Struct(&[("colors", Type::Flag), ("extensions", Type::Extensions)])),
    ("clusters", Type::List(&Type::Struct(&[("name", Type::Text), ("cluster", Type::Struct(&CLUSTER))]))),
    ("users", Type::List(&Type::Struct(&[("name", Type::Text), ("user", Type::Struct(&USER))]))),
    ("contexts", Type::List(&Type::Struct(&[("name", Type::Text), ("context", Type::Struct(&CONTEXT))]))),
    ("current-context", Type::Text),
    ("extensions", Type::Extensions),
    ("kind", Type::Text),
];

static CLUSTER: [(&str, Type); 8] = [
    ("server", Type::Text),
    ("tls-server-name", Type::Text),
    ("insecure-skip-tls-verify", Type::Flag),
    ("certificate-authority", Type::Text),
    ("certificate-authority-data", Type::Data),
    ("proxy-url", Type::Text),
    ("disable-compression", Type::Flag),
    ("extensions", Type::Extensions),
];

static CONTEXT: [(&str, Type); 4] =
    [("cluster", Type::Text), ("user", Type::Text), ("namespace", Type::Text), ("extensions", Type::Extensions)];

static USER: [(&str, Type); 15] = [
    ("client-certificate", Type::Text),
    ("client-certificate-data", Type::Data),
    ("client-key", Type::Text),
    ("client-key-data", Type::Data),
    ("token", Type::Text),
    ("tokenFile", Type::Text),
    ("as", Type::Text),
    ("as-uid", Type::Text),
    ("as-groups", Type::List(&Type::Text)),
    ("as-user-extra", Type::Map(&Type::List(&Type::Text))),
    ("username", Type::Text),
    ("password", Type::Text),
    ("auth-provider", Type::Struct(&[("name", Type::Text), ("config", Type::Map(&Type::Text))])),
    ("exec", Type::Struct(&EXEC)),
    ("extensions", Type::Extensions),
];

static EXEC: [(&str, Type); 7] = [
    ("command", Type::Text),
    ("args", Type::List(&Type::Text)),
    ("env", Type::List(&Type::Struct(&[("name", Type::Text), ("value", Type::Text)]))),
    ("apiVersion", Type::Text),
    ("installHint", Type::Text),
    ("provideClusterInfo", Type::Flag),
    ("interactiveMode", Type::Text),
];

/// Checks the document's kind, the type of every field, and that no name stands twice in a list.
pub(super) fn check(root: &Mapping) -> Result<(), KubeconfigError> {
    for (field, expected) in [("apiVersion", ["", "/", "v1", "/v1"].as_slice()), ("kind", &["", "Config"])] {
        let found = meta(root, field)?;
        if !expected.contains(&found) {
            return Err(KubeconfigError::NotAKubeconfig { found: format!("of {field} {found:?}") });
        }
    }
    check_fields(root, &ROOT, "")?;
    for list in ["clusters", "contexts", "users"] {
        let mut seen = HashSet::new();
        for item in root.get(list).and_then(Node::as_sequence).unwrap_or_default() {
            let name = item.get("name").and_then(Node::letters).unwrap_or_default();
            if !seen.insert(name) {
                return Err(KubeconfigError::DuplicateName { list, name: name.to_owned() });
            }
        }
    }
    Ok(())
}

/// `apiVersion` or `kind`, which alone are found whatever the case of their letters; of several the last in byte order.
fn meta<'a>(root: &'a Mapping, field: &str) -> Result<&'a str, KubeconfigError> {
    let mut found: Vec<_> = root.iter().filter(|(key, _)| key.eq_ignore_ascii_case(field)).collect();
    found.sort_by_key(|(key, _)| *key);
    let mut text = "";
    for (key, node) in found {
        match node.as_scalar() {
            Some(scalar) if scalar.kind() == Kind::Text => text = scalar.as_str(),
            Some(scalar) if scalar.is_null() => {}
            _ => return Err(KubeconfigError::WrongType { field: key.to_owned(), expected: "a string" }),
        }
    }
    Ok(text)
}

fn check_fields(mapping: &Mapping, fields: &[(&str, Type)], path: &str) -> Result<(), KubeconfigError> {
    for (name, kind) in fields {
        if let Some(node) = mapping.get(name) {
            check_type(node, kind, &joined(path, name))?;
        }
    }
    Ok(())
}

fn check_type(node: &Node, kind: &Type, path: &str) -> Result<(), KubeconfigError> {
    if node.is_null() {
        return Ok(());
    }
    match (kind, &node.value) {
        (Type::Any, _) => Ok(()),
        (Type::Text, Value::Scalar(scalar)) if scalar.kind() == Kind::Text => Ok(()),
        (Type::Text, _) => Err(wrong(path, "a string (numbers and words such as yes need quotes)")),
        (Type::Flag, Value::Scalar(scalar)) if matches!(scalar.kind(), Kind::Bool(_)) => Ok(()),
        (Type::Flag, _) => Err(wrong(path, "true or false, without quotes")),
        (Type::Data, Value::Scalar(scalar)) if scalar.kind() == Kind::Text => match decoded(scalar.as_str()) {
            Some(_) => Ok(()),
            None => Err(KubeconfigError::InvalidBase64 { field: path.to_owned() }),
        },
        (Type::Data, _) => Err(wrong(path, "base64 text")),
        (Type::List(each), Value::Sequence(items)) => {
            items.iter().enumerate().try_for_each(|(index, item)| check_type(item, each, &format!("{path}[{index}]")))
        }
        (Type::Extensions, Value::Sequence(items)) => check_extensions(items, path),
        (Type::List(_) | Type::Extensions, _) => Err(wrong(path, "a list")),
        (Type::Map(each), Value::Mapping(mapping)) => {
            mapping.iter().try_for_each(|(key, value)| check_type(value, each, &joined(path, key)))
        }
        (Type::Struct(fields), Value::Mapping(mapping)) => check_fields(mapping, fields, path),
        (Type::Map(_) | Type::Struct(_), _) => Err(wrong(path, "a mapping")),
    }
}

fn check_extensions(items: &[Node], path: &str) -> Result<(), KubeconfigError> {
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        check_type(item, &EXTENSION, &path)?;
        let name = item.get("name").and_then(Node::letters).unwrap_or_default();
        let holds = item.get("extension").is_some_and(|extension| !extension.is_null());
        // client-go tells an entry that is there by what it holds.
        if seen.contains(name) {
            return Err(KubeconfigError::DuplicateName { list: "extensions", name: name.to_owned() });
        }
        if holds {
            seen.insert(name);
        }
    }
    Ok(())
}

fn wrong(path: &str, expected: &'static str) -> KubeconfigError {
    KubeconfigError::WrongType { field: path.to_owned(), expected }
}
