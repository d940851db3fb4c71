//! The floor plan: a module uses only floors below its own, and modules of one floor do not use each other in a
//! circle. A module that is missing here has no floor yet: give it one.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenTree};

use crate::sources::{Source, group, inside, is_for_tests, punct, under, word};

const FLOORS: [&[&str]; 7] = [
    &["clock", "digest", "entropy", "error", "remedy", "secret", "text", "tree", "workers"],
    &["certificate_key", "edge", "key", "store", "yaml"],
    &["config", "x509"],
    &["catalogue", "component", "kubeconfig"],
    &["audit", "bundle", "plan", "policy"],
    &["ops"],
    &["python"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// One module of the crate's root named by another.
#[derive(Debug, PartialEq)]
struct Use {
    module: String,
    line: usize,
    in_test: bool,
}

/// Every module of the crate's root that the file names, by `crate::`, by `super::` or in a `use` tree.
fn uses(source: &Source) -> Vec<Use> {
    let mut found = Vec::new();
    walk(&source.tokens(), &source.module(), source.is_test(), &mut found);
    found
}

fn walk(tokens: &[TokenTree], here: &[String], in_test: bool, found: &mut Vec<Use>) {
    let mut at = 0;
    while at < tokens.len() {
        let continues_a_path = at >= 2 && punct(tokens, at - 1, ':') && punct(tokens, at - 2, ':');
        if word(tokens, at).is_some_and(|word| word == "mod")
            && let (Some(name), Some(body)) = (word(tokens, at + 1), group(tokens, at + 2, Delimiter::Brace))
        {
            let inner = [here, &[name]].concat();
            walk(&inside(body), &inner, in_test || is_for_tests(tokens, at), found);
            at += 3;
            continue;
        }
        if let TokenTree::Group(group) = &tokens[at] {
            if !is_use_tree(tokens, at) {
                walk(&inside(group), here, in_test, found);
            }
        } else if !continues_a_path {
            follow(tokens, at, here, None, in_test, found);
        }
        at += 1;
    }
}

/// Whether the group at `at` is the `{...}` of a path, which `follow` has been into.
fn is_use_tree(tokens: &[TokenTree], at: usize) -> bool {
    at >= 2 && punct(tokens, at - 1, ':') && punct(tokens, at - 2, ':') && group(tokens, at, Delimiter::Brace).is_some()
}

/// Follows one path from `at`; `base` is the module that it has reached so far, None at its first word.
fn follow(
    tokens: &[TokenTree],
    at: usize,
    here: &[String],
    base: Option<Vec<String>>,
    in_test: bool,
    found: &mut Vec<Use>,
) {
    if let Some(base) = &base
        && let Some(tree) = group(tokens, at, Delimiter::Brace)
    {
        let inner = inside(tree);
        for branch in inner.split(|token| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',')) {
            follow(branch, 0, here, Some(base.clone()), in_test, found);
        }
        return;
    }
    let Some(name) = word(tokens, at) else { return };
    let reached = match (name.as_str(), base) {
        ("crate", None) => Vec::new(),
        ("self", base) => base.unwrap_or_else(|| here.to_vec()),
        ("super", base) => {
            let mut module = base.unwrap_or_else(|| here.to_vec());
            module.pop();
            module
        }
        (_, None) => return,
        (name, Some(mut base)) => {
            if base.is_empty() {
                let line = tokens[at].span().start().line;
                found.push(Use { module: name.to_owned(), line, in_test });
                return;
            }
            base.push(name.to_owned());
            base
        }
    };
    if punct(tokens, at + 1, ':') && punct(tokens, at + 2, ':') {
        follow(tokens, at + 3, here, Some(reached), in_test, found);
    }
}

/// What is wrong with the uses of these files, one line each.
fn violations(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut sideways: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let Some(module) = source.module().first().cloned() else { continue };
        let Some(own) = floor(&module) else {
            wrong.push(format!("{}: the module {module} has no floor", source.path));
            continue;
        };
        for used in uses(source) {
            let place = format!("{}:{}: {module} (floor {own})", source.path, used.line);
            match floor(&used.module) {
                // Not a module: a macro or an item of the crate's root.
                None => wrong.push(format!("{place} uses crate::{}, which has no floor", used.module)),
                Some(other) if other > own => wrong.push(format!("{place} uses {} (floor {other})", used.module)),
                Some(other) if other == own && used.module != module && !used.in_test => {
                    sideways.entry(module.clone()).or_default().insert(used.module);
                }
                Some(_) => {}
            }
        }
    }
    wrong.extend(
        sideways
            .keys()
            .filter(|start| reaches(&sideways, start, start))
            .map(|module| format!("{module} takes part in a circle of modules of its floor")),
    );
    wrong
}

fn reaches(edges: &BTreeMap<String, BTreeSet<String>>, from: &str, goal: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in edges.get(module).into_iter().flatten() {
            if next == goal {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}

#[test]
fn every_module_uses_only_floors_below_it() {
    let wrong = violations(&under("src", "rs"));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn example(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

fn named(path: &str, text: &str) -> Vec<String> {
    uses(&example(path, text)).into_iter().map(|used| used.module).collect()
}

#[test]
fn an_upward_use_is_found_however_it_is_written() {
    for text in [
        "use crate::store::Store;",
        "use crate::{error::Error, store};",
        "use crate::{self as root, store::{self, Store}};",
        "use super::super::store;",
        "use super::{super::store::Store, Algorithm};",
        "fn f() { let x = crate::store::read(); }",
        "fn f() -> Option<crate::store::Store> { None }",
        "fn f() { format!(\"{}\", crate::store::LIMIT) }",
        "impl crate::store::Readable for X {}",
        "mod inner { use super::super::super::store; }",
        "#[cfg(test)] mod tests { use crate::store; }",
        "pub use crate :: store as disk;",
    ] {
        let wrong = violations(&[example("src/text/width.rs", text)]);
        assert_eq!(wrong.len(), 1, "{text}: {wrong:?}");
        assert!(wrong[0].ends_with("text (floor 0) uses store (floor 1)"), "{text}: {wrong:?}");
    }
}

#[test]
fn what_only_looks_like_an_upward_use_is_not_one() {
    for text in [
        "use crate::error::Error;",
        "use super::store;",
        "pub(crate) fn store() {}",
        "/// See [`crate::store`].\nfn f() {}",
        "// crate::store\nfn f() {}",
        "const X: &str = \"crate::store\";",
        "use std::{fmt, store};",
        "fn f() { other::super_thing::store(); }",
    ] {
        let wrong = violations(&[example("src/key/algorithm.rs", text)]);
        assert!(wrong.is_empty(), "{text}: {wrong:?}");
    }
}

#[test]
fn a_use_tree_gives_each_module_once() {
    let text = "use crate::{clock::{Clock, FixedClock}, error, key::Algorithm};";
    assert_eq!(named("src/ops/init.rs", text), ["clock", "error", "key"]);
}

#[test]
fn a_violation_names_file_and_line() {
    let wrong = violations(&[example("src/audit.rs", "//! Head.\n\nuse crate::clock;\nuse crate::ops::run;\n")]);
    assert_eq!(wrong, ["src/audit.rs:4: audit (floor 4) uses ops (floor 5)"]);
}

#[test]
fn modules_of_one_floor_may_use_each_other_in_one_direction_only() {
    let plan = example("src/plan.rs", "use crate::audit;");
    let audit = example("src/audit/finding.rs", "use crate::plan;");
    let audit_tests = example("src/audit/tests.rs", "use crate::plan;");
    assert!(violations(&[example("src/plan.rs", &plan.text), audit_tests]).is_empty());
    let wrong = violations(&[plan, audit]);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("audit takes part in a circle"), "{wrong:?}");
}

#[test]
fn a_module_without_a_floor_is_named() {
    assert_eq!(violations(&[example("src/misc.rs", "")]), ["src/misc.rs: the module misc has no floor"]);
}
