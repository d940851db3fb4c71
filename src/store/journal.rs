//! The record of a change that is under way: what recovery needs after a crash.
//!
//! In: the files of a transaction with their digests before and after. Out: [`Journal`] (in the transaction's home
//! directory) and [`Pointer`] (in every other directory that takes part). Paths are relative, so a tree that is
//! mounted elsewhere, or under another root directory, still recovers. Contents of files are never recorded.
//!
//! Form: one line of JSON, then the SHA-256 of that line in hex. A record that was cut off never verifies.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Every name that a transaction makes for itself starts so.
pub(super) const PREFIX: &str = ".kubepki-";

/// The format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The identity of one transaction: sixteen hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct TransactionId(String);

impl TransactionId {
    /// A new one. It only has to differ from others in the same directory, so std's hash seeds are random enough.
    pub(super) fn new() -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self(format!("{:016x}", RandomState::new().hash_one(std::process::id())))
    }

    /// The name of a file of this transaction.
    pub(super) fn name(&self, role: &Role) -> OsString {
        let mut name = OsString::from(format!("{PREFIX}{}", self.0));
        match role {
            Role::Prepared => name.push(".prepared"),
            Role::Committed => name.push(".committed"),
            Role::Done => name.push(".done"),
            Role::Pointer => name.push(".pointer"),
            Role::New(file) => {
                name.push("-");
                name.push(file);
                name.push(".new");
            }
            Role::Old(file) => {
                name.push("-");
                name.push(file);
                name.push(".old");
            }
        }
        name
    }

    /// The text form.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a file of a transaction is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The journal before the change was decided: to be taken back.
    Prepared,
    /// The journal after the change was decided: to be completed.
    Committed,
    /// The journal when all files are in place: to be tidied up.
    Done,
    /// Where the journal is.
    Pointer,
    /// The new content of the file so named.
    New(OsString),
    /// The old content of the file so named.
    Old(OsString),
}

impl Role {
    /// The states of a journal.
    pub(super) const JOURNALS: [Self; 3] = [Self::Prepared, Self::Committed, Self::Done];
}

/// Reads a name that [`TransactionId::name`] made; `None` for any other.
pub(super) fn parse_name(name: &OsStr) -> Option<(TransactionId, Role)> {
    let rest = name.to_str()?.strip_prefix(PREFIX)?;
    let (id, rest) = (rest.get(..16)?, rest.get(16..)?);
    if !id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return None;
    }
    let role = match rest {
        ".prepared" => Role::Prepared,
        ".committed" => Role::Committed,
        ".done" => Role::Done,
        ".pointer" => Role::Pointer,
        rest => {
            let file = rest.strip_prefix('-')?;
            match (file.strip_suffix(".new"), file.strip_suffix(".old")) {
                (Some(file), _) if !file.is_empty() => Role::New(file.into()),
                (_, Some(file)) if !file.is_empty() => Role::Old(file.into()),
                _ => return None,
            }
        }
    };
    Some((TransactionId(id.to_owned()), role))
}

/// Everything that a transaction will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    version: u32,
    pub(super) transaction: TransactionId,
    /// Parents before children; the first is the home directory itself.
    pub(super) directories: Vec<JournalDirectory>,
    /// In the order in which they are put into place.
    pub(super) files: Vec<JournalFile>,
}

/// A directory that takes part, or that is made on the way to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JournalDirectory {
    /// Relative to the journal's own directory.
    pub(super) path: String,
    /// Whether the transaction makes it, and so removes it when taken back.
    pub(super) made: bool,
}

/// One file that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JournalFile {
    /// Which of the directories it is in.
    pub(super) directory: usize,
    /// Its plain name.
    pub(super) name: String,
    /// The digest before; none if it did not exist.
    pub(super) old: Option<Digest>,
    /// The digest after; none if it is removed.
    pub(super) new: Option<Digest>,
}

/// Where the journal of a transaction is, written in every other directory that takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pointer {
    version: u32,
    /// The journal's directory, relative to the pointer's own.
    pub(super) home: String,
    /// The inode number of that directory.
    pub(super) inode: u64,
}

impl Journal {
    /// A journal in the present format.
    pub(super) fn new(transaction: TransactionId, directories: Vec<JournalDirectory>, files: Vec<JournalFile>) -> Self {
        Self { version: VERSION, transaction, directories, files }
    }

    /// The physical path of one of its files; `home` is its own directory.
    pub(super) fn path_of(&self, home: &Path, file: &JournalFile) -> Option<PathBuf> {
        Some(absolute(home, &self.directories.get(file.directory)?.path)?.join(&file.name))
    }

    /// The bytes to write.
    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads and checks what [`Journal::encode`] wrote for `transaction`.
    ///
    /// # Errors
    /// What is wrong with it: cut off, altered, another version, a name that leads elsewhere.
    pub(super) fn decode(bytes: &[u8], transaction: &TransactionId) -> Result<Self, String> {
        let journal = decode::<Self>(bytes)?;
        check_version(journal.version)?;
        if journal.transaction != *transaction {
            return Err("it is the journal of another change".into());
        }
        for directory in &journal.directories {
            check_relative(&directory.path)?;
        }
        if journal.directories.first().is_none_or(|home| !home.path.is_empty() || home.made) {
            return Err("it does not begin with its own directory".into());
        }
        for file in &journal.files {
            let is_plain = matches!(Path::new(&file.name).components().collect::<Vec<_>>().as_slice(),
                [Component::Normal(name)] if *name == OsStr::new(&file.name));
            if !is_plain || file.name.starts_with(PREFIX) || file.directory >= journal.directories.len() {
                return Err(format!("{:?} is not a file of it", file.name));
            }
        }
        Ok(journal)
    }
}

impl Pointer {
    /// A pointer in the present format.
    pub(super) const fn new(home: String, inode: u64) -> Self {
        Self { version: VERSION, home, inode }
    }

    /// The bytes to write.
    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads and checks what [`Pointer::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let pointer = decode::<Self>(bytes)?;
        check_version(pointer.version)?;
        check_relative(&pointer.home)?;
        Ok(pointer)
    }
}

fn encode(record: &impl Serialize) -> Vec<u8> {
    // These records are structs of strings and numbers: they always serialise.
    let mut line = serde_json::to_vec(record).unwrap_or_default();
    let digest = Digest::of(&line).to_string();
    line.extend([b"\n", digest.as_bytes(), b"\n"].concat());
    line
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
    let (line, digest) = text.split_once('\n').ok_or("it was cut off")?;
    if digest.trim_end_matches('\n') != Digest::of(line.as_bytes()).to_string() {
        return Err("it was cut off or altered".into());
    }
    serde_json::from_str(line).map_err(|error| error.to_string())
}

fn check_version(version: u32) -> Result<(), String> {
    if version == VERSION { Ok(()) } else { Err(format!("its version {version} is unknown")) }
}

fn check_relative(path: &str) -> Result<(), String> {
    let is_relative =
        Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    if is_relative { Ok(()) } else { Err(format!("{path:?} is not a relative path")) }
}

/// The way from one physical directory to another; empty if they are the same.
pub(super) fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(here, there)| here == there).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

/// The opposite of [`relative`]; `None` if it leads above `/`.
pub(super) fn absolute(from: &Path, relative: &str) -> Option<PathBuf> {
    let mut path = from.to_owned();
    for part in Path::new(relative).components() {
        match part {
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            part => path.push(part),
        }
    }
    Some(path)
}
