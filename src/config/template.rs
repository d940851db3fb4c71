//! What a template leaves in a file that was not rendered: `{{ … }}`, `{% … %}`, `${NAME}` and the like.
//!
//! In: the text of a document, and its tree where it could be read. Out: problems with place and leftover. Where a text
//! cannot be read, the leftovers are why; where it can, the fields that are read count: arguments
//! and environments of components may hold any character, and go into no certificate.

use super::problem::{Code, Place, Problems, quoted};
use crate::yaml::{Mapping, Mark, Node, Value};

/// Fields whose values are free text.
const FREE_TEXT: [&str; 3] = ["extraArgs", "kubeletExtraArgs", "extraEnvs"];
/// Fields whose values no message repeats.
const SECRET: [&str; 3] = ["token", "tlsBootstrapToken", "certificateKey"];
/// What begins and ends a leftover that cannot be anything else.
const CLEAR: [(&str, &str); 5] = [("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("{#", "#}"), ("<no value", ">")];
/// The same where a name or a command has to follow the beginning.
const VARIABLES: [(&str, &str); 3] = [("${", "}"), ("%{", "}"), ("$(", ")")];
/// What stands around a name that is a whole value.
const AROUND_NAMES: [(&str, &str); 3] = [("__", "__"), ("@", "@"), ("$", "")];
const HINT: &str = "render the template first, and give kubepki the result";

/// A leftover: the column of its first character in its line, from 1, and its text.
#[derive(Debug, PartialEq, Eq)]
struct Leftover<'a> {
    column: usize,
    text: &'a str,
}

/// Reports the leftovers in a text that is no YAML, where the reading ended at `end`. False when there are none.
pub(super) fn report_in_text(text: &str, first_line: usize, end: Mark, problems: &mut Problems) -> bool {
    let found = in_text(text, first_line, end);
    for (mark, line, leftover) in &found {
        report(*mark, "", SECRET.iter().any(|name| line.contains(name)), leftover, problems);
    }
    !found.is_empty()
}

/// The first leftover in a text of another kind of file that is no YAML, and its place.
pub(crate) fn first_in(text: &str) -> Option<(usize, usize, String)> {
    let nowhere = Mark { line: 0, column: 0 };
    let (mark, _, leftover) = in_text(text, 1, nowhere).into_iter().next()?;
    Some((mark.line, mark.column, leftover.to_owned()))
}

fn in_text(text: &str, first_line: usize, end: Mark) -> Vec<(Mark, &str, &str)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index.saturating_add(first_line);
        // The reading ends behind its reason, if only by a line.
        let is_near = number == end.line || number.saturating_add(1) == end.line;
        let mut leftovers = between(line, &CLEAR, true);
        leftovers.extend(between(line, &[("{ {", "} }")], true));
        if is_near {
            leftovers.extend(between(line, &VARIABLES, false));
            leftovers.extend(line.split_once(": ").and_then(|(_, value)| whole(line, value)));
        }
        let comment = comment(line);
        leftovers.retain(|leftover| comment.is_none_or(|comment| leftover.column < comment));
        leftovers.sort_by_key(|leftover| leftover.column);
        let places =
            leftovers.into_iter().map(|leftover| (Mark { line: number, column: leftover.column }, line, leftover.text));
        found.extend(places);
    }
    found
}

/// Reports the leftovers in the values and keys of a document, and makes these values unusable: nothing else is said
/// about them.
pub(super) fn report_in_values(root: &mut Node, text: &str, first_line: usize, problems: &mut Problems) {
    let mut walk = Walk { lines: text.lines().collect(), first_line, problems };
    walk.node(root, "", "");
}

struct Walk<'a> {
    lines: Vec<&'a str>,
    first_line: usize,
    problems: &'a mut Problems,
}

impl Walk<'_> {
    fn node(&mut self, node: &mut Node, path: &str, name: &str) {
        match &mut node.value {
            Value::Mapping(Mapping { entries }) => {
                entries.retain_mut(|entry| {
                    let field = if path.is_empty() { entry.name.clone() } else { format!("{path}.{}", entry.name) };
                    if let Some(leftover) = in_value(&entry.name) {
                        let mark = self.place(entry.mark, leftover);
                        report(mark, path, false, leftover, self.problems);
                        return false;
                    }
                    if !FREE_TEXT.contains(&entry.name.as_str()) {
                        self.node(&mut entry.node, &field, &entry.name);
                    }
                    true
                });
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, &format!("{path}[{index}]"), name);
                }
            }
            Value::Scalar(scalar) => {
                if let Some(leftover) = in_value(scalar.as_str()) {
                    report(self.place(node.mark, leftover), path, SECRET.contains(&name), leftover, self.problems);
                    node.value = Value::Unusable;
                }
            }
            Value::Unusable => {}
        }
    }

    /// Where a leftover of the value at `mark` stands; a folded or escaped one is at the value's own place.
    fn place(&self, mark: Mark, leftover: &str) -> Mark {
        let skipped = mark.line.saturating_sub(self.first_line);
        for (index, line) in self.lines.iter().enumerate().skip(skipped) {
            let before = if index == skipped { mark.column.saturating_sub(1) } else { 0 };
            let from = line.char_indices().nth(before).map_or(line.len(), |(offset, _)| offset);
            if let Some(offset) = line.get(from..).and_then(|rest| rest.find(leftover)) {
                let line_number = index.saturating_add(self.first_line);
                return Mark { line: line_number, column: column(line, from.saturating_add(offset)) };
            }
        }
        mark
    }
}

fn report(mark: Mark, field: &str, is_secret: bool, leftover: &str, problems: &mut Problems) {
    let place = Place { mark: Some(mark), field: field.to_owned() };
    let message = if is_secret {
        "a part of a template was left here unrendered".to_owned()
    } else {
        format!("{} is left over from a template that was not rendered", quoted(leftover))
    };
    problems.add(Code::Template, &place, message, HINT);
}

/// The first leftover in a value.
fn in_value(value: &str) -> Option<&str> {
    let clear = value.lines().flat_map(|line| between(line, &CLEAR, false));
    let variables = value.lines().flat_map(|line| between(line, &VARIABLES, false));
    clear.chain(variables).next().or_else(|| whole(value, value)).map(|leftover| leftover.text)
}

/// Everything in a line from a beginning to its end; with `to_the_end` also a beginning whose end is on a later line.
fn between<'a>(line: &'a str, pairs: &[(&str, &str)], to_the_end: bool) -> Vec<Leftover<'a>> {
    let mut found = Vec::new();
    for (begin, end) in pairs {
        let mut from = 0_usize;
        while let Some(at) = line.get(from..).and_then(|rest| rest.find(begin)).map(|at| at.saturating_add(from)) {
            let inner = at.saturating_add(begin.len());
            let rest = line.get(inner..).unwrap_or_default();
            let needs_name = begin.starts_with('$') || *begin == "%{";
            let is_begun = !needs_name || rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
            let until = rest.find(end).map(|length| inner.saturating_add(length).saturating_add(end.len()));
            match until.or_else(|| to_the_end.then(|| line.trim_end().len())).filter(|_| is_begun) {
                Some(until) => {
                    let text = line.get(at..until).unwrap_or_default();
                    found.push(Leftover { column: column(line, at), text });
                    from = until.max(inner);
                }
                None => from = inner,
            }
        }
    }
    found
}

/// A value that is nothing but a name in capitals between the marks of a template.
fn whole<'a>(line: &'a str, value: &'a str) -> Option<Leftover<'a>> {
    let value = value.trim();
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let is_whole = AROUND_NAMES
        .iter()
        .any(|(begin, end)| value.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end)).is_some_and(is_name));
    is_whole.then(|| Leftover { column: column(line, line.find(value).unwrap_or_default()), text: value })
}

/// The column of the character at `offset`, from 1.
fn column(line: &str, offset: usize) -> usize {
    line.get(..offset).unwrap_or_default().chars().count().saturating_add(1)
}

/// The column at which a comment begins.
fn comment(line: &str) -> Option<usize> {
    let mut before = ' ';
    for (index, c) in line.chars().enumerate() {
        if c == '#' && before.is_whitespace() {
            return Some(index.saturating_add(1));
        }
        before = c;
    }
    None
}
