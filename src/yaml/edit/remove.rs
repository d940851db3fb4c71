//! Takes one value out of a text: its line with the comment behind it goes, every other byte stays.
//!
//! In: a text, where the value is. Out: the text anew; as it was where there is no such value. What has lost its last value is written
//! as an empty list or mapping. What cannot go alone is an error, as in the module above.

use std::ops::Range;

use zeroize::Zeroizing;

use super::super::node::{Node, Value};
use super::super::places::{Pair, Place, Shape};
use super::{EditError, Patch, Step, behind_colon, edited, end_of, line_before};

/// The text without the value at `path`.
///
/// # Errors
/// [`EditError`].
pub(crate) fn remove(text: &str, path: &[Step<'_>]) -> Result<Zeroizing<String>, EditError> {
    edited(text, &mut |tree| take(tree, path), &|text, root| patch(text, root, None, path, false))
}

/// Takes it out of the tree.
fn take(node: &mut Node, path: &[Step<'_>]) -> Result<(), EditError> {
    let Some((step, rest)) = path.split_first() else { return Err(EditError::Entangled) };
    match (step, &mut node.value) {
        (Step::Key(key), Value::Mapping(mapping)) => match mapping.get_mut(key) {
            Some(_) if rest.is_empty() => mapping.remove(key),
            Some(below) => return take(below, rest),
            None => {}
        },
        (Step::Item(index), Value::Sequence(items)) => match items.get_mut(*index) {
            Some(_) if rest.is_empty() => drop(items.remove(*index)),
            Some(item) => return take(item, rest),
            None => {}
        },
        (_, Value::Scalar(scalar)) if scalar.is_null() => {}
        (Step::Key(key), _) => return Err(EditError::OtherKind(format!("what {key} is in"))),
        (Step::Item(_), _) => return Err(EditError::OtherKind("what is to be a list".into())),
    }
    Ok(())
}

fn patch(text: &str, at: &Place, key: Option<&Range<usize>>, path: &[Step<'_>], in_flow: bool) -> Option<Patch> {
    let inside = in_flow || at.is_flow(text);
    let (step, rest) = path.split_first()?;
    match (step, &at.shape) {
        (Step::Key(name), Shape::Mapping(pairs)) => {
            let index = pairs.iter().position(|pair| pair.name == *name)?;
            let pair = pairs.get(index)?;
            if !rest.is_empty() {
                return patch(text, &pair.value, Some(&pair.key), rest, inside);
            }
            let spans: Vec<_> = pairs.iter().map(|pair| pair.key.start..end_of(pair)).collect();
            let lines = || lines_of_pair(text, pairs, index);
            gone(text, at, key, (&spans, index, "{}"), inside, &lines)
        }
        (Step::Item(index), Shape::Sequence(items)) => {
            let item = items.get(*index)?;
            if !rest.is_empty() {
                return patch(text, item, None, rest, inside);
            }
            let spans: Vec<_> = items.iter().map(|item| item.span.clone()).collect();
            let lines = || lines_of_item(text, &item.span);
            gone(text, at, key, (&spans, *index, "[]"), inside, &lines)
        }
        _ => None,
    }
}

/// One value of a collection goes; `empty` is how the collection is written without any.
fn gone(
    text: &str,
    at: &Place,
    key: Option<&Range<usize>>,
    (spans, index, empty): (&[Range<usize>], usize, &str),
    in_flow: bool,
    lines: &dyn Fn() -> Option<Range<usize>>,
) -> Option<Patch> {
    if in_flow {
        let inside = at.span.start + 1..at.span.end.checked_sub(1)?;
        return Some(vec![(within_brackets(text, inside, spans, index)?, String::new())]);
    }
    if spans.len() > 1 {
        return Some(vec![(lines()?, String::new())]);
    }
    let Some(key) = key else { return Some(vec![(at.span.clone(), empty.to_owned())]) };
    let colon = behind_colon(text, key)?;
    Some(vec![(colon..colon, format!(" {empty}")), (lines()?, String::new())])
}

/// The value and one comma. A comment between values belongs to nobody that could be asked.
fn within_brackets(text: &str, inside: Range<usize>, spans: &[Range<usize>], index: usize) -> Option<Range<usize>> {
    let span = spans.get(index)?;
    let (range, gap) = match (index.checked_sub(1).and_then(|before| spans.get(before)), spans.get(index + 1)) {
        (Some(before), _) => (before.end..span.end, before.end..span.start),
        (None, Some(next)) => (span.start..next.start, span.end..next.start),
        (None, None) => (inside.clone(), span.end..inside.end),
    };
    (!text.get(gap)?.contains('#')).then_some(range)
}

/// The lines of an item; the line of its dash is its own.
fn lines_of_item(text: &str, span: &Range<usize>) -> Option<Range<usize>> {
    let before = line_before(text, span.start);
    before.trim_start_matches(' ').starts_with("- ").then(|| span.start - before.len()..end_of_line(text, span.end))
}

/// The lines of a key; the one that stands behind a dash leaves its place to the next key.
fn lines_of_pair(text: &str, pairs: &[Pair], index: usize) -> Option<Range<usize>> {
    let pair = pairs.get(index)?;
    let before = line_before(text, pair.key.start);
    if before.bytes().all(|byte| byte == b' ') {
        return Some(pair.key.start - before.len()..end_of_line(text, end_of(pair)));
    }
    let next = pairs.get(index + 1)?.key.start;
    (!text.get(end_of(pair)..next)?.contains('#')).then_some(pair.key.start..next)
}

/// Behind the end of the line; the end of a literal is the start of the next line.
fn end_of_line(text: &str, at: usize) -> usize {
    if at > 0 && text.get(..at).is_some_and(|before| before.ends_with('\n')) {
        return at;
    }
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |end| at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text without `gone`.
    fn without(text: &str) -> Result<String, EditError> {
        remove(text, &[Step::Key("gone")]).map(|made| made.to_string())
    }

    #[test]
    fn a_key_goes_and_every_other_byte_stays() {
        for (before, after) in [
            ("a: 1\ngone: 2 # why\n# of z\nz: 3 # three\n", "a: 1\n# of z\nz: 3 # three\n"),
            ("# first\ngone: 1\nz: 2\n", "# first\nz: 2\n"),
            ("a: 1\r\ngone: 2\r\nz: 3\r\n", "a: 1\r\nz: 3\r\n"),
            ("\u{feff}gone: 1\na: 1\n", "\u{feff}a: 1\n"),
            ("a: 1\ngone:", "a: 1\n"),
            ("a: 1\n\"gone\" :\n  b: 1\n  # inner\n  c: [1,\n    2]\nz: 2\n", "a: 1\nz: 2\n"),
            ("gone: |\n  x\n\nz: 2\n", "z: 2\n"),
            ("gone:\n- 1\n- b: 2\n  c:\nz: 2\n", "z: 2\n"),
            ("a: &x 1\ngone: 2\nb: *x\n", "a: &x 1\nb: *x\n"),
            ("a: &x 1\ngone: *x\n", "a: &x 1\n"),
            ("{a: 1, gone: 2, z: 3}\n", "{a: 1, z: 3}\n"),
            ("{gone: 2, z: 3}\n", "{z: 3}\n"),
            ("{gone: {b: 1} }\n", "{}\n"),
            ("{\n  \"a\": [1, 2],\n  \"gone\": true\n}\n", "{\n  \"a\": [1, 2]\n}\n"),
            ("a: 1 # gone: 2\n", "a: 1 # gone: 2\n"),
        ] {
            assert_eq!(without(before).as_deref(), Ok(after), "{before:?}");
            assert_eq!(without(after).as_deref(), Ok(after), "again: {before:?}");
        }
    }

    #[test]
    fn an_item_goes_with_its_lines_and_the_last_leaves_an_empty_list() {
        let way = |index| [Step::Key("s"), Step::Key("args"), Step::Item(index)];
        let at = |text: &str, index| remove(text, &way(index)).map(|made| made.to_string());
        let text =
            "s:\n  args: # of s\n    # one\n    - name: x # ex\n      value: \"1\"\n    # two\n    - y\n  z: 1\n";
        assert_eq!(at(text, 0).unwrap(), "s:\n  args: # of s\n    # one\n    # two\n    - y\n  z: 1\n");
        let first = "s:\n  args: # of s\n    # one\n    - name: x # ex\n      value: \"1\"\n    # two\n  z: 1\n";
        assert_eq!(at(text, 1).unwrap(), first);
        assert_eq!(at(first, 0).unwrap(), "s:\n  args: [] # of s\n    # one\n    # two\n  z: 1\n");
        assert_eq!(at(text, 2).unwrap(), text);
        assert_eq!(at("s: {args: [x, y, z]}\n", 1).unwrap(), "s: {args: [x, z]}\n");
        assert_eq!(at("s: {args: [x]}\n", 0).unwrap(), "s: {args: []}\n");
        assert_eq!(at("s:\n  args:\n  - x", 0).unwrap(), "s:\n  args: []\n");
        for (text, after) in [
            ("s:\n  args:\n  - 1\nz: 1\n", "s: {}\nz: 1\n"),
            ("s:\n  a: 1\n  args: {}\n", "s:\n  a: 1\n"),
            ("s:\nz: 1\n", "s:\nz: 1\n"),
        ] {
            assert_eq!(remove(text, &way(0)[..2]).map(|made| made.to_string()).unwrap(), after);
        }
        let way = [Step::Key("l"), Step::Item(0), Step::Key("a")];
        let of = |text: &str| remove(text, &way).map(|made| made.to_string());
        assert_eq!(of("l:\n- a: 1\n  b: 2\n").unwrap(), "l:\n- b: 2\n");
        assert_eq!(of("l:\n- a: 1 # last\n- c\n").unwrap(), "l:\n- {} # last\n- c\n");
    }

    #[test]
    fn what_cannot_go_alone_stays() {
        for (text, said) in [
            ("gone: &x 1\nb: *x\n", "nothing can be changed alone"),
            ("<<: {gone: 1}\ngone: 2\n", "nothing can be changed alone"),
            ("l: [a, # of b\n b]\ngone: 1\ngone: 2\n", "appears twice"),
        ] {
            let error = without(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text:?}: {error}");
        }
        let commented = remove("l: [a, # of b\n  b]\n", &[Step::Key("l"), Step::Item(1)]);
        assert_eq!(commented.unwrap_err(), EditError::Entangled);
        let behind = remove("l:\n- a: 1\n  # of b\n  b: 2\n", &[Step::Key("l"), Step::Item(0), Step::Key("a")]);
        assert_eq!(behind.unwrap_err(), EditError::Entangled);
        assert!(matches!(remove("l: text\n", &[Step::Key("l"), Step::Item(1)]), Err(EditError::OtherKind(_))));
    }
}
