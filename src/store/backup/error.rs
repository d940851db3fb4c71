//! What can be wrong with a backup.
//!
//! In: names, paths, reasons. Out: [`BackupError`].

use std::ffi::OsStr;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::error::{Category, Diagnostic};
use crate::remedy::command;

/// Why a backup is not restored, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no backup at all that could be meant.
    #[error("there is no complete backup in {}", directory.display())]
    None {
        /// The directory of backups.
        directory: PathBuf,
    },
    /// No backup of that name.
    #[error("there is no backup {name:?} in {}", directory.display())]
    Unknown {
        /// What was given.
        name: String,
        /// The directory of backups.
        directory: PathBuf,
        /// The nearest name that is there.
        nearest: Option<String>,
    },
    /// The run that made it was interrupted.
    #[error("the backup {} is not complete: the run that made it was interrupted before it changed anything", path.display())]
    Incomplete {
        /// The backup.
        path: PathBuf,
    },
    /// Its manifest or its files are not as they were.
    #[error("the backup {} is damaged: {}", path.display(), problems.join("; "))]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
    /// Somebody else could have written it.
    #[error("the backup {} cannot be trusted: it belongs to another user, or others may write to it", path.display())]
    Untrusted {
        /// The backup.
        path: PathBuf,
    },
    /// A file that is not in the backup.
    #[error("{} is not in the backup {name}", path.display())]
    UnknownFile {
        /// What was given.
        path: PathBuf,
        /// The backup.
        name: String,
        /// The nearest path that is in it.
        nearest: Option<String>,
    },
    /// A file that no PKI has, or has there.
    #[error("the backup {name} holds {}, which is not a file of a node's PKI", path.display())]
    Elsewhere {
        /// The file.
        path: PathBuf,
        /// The backup.
        name: String,
    },
    /// A key without its certificate, or the other way round.
    #[error("{} and {} belong together, and only one of them would be restored", path.display(), partner.display())]
    HalfAPair {
        /// What was asked for.
        path: PathBuf,
        /// What has changed as well, and is in the backup.
        partner: PathBuf,
    },
    /// Something that kubepki did not put there.
    #[error("{} is not kubepki's, so the backup is not removed", path.display())]
    Foreign {
        /// What is there.
        path: PathBuf,
    },
}

impl Diagnostic for BackupError {
    fn code(&self) -> &'static str {
        match self {
            Self::None { .. } => "backup.none",
            Self::Unknown { .. } => "backup.unknown",
            Self::Incomplete { .. } => "backup.incomplete",
            Self::Damaged { .. } => "backup.damaged",
            Self::Untrusted { .. } => "backup.untrusted",
            Self::UnknownFile { .. } => "backup.unknown_file",
            Self::Elsewhere { .. } => "backup.elsewhere",
            Self::HalfAPair { .. } => "backup.half_a_pair",
            Self::Foreign { .. } => "backup.foreign",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::None { .. } => {
                "`kubepki backup list` shows what is there; --backup-dir names another directory".into()
            }
            Self::Unknown { nearest: Some(name), .. } | Self::UnknownFile { nearest: Some(name), .. } => {
                format!("did you mean {name}?")
            }
            Self::Unknown { .. } => "`kubepki backup list` shows the names; `latest` is the newest".into(),
            Self::UnknownFile { name, .. } => format!("`kubepki backup show {name}` lists what is in it"),
            Self::Incomplete { .. } => {
                "use another one: `kubepki backup list`; pruning removes this one once it is a day old".into()
            }
            Self::Damaged { path, .. } => {
                let name = path.file_name().unwrap_or_default();
                let shown = command(["kubepki", "backup", "show"].map(OsStr::new).into_iter().chain([name]));
                format!("use another one, or copy by hand what is still intact: {shown} names the files")
            }
            Self::Untrusted { path } => {
                format!("if you put it there yourself: `chown -R root: {0} && chmod 0700 {0}`", path.display())
            }
            Self::Elsewhere { path, name } => {
                let words = ["kubepki", "backup", "restore", name.as_str(), "--only"].map(OsStr::new);
                let named = command(words.into_iter().chain([path.as_os_str()]));
                format!("if it is one that you want back, name the file: {named}")
            }
            Self::HalfAPair { path, partner } => {
                format!("restore both: --only {} --only {}", path.display(), partner.display())
            }
            Self::Foreign { path } => format!("move {} away, and run again", path.display()),
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::Unknown { .. } | Self::UnknownFile { .. } => Category::Usage,
            Self::Incomplete { .. } | Self::Damaged { .. } => Category::Finding,
            Self::None { .. } => Category::Environment,
            Self::Untrusted { .. } | Self::Elsewhere { .. } | Self::HalfAPair { .. } | Self::Foreign { .. } => {
                Category::Refused
            }
        }
    }

    fn context(&self) -> Value {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        match self {
            Self::None { directory } => json!({ "directory": text(directory) }),
            Self::Unknown { name, directory, .. } => json!({ "name": name, "directory": text(directory) }),
            Self::Incomplete { path } | Self::Untrusted { path } | Self::Foreign { path } => {
                json!({ "path": text(path) })
            }
            // Not `problems`: that word is for the problems of a configuration file.
            Self::Damaged { path, problems } => json!({ "path": text(path), "damage": problems }),
            Self::UnknownFile { path, name, .. } | Self::Elsewhere { path, name } => {
                json!({ "path": text(path), "name": name })
            }
            Self::HalfAPair { path, partner } => json!({ "path": text(path), "partner": text(partner) }),
        }
    }
}
