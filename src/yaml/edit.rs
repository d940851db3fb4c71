//! Changes one value of a text, and leaves every other byte as it is: comments, order, quotes, line ends.
//!
//! In: a text, where the value is, the value, or that it goes. Out: the text anew. What was changed is read again, and must say what the old
//! text says but for that value: where an anchor, an alias or a merge key stands in the way of that, it is an error.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | a value is set or put between others |
//! | `remove` | a value goes |

mod remove;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use super::error::ParseError;
use super::node::{Mapping, Node, Scalar, Value};
use super::parse::parse;
use super::places::{Pair, Place, Shape, locate};
use super::write::write;
pub(crate) use remove::remove;

/// One step on the way to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'s> {
    /// The value of a key.
    Key(&'s str),
    /// An item of a list, from 0; the one behind the last is a new one.
    Item(usize),
}

/// Why a text is not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EditError {
    /// It is not read, or says something twice.
    Unread(ParseError),
    /// On the way there is something else than a list or mapping.
    OtherKind(String),
    /// It cannot be changed there without changing something else.
    Entangled,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(ParseError { mark, reason }) => write!(f, "line {}: {reason}", mark.line),
            Self::OtherKind(place) => write!(f, "{place} is not what it should be"),
            Self::Entangled => f.write_str(
                "it is written in a way (anchors, aliases, merge keys) in which nothing can be changed alone",
            ),
        }
    }
}

/// Replaced bytes.
type Patch = Vec<(Range<usize>, String)>;

/// The text with `value` at `path`; what is missing on the way is made, in the alphabetical place among the keys.
///
/// # Errors
/// [`EditError`].
pub(crate) fn set(text: &str, path: &[Step<'_>], value: &Node) -> Result<Zeroizing<String>, EditError> {
    change(text, path, value, false)
}

/// The text with `value` as a new item before the one that `path` leads to.
///
/// # Errors
/// [`EditError`].
pub(crate) fn insert(text: &str, path: &[Step<'_>], value: &Node) -> Result<Zeroizing<String>, EditError> {
    change(text, path, value, true)
}

fn change(given: &str, path: &[Step<'_>], value: &Node, inserts: bool) -> Result<Zeroizing<String>, EditError> {
    edited(given, &mut |tree| put(tree, path, value, inserts), &|text, root| {
        Editor { text, value, inserts }.patch(root, None, path, false)
    })
}

/// The text, patched, where it is to say something else, and says just that then.
fn edited(
    given: &str,
    change: &mut dyn FnMut(&mut Node) -> Result<(), EditError>,
    patch: &dyn Fn(&str, &Place) -> Option<Patch>,
) -> Result<Zeroizing<String>, EditError> {
    let text = given.strip_prefix('\u{feff}').unwrap_or(given);
    let mut expected = Node::from(parse(text).map_err(EditError::Unread)?);
    let before = expected.clone();
    change(&mut expected)?;
    if says_the_same(&before, &expected) {
        return Ok(Zeroizing::new(given.to_owned()));
    }
    let root = locate(text).ok_or(EditError::Entangled)?;
    let mut replaced = patch(text, &root).ok_or(EditError::Entangled)?;
    replaced.sort_by_key(|(range, _)| range.start);
    let mut made = Zeroizing::new(String::with_capacity(given.len().saturating_add(1024)));
    made.push_str(given.get(..given.len() - text.len()).unwrap_or_default());
    let mut done = 0;
    for (range, new) in replaced {
        made.push_str(text.get(done..range.start).ok_or(EditError::Entangled)?);
        made.push_str(&new);
        done = range.end;
    }
    made.push_str(text.get(done..).ok_or(EditError::Entangled)?);
    let is_right = parse(made.strip_prefix('\u{feff}').unwrap_or(&made))
        .is_ok_and(|made| says_the_same(&Node::from(made), &expected));
    if is_right { Ok(made) } else { Err(EditError::Entangled) }
}

/// What the tree is to say.
fn put(node: &mut Node, path: &[Step<'_>], value: &Node, inserts: bool) -> Result<(), EditError> {
    let Some((step, rest)) = path.split_first() else {
        node.value = value.value.clone();
        return Ok(());
    };
    if is_nothing(node) {
        node.value = nested(path, value).value;
        return Ok(());
    }
    match (step, &mut node.value) {
        (Step::Key(key), Value::Mapping(mapping)) => {
            if mapping.get(key).is_none() {
                mapping.push(key, Node::null());
            }
            mapping.get_mut(key).map_or(Ok(()), |below| put(below, rest, value, inserts))
        }
        (Step::Item(index), Value::Sequence(items)) => match items.get_mut(*index) {
            Some(item) if !(inserts && rest.is_empty()) => put(item, rest, value, inserts),
            _ => {
                items.insert((*index).min(items.len()), nested(rest, value));
                Ok(())
            }
        },
        (Step::Key(key), _) => Err(EditError::OtherKind(format!("what {key} is to be in"))),
        (Step::Item(_), _) => Err(EditError::OtherKind("what is to be a list".into())),
    }
}

fn is_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => scalar.is_null(),
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(mapping) => mapping.is_empty(),
        Value::Unusable => false,
    }
}

/// `value` with all that is missing around it.
fn nested(path: &[Step<'_>], value: &Node) -> Node {
    path.iter().rev().fold(value.clone(), |inner, step| match step {
        Step::Key(key) => Node::from(Mapping::from([(*key, inner)])),
        Step::Item(_) => Node::from_iter([inner]),
    })
}

/// Whether both say the same, in whatever order of keys.
fn says_the_same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Mapping(one), Value::Mapping(other)) => {
            let sorted = |mapping: &Mapping| -> Vec<(String, Node)> {
                let all: BTreeMap<_, _> = mapping.iter().map(|(key, node)| (key.to_owned(), node.clone())).collect();
                all.into_iter().collect()
            };
            let (one, other) = (sorted(one), sorted(other));
            one.len() == other.len()
                && one
                    .iter()
                    .zip(&other)
                    .all(|((key, node), (other_key, other))| key == other_key && says_the_same(node, other))
        }
        (Value::Sequence(one), Value::Sequence(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| says_the_same(one, other))
        }
        (one, other) => one == other,
    }
}

struct Editor<'e> {
    text: &'e str,
    value: &'e Node,
    inserts: bool,
}

impl Editor<'_> {
    fn patch(&self, at: &Place, key: Option<&Range<usize>>, path: &[Step<'_>], in_flow: bool) -> Option<Patch> {
        let inside = in_flow || at.is_flow(self.text);
        match (path.split_first(), &at.shape) {
            (Some((Step::Key(name), rest)), Shape::Mapping(pairs)) if at.has_content() => {
                match pairs.iter().find(|pair| pair.name == *name) {
                    Some(pair) => self.patch(&pair.value, Some(&pair.key), rest, inside),
                    None => self.add_key(at, pairs, name, &nested(rest, self.value), inside),
                }
            }
            (Some((Step::Item(index), rest)), Shape::Sequence(items)) if at.has_content() => match items.get(*index) {
                Some(item) if !(self.inserts && rest.is_empty()) => self.patch(item, None, rest, inside),
                _ => self.add_item(items, *index, &nested(rest, self.value), inside),
            },
            _ => self.replace(at, key, &nested(path, self.value), in_flow),
        }
    }

    /// Puts a value into the place of a scalar, of an empty collection, or of one in brackets.
    fn replace(&self, at: &Place, key: Option<&Range<usize>>, value: &Node, in_flow: bool) -> Option<Patch> {
        if at.has_content() && !at.is_flow(self.text) {
            return None;
        }
        let is_written = !at.span.is_empty();
        // Only what has a key is known to be there without being written.
        let behind_colon = || behind_colon(self.text, key?);
        if is_scalar(value) || in_flow || key.is_none() {
            let letters = if in_flow { flow(value)? } else { letters(value)? };
            if is_written {
                return Some(vec![(at.span.clone(), letters)]);
            }
            let colon = behind_colon()?;
            return Some(vec![(colon..colon, format!(" {letters}"))]);
        }
        let key = key?;
        let colon = behind_colon()?;
        let old = if is_written { colon..at.span.end } else { colon..colon };
        let lines = write(&Mapping::from([("k", value.clone())]));
        let (_, below) = lines.split_once('\n')?;
        let (end, new) = self.lines(old.end, below, self.column(key.start));
        Some(vec![(old, String::new()), (end..end, new)])
    }

    fn add_key(&self, at: &Place, pairs: &[Pair], name: &str, value: &Node, in_flow: bool) -> Option<Patch> {
        if in_flow {
            let inside = at.span.start + 1;
            let text = format!("{}: {}, ", serde_json::to_string(name).ok()?, flow(value)?);
            return Some(vec![(inside..inside, text)]);
        }
        let first = pairs.first()?;
        let column = self.column(first.key.start);
        let lines = write(&Mapping::from([(name, value.clone())]));
        let place = pairs.iter().position(|pair| pair.name.as_str() > name).unwrap_or(pairs.len());
        let before = match place {
            0 if self.is_first_on_line(first.key.start) => {
                let start = first.key.start - column;
                return Some(vec![(start..start, self.indented(&lines, column))]);
            }
            0 => pairs.last()?,
            place => pairs.get(place - 1)?,
        };
        let (end, new) = self.lines(end_of(before), &lines, column);
        Some(vec![(end..end, new)])
    }

    fn add_item(&self, items: &[Place], index: usize, value: &Node, in_flow: bool) -> Option<Patch> {
        if in_flow {
            let text = flow(value)?;
            if let Some(item) = items.get(index) {
                return Some(vec![(item.span.start..item.span.start, format!("{text}, "))]);
            }
            let end = items.last()?.span.end;
            return Some(vec![(end..end, format!(", {text}"))]);
        }
        let first = items.first().filter(|first| !first.span.is_empty())?;
        let prefix = self.line_before(first.span.start);
        let indent = prefix.len() - prefix.trim_start_matches(' ').len();
        prefix.get(indent..).filter(|dash| dash.starts_with("- "))?;
        let lines = write(&Mapping::from([("k", Node::from_iter([value.clone()]))]));
        let (_, lines) = lines.split_once('\n')?;
        if index == 0 {
            let start = first.span.start - prefix.len();
            return Some(vec![(start..start, self.indented(lines, indent))]);
        }
        let before = items.get(index - 1).or(items.last()).filter(|item| !item.span.is_empty())?;
        let (end, new) = self.lines(before.span.end, lines, indent);
        Some(vec![(end..end, new)])
    }

    /// Where the line ends in which `from` is, and the lines that go there.
    fn lines(&self, from: usize, lines: &str, indent: usize) -> (usize, String) {
        let new = self.indented(lines, indent);
        // The end of a literal is the start of the next line.
        if from > 0 && self.text.get(..from).is_some_and(|before| before.ends_with('\n')) {
            return (from, new);
        }
        if let Some(end) = self.text.get(from..).and_then(|rest| rest.find('\n')) {
            return (from + end + 1, new);
        }
        (self.text.len(), format!("{}{}", self.line_break(), new.trim_end_matches(['\r', '\n'])))
    }

    fn indented(&self, lines: &str, indent: usize) -> String {
        let margin = " ".repeat(indent);
        lines.lines().map(|line| [&margin, line, self.line_break()].concat()).collect()
    }

    fn line_break(&self) -> &'static str {
        let first = self.text.split_inclusive('\n').next().unwrap_or_default();
        if first.ends_with("\r\n") { "\r\n" } else { "\n" }
    }

    fn line_before(&self, at: usize) -> &str {
        line_before(self.text, at)
    }

    fn column(&self, at: usize) -> usize {
        self.line_before(at).chars().count()
    }

    fn is_first_on_line(&self, at: usize) -> bool {
        self.line_before(at).bytes().all(|byte| byte == b' ')
    }
}

/// What stands on the line before this place.
fn line_before(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    before.get(before.rfind('\n').map_or(0, |end| end + 1)..).unwrap_or_default()
}

/// Behind the colon of a key.
fn behind_colon(text: &str, key: &Range<usize>) -> Option<usize> {
    let rest = text.get(key.end..)?;
    let colon = rest.find(':').filter(|colon| rest.get(..*colon).is_some_and(|gap| gap.trim().is_empty()))?;
    Some(key.end + colon + 1)
}

/// Where a pair ends: a value that is not written ends with its key.
fn end_of(pair: &Pair) -> usize {
    if pair.value.span.is_empty() { pair.key.end } else { pair.value.span.end }
}

const fn is_scalar(value: &Node) -> bool {
    matches!(value.value, Value::Scalar(_))
}

/// A scalar as it stands behind a key.
fn letters(value: &Node) -> Option<String> {
    let line = write(&Mapping::from([("k", value.clone())]));
    Some(line.strip_prefix("k: ")?.trim_end_matches('\n').to_owned()).filter(|line| !line.contains('\n'))
}

/// A value as it stands in brackets: JSON, which is YAML too.
fn flow(value: &Node) -> Option<String> {
    Some(match &value.value {
        Value::Scalar(Scalar::Plain(letters)) => letters.to_string(),
        Value::Scalar(Scalar::Text(text)) => serde_json::to_string(text.as_str()).ok()?,
        Value::Sequence(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Option<Vec<_>>>()?.join(", "))
        }
        Value::Mapping(mapping) => {
            let pair =
                |(key, node): (&str, &Node)| Some(format!("{}: {}", serde_json::to_string(key).ok()?, flow(node)?));
            format!("{{{}}}", mapping.iter().map(pair).collect::<Option<Vec<_>>>()?.join(", "))
        }
        Value::Unusable => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `say: true`.
    fn on(text: &str) -> Result<String, EditError> {
        set(text, &[Step::Key("say")], &Node::plain(true)).map(|made| made.to_string())
    }

    #[test]
    fn a_key_is_set_and_every_other_byte_stays() {
        for (before, after) in [
            ("a: 1\nz: 2\n", "a: 1\nsay: true\nz: 2\n"),
            ("# first\na: 1 # one\n# of z\nz: 2\n", "# first\na: 1 # one\nsay: true\n# of z\nz: 2\n"),
            ("a: 1", "a: 1\nsay: true"),
            ("z: 1\n", "say: true\nz: 1\n"),
            ("---\nz: 1\n", "---\nsay: true\nz: 1\n"),
            ("a: 1\r\nz: 2\r\n", "a: 1\r\nsay: true\r\nz: 2\r\n"),
            ("\u{feff}a: 1\n", "\u{feff}a: 1\nsay: true\n"),
            ("say: false # why\nz: 2\n", "say: true # why\nz: 2\n"),
            ("say: \"false\"\n", "say: true\n"),
            ("\"say\" :   false\n", "\"say\" :   true\n"),
            ("a: 1\nsay:\nz: 2\n", "a: 1\nsay: true\nz: 2\n"),
            ("a: 1\nsay: # nothing\n", "a: 1\nsay: true # nothing\n"),
            ("say: ~\n", "say: true\n"),
            ("a: 1\n...\n", "a: 1\nsay: true\n...\n"),
            ("m:\n  b: 1\n  # inner\n\n# outer\nz: 2\n", "m:\n  b: 1\nsay: true\n  # inner\n\n# outer\nz: 2\n"),
            ("m:\n- 1\n- b: 2\n  c:\n", "m:\n- 1\n- b: 2\n  c:\nsay: true\n"),
            ("m: |\n  x\n\nz: 2\n", "m: |\n  x\n\nsay: true\nz: 2\n"),
            ("m: |\n  x", "m: |\n  x\nsay: true"),
            ("m: >-\n  x\n  y\n", "m: >-\n  x\n  y\nsay: true\n"),
            ("{a: 1}\n", "{\"say\": true, a: 1}\n"),
            ("{\"a\": 1, \"say\": false}", "{\"a\": 1, \"say\": true}"),
            ("{\n  \"a\": [1, 2]\n}\n", "{\"say\": true, \n  \"a\": [1, 2]\n}\n"),
            ("a: &x 1\nb: *x\n", "a: &x 1\nb: *x\nsay: true\n"),
            ("a: &x false\nsay: *x\n", "a: &x false\nsay: true\n"),
            ("say: &x false\n", "say: &x true\n"),
            ("a: &x {b: 1}\nz: {<<: *x}\n", "a: &x {b: 1}\nsay: true\nz: {<<: *x}\n"),
            ("say: true\n", "say: true\n"),
        ] {
            assert_eq!(on(before).as_deref(), Ok(after), "{before:?}");
            assert_eq!(on(after).as_deref(), Ok(after), "again: {before:?}");
        }
    }

    #[test]
    fn what_cannot_be_changed_alone_is_refused() {
        for (text, said) in [
            ("say: false\na: 1\nsay: false\n", "line 3: the key \"say\" appears twice"),
            ("a: 1\n---\nb: 2\n", "line 3: it holds a second document"),
            ("a: [1\n", "line 1: unclosed bracket"),
            ("- 1\n", "line 1: it is not a mapping"),
            ("say: &x false\nb: *x\n", "nothing can be changed alone"),
            ("say: !!str false\n", "nothing can be changed alone"),
            ("say: {b: 1}\na: [\n*x]\n", "line 3"),
            ("say:\n  b: 1\n", "nothing can be changed alone"),
            ("", "nothing can be changed alone"),
            ("# nothing\n", "nothing can be changed alone"),
        ] {
            let error = on(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }

    #[test]
    fn what_is_missing_on_the_way_is_made() {
        let item = Node::from(Mapping::from([("name", Node::text("x")), ("value", Node::text("1"))]));
        let path = [Step::Key("s"), Step::Key("args"), Step::Item(0)];
        let block = "s:\n  args:\n  - name: x\n    value: \"1\"\n";
        for (before, after) in [
            ("a: 1\n", format!("a: 1\n{block}")),
            ("a: 1\ns: {}\nz: 2\n", format!("a: 1\n{block}z: 2\n")),
            ("s: {} # none\n", block.replacen("s:", "s: # none", 1)),
            ("s:\nz: 1\n", format!("{block}z: 1\n")),
            ("s:\n  args: []\n", block.to_owned()),
            ("s:\n  sans:\n  - h\n", format!("{block}  sans:\n  - h\n")),
            ("s: {sans: [h]}\n", "s: {\"args\": [{\"name\": \"x\", \"value\": \"1\"}], sans: [h]}\n".into()),
        ] {
            assert_eq!(insert(before, &path, &item).map(|made| made.to_string()), Ok(after), "{before:?}");
        }
        assert!(matches!(set("s: text\n", &path, &item), Err(EditError::OtherKind(_))));
    }

    #[test]
    fn an_item_goes_between_others_with_their_margin() {
        let item = Node::text("--m=1");
        let at = |text: &str, index| {
            let path = [Step::Key("c"), Step::Item(0), Step::Key("w"), Step::Item(index)];
            insert(text, &path, &item).map(|made| made.to_string())
        };
        let text = "c:\n- w:\n    - a # the program\n    # of z\n    - --z=1\n  x: 1\n";
        let between = "c:\n- w:\n    - a # the program\n    - --m=1\n    # of z\n    - --z=1\n  x: 1\n";
        assert_eq!(at(text, 1).as_deref(), Ok(between));
        let last = "c:\n- w:\n    - a # the program\n    # of z\n    - --z=1\n    - --m=1\n  x: 1\n";
        assert_eq!(at(text, 2).as_deref(), Ok(last));
        let first = "c:\n- w:\n    - --m=1\n    - a # the program\n    # of z\n    - --z=1\n  x: 1\n";
        assert_eq!(at(text, 0).as_deref(), Ok(first));
        assert_eq!(at("c: [{w: [a, --z]}]\n", 1).as_deref(), Ok("c: [{w: [a, \"--m=1\", --z]}]\n"));
        assert_eq!(at("c: [{w: [a]}]\n", 1).as_deref(), Ok("c: [{w: [a, \"--m=1\"]}]\n"));
        let replaced = set(text, &[Step::Key("c"), Step::Item(0), Step::Key("w"), Step::Item(1)], &item).unwrap();
        assert_eq!(*replaced, text.replace("--z=1", "--m=1"));
    }
}
