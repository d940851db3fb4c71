//! The tables of codes in `docs/reference` are made of the declarations in the sources.
//!
//! In a page, what is between `<!-- generated: NAME -->` and `<!-- end -->` is such a table; the prose around it is not
//! touched. `make reference` writes the tables, and the test here fails when one of them is not what it would write.

use std::fmt::Write as _;

use kubepki::cli::codes::{CONFIGURATION, ERRORS, FINDINGS, REQUESTS};
use kubepki::error::Declaration;

use crate::sources::root;

pub(crate) const PAGES: [&str; 3] = ["errors.md", "findings.md", "configuration.md"];

/// The table of this name: `findings`, `requests`, `problems`, or the area of some errors.
fn table(name: &str) -> String {
    match name {
        "findings" => findings(FINDINGS),
        "requests" => findings(REQUESTS),
        "problems" => rows(
            &["code", "severity", "what it means", "message, for example", "what to do"],
            CONFIGURATION
                .iter()
                .map(|one| vec![code(one), kinds(one), text(one.meaning), text(one.example), text(one.remedy)]),
        ),
        area => rows(
            &["code", "category", "what it means, and what to do"],
            ERRORS
                .iter()
                .copied()
                .flatten()
                .filter(|one| one.code.as_str().split('.').next() == Some(area))
                .map(|one| vec![code(one), kinds(one), text(one.meaning)]),
        ),
    }
}

fn findings(declarations: &[Declaration]) -> String {
    rows(
        &["code", "severity", "what it means", "what to do"],
        declarations.iter().map(|one| vec![code(one), kinds(one), text(one.meaning), text(one.remedy)]),
    )
}

fn rows(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        writeln!(table, "| {} |", row.join(" | ")).unwrap();
    }
    table
}

fn code(one: &Declaration) -> String {
    format!("`{}`", one.code)
}

fn kinds(one: &Declaration) -> String {
    let lower = |kind: &str| kind[..1].to_lowercase() + &kind[1..];
    text(&one.kinds.iter().map(|kind| lower(kind)).collect::<Vec<_>>().join("; "))
}

fn text(text: &str) -> String {
    text.trim().replace('|', "\\|")
}

/// The page with its tables as they would be written.
fn written(page: &str) -> String {
    let mut parts = page.split("<!-- generated: ");
    let mut made = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").unwrap();
        let (_, rest) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{name} has no end"));
        write!(made, "<!-- generated: {name} -->\n{}<!-- end -->{rest}", table(name)).unwrap();
    }
    made
}

#[test]
fn the_tables_are_those_of_the_declarations() {
    for name in PAGES {
        let path = root().join("docs/reference").join(name);
        let page = std::fs::read_to_string(&path).unwrap();
        let made = written(&page);
        if std::env::var_os("KUBEPKI_WRITE_REFERENCE").is_some() {
            std::fs::write(&path, made).unwrap();
        } else {
            let stale = page.lines().zip(made.lines()).find(|(is, should)| is != should);
            assert!(page == made, "docs/reference/{name} is stale: run `make reference`; first: {stale:#?}");
        }
    }
}

#[test]
fn what_is_between_the_tables_stays() {
    let page = "# A\n\n<!-- generated: internal -->\nold\n<!-- end -->\n\nprose\n";
    let made = written(page);
    assert!(made.starts_with("# A\n\n<!-- generated: internal -->\n| code | category |"), "{made}");
    assert!(made.contains("\n| `internal.panic` | internal | A defect in kubepki: "), "{made}");
    assert!(made.ends_with(" |\n<!-- end -->\n\nprose\n"), "{made}");
    assert_eq!(written(&made), made);
}
