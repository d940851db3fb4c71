//! `kubepki systemd`: a service that renews what is about to end, and a timer that starts it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::error::CommandError;
use super::input::with_configuration;
use super::options::{Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::config::OF_CLUSTER;
use crate::error::Error;
use crate::ops::systemd::{self, SystemdError, UnitChange};
use crate::ops::{NodeRequest, configuration};
use crate::plan::units::{Schedule, Unit, units};
use crate::remedy;
use crate::report::unified;
use crate::request::{ScheduleRequest, UnitsRequest};
use crate::store::{Action, Store};
use crate::text::printable;

const TIMER: &str = "kubepki-renew.timer";

/// Write a service and a timer that renew certificates.
///
/// The service runs `kubepki certs renew all --before ...`, which changes nothing while nothing is about to end. Nodes
/// differ by a random delay, and a run that was missed while a node was off is made up for.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki systemd install --print
  kubepki systemd install --restart --tell-systemd
  kubepki systemd install --before 60d --on-calendar weekly --config /etc/kubernetes/kubeadm.yaml")]
pub(super) struct Install {
    /// Print both units, and write nothing.
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: UnitsRequest,
    #[command(flatten)]
    schedule: ScheduleRequest,
}

/// Remove the service and the timer that `systemd install` wrote.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki systemd remove --dry-run
  kubepki systemd remove --tell-systemd")]
pub(super) struct Remove {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: UnitsRequest,
}

#[derive(Serialize)]
struct Answer<T> {
    units: T,
}

#[derive(Serialize)]
struct Printed<'a> {
    path: PathBuf,
    text: &'a str,
}

impl Run for Install {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let schedule = schedule(session, self.schedule, self.request.rootfs.as_deref())?;
        if self.print {
            return print_units(session, &units(&schedule)?, &self.request.unit_dir, self.output.form).map(|()| 0);
        }
        let changes =
            systemd::install(&schedule, &self.request).inspect_err(|error| say_differences(session, error))?;
        print_changes(session, &changes, self.output.form)?;
        session.screen.say(&if *self.request.dry_run {
            "dry run: nothing was changed".to_owned()
        } else if let Some(rootfs) = &*self.request.rootfs {
            format!("enable it: {}", systemctl("enable", rootfs))
        } else if self.request.tell_systemd {
            format!("{TIMER} is started: systemctl list-timers {TIMER}")
        } else {
            format!("start it: systemctl daemon-reload && systemctl enable --now {TIMER}")
        });
        Ok(if *self.request.dry_run { 0 } else { session.ended(0) })
    }
}

impl Run for Remove {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let request = &self.request;
        let changes = systemd::remove(request)?;
        print_changes(session, &changes, self.output.form)?;
        let said = if changes.is_empty() {
            let below = request.rootfs.as_ref().map(|rootfs| format!(" below {}", rootfs.display()));
            let dir = request.unit_dir.display();
            Some(format!("nothing to do: there are no such units in {dir}{}", below.unwrap_or_default()))
        } else if *request.dry_run {
            Some("dry run: nothing was changed".to_owned())
        } else if let Some(rootfs) = &*request.rootfs {
            Some(format!("if it was enabled: {}", systemctl("disable", rootfs)))
        } else {
            let stop = format!("if it was started: systemctl disable --now {TIMER} && systemctl daemon-reload");
            (!request.tell_systemd).then_some(stop)
        };
        if let Some(said) = said {
            session.screen.say(&said);
        }
        Ok(if *request.dry_run { 0 } else { session.ended(0) })
    }
}

/// The command that enables or disables the timer of another machine's files.
fn systemctl(verb: &str, rootfs: &Path) -> String {
    let root = remedy::file(rootfs);
    format!("systemctl --root={} {verb} {TIMER}", root.trim_matches('`'))
}

fn print_units(session: &Session, units: &[Unit], dir: &Path, form: Form) -> Result<(), Stop> {
    if form != Form::Text {
        let printed = units.iter().map(|Unit { name, text }| Printed { path: dir.join(name), text });
        return session.structured(&Answer { units: printed.collect::<Vec<_>>() }, form);
    }
    let all: Vec<_> = units.iter().map(|unit| format!("# {}/{}\n{}", dir.display(), unit.name, unit.text)).collect();
    session.screen.data(&format!("{}\n", all.join("\n")))
}

fn print_changes(session: &Session, changes: &[UnitChange], form: Form) -> Result<(), Stop> {
    if form != Form::Text {
        return session.structured(&Answer { units: changes }, form);
    }
    for change in changes {
        let said = match change.action {
            Action::Created => "created",
            Action::Replaced => "replaced",
            Action::Removed => "removed",
            Action::Unchanged => "already as wanted",
        };
        session.screen.show(&format!("{}: {said}", printable(&change.path.to_string_lossy())))?;
    }
    Ok(())
}

/// Shows how units that are there differ from those that would be written.
fn say_differences(session: &Session, error: &Error) {
    if error.code() != SystemdError::OTHER_CONTENT {
        return;
    }
    let files = error.context().get("files").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for file in files {
        let text = |name: &str| file.get(name).and_then(Value::as_str).unwrap_or_default();
        let path = text("path");
        let shown = unified(text("found"), text("wanted"), path, &format!("{path} (wanted)"));
        session.screen.say(shown.trim_end_matches('\n'));
    }
}

fn schedule(session: &Session, request: ScheduleRequest, rootfs: Option<&Path>) -> Result<Schedule, Stop> {
    if request.config.as_deref() == Some(Path::new("-")) {
        let hint = "name a file: the timer reads it at every run";
        return Err(CommandError::usage("--config - cannot be the configuration of a timer", hint).into());
    }
    let config = request.config.map(|path| match std::path::absolute(&path) {
        Ok(absolute) if path != Path::new(OF_CLUSTER) => absolute,
        _ => path,
    });
    let writes = match &config {
        None => Vec::new(),
        // A configuration that cannot be read would make every run fail; and it may have its certificates elsewhere.
        Some(path) => {
            let rootfs = rootfs.map(Path::to_owned).into();
            let mut node = NodeRequest { config: Some(path.clone()), rootfs, ..NodeRequest::default() };
            with_configuration(session, &mut node)?;
            vec![PathBuf::from(configuration(&node)?.spec.certificates_dir)]
        }
    };
    Ok(Schedule {
        program: match request.program {
            Some(program) => program,
            None => running_program(session)?,
        },
        before_seconds: request.before.seconds(),
        on_calendar: request.on_calendar,
        randomized_delay_seconds: request.randomized_delay.seconds(),
        restart: request.restart,
        kubelet: request.kubelet,
        config,
        writes,
    })
}

/// The `kubepki` that runs, or the one beside the interpreter (`python -m kubepki`).
fn running_program(session: &Session) -> Result<PathBuf, CommandError> {
    let running = std::env::current_exe().ok();
    let beside = running.as_ref().map(|path| path.with_file_name("kubepki"));
    let is_it = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name == "kubepki")
            && Store::new(None).is_ok_and(|store| store.read([path]).is_there(path))
    };
    [Some(session.program.clone()), running, beside]
        .into_iter()
        .flatten()
        .filter_map(|path| std::path::absolute(path).ok())
        .find(is_it)
        .ok_or(CommandError::ProgramUnknown)
}
