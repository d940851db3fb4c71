//! Codes are declared once, documented, and never compared as text.
//!
//! In the Rust sources (tests aside) a code stands in `#[fault("area.what_is_wrong", …)]` or `#[finding("…", …)]`, and
//! nowhere else: whoever acts on a code compares it with a declared one. In the Python sources it stands after `code=`, and is
//! declared in `src/cli/callers.rs`.
//! `docs/reference/errors.md`, `findings.md` and `configuration.md` have them all: each row of their tables starts with
//! one code.

use std::collections::BTreeSet;

use kubepki::cli::codes::{FINDINGS, REQUESTS};
use proc_macro2::{Delimiter, TokenTree};

use crate::reference::PAGES;
use crate::sources::{Part, Source, group, inside, root, under, word};

/// What stands after the dot in names of files, which look like codes otherwise (`config.yaml`).
const EXTENSIONS: [&str; 11] = ["conf", "crt", "csr", "der", "json", "key", "lock", "pem", "pub", "toml", "yaml"];

/// The codes of a page, in order.
fn documented(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/reference").join(page)).unwrap();
    rows(&text)
}

/// The codes that start the rows of the tables of a page.
fn rows(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code.to_owned())
        .filter(|code| is_code(code))
        .collect()
}

fn is_code(text: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
    };
    text.split_once('.').is_some_and(|(area, what)| is_name(area) && is_name(what) && !EXTENSIONS.contains(&what))
}

/// The codes that a source declares, and those of `codes` that it has as text elsewhere.
#[derive(Debug, Default, PartialEq)]
struct Found {
    declared: Vec<String>,
    compared: Vec<String>,
}

fn in_rust(source: &Source, codes: &BTreeSet<String>) -> Found {
    let mut found = Found::default();
    for part in source.parts() {
        match part {
            Part::Attribute(attribute) => found.declared.extend(declared(&attribute)),
            Part::Literal(text) if codes.contains(&text) => found.compared.push(text),
            Part::Literal(_) => {}
        }
    }
    found
}

/// The code of `#[fault("…")]` and `#[finding("…")]`.
fn declared(attribute: &[TokenTree]) -> Option<String> {
    let name = word(attribute, 0)?;
    let arguments = inside(group(attribute, 1, Delimiter::Parenthesis)?);
    match arguments.first() {
        Some(TokenTree::Literal(code)) if name == "fault" || name == "finding" => {
            Some(code.to_string().trim_matches('"').to_owned())
        }
        _ => None,
    }
}

fn in_python(source: &Source) -> Vec<String> {
    source
        .text
        .split("code=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(code, _)| code.to_owned())
        .collect()
}

#[test]
fn the_reference_lists_the_codes_that_there_are_each_once() {
    let rows: Vec<_> = PAGES.into_iter().flat_map(documented).collect();
    let reference: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), reference.len(), "a code is declared or documented twice: {rows:#?}");

    let (rust, python) = (under("src", "rs"), under("python", "py"));
    let declared = rust.iter().flat_map(|source| in_rust(source, &reference).declared);
    let present: BTreeSet<_> = declared.collect();
    let raised: BTreeSet<_> = python.iter().flat_map(in_python).collect();
    let undeclared: Vec<_> = raised.difference(&present).collect();
    let callers = rust.iter().filter(|source| source.path.ends_with("src/cli/callers.rs"));
    let of_callers: Vec<_> = callers.flat_map(|source| in_rust(source, &reference).declared).collect();
    assert!(!of_callers.is_empty(), "src/cli/callers.rs declares no code");
    let unraised: Vec<_> = of_callers.iter().filter(|code| !raised.contains(*code)).collect();
    assert!(
        undeclared.is_empty() && unraised.is_empty(),
        "\nPython raises what src/cli/callers.rs has not: {undeclared:#?}\nno longer in Python: {unraised:#?}"
    );
    let undocumented: Vec<_> = present.difference(&reference).collect();
    let obsolete: Vec<_> = reference.difference(&present).collect();
    assert!(
        undocumented.is_empty() && obsolete.is_empty(),
        "\nin the sources, not in docs/reference (is its set in tests/repository/reference.rs?): {undocumented:#?}\
         \nin docs/reference, no longer in the sources: {obsolete:#?}"
    );
}

#[test]
fn every_finding_names_what_says_that_it_is_a_fault() {
    for declaration in FINDINGS.iter().chain(REQUESTS) {
        assert!(!declaration.source.trim().is_empty(), "{} has no source = \"…\"", declaration.code);
    }
}

#[test]
fn no_code_is_compared_as_text() {
    let all: BTreeSet<_> = PAGES.into_iter().flat_map(documented).collect();
    for source in under("src", "rs") {
        let compared = in_rust(&source, &all).compared;
        assert!(compared.is_empty(), "{}: {compared:?}: compare with the declared code", source.path);
    }
}

fn found_in(text: &str) -> Found {
    let source = Source { path: "src/store/error.rs".into(), text: text.into() };
    in_rust(&source, &BTreeSet::from(["store.disk_full".to_owned()]))
}

#[test]
fn a_code_is_found_wherever_it_may_stand() {
    for text in [
        r#"faults! { enum E { #[fault("store.disk_full", Environment, "free space")] Full } }"#,
        r#"findings! { enum E: Severity { #[finding("store.disk_full" , Critical, "free space")] Full } }"#,
    ] {
        assert_eq!(found_in(text), Found { declared: vec!["store.disk_full".into()], compared: vec![] }, "{text}");
    }
    for text in [
        r#"fn f() { raise("store.disk_full") }"#,
        r#"fn f(code: &str) -> bool { matches!(code, "store.disk_full" | "x") }"#,
    ] {
        assert_eq!(found_in(text), Found { declared: vec![], compared: vec!["store.disk_full".into()] }, "{text}");
    }
}

#[test]
fn what_only_looks_like_a_code_is_not_one() {
    for text in [
        r#"fn f() { open("admin.conf"); open("store.yaml"); }"#,
        r#"#[cfg(test)] mod tests { fn code() -> &'static str { "store.disk_full" } }"#,
        "/// Codes look like store.disk_full, or \"store.disk_full\".\nfn f() {}",
        "#[error(\"store.disk_full\")] struct X;",
    ] {
        assert_eq!(found_in(text), Found::default(), "{text}");
    }
}

#[test]
fn a_row_of_the_reference_starts_with_its_code() {
    let page =
        "# Errors\n\n`store.prose` is no row.\n\n| code | means |\n|---|---|\n| `store.io` | see `store.other` |\n";
    assert_eq!(rows(page), ["store.io"]);
}
