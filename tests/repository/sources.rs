//! The source files of the repository, as text and as tokens.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One file: where it is, relative to the repository's root, and what it says.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What says something beside the words of the language.
pub(crate) enum Part {
    /// What stands in the brackets; documentation too.
    Attribute(Vec<TokenTree>),
    /// A literal, a text without its quotation marks.
    Literal(String),
}

/// The path of the repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under `folder` with this extension, in the order of their paths.
pub(crate) fn under(folder: &str, extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), extension, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| Source {
            text: std::fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
        })
        .collect()
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

impl Source {
    /// The Rust tokens: no comments; documentation comments are attributes.
    pub(crate) fn tokens(&self) -> Vec<TokenTree> {
        let stream: TokenStream = self.text.parse().unwrap_or_else(|error| panic!("{}: {error}", self.path));
        stream.into_iter().collect()
    }

    /// The attributes and literals of what is no test.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        if !self.is_test() {
            collect_parts(&self.tokens(), &mut parts);
        }
        parts
    }

    /// The module that this file is, as the words after `crate`: `src/key/algorithm.rs` is `["key", "algorithm"]`.
    pub(crate) fn module(&self) -> Vec<String> {
        let inside = self.path.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
        let mut words: Vec<_> = inside.split('/').map(str::to_owned).collect();
        if words.last().is_some_and(|last| last == "mod" || last == "lib") {
            words.pop();
        }
        words
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.module().iter().any(|word| word == "tests" || word.ends_with("_tests"))
    }
}

fn collect_parts(tokens: &[TokenTree], parts: &mut Vec<Part>) {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(ident) if ident == "mod" && is_for_tests(tokens, at) => at += 2,
            TokenTree::Punct(hash) if hash.as_char() == '#' => {
                at += if punct(tokens, at + 1, '!') { 2 } else { 1 };
                match group(tokens, at, Delimiter::Bracket) {
                    Some(attribute) => parts.push(Part::Attribute(inside(attribute))),
                    None => at -= 1,
                }
            }
            TokenTree::Group(group) => collect_parts(&inside(group), parts),
            TokenTree::Literal(literal) => parts.push(Part::Literal(literal.to_string().trim_matches('"').to_owned())),
            _ => {}
        }
        at += 1;
    }
}

/// The word at `at`, if there is one.
pub(crate) fn word(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at)? {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    }
}

/// Whether the character `expected` stands at `at`.
pub(crate) fn punct(tokens: &[TokenTree], at: usize, expected: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}

/// The group in these delimiters at `at`, if there is one.
pub(crate) fn group(tokens: &[TokenTree], at: usize, delimiter: Delimiter) -> Option<&Group> {
    match tokens.get(at)? {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// The tokens inside a group.
pub(crate) fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// Whether a `#[cfg(test)]` stands just before `at`, perhaps with other attributes or `pub` between.
pub(crate) fn is_for_tests(tokens: &[TokenTree], at: usize) -> bool {
    let mut before = at;
    while let Some(previous) = before.checked_sub(1) {
        match &tokens[previous] {
            TokenTree::Ident(ident) if ident == "pub" => before = previous,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                let attribute: String = group.stream().to_string().split_whitespace().collect();
                if attribute == "cfg(test)" {
                    return true;
                }
                before = previous;
            }
            TokenTree::Punct(punct) if punct.as_char() == '#' => before = previous,
            _ => return false,
        }
    }
    false
}
