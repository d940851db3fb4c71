//! JSON as Go's `encoding/json` indents and escapes it.
//!
//! In: a serialisable value. Out: text, indented by four, with `<`, `>`, `&` and the two Unicode line separators
//! escaped inside strings, and one line break at the end. Source: Go `json.Encoder` with `SetIndent`.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

/// The text of `value`; empty if it cannot be serialised, which derived types of strings and numbers always can.
pub(super) fn render(value: &impl Serialize) -> String {
    let mut plain = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut plain, PrettyFormatter::with_indent(b"    "));
    if value.serialize(&mut serializer).is_err() {
        return String::new();
    }
    let mut text = String::with_capacity(plain.len());
    // Outside of strings JSON has none of those that are escaped.
    for c in String::from_utf8(plain).unwrap_or_default().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            _ => text.push(c),
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_go_escapes_them() {
        let value = serde_json::json!({ "a": "<b> && \u{2028}\"x\"\n", "empty": [] });
        assert_eq!(
            render(&value),
            r#"{
    "a": "\u003cb\u003e \u0026\u0026 \u2028\"x\"\n",
    "empty": []
}
"#
        );
    }
}
