//! The functions of the Python package, as `docs/reference/api.md` lists them.
//!
//! In: the sources of `python/kubepki/api`. Out: for each public function its arguments, what it returns, and its summary.

use crate::options::Requests;
use crate::sources::{root, under};

/// `plan(config=None, *, certificates, …)`, its result and the first line of its documentation.
pub(crate) fn functions(requests: &Requests) -> Vec<Vec<String>> {
    let package = std::fs::read_to_string(root().join("python/kubepki/__init__.py")).unwrap();
    let modules = under("python/kubepki/api", "py");
    let all = modules.iter().flat_map(|module| module.text.split("\ndef ").skip(1));
    all.filter(|text| is_public(text, &package)).map(|text| row(text, requests)).collect()
}

/// The arguments that say which node is meant, and what they mean.
pub(crate) fn of_a_node(requests: &Requests) -> Vec<Vec<String>> {
    let options = requests.options("NodeRequest").into_iter();
    options.map(|option| vec![format!("`{}`", option.name), option.doc.replace("--config", "`config`")]).collect()
}

fn is_public(text: &str, package: &str) -> bool {
    let name = text.split('(').next().unwrap();
    package.contains(&format!("\n    \"{name}\",\n"))
}

fn row(text: &str, requests: &Requests) -> Vec<String> {
    let (name, rest) = text.split_once('(').unwrap();
    let (arguments, rest) = rest.split_once(") -> ").unwrap();
    let (result, rest) = rest.split_once(":\n").unwrap();
    let summary = rest.split("\"\"\"").nth(1).unwrap().lines().next().unwrap();
    let of_node: Vec<_> = requests.options("NodeRequest").into_iter().map(|option| option.name).collect();
    let (mut shown, mut is_by_name, mut hidden) = (Vec::new(), false, 0);
    for argument in split(arguments) {
        let own = argument.split([':', '=']).next().unwrap().trim();
        let default = argument.rsplit_once(" = ").map(|(_, default)| default);
        is_by_name |= own == "*";
        match default {
            _ if is_by_name && of_node.iter().any(|name| name == own) => hidden += 1,
            Some(default) if !matches!(default, "None" | "False" | "()") || !is_by_name => {
                shown.push(format!("{own}={default}"));
            }
            _ => shown.push(own.to_owned()),
        }
    }
    if hidden > 0 {
        shown.push("…".into());
    }
    vec![
        format!("`{name}({})`", shown.join(", ")),
        format!("`{}`", result.replace('|', "\\|")),
        summary.trim_end_matches('.').replace('|', "\\|"),
    ]
}

/// The arguments between commas that are in no brackets.
fn split(arguments: &str) -> Vec<String> {
    let (mut all, mut depth) = (vec![String::new()], 0);
    for letter in arguments.chars().filter(|letter| *letter != '\n') {
        depth += i32::from(letter == '[' || letter == '(') - i32::from(letter == ']' || letter == ')');
        if letter == ',' && depth == 0 { all.push(String::new()) } else { all.last_mut().unwrap().push(letter) }
    }
    all.into_iter().map(|argument| argument.trim().to_owned()).filter(|argument| !argument.is_empty()).collect()
}
