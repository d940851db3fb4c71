//! The shape of a kubeadm configuration, and the check of a document against it.
//!
//! In: the tables of [`super::fields`] and a document's tree. Out: problems, and the tree without what the schema
//! does not know, so that everything behind this module meets only known fields of the right type. It judges
//! no value but its type; [`super::cluster`] and [`super::node`] do.

use chrono::DateTime;

use super::duration;
use super::problem::{Code, Place, Problems, quoted};
use crate::error::nearest;
use crate::yaml::{Entry, Kind, Mapping, Node, Scalar, Value};

/// A version of kubeadm's configuration API that kubepki reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiVersion {
    V1beta3,
    V1beta4,
}

impl ApiVersion {
    pub(super) const ALL: [Self; 2] = [Self::V1beta3, Self::V1beta4];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::V1beta3 => "v1beta3",
            Self::V1beta4 => "v1beta4",
        }
    }
}

/// The type of a field.
#[derive(Debug)]
pub(super) enum Type {
    /// A string.
    Text,
    /// A string that no message repeats.
    Secret,
    /// One of a few strings, or the empty string.
    OneOf(&'static [&'static str]),
    /// A truth value.
    Flag,
    /// An integer.
    Integer,
    /// A string in Go's duration syntax.
    Duration,
    /// A string as RFC 3339 writes times.
    Time,
    /// A Kubernetes quantity: a string or a number.
    Quantity,
    /// A sequence.
    List(&'static Type),
    /// A mapping with free keys.
    Map(&'static Type),
    /// A mapping with known keys.
    Struct(&'static Struct),
}

/// A mapping with known keys.
#[derive(Debug)]
pub(super) struct Struct {
    /// The rows; several groups where kubeadm's type embeds another.
    pub(super) groups: &'static [&'static [Field]],
}

/// One row: a field of one or both versions.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    /// The one version that has it; `None` for both.
    pub(super) only: Option<ApiVersion>,
    /// What the other version has in its place, for the hint.
    pub(super) instead: &'static str,
}

impl Field {
    const fn is_in(&self, version: ApiVersion) -> bool {
        matches!(
            (self.only, version),
            (None, _)
                | (Some(ApiVersion::V1beta3), ApiVersion::V1beta3)
                | (Some(ApiVersion::V1beta4), ApiVersion::V1beta4)
        )
    }
}

impl Struct {
    fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.groups.iter().flat_map(|group| group.iter())
    }
}

/// The dotted path of the field `name` under `parent`; a strange name is cut and escaped.
pub(super) fn child(parent: &str, name: &str) -> String {
    const LONGEST: usize = 64;
    let ordinary = name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_graphic());
    let name = if ordinary { name.to_owned() } else { quoted(name) };
    if parent.is_empty() { name } else { format!("{parent}.{name}") }
}

/// Checks a whole document; `elsewhere` are the kinds in which an unknown field is looked for.
pub(super) fn check(
    root: &mut Node,
    schema: &'static Struct,
    version: ApiVersion,
    elsewhere: &[(&str, &'static Struct)],
    problems: &mut Problems,
) {
    if let Value::Mapping(Mapping { entries }) = &mut root.value {
        Check { version, elsewhere, problems }.structure(entries, schema, "");
    }
}

struct Check<'a> {
    version: ApiVersion,
    elsewhere: &'a [(&'a str, &'static Struct)],
    problems: &'a mut Problems,
}

impl Check<'_> {
    fn structure(&mut self, entries: &mut Vec<Entry>, schema: &'static Struct, path: &str) {
        entries.retain_mut(|entry| {
            let place = Place { mark: Some(entry.mark), field: child(path, &entry.name) };
            let row = schema.fields().find(|field| field.name == entry.name && field.is_in(self.version));
            let Some(row) = row else {
                self.unknown(&entry.name, schema, &place);
                return false;
            };
            self.duplicate(entry, &place);
            self.value(&mut entry.node, &row.kind, &place.field);
            true
        });
    }

    fn duplicate(&mut self, entry: &Entry, place: &Place) {
        if let Some(earlier) = entry.earlier {
            self.problems.strict(
                Code::DuplicateKey,
                place,
                format!("the key is given twice; first on line {}", self.problems.line(earlier.line)),
                "keep one: the last one wins in kubeadm, silently",
            );
        }
    }

    fn unknown(&mut self, name: &str, schema: &'static Struct, place: &Place) {
        if self.problems.is_full() {
            self.problems.strict(Code::UnknownField, place, "", "");
            return;
        }
        if let Some(other) = schema.fields().find(|field| field.name == name) {
            let exists_in = other.only.map_or("", ApiVersion::as_str);
            let hint = if other.instead.is_empty() {
                format!("write apiVersion: kubeadm.k8s.io/{exists_in}, or remove the field")
            } else {
                other.instead.into()
            };
            let message = format!("the field exists in {exists_in}, not in {}", self.version.as_str());
            self.problems.strict(Code::OtherVersion, place, message, hint);
            return;
        }
        let names = || schema.fields().filter(|field| field.is_in(self.version)).map(|field| field.name);
        let miscased = names().find(|known| known.eq_ignore_ascii_case(name));
        let hint = if let Some(known) = miscased {
            format!("did you mean {known}? Field names are case-sensitive")
        } else if let Some(path) = self.find_elsewhere(name) {
            format!("did you mean {path}?")
        } else if let Some(known) = nearest(name, names()) {
            format!("did you mean {known}?")
        } else {
            format!("remove it; known here: {}", names().collect::<Vec<_>>().join(", "))
        };
        self.problems.strict(Code::UnknownField, place, format!("unknown field {}", quoted(name)), hint);
    }

    /// The full path of a field called `name` in some kind, for a field that was indented wrongly.
    fn find_elsewhere(&self, name: &str) -> Option<String> {
        self.elsewhere.iter().find_map(|(kind, schema)| {
            let path = find(schema, name, self.version, "")?;
            Some(format!("{path} in {kind}"))
        })
    }

    fn value(&mut self, node: &mut Node, kind: &'static Type, path: &str) {
        let refused = match (kind, &mut node.value) {
            (Type::Struct(schema), Value::Mapping(Mapping { entries })) => {
                return self.structure(entries, schema, path);
            }
            (Type::Map(item), Value::Mapping(Mapping { entries })) => {
                for entry in entries {
                    let place = Place { mark: Some(entry.mark), field: child(path, &entry.name) };
                    self.duplicate(entry, &place);
                    self.value(&mut entry.node, item, &place.field);
                }
                return;
            }
            (Type::List(item), Value::Sequence(items)) => {
                for (index, node) in items.iter_mut().enumerate() {
                    self.value(node, item, &format!("{path}[{index}]"));
                }
                return;
            }
            (_, Value::Unusable) => return,
            (kind, Value::Scalar(scalar)) => check_scalar(kind, scalar, path),
            (kind, found) => Err(mismatch(kind, found, path)),
        };
        if let Err((code, message, hint)) = refused {
            self.problems.add(code, &Place { mark: Some(node.mark), field: path.into() }, message, hint);
            node.value = Value::Unusable;
        }
    }
}

/// Why a value cannot stand in its field: code, message and hint.
type Refused = (Code, String, String);

fn check_scalar(wanted: &Type, scalar: &Scalar, path: &str) -> Result<(), Refused> {
    let text = scalar.as_str();
    match (wanted, scalar.kind()) {
        // null is the default of every Go type.
        (_, Kind::Null)
        | (Type::Text | Type::Secret, Kind::Text)
        | (Type::Flag, Kind::Bool(_))
        | (Type::Quantity, Kind::Text | Kind::Integer(_) | Kind::LargeInteger(_) | Kind::Float(_)) => Ok(()),
        (Type::Integer, number) if number.is_whole() => Ok(()),
        (Type::OneOf(values), Kind::Text) if text.is_empty() || values.contains(&text) => Ok(()),
        (Type::OneOf(values), Kind::Text) => {
            let message = format!("{} is not one of the possible values", quoted(text));
            Err((Code::Value, message, format!("write one of {}", values.join(", "))))
        }
        (Type::Duration, Kind::Text) => duration::parse(text).map(|_| ()).map_err(|bad| {
            let message = if text.is_empty() { bad.message } else { format!("{}: {}", quoted(text), bad.message) };
            (Code::Duration, message, bad.hint)
        }),
        (Type::Duration, Kind::Integer(_) | Kind::LargeInteger(_)) => {
            let hint = duration::parse(text).err().map_or("write a duration as 8760h".into(), |bad| bad.hint);
            Err((Code::Duration, format!("{text}: the duration has no unit"), hint))
        }
        (Type::Time, Kind::Text) if DateTime::parse_from_rfc3339(text).is_ok() => Ok(()),
        (Type::Time, Kind::Text) => {
            let hint = "write it as 2030-01-31T12:00:00Z (RFC 3339)".into();
            Err((Code::Value, format!("{} is not a time", quoted(text)), hint))
        }
        (wanted, _) => Err(mismatch(wanted, &Value::Scalar(scalar.clone()), path)),
    }
}

/// What to say when a value has not the type of its field.
fn mismatch(wanted: &Type, found: &Value, path: &str) -> Refused {
    let wanted_name = match wanted {
        Type::Text | Type::Secret | Type::OneOf(_) => "a string",
        Type::Flag => "true or false",
        Type::Integer => "an integer",
        Type::Duration => "a duration",
        Type::Time => "a time",
        Type::Quantity => "a quantity",
        Type::List(_) => "a list",
        Type::Map(_) | Type::Struct(_) => "a mapping",
    };
    let found_name = match found {
        Value::Unusable => "nothing",
        Value::Scalar(scalar) => match scalar.kind() {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a truth value",
            Kind::Integer(_) | Kind::LargeInteger(_) => "an integer",
            Kind::Float(_) => "a number",
            Kind::Text => "a string",
        },
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
    };
    let is_text = matches!(found, Value::Scalar(Scalar::Text(_)));
    let letters = match found {
        Value::Scalar(scalar) => Some(scalar.as_str()),
        _ => None,
    };
    let name = path.rsplit('.').next().unwrap_or(path);
    let name = name.split('[').next().unwrap_or(name);
    let hint = match (wanted, letters) {
        (Type::Secret, Some(_)) => "put it in quotes".into(),
        (Type::Text | Type::OneOf(_) | Type::Time, Some(text)) => format!("put it in quotes: {}", quoted(text)),
        (Type::Flag, Some("true" | "false")) => "remove the quotes".into(),
        (Type::Integer, Some(text))
            if is_text && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            "remove the quotes".into()
        }
        (Type::List(Type::Struct(_)), None) if name.ends_with("Args") && matches!(found, Value::Mapping(_)) => {
            "v1beta4 takes a list: write each as `- name: …` and `value: …`".into()
        }
        (Type::Map(_), None) if matches!(found, Value::Sequence(_)) => {
            "v1beta3 takes a mapping: write each as `name: \"value\"`".into()
        }
        (Type::List(_), _) => "write each item on its own line after a dash".into(),
        (Type::Duration, _) => "write a duration as 8760h or 1h30m".into(),
        _ => format!("give {name} {wanted_name}"),
    };
    (Code::WrongType, format!("{found_name} is given where {wanted_name} is expected"), hint)
}

/// The path of the first field called `name` inside `schema`.
fn find(schema: &'static Struct, name: &str, version: ApiVersion, path: &str) -> Option<String> {
    schema.fields().filter(|field| field.is_in(version)).find_map(|field| {
        let here = child(path, field.name);
        if field.name == name {
            return Some(here);
        }
        match field.kind {
            Type::Struct(inner) => find(inner, name, version, &here),
            _ => None,
        }
    })
}
