//! What a backup is called, and what its manifest says.
//!
//! In: a moment and an operation; the bytes of `manifest.json`. Out: [`BackupName`], [`Manifest`]. The manifest carries
//! a digest of itself, so that a damaged one is never acted upon. It reads no file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::attributes::Attributes;
use crate::digest::{Digest, hex};

const VERSION: u32 = 1;
const STAMP: &str = "%Y%m%dT%H%M%SZ";
const STAMP_LENGTH: usize = 16;

/// The name of a backup: `20261125T101500Z-certs-renew`, `…-2` for the second of one second. In order of age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackupName {
    /// When it was made, in whole seconds.
    pub made_at: DateTime<Utc>,
    /// Which one of that second, from 1.
    pub sequence: u32,
    /// The operation's words, with dashes between them.
    pub operation: String,
}

impl BackupName {
    /// The name for an operation by its words.
    pub(super) fn new(made_at: DateTime<Utc>, operation: &str, sequence: u32) -> Self {
        let is_plain = |letter: char| letter.is_ascii_lowercase();
        let operation = operation.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
        Self { made_at, sequence, operation }
    }

    /// Reads a name of this form; `None` for any other.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (stamp, rest) = text.split_at_checked(STAMP_LENGTH)?;
        let made_at = NaiveDateTime::parse_from_str(stamp, STAMP).ok()?.and_utc();
        let rest = rest.strip_prefix('-')?;
        let (operation, sequence) = match rest.rsplit_once('-') {
            Some((operation, number)) if number.starts_with(|first: char| first.is_ascii_digit()) => {
                (operation, number.parse().ok()?)
            }
            _ => (rest, 1),
        };
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        let name = Self { made_at, sequence, operation: operation.to_owned() };
        let is_name = !operation.is_empty() && operation.chars().all(is_plain) && name.to_string() == text;
        is_name.then_some(name)
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.made_at.format(STAMP), self.operation)?;
        if self.sequence > 1 { write!(f, "-{}", self.sequence) } else { Ok(()) }
    }
}

/// A file in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupFile {
    /// Where it was, as a logical path.
    pub path: PathBuf,
    /// What it is called in the backup.
    pub name: String,
    /// The permission bits that it had.
    pub mode: u32,
    /// The user id of its owner.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
    /// The SHA-256 of its content in hexadecimal.
    pub sha256: String,
    /// The extended attributes that a restored file gets back, their values in hexadecimal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extended: BTreeMap<String, String>,
}

impl BackupFile {
    pub(super) fn new(path: PathBuf, name: String, digest: &Digest, had: &Attributes) -> Self {
        let extended =
            had.extended.iter().filter_map(|(name, value)| Some((name.to_str().ok()?.to_owned(), hex(value))));
        let extended = extended.collect();
        Self { path, name, mode: had.mode, uid: had.uid, gid: had.gid, sha256: digest.to_string(), extended }
    }

    /// What the file had beside its content.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let extended = self.extended.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Attributes::from_hex(self.mode, self.uid, self.gid, extended)
    }
}

/// What is in a backup, and what it was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    version: u32,
    /// The operation before which it was made, by the command's words.
    pub operation: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The version of kubepki that made it.
    pub kubepki: String,
    /// The certificates directory of the node.
    pub certificates_dir: PathBuf,
    /// The kubeconfig directory of the node.
    pub kubeconfig_dir: PathBuf,
    /// The files that were replaced or removed.
    pub files: Vec<BackupFile>,
    /// The files that the operation made where there was none: no restoring takes them away.
    pub created: Vec<PathBuf>,
}

/// A manifest with its digest, as it is on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    manifest: Manifest,
    sha256: Digest,
}

impl Manifest {
    /// A manifest in the present format, of no files yet.
    pub(super) fn new(order: &super::BackupOrder<'_>) -> Self {
        Self {
            version: VERSION,
            operation: order.operation.to_owned(),
            made_at: order.made_at,
            kubepki: env!("CARGO_PKG_VERSION").to_owned(),
            certificates_dir: order.certificates_dir.to_owned(),
            kubeconfig_dir: order.kubeconfig_dir.to_owned(),
            files: Vec::new(),
            created: Vec::new(),
        }
    }

    fn seal(&self) -> Digest {
        // Structs of strings, numbers and UTF-8 paths always serialise.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The bytes to write.
    pub(super) fn encode(self) -> Vec<u8> {
        let sealed = Sealed { sha256: self.seal(), manifest: self };
        let mut bytes = serde_json::to_vec_pretty(&sealed).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads and checks what [`Manifest::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong with it: altered, of a version that is unknown here, a name or path that leads elsewhere.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let version = value.pointer("/manifest/version").and_then(serde_json::Value::as_u64);
        if let Some(version) = version.filter(|version| *version != u64::from(VERSION)) {
            return Err(format!("its version {version} is unknown to this kubepki"));
        }
        let Sealed { manifest, sha256 } = serde_json::from_value(value).map_err(|error| error.to_string())?;
        if manifest.seal() != sha256 {
            return Err("it was altered: its SHA-256 does not match".into());
        }
        let mut paths = BTreeSet::new();
        for file in &manifest.files {
            let is_plain = matches!(Path::new(&file.name).components().collect::<Vec<_>>().as_slice(),
                [Component::Normal(name)] if *name == OsStr::new(&file.name));
            let below_root = |part| matches!(part, Component::RootDir | Component::Normal(_));
            let is_absolute = file.path.is_absolute() && file.path.components().all(below_root);
            if !is_plain || !is_file_name(&file.name) || !is_absolute || !paths.insert(&file.path) {
                return Err(format!("{} is not one of its files", file.path.display()));
            }
        }
        Ok(manifest)
    }
}

/// The name of the file at `path` as the `number`th of a backup: `03-etc-kubernetes-admin.conf`.
pub(super) fn file_name(number: usize, path: &Path) -> String {
    /// What a file system can hold, less the number.
    const LONGEST: usize = 240;
    let parts = path.iter().filter(|part| *part != "/").filter_map(OsStr::to_str).collect::<Vec<_>>();
    let whole = parts.join("-");
    let shown = if whole.len() <= LONGEST { whole.as_str() } else { "file" };
    format!("{number:02}-{shown}")
}

/// Whether a name is one that [`file_name`] gives.
pub(super) fn is_file_name(name: &str) -> bool {
    name.split_once('-').is_some_and(|(number, rest)| {
        number.len() >= 2 && number.bytes().all(|byte| byte.is_ascii_digit()) && !rest.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let order = super::super::BackupOrder {
            on_machine: false,
            directory: Path::new("/var/backups"),
            operation: "certs renew",
            made_at: DateTime::UNIX_EPOCH,
            certificates_dir: Path::new("/etc/kubernetes/pki"),
            kubeconfig_dir: Path::new("/etc/kubernetes"),
        };
        let mut manifest = Manifest::new(&order);
        let had =
            Attributes::from_hex(0o640, 1, 2, [("user.note", "6b657074"), ("security.ima", "01"), ("user.odd", "0")]);
        let path = PathBuf::from("/etc/kubernetes/pki/apiserver.key");
        manifest.files.push(BackupFile::new(path, "01-key".into(), &Digest::of(b"a key"), &had));
        manifest
    }

    #[test]
    fn names_are_in_order_of_age_and_survive_being_read() {
        let at = |second, sequence| {
            BackupName::new(DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(second), "certs renew", sequence)
        };
        assert_eq!(at(0, 1).to_string(), "19700101T000000Z-certs-renew");
        assert_eq!(at(0, 12).to_string(), "19700101T000000Z-certs-renew-12");
        for name in [at(0, 1), at(0, 2), at(86_399, 10)] {
            assert_eq!(BackupName::parse(&name.to_string()), Some(name));
        }
        assert!(at(0, 1) < at(0, 2) && at(0, 10) < at(1, 1));
    }

    #[test]
    fn what_is_no_name_of_a_backup_is_told_apart() {
        for text in [
            "",
            "lost+found",
            "19700101T000000Z",
            "19700101T000000Z-",
            "19700101T000000Z-2",
            "19700101T000000Z-renew-1",
            "19700101T000000Z-renew-02",
            "19701301T000000Z-renew",
            "19700101T000000Z-re.new",
            "x19700101T000000Z-renew",
            "19700101T000000Z-renew/..",
            "19700101T000000Z-Renew",
            "1970€101T000000Z-renew",
        ] {
            assert_eq!(BackupName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_manifest_keeps_everything_and_one_changed_letter_is_seen() {
        let bytes = manifest().encode();
        let read = Manifest::decode(&bytes).unwrap();
        assert_eq!(read, manifest());
        let had = read.files[0].attributes();
        assert_eq!((had.mode, had.uid, had.gid), (0o640, 1, 2));
        assert_eq!(
            had.extended,
            [(c"user.note".to_owned(), b"kept".to_vec())],
            "and none that vouches for content, or is damaged"
        );
        let text = String::from_utf8(bytes).unwrap();
        for (old, new) in [("apiserver.key", "apiserver.kez"), ("\"mode\": 416", "\"mode\": 438"), ("01-key", "02-key")]
        {
            assert!(text.contains(old));
            assert!(Manifest::decode(text.replace(old, new).as_bytes()).unwrap_err().contains("altered"), "{old}");
        }
        assert!(Manifest::decode(&text.as_bytes()[..text.len() - 3]).is_err());
        let later = text.replace("\"version\": 1", "\"version\": 2");
        assert!(Manifest::decode(later.as_bytes()).unwrap_err().contains("version 2 is unknown"));
    }

    #[test]
    fn a_manifest_that_leads_elsewhere_is_refused_though_its_digest_fits() {
        let edits: [fn(&mut Manifest); 5] = [
            |manifest| manifest.files[0].name = "../01-key".into(),
            |manifest| manifest.files[0].name = MANIFEST.into(),
            |manifest| manifest.files[0].path = "etc/shadow".into(),
            |manifest| manifest.files[0].path = "/etc/kubernetes/../shadow".into(),
            |manifest| manifest.files.push(manifest.files[0].clone()),
        ];
        for edit in edits {
            let mut manifest = manifest();
            edit(&mut manifest);
            assert!(Manifest::decode(&manifest.encode()).unwrap_err().contains("is not one of its files"));
        }
    }

    use super::super::MANIFEST;

    #[test]
    fn files_in_a_backup_are_named_by_number_and_path() {
        assert_eq!(file_name(3, Path::new("/etc/kubernetes/admin.conf")), "03-etc-kubernetes-admin.conf");
        assert_eq!(file_name(120, &Path::new("/").join("x".repeat(300))), "120-file");
        assert!(is_file_name("03-etc-kubernetes-admin.conf") && is_file_name("120-file"));
        for other in [MANIFEST, "notes.txt", "3-x", "03-", "ab-cd"] {
            assert!(!is_file_name(other), "{other}");
        }
    }
}
