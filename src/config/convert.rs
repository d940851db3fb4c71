//! Commands that make a configuration of a file that is none yet.

use std::path::Path;

use crate::remedy;

/// The command that makes UTF-8 of the file `name`.
pub(super) fn to_utf8(name: &str, encoding: &str) -> String {
    into(&["iconv", "--from-code", encoding, "--to-code", "UTF-8", file(name)], name, "utf8")
}

/// A command that writes its output beside the file.
pub(super) fn into(command: &[&str], name: &str, ending: &str) -> String {
    format!("`{} > {}`", words(command), words(&[&format!("{}.{ending}", file(name))]))
}

pub(super) fn words(words: &[&str]) -> String {
    remedy::command(words).trim_matches('`').to_owned()
}

/// The file's path in a command; text that was given without a file has none.
pub(super) fn file(name: &str) -> &str {
    if name.starts_with('(') || Path::new(name).as_os_str().is_empty() { "FILE" } else { name }
}
