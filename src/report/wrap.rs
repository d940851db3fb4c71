//! Prose in lines.

/// Lines of no more than `width` characters, each behind `indent`; a word that is longer stands alone.
///
/// ```
/// assert_eq!(kubepki::report::wrapped("one two three", 9, "  "), "  one two\n  three");
/// ```
#[must_use]
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines.join("\n")
}
