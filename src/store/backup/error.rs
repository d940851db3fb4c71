//! What can be wrong with a backup.
//!
//! In: names, paths, reasons. Out: [`BackupError`].

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::faults;
use crate::remedy::command;

faults! {
    /// Why a backup is not restored, or not removed.
    pub enum BackupError {
        /// There is no backup that could be meant; `--backup-dir` names another folder.
        #[error("there is no complete backup in {}", directory.display())]
        #[fault("backup.none", Environment,
            "`kubepki backup list` shows what is there; --backup-dir names another directory")]
        None {
            /// The directory of backups.
            directory: PathBuf,
        },
        /// There is no backup of that name; the hint has the nearest.
        #[error("there is no backup {name:?} in {}", directory.display())]
        #[fault("backup.unknown", Usage,
            match nearest {
                Some(name) => format!("did you mean {name}?"),
                None => "`kubepki backup list` shows the names; `latest` is the newest".to_owned(),
            })]
        Unknown {
            /// What was given.
            name: String,
            /// The directory of backups.
            directory: PathBuf,
            /// The nearest name that is there.
            nearest: Option<String>,
        },
        /// The run that made it was interrupted before it changed anything; take another one.
        #[error("the backup {} is not complete: the run that made it was interrupted before it changed anything", path.display())]
        #[fault("backup.incomplete", Finding,
            "use another one: `kubepki backup list`; pruning removes this one once it is a day old")]
        Incomplete {
            /// The backup.
            path: PathBuf,
        },
        /// Its manifest cannot be used, or a file of it is missing or was changed; each is named. Nothing was touched.
        #[error("the backup {} is damaged: {}", path.display(), damage.join("; "))]
        #[fault("backup.damaged", Finding,
            format!("use another one, or copy by hand what is still intact: {} names the files", showing(path)))]
        Damaged {
            /// The backup.
            path: PathBuf,
            /// Everything that is wrong with it. Not `problems`: that word is for those of a configuration file.
            damage: Vec<String>,
        },
        /// It belongs to another user, or others may write to it. If it is yours, `chown` and `chmod 0700` it.
        #[error("the backup {} cannot be trusted: it belongs to another user, or others may write to it", path.display())]
        #[fault("backup.untrusted", Refused,
            format!("if you put it there yourself: `chown -R root: {0} && chmod 0700 {0}`", path.display()))]
        Untrusted {
            /// The backup.
            path: PathBuf,
        },
        /// The path after `--only` is not in the backup; `kubepki backup show` lists what is.
        #[error("{} is not in the backup {name}", path.display())]
        #[fault("backup.unknown_file", Usage,
            match nearest {
                Some(name) => format!("did you mean {name}?"),
                None => format!("`kubepki backup show {name}` lists what is in it"),
            })]
        UnknownFile {
            /// What was given.
            path: PathBuf,
            /// The backup.
            name: String,
            /// The nearest path that is in it.
            nearest: Option<String>,
        },
        /// The backup holds a file that is not part of a node's PKI, or is not in its folders; name it after `--only` if
        /// it is meant.
        #[error("the backup {name} holds {}, which is not a file of a node's PKI", path.display())]
        #[fault("backup.elsewhere", Refused,
            format!("if it is one that you want back, name the file: {}", restoring(name, path)))]
        Elsewhere {
            /// The file.
            path: PathBuf,
            /// The backup.
            name: String,
        },
        /// `--only` names a key without its certificate, or the other way round, and both have changed; restore both.
        #[error("{} and {} belong together, and only one of them would be restored", path.display(), partner.display())]
        #[fault("backup.half_a_pair", Refused,
            format!("restore both: --only {} --only {}", path.display(), partner.display()))]
        HalfAPair {
            /// What was asked for.
            path: PathBuf,
            /// What has changed as well, and is in the backup.
            partner: PathBuf,
        },
        /// Something is in the backup that kubepki did not put there, so it is not removed; move it away.
        #[error("{} is not kubepki's, so the backup is not removed", path.display())]
        #[fault("backup.foreign", Refused, format!("move {} away, and run again", path.display()))]
        Foreign {
            /// What is there.
            path: PathBuf,
        },
    }
}

/// The command that shows the backup at `path`.
fn showing(path: &Path) -> String {
    command(["kubepki", "backup", "show"].map(OsStr::new).into_iter().chain(path.file_name()))
}

/// The command that restores one file of a backup.
fn restoring(name: &str, path: &Path) -> String {
    let words = ["kubepki", "backup", "restore", name, "--only"].map(OsStr::new);
    command(words.into_iter().chain([path.as_os_str()]))
}
