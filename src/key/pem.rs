//! PEM as Go's `encoding/pem` reads it, and as it writes it.
//!
//! In: bytes with any text around the blocks. Out: [`Block`]s in order; text with 64-column lines and LF.
//! It never interprets what a block holds. RFC 7468 readers are stricter than Go's: a file that kubeadm reads
//! (headers, trailing blanks, unwrapped base64) must be readable here too.
//!
//! Source: RFC 7468; Go `encoding/pem` Decode.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use crate::secret::Secret;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// One PEM block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The label, as `CERTIFICATE`.
    pub label: &'a str,
    /// Whether it carries RFC 1421 headers (`Proc-Type: 4,ENCRYPTED`).
    pub has_headers: bool,
    /// The decoded bytes.
    pub der: Secret,
}

/// Every well-formed block of `input`, in order. Malformed blocks are passed over, as Go does; see
/// [`has_broken_block`] to tell a truncated file from one without PEM.
pub fn blocks(input: &[u8]) -> impl Iterator<Item = Block<'_>> {
    each(input).flatten()
}

/// Every block of `input`, in order; `None` for one that is not well-formed.
pub fn each(input: &[u8]) -> impl Iterator<Item = Option<Block<'_>>> {
    let mut rest = input;
    std::iter::from_fn(move || {
        let start = find_line_start(rest, BEGIN)?;
        rest = rest.get(start.saturating_add(BEGIN.len())..)?;
        let read = read_block(rest);
        Some(read.map(|(block, remaining)| {
            rest = remaining;
            block
        }))
    })
}

/// Whether a line begins a block that is not well-formed: truncated, or its base64 is damaged.
#[must_use]
pub fn has_broken_block(input: &[u8]) -> bool {
    each(input).any(|block| block.is_none())
}

/// Writes one block: no headers, 64 columns, LF at the end.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> Secret {
    let body = Zeroizing::new(if is_private(label) { Base64::encode_string(der) } else { STANDARD.encode(der) });
    let mut text = Vec::with_capacity(body.len().saturating_add(body.len() / 64).saturating_add(80));
    text.extend_from_slice(BEGIN);
    text.extend_from_slice(label.as_bytes());
    text.extend_from_slice(b"-----\n");
    for line in body.as_bytes().chunks(64) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.extend_from_slice(END);
    text.extend_from_slice(label.as_bytes());
    text.extend_from_slice(b"-----\n");
    Secret::new(text)
}

/// What follows `-----BEGIN `: the block and the input behind it.
fn read_block(input: &[u8]) -> Option<(Block<'_>, &[u8])> {
    let (first_line, body) = split_line(input);
    let label = trim_end(first_line).strip_suffix(DASHES)?;
    let label = std::str::from_utf8(label).ok()?;

    // A BEGIN inside means that the first block was cut off and another follows.
    let end = line_starts(body).find(|start| begins_at(body, *start, END) || begins_at(body, *start, BEGIN))?;
    let (content, trailer) = body.split_at_checked(end)?;
    let (last_line, remaining) = split_line(trailer.strip_prefix(END)?);
    if trim_end(last_line).strip_suffix(DASHES) != Some(label.as_bytes()) {
        return None;
    }

    let (has_headers, base64) = split_headers(content);
    let mut compact = Vec::with_capacity(base64.len());
    for line in base64.split(u8::is_ascii_whitespace) {
        compact.extend_from_slice(line);
    }
    let compact = Secret::new(compact);
    let der = if is_private(label) {
        Base64::decode_vec(std::str::from_utf8(compact.expose()).ok()?).ok()?
    } else {
        STANDARD.decode(compact.expose()).ok()?
    };
    Some((Block { label, has_headers, der: Secret::new(der) }, remaining))
}

/// Whether base64 in constant time is worth its slowness: a table that is looked up by six bits of a key at a time
/// tells them to whoever sees cache lines (Sieck and others, CCS 2021).
fn is_private(label: &str) -> bool {
    label.ends_with("PRIVATE KEY")
}

/// Separates `Key: value` lines from the base64 behind them.
fn split_headers(content: &[u8]) -> (bool, &[u8]) {
    let mut rest = content;
    let mut has_headers = false;
    loop {
        let (line, remaining) = split_line(rest);
        if line.contains(&b':') {
            has_headers = true;
            rest = remaining;
        } else {
            return (has_headers, rest);
        }
    }
}

/// The position of `needle` at the start of a line.
fn find_line_start(input: &[u8], needle: &[u8]) -> Option<usize> {
    line_starts(input).find(|start| begins_at(input, *start, needle))
}

fn line_starts(input: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let ends = input.iter().enumerate().filter(|(_, byte)| {
        #[cfg(test)]
        tests::LOOKED_AT.set(tests::LOOKED_AT.get() + 1);
        **byte == b'\n'
    });
    std::iter::once(0).chain(ends.map(|(position, _)| position.saturating_add(1)))
}

fn begins_at(input: &[u8], start: usize, needle: &[u8]) -> bool {
    input.get(start..).is_some_and(|line| line.starts_with(needle))
}

fn split_line(input: &[u8]) -> (&[u8], &[u8]) {
    match input.iter().position(|byte| *byte == b'\n') {
        Some(position) => {
            (input.get(..position).unwrap_or_default(), input.get(position.saturating_add(1)..).unwrap_or_default())
        }
        None => (input, &[]),
    }
}

fn trim_end(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use proptest::prelude::*;

    thread_local! {
        /// How many bytes were looked at for a line's end.
        pub(super) static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn text_and_broken_blocks_around_a_block_are_passed_over() {
        let input = b"subject=/CN=x\n-----BEGIN JUNK-----\n%%%\n-----END JUNK-----\n-----BEGIN A-----  \r\naGk=\r\n-----END A-----\r\ntail";
        let found: Vec<_> = blocks(input).collect();
        assert_eq!(found, [Block { label: "A", has_headers: false, der: Secret::new(b"hi".to_vec()) }]);
        assert!(has_broken_block(input));
    }

    #[test]
    fn a_truncated_block_does_not_swallow_the_next() {
        let input = b"-----BEGIN A-----\naGk=\n-----BEGIN B-----\naGk=\n-----END B-----\n";
        let labels: Vec<_> = blocks(input).map(|block| block.label).collect();
        assert_eq!(labels, ["B"]);
        assert!(has_broken_block(b"-----BEGIN A-----\naGk="));
        assert!(!has_broken_block(b"no pem at all"));
    }

    /// A file of the largest size that is read, whose every block is cut off, took half a minute.
    #[test]
    fn of_many_blocks_that_are_cut_off_no_byte_is_looked_at_often() {
        let input = "-----BEGIN CERTIFICATE-----\n".repeat(1_000);
        LOOKED_AT.set(0);
        assert_eq!(blocks(input.as_bytes()).count(), 0);
        assert!(LOOKED_AT.get() <= 3 * input.len(), "{} for {} bytes", LOOKED_AT.get(), input.len());
    }

    #[test]
    fn headers_are_seen() {
        let input =
            b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\naGk=\n-----END RSA PRIVATE KEY-----\n";
        let block = blocks(input).next().unwrap();
        assert!(block.has_headers);
        assert_eq!(block.der.expose(), b"hi");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(der in proptest::collection::vec(any::<u8>(), 0..300)) {
            let text = encode("X Y", &der);
            let all: Vec<_> = blocks(text.expose()).collect();
            prop_assert_eq!(all.len(), 1);
            prop_assert_eq!(all[0].der.expose(), &der[..]);
            prop_assert!(text.expose().split(|byte| *byte == b'\n').all(|line| line.len() <= 64));
        }

        #[test]
        fn both_ways_through_base64_are_one(
            der in proptest::collection::vec(any::<u8>(), 0..100),
            text in "[A-Za-z0-9+/]{0,7}[A-Za-z0-9+/=]{0,3}[-_=%]?",
        ) {
            let written = |label| String::from_utf8(encode(label, &der).expose().to_vec()).unwrap();
            prop_assert_eq!(written("PUBLIC KEY").replace("PUBLIC", "PRIVATE"), written("PRIVATE KEY"));
            let read = |label: &str| {
                let text = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
                blocks(text.as_bytes()).next().map(|block| block.der)
            };
            prop_assert_eq!(read("PUBLIC KEY"), read("PRIVATE KEY"));
        }

        #[test]
        fn no_input_panics(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = blocks(&input).count();
            let _ = has_broken_block(&input);
        }
    }
}
