//! The floor plan: a module uses only floors below its own, and modules of one floor do not use each other in a
//! circle. A module that is missing here has no floor yet: give it one.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenTree};

use crate::sources::{Source, group, inside, is_for_tests, punct, under, word};

const FLOORS: [&[&str]; 11] = [
    &["clock", "digest", "entropy", "error", "remedy", "remembered", "secret", "text", "tree", "workers"],
    &["certificate_key", "edge", "key", "store", "yaml"],
    &["config", "objects", "x509"],
    &["catalogue", "component", "kubeconfig"],
    &["inventory"],
    &["audit", "bundle", "plan", "policy"],
    &["request"],
    &["ops"],
    &["report"],
    &["cli", "python"],
    &["main"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// A path that a file names: the words behind `crate`, the first of them a module of the crate's root.
#[derive(Debug, PartialEq)]
struct Use {
    path: Vec<String>,
    line: usize,
    in_test: bool,
}

/// Every path within the crate that the file names, by `crate::`, by `super::` or in a `use` tree.
fn paths(source: &Source) -> Vec<Use> {
    let mut found = Vec::new();
    walk(&source.tokens(), &source.module(), source.is_test(), &mut found);
    found
}

/// The same, each module of the crate's root once a line.
fn uses(source: &Source) -> Vec<Use> {
    let mut found = paths(source);
    for used in &mut found {
        used.path.truncate(1);
    }
    found.dedup();
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
    let is_begun = base.is_some();
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
            base.push(name.to_owned());
            base
        }
    };
    if punct(tokens, at + 1, ':') && punct(tokens, at + 2, ':') {
        // `a::<T>`: the path ends where a type begins.
        if word(tokens, at + 3).is_some() || group(tokens, at + 3, Delimiter::Brace).is_some() {
            return follow(tokens, at + 3, here, Some(reached), in_test, found);
        }
    }
    if is_begun && !reached.is_empty() {
        found.push(Use { path: reached, line: tokens[at].span().start().line, in_test });
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
            let target = &used.path[0];
            match floor(target) {
                // Not a module: a macro or an item of the crate's root.
                None => wrong.push(format!("{place} uses crate::{target}, which has no floor")),
                Some(other) if other > own => wrong.push(format!("{place} uses {target} (floor {other})")),
                Some(other) if other == own && *target != module && !used.in_test => {
                    sideways.entry(module.clone()).or_default().insert(target.clone());
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

/// The modules whose parts import each other in a circle, each with the parts that do. Tests may.
fn circles(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    let modules: BTreeSet<_> = sources.iter().map(Source::module).collect();
    let mut edges: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for source in sources {
        let own = source.module();
        for used in paths(source).into_iter().filter(|used| !used.in_test) {
            let shared = own.iter().zip(&used.path).take_while(|(here, there)| here == there).count();
            let (Some(from), Some(to)) = (own.get(shared), used.path.get(shared)) else { continue };
            // What is no module there is an item of the one above, which all its parts may use.
            if shared > 0 && modules.contains(&used.path[..=shared]) {
                let within = edges.entry(own[..shared].join("/")).or_default();
                within.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    let parts = |edges: &BTreeMap<String, BTreeSet<String>>| -> Vec<String> {
        edges.keys().filter(|part| reaches(edges, part, part)).cloned().collect()
    };
    let found = edges.into_iter().map(|(module, edges)| (module, parts(&edges)));
    found.filter(|(_, parts)| !parts.is_empty()).collect()
}

#[test]
fn the_parts_of_a_module_import_each_other_in_one_direction_only() {
    let found = circles(&under("src", "rs"));
    assert!(found.is_empty(), "cut these circles: {found:#?}");
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
    uses(&example(path, text)).into_iter().map(|used| used.path.concat()).collect()
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
    assert_eq!(wrong, ["src/audit.rs:4: audit (floor 5) uses ops (floor 7)"]);
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
fn a_circle_is_found_through_other_parts_and_through_their_own_parts() {
    let circle = |of_b: &str| {
        let sources = [
            example("src/store.rs", "mod a; mod b; mod c; pub struct Item;"),
            example("src/store/a.rs", "use super::b::B;"),
            example("src/store/b.rs", of_b),
            example("src/store/b/deep.rs", "use super::B; use super::super::Item;"),
            example("src/store/c.rs", "fn f() { super::a::f(); }"),
        ];
        circles(&sources)
            .into_iter()
            .map(|(module, parts)| format!("{module}: {}", parts.join(" ")))
            .collect::<Vec<_>>()
    };
    for of_b in ["use super::c;", "use crate::store::{Item, c::C};", "fn f() { crate::store::c::f::<u8>(); }"] {
        assert_eq!(circle(of_b), ["store: a b c"], "{of_b}");
    }
    let deep = [example("src/store/b/deep.rs", "use super::super::a;"), example("src/store/a.rs", "use super::b::B;")];
    let with_b = [deep.as_slice(), &[example("src/store/b.rs", "")]].concat();
    assert_eq!(circles(&with_b).get("store").map(|parts| parts.join(" ")).as_deref(), Some("a b"));
    for straight in
        ["use super::Item;", "use crate::key::c;", "#[cfg(test)] mod tests { use crate::store::c; }", "// super::c"]
    {
        assert_eq!(circle(straight), Vec::<String>::new(), "{straight}");
    }
}

#[test]
fn a_module_without_a_floor_is_named() {
    assert_eq!(violations(&[example("src/misc.rs", "")]), ["src/misc.rs: the module misc has no floor"]);
}
