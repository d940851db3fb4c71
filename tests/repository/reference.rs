//! The tables of codes in `docs/reference` are made of the declarations in the sources.
//!
//! In a page, what is between `<!-- generated: NAME -->` and `<!-- end -->` is such a table; the prose around it is not
//! touched. So are the tables of commands and their options, which are the parser's. `make reference` writes the tables, and the test here fails when one of them is not what it would write.

use std::fmt::Write as _;

use kubepki::cli::codes::{CONFIGURATION, ERRORS, FINDINGS, REQUESTS};
use kubepki::error::Declaration;

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};

use crate::functions::{functions, of_a_node};
use crate::options::Requests;
use crate::sources::root;

/// The pages that have tables of codes.
pub(crate) const PAGES: [&str; 4] = ["cli.md", "errors.md", "findings.md", "configuration.md"];

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
        "commands" => rows(
            &["command", "what it does"],
            leaves().into_iter().map(|(path, leaf)| {
                vec![usage(&path, &leaf), sentence(&leaf.get_about().map(ToString::to_string).unwrap_or_default())]
            }),
        ),
        "options of a node" => {
            options(leaves().iter().flat_map(|(_, leaf)| leaf.get_arguments()).filter(|one| is_of_node(one)))
        }
        "functions" => rows(&["function", "returns", "what it does"], functions(&Requests::read()).into_iter()),
        "arguments of a node" => rows(&["argument", "it means"], of_a_node(&Requests::read()).into_iter()),
        name if name.starts_with("kubepki ") => {
            let leaf = leaves().into_iter().find_map(|(path, leaf)| (path == name).then_some(leaf));
            let leaf = leaf.unwrap_or_else(|| panic!("there is no command {name:?}"));
            options(leaf.get_arguments().filter(|one| !is_of_node(one) && !IN_ALL.contains(&one.get_id().as_str())))
        }
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

/// Options that the page explains once.
const IN_ALL: [&str; 3] = ["verbose", "help", "form"];

/// Every command that does something.
fn leaves() -> Vec<(String, Command)> {
    fn walk(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            let path = format!("{path} {}", below.get_name());
            if below.has_subcommands() {
                walk(below, &path, found);
            } else {
                found.push((path, below.clone()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&kubepki::cli::command(), "kubepki", &mut found);
    found
}

fn is_of_node(argument: &Arg) -> bool {
    argument.get_help_heading() == Some("The node")
}

/// `kubepki certs renew NAME…`
fn usage(path: &str, leaf: &Command) -> String {
    let arguments: Vec<_> = leaf.get_positionals().map(named).collect();
    format!("`{}`", [&[path.to_owned()], arguments.as_slice()].concat().join(" "))
}

/// `--output FORM`, `[NAME…]`
fn named(argument: &Arg) -> String {
    let values = argument.get_possible_values();
    let choices: Vec<_> = values.iter().filter(|value| !value.is_hide_set()).map(PossibleValue::get_name).collect();
    let name = argument.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
    let takes_value = argument.get_action().takes_values();
    let value = if choices.is_empty() { name.to_owned() } else { choices.join("\\|") };
    match argument.get_long() {
        None => {
            let many = if argument.get_num_args().is_some_and(|range| range.max_values() > 1)
                || matches!(argument.get_action(), ArgAction::Append)
            {
                "…"
            } else {
                ""
            };
            let (open, close) = if argument.is_required_set() { ("", "") } else { ("[", "]") };
            format!("{open}{name}{many}{close}")
        }
        Some(long) if takes_value => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
    }
}

/// A table of options, each once, in their order.
fn options<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for argument in arguments.filter(|argument| !argument.is_hide_set()) {
        if seen.contains(argument.get_id()) {
            continue;
        }
        seen.push(argument.get_id().clone());
        let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
        let default: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let is_shown = argument.get_action().takes_values() && !default.is_empty();
        let default = if is_shown { format!(" (default `{}`)", default.join(",")) } else { String::new() };
        let others = argument.get_visible_aliases().unwrap_or_default();
        let others: String = others.iter().flat_map(|other| [", `--", other, "`"]).collect();
        all.push(vec![format!("`{}`{others}", named(argument)), format!("{}{default}", sentence(&help))]);
    }
    rows(&["option", "it means"], all.into_iter())
}

/// A text as a cell of a table.
fn sentence(help: &str) -> String {
    text(help.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.'))
}

fn findings(declarations: &[Declaration]) -> String {
    rows(
        &["code", "severity", "what it means", "what to do", "source"],
        declarations
            .iter()
            .map(|one| vec![code(one), kinds(one), text(one.meaning), text(one.remedy), text(one.source)]),
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
    for name in PAGES.into_iter().chain(["api.md"]) {
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
fn every_command_has_its_table_of_options() {
    let page = std::fs::read_to_string(root().join("docs/reference/cli.md")).unwrap();
    for (path, _) in leaves() {
        assert!(
            page.contains(&format!("<!-- generated: {path} -->")),
            "docs/reference/cli.md has no table of {path:?}"
        );
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
