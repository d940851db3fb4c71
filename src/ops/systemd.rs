//! `kubepki systemd`: putting the units of a schedule where systemd finds them, and taking them away.
//!
//! In: a [`Schedule`](crate::plan::units::Schedule) and a folder. Out: which files were written, which were as wanted. What
//! somebody else wrote is left alone unless that is insisted upon. systemd is not told: that is the administrator's, or
//! the command line's.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Category, Diagnostic, Result};
use crate::plan::units::{MARK, NAME, Schedule, Unit, units};
use crate::store::{Action, Change, Expected, Store};
use crate::tree::{Observed, Tree};

/// Where systemd looks for the administrator's units.
pub const DEFAULT_UNIT_DIR: &str = "/etc/systemd/system";

const MODE: u32 = 0o644;

/// Where units go, and what may be done there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitsRequest {
    /// The folder of units.
    pub unit_dir: PathBuf,
    /// The directory in front of it.
    pub rootfs: Option<PathBuf>,
    /// Whether a file of another content is overwritten or removed.
    pub force: bool,
    /// Whether to only say what would be done.
    pub dry_run: bool,
}

/// What was done to one unit file, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnitChange {
    /// The file, as a logical path.
    pub path: PathBuf,
    /// What was done.
    pub action: Action,
}

/// Why a unit was not written, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// A file of that name says something else.
    #[error("{} is there and says something else", paths(.files))]
    OtherContent {
        /// The files: their paths, what they say, what they should say.
        files: Vec<(PathBuf, String, String)>,
    },
    /// A file of that name is not from kubepki.
    #[error("{} was not written by kubepki", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
}

fn paths(files: &[(PathBuf, String, String)]) -> String {
    files.iter().map(|(path, ..)| path.display().to_string()).collect::<Vec<_>>().join(" and ")
}

impl Diagnostic for SystemdError {
    fn code(&self) -> &'static str {
        match self {
            Self::OtherContent { .. } => "systemd.other_content",
            Self::NotOurs { .. } => "systemd.not_ours",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::OtherContent { .. } => {
                "keep your own changes in a drop-in (`systemctl edit`), and overwrite the file with --force".into()
            }
            Self::NotOurs { .. } => "remove it by hand, or with --force".into(),
        }
    }

    fn category(&self) -> Category {
        Category::Refused
    }

    fn context(&self) -> Value {
        match self {
            Self::OtherContent { files } => json!({
                "files": files.iter().map(|(path, found, wanted)| json!({
                    "path": path.to_string_lossy(), "found": found, "wanted": wanted
                })).collect::<Vec<_>>()
            }),
            Self::NotOurs { path } => json!({ "path": path.to_string_lossy() }),
        }
    }
}

/// Writes the units of a schedule; a file that says what it should is not touched.
///
/// # Errors
/// `systemd.bad_value`; [`SystemdError::OtherContent`] without `force`; `store.*`. After each of them every file is as it
/// was.
pub fn install(schedule: &Schedule, request: &UnitsRequest) -> Result<Vec<UnitChange>> {
    let units = units(schedule)?;
    let store = Store::new(request.rootfs.clone())?;
    let tree = read(&store, request, &units.each_ref().map(|unit| unit.name.as_str()));
    let mut others = Vec::new();
    let mut changes = Vec::new();
    for Unit { name, text } in units {
        let path = request.unit_dir.join(name);
        match tree.get(&path) {
            Observed::File { content, .. } if content.expose() != text.as_bytes() => {
                let found = String::from_utf8_lossy(content.expose()).into_owned();
                others.push((path.clone(), found, text.clone()));
            }
            _ => {}
        }
        let expected = Expected::of(tree.content(&path));
        changes.push(Change::Write { path, content: text.into_bytes().into(), mode: MODE, expected });
    }
    if !others.is_empty() && !request.force {
        return Err(SystemdError::OtherContent { files: others }.into());
    }
    carry_out(&store, request, &tree, &changes)
}

/// Removes the units that [`install`] wrote, whatever their schedule.
///
/// # Errors
/// [`SystemdError::NotOurs`] without `force`; `store.*`. After each of them every file is as it was.
pub fn remove(request: &UnitsRequest) -> Result<Vec<UnitChange>> {
    let store = Store::new(request.rootfs.clone())?;
    let names = ["timer", "service"].map(|kind| format!("{NAME}.{kind}"));
    let tree = read(&store, request, &names.each_ref().map(String::as_str));
    let mut changes = Vec::new();
    for name in names {
        let path = request.unit_dir.join(name);
        let Some(content) = tree.content(&path) else { continue };
        if !content.starts_with(MARK.as_bytes()) && !request.force {
            return Err(SystemdError::NotOurs { path }.into());
        }
        let expected = Expected::of(Some(content));
        changes.push(Change::Remove { path, expected });
    }
    carry_out(&store, request, &tree, &changes)
}

fn read(store: &Store, request: &UnitsRequest, names: &[&str]) -> Tree {
    store.read(names.iter().map(|name| request.unit_dir.join(name)))
}

fn carry_out(store: &Store, request: &UnitsRequest, tree: &Tree, changes: &[Change]) -> Result<Vec<UnitChange>> {
    if request.dry_run {
        return Ok(changes.iter().map(|change| would(change, tree.content(change.path()))).collect());
    }
    let applied = store.lock(&[request.unit_dir.as_path()])?.apply(changes)?;
    Ok(applied.files.into_iter().map(|(path, action)| UnitChange { path, action }).collect())
}

fn would(change: &Change, found: Option<&[u8]>) -> UnitChange {
    let action = match (change, found) {
        (Change::Remove { .. }, _) => Action::Removed,
        (_, None) => Action::Created,
        (Change::Write { content, .. }, Some(found)) if content.expose() == found => Action::Unchanged,
        _ => Action::Replaced,
    };
    UnitChange { path: change.path().to_owned(), action }
}
