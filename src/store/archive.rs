//! Tar archives, read from their beginning to their end and unpacked to nowhere.
//!
//! In: a file, plain or compressed by gzip. Out: its members, one after the other, and the content of those that are
//! asked for. All of it may be hostile: names lead nowhere, for nothing is written; a header's length is believed only
//! as far as there are bytes; what is read into memory, and how much is uncompressed at all, is bounded.
//!
//! Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format".

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use rustix::fs::OFlags;
use tar::{EntryType, Header, PaxExtensions};

use super::Store;
use super::error::StoreError;
use super::root::Kind;
use crate::secret::Secret;
use crate::workers::{StopSignal, Stoppable};

/// How tar divides everything.
const BLOCK: usize = 512;

/// An extended header is no longer.
const LONGEST_HEADER: u64 = 64 << 10;

/// Linux takes no longer path.
const LONGEST_NAME: usize = 4096;

/// As many bytes are uncompressed of one archive: 32 GiB.
const MOST_BYTES: u64 = 32 << 30;

/// As many members are looked at in one archive.
const MOST_MEMBERS: usize = 4_000_000;

/// An open archive.
pub struct Archive {
    input: Input,
    shown: PathBuf,
    /// What is left of the present member, and of its last block.
    left: u64,
    padding: u64,
    taken: u64,
    members: usize,
}

enum Input {
    Plain(BufReader<Stoppable<File>>, u64),
    Gzip(Box<MultiGzDecoder<BufReader<Stoppable<File>>>>),
}

/// A member, by its header.
#[derive(Debug)]
pub struct Member {
    /// Its name as the archive has it.
    pub path: PathBuf,
    /// What it is.
    pub kind: MemberKind,
    /// Its permission bits.
    pub mode: u32,
    /// How many bytes it has.
    pub size: u64,
}

/// What a member is.
#[derive(Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File,
    /// A symbolic link, and what it names.
    Link(PathBuf),
    /// Another name of an earlier member.
    Same(PathBuf),
    /// A folder, a device, a file with holes, or anything else.
    Other,
}

/// What is said of the next member before its header.
#[derive(Default)]
struct Said {
    path: Option<PathBuf>,
    link: Option<PathBuf>,
}

impl Store {
    /// Opens the tar archive at `path`; once `stop` has come, nothing more can be read of it.
    ///
    /// # Errors
    /// [`StoreError::BadArchive`] when it is none; those of a file that cannot be read.
    pub fn open_archive(&self, path: &Path, stop: &StopSignal) -> Result<Archive, StoreError> {
        let shown = self.root.prefixed(path)?;
        let resolved = self.root.resolve(path, true)?;
        if resolved.kind != Kind::File || !resolved.missing.is_empty() {
            return Err(StoreError::Missing { path: shown });
        }
        let file = self.root.open(&resolved.existing, OFlags::RDONLY | OFlags::NONBLOCK);
        let mut file = file.map_err(|errno| StoreError::os("read", &shown, errno))?;
        let failed = |error| StoreError::io("read", &shown, error);
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(StoreError::NotARegularFile { path: shown, found: "special file" });
        }
        let mut magic = [0; 2];
        let read = file.read(&mut magic).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let reader = BufReader::with_capacity(64 << 10, stop.heard_by(file));
        let is_gzip = read == magic.len() && magic == [0x1f, 0x8b];
        let input = if is_gzip {
            Input::Gzip(Box::new(MultiGzDecoder::new(reader)))
        } else {
            Input::Plain(reader, metadata.len())
        };
        Ok(Archive { input, shown, left: 0, padding: 0, taken: 0, members: 0 })
    }
}

impl Archive {
    /// The next member; what was not read of the one before is passed over.
    ///
    /// # Errors
    /// [`StoreError::BadArchive`]: it is cut off, damaged or too large. Nothing more can be read then.
    pub fn next_member(&mut self) -> Result<Option<Member>, StoreError> {
        let mut said = Said::default();
        loop {
            self.skip(self.left.saturating_add(self.padding))?;
            let mut block = [0; BLOCK];
            if !self.fill(&mut block)? || block == [0; BLOCK] {
                (self.left, self.padding) = (0, 0);
                return Ok(None);
            }
            self.members += 1;
            if self.members > MOST_MEMBERS {
                return Err(self.bad("it has too many members"));
            }
            let header = Header::from_byte_slice(&block);
            let size = self.checked(header, &block)?;
            (self.left, self.padding) = (size, size.next_multiple_of(512).saturating_sub(size));
            match header.entry_type() {
                EntryType::GNULongName => said.path = Some(self.long_name(size)?),
                EntryType::GNULongLink => said.link = Some(self.long_name(size)?),
                EntryType::XHeader => self.extended(size, &mut said)?,
                EntryType::XGlobalHeader => {}
                kind => {
                    let is_too_long = |name: &Option<PathBuf>| {
                        name.as_ref().is_some_and(|name| name.as_os_str().len() > LONGEST_NAME)
                    };
                    if is_too_long(&said.path) || is_too_long(&said.link) {
                        return Err(self.bad("a name in it is too long"));
                    }
                    return Ok(Some(member(header, kind, size, said)));
                }
            }
        }
    }

    /// The content of the present member.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] when it is longer than `limit`; it is passed over then.
    pub fn content(&mut self, member: &Path, limit: u64) -> Result<Secret, StoreError> {
        if self.left > limit {
            let path = PathBuf::from(format!("{}!{}", self.shown.display(), member.display()));
            return Err(StoreError::TooLarge { path, size: self.left, limit });
        }
        self.bytes(self.left).map(Secret::new)
    }

    fn checked(&self, header: &Header, block: &[u8; BLOCK]) -> Result<u64, StoreError> {
        let with_spaces = block.iter().enumerate().map(|(place, byte)| match place {
            148..156 => u32::from(b' '),
            _ => u32::from(*byte),
        });
        let is_right = header.cksum().is_ok_and(|sum| sum == with_spaces.sum::<u32>());
        match header.entry_size() {
            Ok(size) if is_right && size <= MOST_BYTES => Ok(size),
            Ok(_) if is_right => Err(self.bad("a member claims to be larger than any archive that is read")),
            _ => Err(self.bad("a header of it is damaged, or it is no tar archive (gzip alone is uncompressed)")),
        }
    }

    fn long_name(&mut self, size: u64) -> Result<PathBuf, StoreError> {
        let bytes = self.header_bytes(size)?;
        let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(PathBuf::from(OsStr::from_bytes(name)))
    }

    fn extended(&mut self, size: u64, said: &mut Said) -> Result<(), StoreError> {
        let bytes = self.header_bytes(size)?;
        for extension in PaxExtensions::new(&bytes) {
            let extension = extension.map_err(|_| self.bad("an extended header of it is damaged"))?;
            let path = || Some(PathBuf::from(OsStr::from_bytes(extension.value_bytes())));
            match extension.key_bytes() {
                b"path" => said.path = path(),
                b"linkpath" => said.link = path(),
                // Only of files of more than 8 GiB, and then the header does not say where the next one begins.
                b"size" => return Err(self.bad("it has a member of more than 8 GiB")),
                _ => {}
            }
        }
        Ok(())
    }

    fn header_bytes(&mut self, size: u64) -> Result<Vec<u8>, StoreError> {
        if size > LONGEST_HEADER {
            return Err(self.bad("a name or an extended header of it is too long"));
        }
        self.bytes(size)
    }

    fn bytes(&mut self, size: u64) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        if !bytes.is_empty() && !self.fill(&mut bytes)? {
            return Err(self.bad("it is cut off"));
        }
        self.left = self.left.saturating_sub(size);
        Ok(bytes)
    }

    /// Reads as much as there is room for; `false` at the end of the archive.
    fn fill(&mut self, room: &mut [u8]) -> Result<bool, StoreError> {
        let mut filled = 0;
        while let Some(rest) = room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let read = match &mut self.input {
                Input::Plain(file, _) => file.read(rest),
                Input::Gzip(file) => file.read(rest),
            };
            match read {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(self.bad("it is cut off")),
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        self.take(u64::try_from(filled).unwrap_or(u64::MAX))?;
        Ok(true)
    }

    fn skip(&mut self, size: u64) -> Result<(), StoreError> {
        match &mut self.input {
            Input::Plain(file, length) => {
                let length = *length;
                let skipped = i64::try_from(size).map_err(io::Error::other).and_then(|size| file.seek_relative(size));
                skipped.map_err(|error| self.failed(error))?;
                self.take(size)?;
                if self.taken > length.next_multiple_of(512) {
                    return Err(self.bad("it is cut off"));
                }
            }
            Input::Gzip(_) => {
                let mut left = size;
                let mut room = [0; 16 << 10];
                while left > 0 {
                    let part = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
                    let Some(room) = room.get_mut(..part).filter(|room| !room.is_empty()) else { break };
                    if !self.fill(room)? {
                        return Err(self.bad("it is cut off"));
                    }
                    left -= u64::try_from(part).unwrap_or(left);
                }
            }
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    fn take(&mut self, bytes: u64) -> Result<(), StoreError> {
        self.taken = self.taken.saturating_add(bytes);
        if self.taken > MOST_BYTES { Err(self.bad("more than 32 GiB are in it")) } else { Ok(()) }
    }

    fn failed(&self, error: io::Error) -> StoreError {
        match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                self.bad("it is damaged or cut off")
            }
            _ => StoreError::io("read", &self.shown, error),
        }
    }

    fn bad(&self, reason: &'static str) -> StoreError {
        StoreError::BadArchive { path: self.shown.clone(), reason }
    }
}

fn member(header: &Header, kind: EntryType, size: u64, said: Said) -> Member {
    let of = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
    let path = said.path.unwrap_or_else(|| of(&header.path_bytes()));
    let link = said.link.or_else(|| header.link_name_bytes().map(|bytes| of(&bytes))).unwrap_or_default();
    let kind = match kind {
        // Older programs write folders as files whose names end in a slash.
        EntryType::Regular | EntryType::Continuous if !path.as_os_str().as_bytes().ends_with(b"/") => MemberKind::File,
        EntryType::Symlink => MemberKind::Link(link),
        EntryType::Link => MemberKind::Same(link),
        _ => MemberKind::Other,
    };
    Member { path, kind, mode: header.mode().unwrap_or(0o600) & 0o7777, size }
}
