//! `kubepki systemd`: putting the units of a schedule where systemd finds them, and taking them away.
//!
//! In: a [`Schedule`] and a folder. Out: which files were written, which were as wanted. What
//! somebody else wrote is left alone unless that is insisted upon. systemd is notified on request.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::edge::process::{self, ProcessError};
use crate::edge::program::{self, Distrust, Owner};
use crate::error::{Result, evidence, faults};
use crate::plan::units::{MARK, NAME, Schedule, Unit, UnitError, units};
pub use crate::request::UnitsRequest;
use crate::store::{Action, Change, Expected, Store};
use crate::tree::{Observed, Tree};

const MODE: u32 = 0o644;

/// How long systemd is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// What was done to one unit file, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitChange {
    /// The file, as a logical path.
    pub path: PathBuf,
    /// What was done.
    pub action: Action,
}

faults! {
    /// Why a unit was not written, or not removed.
    pub enum SystemdError {
        /// A unit of that name has different content; the difference is shown. Keep your changes in a drop-in (`systemctl
        /// edit`), and overwrite with `--force`.
        #[error("{} exists and its content differs", paths(.files))]
        #[fault("systemd.other_content" as OTHER_CONTENT, Refused,
            "keep your own changes in a drop-in (`systemctl edit`), and overwrite the file with --force",
            context = json!({
                    "files": files.iter().map(|(path, found, wanted)| json!({
                                "path": path.to_string_lossy(), "found": found, "wanted": wanted
                            })).collect::<Vec<_>>()
                }))]
        OtherContent {
            /// The files: their paths, what they say, what they should say.
            files: Vec<(PathBuf, String, String)>,
        },
        /// The timer would run, as root, a program that another user can change: a file, a folder on the way to it, a
        /// link, or a script's interpreter. `--program` names another.
        #[error("{} is no program for a service of root: {}: {reason}", program.display(), place.display())]
        #[fault("systemd.untrusted_program", Refused,
            "install kubepki where root alone writes (`python3 -m venv /opt/kubepki`, \
             `/opt/kubepki/bin/pip install kubepki`), and name it: `--program /opt/kubepki/bin/kubepki`")]
        UntrustedProgram {
            /// The program.
            program: PathBuf,
            /// The file, folder or link that another user can change.
            place: PathBuf,
            /// Who, and why.
            reason: String,
        },
        /// `--tell-systemd` speaks to the systemd that runs here, and `--rootfs` names another machine's files; leave out
        /// `--tell-systemd`.
        #[error("the units below a root directory are not those of the systemd that runs here")]
        #[fault("systemd.other_root", Usage,
            "leave out --tell-systemd; `systemctl --root=DIR enable kubepki-renew.timer` enables the timer there")]
        OtherRoot,
        /// systemd did not start the timer (`--tell-systemd`). New units are removed again, replaced ones put back; the message
        /// says what became of them.
        #[error("the timer was not started: {reason}; {outcome}")]
        #[fault("systemd.not_started", Environment,
            match outcome {
                Outcome::TakenBack => "fix what systemd reports, then run the command again; without --tell-systemd the units are only written",
                _ => "fix what systemd reports, then `systemctl enable --now kubepki-renew.timer`; `kubepki systemd remove` removes them",
            },
            context = evidence!(reason))]
        NotStarted {
            /// What systemd said.
            reason: String,
            /// What became of the units.
            outcome: Outcome,
        },
        /// The units are removed, and `systemctl daemon-reload` failed afterwards: run it.
        #[error("the units are removed, but systemd has not reloaded: {reason}")]
        #[fault("systemd.not_reloaded", Environment, "systemctl daemon-reload")]
        NotReloaded {
            /// What systemd said.
            reason: String,
        },
        /// A unit of that name was not written by kubepki; remove it by hand, or with `--force`.
        #[error("{} was not written by kubepki", path.display())]
        #[fault("systemd.not_ours", Refused, "remove it by hand, or with --force")]
        NotOurs {
            /// The file.
            path: PathBuf,
        },
    }
}

/// What became of the units after systemd failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They are as they were before.
    TakenBack,
    /// They were there before, and were not touched.
    Unchanged,
    /// They are there still.
    Standing,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TakenBack => "the unit files are as they were before",
            Self::Unchanged => "the unit files were there already and stay",
            Self::Standing => "the unit files are written and stay",
        })
    }
}

/// Whether everybody may read a file anyway, as systemd's units. What lies or is linked in a unit's place may be a key.
const fn is_public(mode: u32) -> bool {
    mode & 0o004 != 0
}

fn paths(files: &[(PathBuf, String, String)]) -> String {
    files.iter().map(|(path, ..)| path.display().to_string()).collect::<Vec<_>>().join(" and ")
}

/// Writes the units of a schedule; a file that says what it should is not touched.
///
/// # Errors
/// `systemd.bad_value`; [`SystemdError::UntrustedProgram`]; [`SystemdError::OtherContent`] without `force`; `store.*`. After each of them every file is as it
/// was; after [`SystemdError::NotStarted`] too, if nothing else goes wrong.
pub fn install(schedule: &Schedule, request: &UnitsRequest) -> Result<Vec<UnitChange>> {
    let units = units(schedule)?;
    refuse_unknown_calendar(&schedule.on_calendar)?;
    refuse_untrusted(&schedule.program, request.rootfs.as_deref())?;
    let systemctl = request.systemctl()?;
    let store = Store::new(request.rootfs.dir())?;
    let tree = read(&store, request, &units.each_ref().map(|unit| unit.name.as_str()));
    let mut others = Vec::new();
    let mut changes = Vec::new();
    for Unit { name, text } in units {
        let path = request.unit_dir.join(name);
        match tree.get(&path) {
            Observed::File { content, mode } if content.expose() != text.as_bytes() => {
                let found = if is_public(*mode) {
                    String::from_utf8_lossy(content.expose()).into_owned()
                } else {
                    "(not shown: not everybody may read this file)\n".to_owned()
                };
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
        let told =
            tell(&systemctl, &["daemon-reload"]).and_then(|()| tell(&systemctl, &["enable", "--now", &timer_name()]));
        if let Err(reason) = told {
            let outcome = take_back(&store, request, &tree, &changes, &done, &systemctl);
            return Err(SystemdError::NotStarted { reason: reason.to_string(), outcome }.into());
        }
    }
    Ok(done)
}

/// Puts the units back as they were before they were written.
fn take_back(
    store: &Store,
    request: &UnitsRequest,
    tree: &Tree,
    changes: &[Change],
    done: &[UnitChange],
    systemctl: &Path,
) -> Outcome {
    let is_new = |path: &Path| done.iter().any(|one| one.path == path && one.action != Action::Unchanged);
    let reversed: Vec<_> = changes
        .iter()
        .filter(|change| is_new(change.path()))
        .filter_map(|change| {
            let Change::Write { path, content, .. } = change else { return None };
            let expected = Expected::of(Some(content.expose()));
            let path = path.clone();
            Some(match tree.content(&path) {
                Some(old) => Change::Write { path, content: old.to_vec().into(), mode: MODE, expected },
                None => Change::Remove { path, expected },
            })
        })
        .collect();
    if reversed.is_empty() {
        return Outcome::Unchanged;
    }
    // systemd may have enabled the timer before it failed to start it.
    if reversed.iter().any(|change| matches!(change, Change::Remove { .. })) {
        let _ = tell(systemctl, &["disable", "--now", &timer_name()]);
    }
    match carry_out(store, request, tree, &reversed) {
        Ok(_) => {
            let _ = tell(systemctl, &["daemon-reload"]);
            Outcome::TakenBack
        }
        Err(error) => {
            log::warn!("the units could not be taken back: {error}");
            Outcome::Standing
        }
    }
}

/// Removes the units that [`install`] wrote, whatever their schedule.
///
/// # Errors
/// [`SystemdError::NotOurs`] without `force`; `store.*`; `process.*` when the timer cannot be stopped. After each of them
/// every file is as it was. [`SystemdError::NotReloaded`] when the files are gone and systemd still knows them.
pub fn remove(request: &UnitsRequest) -> Result<Vec<UnitChange>> {
    let store = Store::new(request.rootfs.dir())?;
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
    if let Some(systemctl) = &systemctl
        && let Err(reason) = tell(systemctl, &["daemon-reload"])
    {
        return Err(SystemdError::NotReloaded { reason: reason.to_string() }.into());
    }
    Ok(done)
}

impl UnitsRequest {
    /// The program that tells systemd, where that is asked for.
    fn systemctl(&self) -> Result<Option<PathBuf>> {
        if !self.tell_systemd || *self.dry_run {
            return Ok(None);
        }
        if self.rootfs.is_some() {
            return Err(SystemdError::OtherRoot.into());
        }
        Ok(Some(process::find("systemctl")?))
    }
}

fn tell(systemctl: &Path, arguments: &[&str]) -> Result<()> {
    process::run(systemctl, arguments, PATIENCE)?;
    Ok(())
}

fn timer_name() -> String {
    format!("{NAME}.timer")
}

/// A timer of root runs what nobody else can change; a program that is not there yet is judged by its folders.
fn refuse_untrusted(path: &Path, rootfs: Option<&Path>) -> Result<()> {
    match program::trusted(rootfs.unwrap_or(Path::new("/")), path, Owner::Root) {
        Ok(_) => Ok(()),
        Err(Distrust { place, reason }) => {
            Err(SystemdError::UntrustedProgram { program: path.to_owned(), place, reason }.into())
        }
    }
}

/// Where systemd is installed, it says which calendars it knows; elsewhere the timer's first start will.
fn refuse_unknown_calendar(calendar: &str) -> Result<()> {
    let Ok(analyze) = process::find("systemd-analyze") else { return Ok(()) };
    match process::run(&analyze, &["calendar", "--", calendar.trim()], PATIENCE) {
        Err(ProcessError::Failed { .. }) => Err(UnitError::unknown_calendar(calendar).into()),
        _ => Ok(()),
    }
}

fn read(store: &Store, request: &UnitsRequest, names: &[&str]) -> Tree {
    store.read(names.iter().map(|name| request.unit_dir.join(name)))
}

fn carry_out(store: &Store, request: &UnitsRequest, tree: &Tree, changes: &[Change]) -> Result<Vec<UnitChange>> {
    if *request.dry_run {
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
