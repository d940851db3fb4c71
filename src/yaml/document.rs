//! Plain data as a YAML document, in the layout of the Kubernetes tools.
//!
//! In: a JSON value. Out: text; keys in alphabetical order, as `sigs.k8s.io/yaml` writes them.

use serde_json::Value;

use super::node::{Mapping, Node};
use super::write::write;

/// The document of `fields`.
#[must_use]
pub fn to_yaml(fields: &serde_json::Map<String, Value>) -> String {
    write(&mapping(fields)).to_string()
}

fn mapping(fields: &serde_json::Map<String, Value>) -> Mapping {
    let mut entries: Vec<_> = fields.iter().map(|(key, value)| (key, node(value))).collect();
    entries.sort_by_key(|(key, _)| *key);
    entries.into_iter().collect()
}

fn node(value: &Value) -> Node {
    match value {
        Value::Null => Node::null(),
        Value::Bool(value) => Node::plain(value),
        Value::Number(value) => Node::plain(value),
        Value::String(text) => Node::text(text),
        Value::Array(items) => items.iter().map(node).collect(),
        Value::Object(fields) => mapping(fields).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_types_and_keys_are_sorted() {
        let value = serde_json::json!({"b": ["010", 10, null, true], "a": {"text": "true", "empty": [], "none": {}}});
        let Value::Object(fields) = value else { unreachable!() };
        let text = to_yaml(&fields);
        let expected = "a:\n  empty: []\n  none: {}\n  text: \"true\"\nb:\n- \"010\"\n- 10\n- null\n- true\n";
        assert_eq!(text, expected);
    }
}
