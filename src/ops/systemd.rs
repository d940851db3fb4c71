//! `kubepki systemd`: putting the units of a schedule where systemd finds them, and taking them away.
//!
//! In: a [`Schedule`] and a folder. Out: which files were written, which were as wanted. What
//! somebody else wrote is left alone unless that is insisted upon. systemd is told if that is asked for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::edge::process::{self, ProcessError};
use crate::error::{Category, Diagnostic, Result};
use crate::plan::units::{MARK, NAME, Schedule, Unit, UnitError, units};
use crate::store::{Action, Change, Expected, Store};
use crate::tree::{Observed, Tree};

/// Where systemd looks for the administrator's units.
pub const DEFAULT_UNIT_DIR: &str = "/etc/systemd/system";

const MODE: u32 = 0o644;

/// How long systemd is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

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
    /// Whether systemd is told: to start the timer, or to stop it.
    #[serde(default)]
    pub now: bool,
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
    /// systemd was to be told of units that are not this machine's.
    #[error("the units below a root directory are not those of the systemd that runs here")]
    OtherRoot,
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
            Self::OtherRoot => "systemd.other_root",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::OtherContent { .. } => {
                "keep your own changes in a drop-in (`systemctl edit`), and overwrite the file with --force".into()
            }
            Self::NotOurs { .. } => "remove it by hand, or with --force".into(),
            Self::OtherRoot => {
                "leave out --now; `systemctl --root=DIR enable kubepki-renew.timer` enables the timer there".into()
            }
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::OtherContent { .. } | Self::NotOurs { .. } => Category::Refused,
            Self::OtherRoot => Category::Usage,
        }
    }

    fn context(&self) -> Value {
        match self {
            Self::OtherContent { files } => json!({
                "files": files.iter().map(|(path, found, wanted)| json!({
                    "path": path.to_string_lossy(), "found": found, "wanted": wanted
                })).collect::<Vec<_>>()
            }),
            Self::NotOurs { path } => json!({ "path": path.to_string_lossy() }),
            Self::OtherRoot => json!({}),
        }
    }
}

/// Writes the units of a schedule; a file that says what it should is not touched.
///
/// # Errors
/// `systemd.bad_value`; [`SystemdError::OtherContent`] without `force`; `store.*`. After each of them every file is as it
/// was. `process.*` when systemd cannot be told: then the units are there.
pub fn install(schedule: &Schedule, request: &UnitsRequest) -> Result<Vec<UnitChange>> {
    let units = units(schedule)?;
    refuse_unknown_calendar(&schedule.on_calendar)?;
    let systemctl = request.systemctl()?;
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
    let done = carry_out(&store, request, &tree, &changes)?;
    if let Some(systemctl) = systemctl {
        tell(&systemctl, &["daemon-reload"])?;
        tell(&systemctl, &["enable", "--now", &timer_name()])?;
    }
    Ok(done)
}

/// Removes the units that [`install`] wrote, whatever their schedule.
///
/// # Errors
/// [`SystemdError::NotOurs`] without `force`; `store.*`; `process.*` when the timer cannot be stopped. After each of them
/// every file is as it was.
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
    let systemctl = request.systemctl()?.filter(|_| !changes.is_empty());
    if let Some(systemctl) = &systemctl {
        // While its file is there: systemd finds what to disable in it.
        tell(systemctl, &["disable", "--now", &timer_name()])?;
    }
    let done = carry_out(&store, request, &tree, &changes)?;
    if let Some(systemctl) = &systemctl {
        tell(systemctl, &["daemon-reload"])?;
    }
    Ok(done)
}

impl UnitsRequest {
    /// The program that tells systemd, where that is asked for.
    fn systemctl(&self) -> Result<Option<PathBuf>> {
        if !self.now || self.dry_run {
            return Ok(None);
        }
        if self.rootfs.is_some() {
            return Err(SystemdError::OtherRoot.into());
        }
        let program = "systemctl".to_owned();
        Ok(Some(process::find(&program).ok_or(ProcessError::NotFound { program })?))
    }
}

fn tell(systemctl: &Path, arguments: &[&str]) -> Result<()> {
    process::run(systemctl, arguments, PATIENCE)?;
    Ok(())
}

fn timer_name() -> String {
    format!("{NAME}.timer")
}

/// Where systemd is installed, it says which calendars it knows; elsewhere the timer's first start will.
fn refuse_unknown_calendar(calendar: &str) -> Result<()> {
    let Some(analyze) = process::find("systemd-analyze") else { return Ok(()) };
    match process::run(&analyze, &["calendar", "--", calendar.trim()], PATIENCE) {
        Err(ProcessError::Failed { .. }) => Err(UnitError::unknown_calendar(calendar).into()),
        _ => Ok(()),
    }
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
