//! Every code that kubepki can print is documented, and every documented code can be printed.
//!
//! A code is found in the Rust sources (tests aside) as a string literal of the form `area.what_is_wrong` that
//! stands in a function `code`, after `code:` or `code =`, or that has an area which the reference already has
//! (`store.…`); and in the Python sources after `code=`. The reference is `docs/reference/errors.md` and
//! `findings.md`: each row of their tables starts with one code.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenTree};

use crate::sources::{Source, group, inside, is_for_tests, punct, root, under, word};

/// What stands after the dot in names of files, which look like codes otherwise (`config.yaml`).
const EXTENSIONS: [&str; 11] = ["conf", "crt", "csr", "der", "json", "key", "lock", "pem", "pub", "toml", "yaml"];

fn documented(page: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/reference").join(page)).unwrap();
    rows(&text)
}

/// The codes that start the rows of the tables of a page.
fn rows(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code.to_owned())
        .filter(|code| area(code).is_some())
        .collect()
}

/// The area of a code, if the text has the form of one.
fn area(text: &str) -> Option<&str> {
    let (area, what) = text.split_once('.')?;
    let is_name = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
    };
    (is_name(area) && is_name(what) && !EXTENSIONS.contains(&what)).then_some(area)
}

fn in_rust(source: &Source, areas: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if !source.is_test() {
        walk(&source.tokens(), areas, false, &mut found);
    }
    found
}

fn walk(tokens: &[TokenTree], areas: &BTreeSet<&str>, in_code: bool, found: &mut BTreeSet<String>) {
    let mut at = 0;
    let mut body_is_code = false;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(ident) if ident == "mod" && is_for_tests(tokens, at) => {
                at += 2;
            }
            // Attributes, documentation among them, raise nothing.
            TokenTree::Punct(hash) if hash.as_char() == '#' => {
                at += if punct(tokens, at + 1, '!') { 2 } else { 1 };
                at -= usize::from(group(tokens, at, Delimiter::Bracket).is_none());
            }
            TokenTree::Ident(ident) if ident == "fn" => {
                body_is_code = word(tokens, at + 1).is_some_and(|name| name == "code");
            }
            TokenTree::Group(group) => {
                let is_body = group.delimiter() == Delimiter::Brace;
                walk(&inside(group), areas, in_code || (is_body && body_is_code), found);
                body_is_code &= !is_body;
            }
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let text = text.trim_matches('"');
                let names_a_code = at >= 2
                    && (punct(tokens, at - 1, ':') || punct(tokens, at - 1, '='))
                    && word(tokens, at - 2).is_some_and(|name| name == "code");
                if area(text).is_some_and(|area| in_code || names_a_code || areas.contains(area)) {
                    found.insert(text.to_owned());
                }
            }
            _ => {}
        }
        at += 1;
    }
}

fn in_python(source: &Source) -> BTreeSet<String> {
    source
        .text
        .split("code=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(code, _)| code.to_owned())
        .collect()
}

#[test]
fn the_reference_lists_the_codes_that_there_are() {
    let errors = documented("errors.md");
    let findings = documented("findings.md");
    let twice: Vec<_> = errors.intersection(&findings).collect();
    assert!(twice.is_empty(), "documented as an error and as a finding: {twice:?}");

    let reference: BTreeSet<_> = errors.union(&findings).cloned().collect();
    let areas: BTreeSet<_> = reference.iter().filter_map(|code| area(code)).collect();
    let rust = under("src", "rs");
    let python = under("python", "py");
    let present: BTreeSet<_> =
        rust.iter().flat_map(|source| in_rust(source, &areas)).chain(python.iter().flat_map(in_python)).collect();

    let undocumented: Vec<_> = present.difference(&reference).collect();
    let obsolete: Vec<_> = reference.difference(&present).collect();
    assert!(
        undocumented.is_empty() && obsolete.is_empty(),
        "\nin the sources, in neither docs/reference/errors.md nor findings.md: {undocumented:#?}\
         \nin docs/reference, no longer in the sources: {obsolete:#?}"
    );
}

fn found_in(text: &str) -> Vec<String> {
    let source = Source { path: "src/store/error.rs".into(), text: text.into() };
    in_rust(&source, &BTreeSet::from(["store"])).into_iter().collect()
}

#[test]
fn a_code_is_found_wherever_it_may_stand() {
    for text in [
        r#"fn code(&self) -> &'static str { match self { Self::New => "fresh.area" } }"#,
        r#"fn f() { Finding { code: "fresh.area", severity } }"#,
        r#"const code: &str = "x.y"; static A: B = table! { code = "fresh.area" };"#,
    ] {
        assert!(found_in(text).contains(&"fresh.area".to_owned()), "{text}: {:?}", found_in(text));
    }
    assert_eq!(found_in(r#"codes! { Full = "store.disk_full" }"#), ["store.disk_full"]);
    assert_eq!(found_in(r#"fn f() { raise("store.disk_full") }"#), ["store.disk_full"]);
}

#[test]
fn what_only_looks_like_a_code_is_not_one() {
    for text in [
        r#"fn f() { open("admin.conf"); open("store.yaml"); }"#,
        r#"fn f() { other("elsewhere.thing") }"#,
        r#"#[cfg(test)] mod tests { fn code() -> &'static str { "test.absent" } }"#,
        "/// Codes look like store.disk_full, or \"store.disk_full\".\nfn f() {}",
        "#[error(\"store.disk_full\")] struct X;",
        r#"fn decode(&self) -> &'static str { "fresh.area" }"#,
    ] {
        assert_eq!(found_in(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_row_of_the_reference_starts_with_its_code() {
    let page =
        "# Errors\n\n`store.prose` is no row.\n\n| code | means |\n|---|---|\n| `store.io` | see `store.other` |\n";
    assert_eq!(rows(page), BTreeSet::from(["store.io".to_owned()]));
}
