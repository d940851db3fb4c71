//! A snapshot as etcd sends it: a line of JSON for each piece, the last with the SHA-256 of all before it.
//!
//! In: bytes as they come. Out: the bytes of the database, one piece after the other, and its [`Whole`]; or what is wrong with them.
//! The hash is written too: `etcdutl snapshot restore` looks for it at the end of the file. No more than one line is kept.
//!
//! Source: etcd `server/etcdserver/api/v3rpc/maintenance.go` (`Snapshot`), grpc-gateway `runtime/handler.go` (a line a message).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::digest::{Digest, Hasher};
use crate::text::printable;

/// etcd sends 32 KiB a line, a third more in base64.
const LONGEST_LINE: usize = 8 << 20;

/// So long is what comes last.
const HASH: usize = 32;
const HASH_LENGTH: u64 = 32;

/// Where the pieces go.
pub(super) trait Sink<E> {
    /// Is told how many bytes there will be, before any comes.
    fn begin(&mut self, size: u64) -> Result<(), E>;
    /// Takes the next ones.
    fn write(&mut self, piece: &[u8]) -> Result<(), E>;
}

/// What is wrong with what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadStream(pub String);

/// All of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// How many bytes, with the hash.
    pub(super) size: u64,
    /// Their SHA-256.
    pub(super) sha256: Digest,
}

#[derive(Deserialize)]
struct Line {
    result: Option<Piece>,
    error: Option<Refusal>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Piece {
    /// A number in quotes, as protobuf's JSON has them; not there for none.
    #[serde(alias = "remainingBytes")]
    remaining_bytes: Value,
    blob: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

impl Piece {
    fn remaining(&self) -> Option<u64> {
        match &self.remaining_bytes {
            Value::Null => Some(0),
            Value::String(digits) => digits.parse().ok(),
            other => other.as_u64(),
        }
    }
}

/// Reads them.
#[derive(Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    /// The last bytes so far, which may be the hash.
    last: Vec<u8>,
    database: Hasher,
    file: Hasher,
    size: u64,
    expected: Option<u64>,
}

impl Reader {
    /// Takes what came.
    pub(super) fn feed<E: From<BadStream>>(&mut self, mut bytes: &[u8], sink: &mut dyn Sink<E>) -> Result<(), E> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, rest) = bytes.split_at(end);
            self.line.extend_from_slice(head);
            let line = std::mem::take(&mut self.line);
            self.take(&line, sink)?;
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() > LONGEST_LINE {
            return Err(BadStream(format!("a line is longer than {LONGEST_LINE} bytes")).into());
        }
        Ok(())
    }

    fn take<E: From<BadStream>>(&mut self, line: &[u8], sink: &mut dyn Sink<E>) -> Result<(), E> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        // Its errors do not quote the text, which is a piece of the database.
        let bad =
            |error: serde_json::Error| BadStream(format!("a line is no JSON of etcd's: column {}", error.column()));
        let Line { result, error } = serde_json::from_slice(line).map_err(bad)?;
        if let Some(Refusal { message }) = error {
            return Err(BadStream(printable(&message).into_owned()).into());
        }
        let piece = result.unwrap_or_default();
        let blob = STANDARD.decode(&piece.blob).map_err(|_| BadStream("a piece is no base64".into()))?;
        let length = u64::try_from(blob.len()).unwrap_or(u64::MAX);
        let expected = if let Some(expected) = self.expected {
            expected
        } else {
            let rest = piece.remaining().ok_or_else(|| BadStream("how many bytes remain is no number".into()))?;
            let expected = rest.saturating_add(length).saturating_add(HASH_LENGTH);
            sink.begin(expected)?;
            *self.expected.insert(expected)
        };
        self.size = self.size.saturating_add(length);
        if self.size > expected {
            return Err(BadStream(format!("more comes than the {expected} bytes that were announced")).into());
        }
        self.file.update(&blob);
        self.last.extend_from_slice(&blob);
        let is_data = self.last.len().saturating_sub(HASH);
        self.database.update(self.last.get(..is_data).unwrap_or_default());
        self.last.drain(..is_data);
        sink.write(&blob)
    }

    /// Says what it was, when nothing more comes.
    pub(super) fn finish(self) -> Result<Whole, BadStream> {
        let expected = self.expected.unwrap_or(0);
        if !self.line.is_empty() || self.size < expected || expected == 0 {
            return Err(BadStream(format!("it ended after {} of {expected} bytes", self.size)));
        }
        if self.database.finish().as_bytes().as_slice() != self.last {
            return Err(BadStream("its SHA-256 is not the one that etcd has sent with it".into()));
        }
        Ok(Whole { size: self.size, sha256: self.file.finish() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept {
        announced: u64,
        bytes: Vec<u8>,
    }

    impl Sink<BadStream> for Kept {
        fn begin(&mut self, size: u64) -> Result<(), BadStream> {
            self.announced = size;
            Ok(())
        }

        fn write(&mut self, piece: &[u8]) -> Result<(), BadStream> {
            self.bytes.extend_from_slice(piece);
            Ok(())
        }
    }

    fn line(blob: &[u8], remaining: u64) -> String {
        let rest = if remaining == 0 { String::new() } else { format!("\"remaining_bytes\":\"{remaining}\",") };
        format!("{{\"result\":{{{rest}\"blob\":\"{}\",\"version\":\"3.6.0\"}}}}\n", STANDARD.encode(blob))
    }

    fn snapshot() -> (Vec<u8>, String) {
        let data: Vec<u8> = (0..=255).cycle().take(700).collect();
        let hash = Digest::of(&data);
        let (one, two) = data.split_at(512);
        let sent = line(one, 188) + &line(two, 0) + &line(hash.as_bytes(), 0);
        ([data.as_slice(), hash.as_bytes()].concat(), sent)
    }

    fn read(sent: &[u8], step: usize) -> Result<(Kept, Whole), BadStream> {
        let (mut kept, mut reader) = (Kept::default(), Reader::default());
        for piece in sent.chunks(step) {
            reader.feed(piece, &mut kept)?;
        }
        reader.finish().map(|whole| (kept, whole))
    }

    #[test]
    fn a_snapshot_is_what_etcd_keeps_with_its_hash_at_the_end_however_it_is_cut() {
        let (file, sent) = snapshot();
        for step in [1, 7, 300, 100_000] {
            let (kept, whole) = read(sent.as_bytes(), step).unwrap();
            assert_eq!((kept.announced, &kept.bytes), (732, &file), "{step}");
            assert_eq!(whole, Whole { size: 732, sha256: Digest::of(&file) });
        }
    }

    #[test]
    fn what_is_torn_changed_or_no_snapshot_is_refused() {
        let (_, sent) = snapshot();
        let reason = |sent: &str| read(sent.as_bytes(), 64).err().map(|BadStream(reason)| reason).unwrap_or_default();
        let lines: Vec<_> = sent.split_inclusive('\n').collect();
        assert_eq!(reason(""), "it ended after 0 of 0 bytes");
        assert_eq!(reason(lines[0]), "it ended after 512 of 732 bytes");
        assert_eq!(reason(&lines[..2].concat()), "it ended after 700 of 732 bytes");
        assert_eq!(reason(sent.trim_end()), "it ended after 700 of 732 bytes");
        let other = line(&[1; 512], 188) + lines[1] + lines[2];
        assert_eq!(reason(&other), "its SHA-256 is not the one that etcd has sent with it");
        assert_eq!(reason(&(sent.clone() + lines[1])), "more comes than the 732 bytes that were announced");
        assert_eq!(
            reason("{\"error\":{\"message\":\"etcdserver: no \\u001b leader\"}}\n"),
            "etcdserver: no \\x1b leader"
        );
        assert_eq!(reason("<html>\n"), "a line is no JSON of etcd's: column 1");
        assert_eq!(reason("{\"result\":{\"blob\":\"%\"}}\n"), "a piece is no base64");
        let endless = "x".repeat(LONGEST_LINE + 1);
        assert_eq!(reason(&endless), "a line is longer than 8388608 bytes");
    }
}
