//! Source files stay small and say at their head what they are for.

use crate::sources::{Source, under};

/// A file of more lines is split.
const LONGEST: usize = 600;

fn rust_sources() -> impl Iterator<Item = Source> {
    ["src", "tests"].into_iter().flat_map(|folder| under(folder, "rs"))
}

fn is_too_long(source: &Source) -> bool {
    source.text.lines().count() > LONGEST
}

fn has_head(source: &Source) -> bool {
    source.text.lines().next().is_some_and(|first| first.starts_with("//! ") && first.trim_end().len() > 4)
}

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let python = ["python", "tests/python", "examples"].into_iter().flat_map(|folder| under(folder, "py"));
    let long: Vec<_> = rust_sources().chain(python).filter(is_too_long).map(|source| source.path).collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn every_rust_file_starts_with_what_it_is_for() {
    let bare: Vec<_> = rust_sources().filter(|source| !has_head(source)).map(|source| source.path).collect();
    assert!(bare.is_empty(), "these lack a `//! ` line at their head: {bare:?}");
}

#[test]
fn length_and_head_are_judged_at_their_borders() {
    let file = |text: String| Source { path: "src/x.rs".into(), text };
    assert!(!is_too_long(&file("x\n".repeat(LONGEST))));
    assert!(is_too_long(&file("x\n".repeat(LONGEST + 1))));
    assert!(has_head(&file("//! What it is.\n".into())));
    for headless in ["", "use std::fmt;\n//! Late.\n", "//!\n", "// Not documentation.\n"] {
        assert!(!has_head(&file(headless.into())), "{headless:?}");
    }
}
