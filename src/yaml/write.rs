//! Writes a tree in the layout of the Kubernetes tools: block style, two spaces, dashes not indented.
//!
//! In: a [`Mapping`]. Out: its text, one line break at the end, wiped when dropped. Long texts fold at
//! column 80 as go-yaml folds them; base64 holds no space and so stays on one line. What is written is read
//! back as the same tree.

use zeroize::Zeroizing;

use super::node::{Entry, Mapping, Node, Scalar, Value};
use super::scalar::{Style, escape, is_printable};

/// A space past this column becomes a line break where the notation allows it.
const BEST_WIDTH: usize = 80;

/// The longest key, in bytes, that needs no question mark.
const SIMPLE_KEY_LIMIT: usize = 128;

/// The text of a document whose root is `mapping`.
pub(crate) fn write(mapping: &Mapping) -> Zeroizing<String> {
    let root = Writer { out: Zeroizing::new(String::with_capacity(extent(mapping))), column: 0 };
    root.document(mapping)
}

/// A guess, on the large side, at how much text a tree becomes: a buffer that grows leaves copies behind.
fn extent(mapping: &Mapping) -> usize {
    fn of(node: &Node) -> usize {
        match &node.value {
            Value::Scalar(scalar) => scalar.as_str().len().saturating_mul(2),
            Value::Sequence(items) => items.iter().map(|item| of(item).saturating_add(32)).sum(),
            Value::Mapping(mapping) => extent(mapping),
            Value::Unusable => 0,
        }
    }
    mapping.iter().map(|(key, value)| key.len().saturating_add(of(value)).saturating_add(64)).sum()
}

/// Whether a key stands on one line with its value.
fn is_simple_key(key: &str) -> bool {
    key.len() <= SIMPLE_KEY_LIMIT && !key.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

struct Writer {
    out: Zeroizing<String>,
    /// Characters since the last line break.
    column: usize,
}

impl Writer {
    fn document(mut self, mapping: &Mapping) -> Zeroizing<String> {
        if mapping.is_empty() {
            self.put("{}");
            self.end_line();
        } else {
            self.mapping(mapping, 0);
        }
        self.out
    }

    /// Writes a mapping whose first key goes where the writer stands.
    fn mapping(&mut self, mapping: &Mapping, indent: usize) {
        for entry in &mapping.entries {
            self.pad(indent);
            if is_simple_key(entry.letters()) {
                self.simple_key(entry);
                self.put(":");
                self.value(&entry.node, indent);
            } else {
                self.put("? ");
                match &entry.written {
                    Some(letters) => self.put(letters),
                    None => self.text(&entry.name, indent.saturating_add(2)),
                }
                self.end_line();
                self.pad(indent);
                self.put(":");
                self.item(&entry.node, indent);
            }
        }
    }

    /// Writes what follows `key:`.
    fn value(&mut self, node: &Node, indent: usize) {
        match &node.value {
            Value::Mapping(mapping) if !mapping.is_empty() => {
                self.end_line();
                self.mapping(mapping, indent.saturating_add(2));
            }
            Value::Sequence(items) if !items.is_empty() => {
                self.end_line();
                self.sequence(items, indent);
            }
            _ => self.item(node, indent),
        }
    }

    /// Writes a list whose first dash goes where the writer stands.
    fn sequence(&mut self, items: &[Node], indent: usize) {
        for item in items {
            self.pad(indent);
            self.put("-");
            self.item(item, indent);
        }
    }

    /// Writes what follows a dash, or the colon of a key that had a question mark: all on the same line.
    fn item(&mut self, node: &Node, indent: usize) {
        self.put(" ");
        let inner = indent.saturating_add(2);
        match &node.value {
            Value::Scalar(Scalar::Plain(letters)) => self.put(letters),
            Value::Scalar(Scalar::Text(text)) => self.text(text, inner),
            Value::Sequence(items) if items.is_empty() => self.put("[]"),
            Value::Mapping(mapping) if mapping.is_empty() => self.put("{}"),
            Value::Sequence(items) => self.sequence(items, inner),
            Value::Mapping(mapping) => self.mapping(mapping, inner),
            Value::Unusable => self.put("null"),
        }
        self.end_line();
    }

    fn simple_key(&mut self, entry: &Entry) {
        match &entry.written {
            Some(letters) => self.put(letters),
            None => match Style::of_key(&entry.name) {
                Style::Unquoted => self.put(&entry.name),
                Style::SingleQuoted => self.single_quoted(&entry.name, None),
                Style::DoubleQuoted | Style::Literal => self.double_quoted(&entry.name, None),
            },
        }
    }

    fn text(&mut self, text: &str, indent: usize) {
        match Style::of(text) {
            Style::Unquoted => self.unquoted(text, indent),
            Style::SingleQuoted => self.single_quoted(text, Some(indent)),
            Style::DoubleQuoted => self.double_quoted(text, Some(indent)),
            Style::Literal => self.literal(text, indent),
        }
    }

    fn unquoted(&mut self, text: &str, indent: usize) {
        let mut previous = None;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let lone_space = c == ' ' && previous != Some(' ') && !rest.as_str().starts_with(' ');
            if lone_space && self.column > BEST_WIDTH {
                self.end_line();
                self.pad(indent);
            } else {
                self.put_char(c);
            }
            previous = Some(c);
        }
    }

    /// Writes a text in single quotes; `fold` is where a folded line goes on, if it may fold.
    fn single_quoted(&mut self, text: &str, fold: Option<usize>) {
        self.put("'");
        let mut previous = None;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let inside = previous.is_some() && !rest.as_str().is_empty();
            let lone_space = c == ' ' && inside && previous != Some(' ') && !rest.as_str().starts_with(' ');
            match fold {
                Some(indent) if lone_space && self.column > BEST_WIDTH => {
                    self.end_line();
                    self.pad(indent);
                }
                _ if c == '\'' => self.put("''"),
                _ => self.put_char(c),
            }
            previous = Some(c);
        }
        self.put("'");
    }

    /// Writes a text in double quotes; `fold` is where a folded line goes on, if it may fold.
    fn double_quoted(&mut self, text: &str, fold: Option<usize>) {
        self.put("\"");
        // An escape before a space does not count as a space, whatever it stands for.
        let mut after_space = false;
        let mut started = false;
        // go-yaml looks for the mark at the start of the text when it means the character at hand.
        let all_escaped = text.starts_with('\u{feff}');
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let inside = started && !rest.as_str().is_empty();
            match fold {
                _ if all_escaped => self.put(&escape(c)),
                Some(indent) if c == ' ' && inside && !after_space && self.column > BEST_WIDTH => {
                    self.end_line();
                    self.pad(indent);
                    // The reader drops spaces at the start of a line unless the first is escaped.
                    if rest.as_str().starts_with(' ') {
                        self.put("\\");
                    }
                }
                _ if c == '\n' || c == '"' || c == '\\' || !is_printable(c) => self.put(&escape(c)),
                _ => self.put_char(c),
            }
            after_space = c == ' ';
            started = true;
        }
        self.put("\"");
    }

    /// Writes a text as a literal block, with the hints that its first and last characters need.
    fn literal(&mut self, text: &str, indent: usize) {
        self.put("|");
        if text.starts_with([' ', '\n']) {
            self.put("2");
        }
        if !text.ends_with('\n') {
            self.put("-");
        } else if text == "\n" || text.ends_with("\n\n") {
            self.put("+");
        }
        self.end_line();
        for line in text.split_inclusive('\n') {
            let content = line.strip_suffix('\n').unwrap_or(line);
            if !content.is_empty() {
                self.pad(indent);
                self.put(content);
            }
            if line.ends_with('\n') {
                self.line_break();
            }
        }
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column = self.column.saturating_add(text.chars().count());
    }

    fn put_char(&mut self, c: char) {
        self.out.push(c);
        self.column = self.column.saturating_add(1);
    }

    fn pad(&mut self, column: usize) {
        while self.column < column {
            self.put(" ");
        }
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn end_line(&mut self) {
        if self.column > 0 {
            self.line_break();
        }
    }
}
