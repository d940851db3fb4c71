//! A configuration file as pieces: what stands between lines that begin with `---`.
//!
//! In: the text of a file. Out: each piece with the number of its first line. It reads none of them.
//!
//! Source: kubeadm `SplitYAMLDocuments`.

use super::problem::{Code, Origin, Place, Problems};
use crate::yaml::Mark;

/// A piece of the file between two separators.
pub(super) struct Chunk<'a> {
    pub(super) text: &'a str,
    pub(super) first_line: usize,
}

impl Chunk<'_> {
    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    }
}

/// The document of a file that has one alone.
pub(super) fn only(text: &str) -> Option<Chunk<'_>> {
    let mut unread = Problems::new(Origin::default(), false);
    let mut documents = split(text, &mut unread).into_iter().filter(|chunk| !chunk.is_empty());
    documents.next().filter(|_| documents.next().is_none() && !unread.has_errors())
}

/// Cuts at lines that begin with `---`; empty pieces are left out.
pub(super) fn split<'a>(text: &'a str, problems: &mut Problems) -> Vec<Chunk<'a>> {
    let mut chunks = Vec::new();
    let mut start = 0_usize;
    let mut first_line = 1_usize;
    let mut offset = 0_usize;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let number = index.saturating_add(1);
        let end = offset.saturating_add(line.len());
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                problems.add(
                    Code::Syntax,
                    &Place::at(Mark { line: number, column: 1 }),
                    "a document separator has more text on its line",
                    "put --- on a line of its own",
                );
            }
            chunks.push(Chunk { text: text.get(start..offset).unwrap_or_default(), first_line });
            start = end;
            first_line = number.saturating_add(1);
        }
        offset = end;
    }
    chunks.push(Chunk { text: text.get(start..).unwrap_or_default(), first_line });
    chunks.retain(|chunk| !chunk.text.is_empty());
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_lines(text: &str) -> Vec<(usize, &str)> {
        let mut problems = Problems::new("k".into(), false);
        let chunks = split(text, &mut problems).into_iter().map(|chunk| (chunk.first_line, chunk.text)).collect();
        assert!(!problems.has_errors());
        chunks
    }

    #[test]
    fn a_file_is_cut_at_separators() {
        assert_eq!(split_lines("a\n---\nb\n"), [(1, "a\n"), (3, "b\n")]);
        assert_eq!(split_lines("---\n---\na\n---\n---  # x\r\nb\n---\n"), [(3, "a\n"), (6, "b\n")]);
        assert_eq!(split_lines("a\n ---\nb"), [(1, "a\n ---\nb")]);
        assert_eq!(split_lines("\n---\na"), [(1, "\n"), (3, "a")]);
        assert_eq!(split_lines(""), []);
    }

    #[test]
    fn text_beside_a_separator_is_an_error() {
        let mut problems = Problems::new("k".into(), false);
        assert_eq!(split("a: 1\n--- b: 2\n", &mut problems).len(), 1);
        let error = problems.finish().unwrap_err().to_string();
        assert!(error.starts_with("k:2:1: a document separator"), "{error}");
    }

    #[test]
    fn a_file_has_one_document_alone_or_more() {
        for text in ["a: 1\n", "# x\n---\na: 1\n---\n", "---\na: 1"] {
            assert_eq!(only(text).map(|chunk| chunk.text.trim()), Some("a: 1"), "{text}");
        }
        for text in ["", "# x\n", "a: 1\n---\nb: 2\n", "a: 1\n--- b\n"] {
            assert!(only(text).is_none(), "{text}");
        }
    }
}
