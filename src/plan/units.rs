//! The systemd units that renew certificates before they end: a service, and a timer that starts it.
//!
//! In: [`Schedule`]. Out: their texts ([`Unit`]), or what is wrong with a value. It reads and writes nothing, and asks no
//! systemd.
//!
//! Source: `systemd.service(5)`, `systemd.exec(5)`, `systemd.timer(5)`, `systemd.syntax(7)`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::OF_CLUSTER;
use crate::error::faults;
use crate::text::duration;

/// The units' name before the dot.
pub const NAME: &str = "kubepki-renew";

/// How every unit of ours begins.
pub const MARK: &str = "# Written by `kubepki systemd install`.";

/// What is written whatever the configuration: kubeadm's files, the kubelet's certificates.
const WRITTEN: [&str; 2] = ["/etc/kubernetes", "/var/lib/kubelet"];

/// From the first to the last year that a certificate can name, in seconds.
const LONGEST: i64 = 10_000 * 366 * 24 * 60 * 60;

/// When, and how, certificates are renewed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The absolute path of the program.
    pub program: PathBuf,
    /// What ends within this time is renewed, in seconds.
    pub before_seconds: i64,
    /// When, as `systemd.time(7)` has calendar events.
    pub on_calendar: String,
    /// By how much nodes may differ, in seconds.
    pub randomized_delay_seconds: i64,
    /// Whether components are restarted afterwards.
    pub restart: bool,
    /// Whether the kubelet's certificates are renewed too.
    #[serde(default)]
    pub kubelet: bool,
    /// The kubeadm configuration.
    pub config: Option<PathBuf>,
    /// Further folders that are written to: a certificates directory elsewhere.
    pub writes: Vec<PathBuf>,
}

/// One unit file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its file name.
    pub name: String,
    /// Its whole content.
    pub text: String,
}

faults! {
    /// Why there is no unit.
    pub enum UnitError {
        /// A path is not absolute, the calendar is empty or unknown to systemd, or a value holds a line break.
        #[error("{value:?} cannot be the {field} of a unit: {reason}")]
        #[fault("systemd.bad_value", Usage,
            match *field {
                "calendar" => "as in systemd.time(7): daily, weekly, `Mon 03:00`; `systemd-analyze calendar` checks it",
                _ => "give an absolute path without line breaks",
            })]
        BadValue {
            /// Which value of the unit.
            field: &'static str,
            /// What was given.
            value: String,
            /// What is wrong with it.
            reason: &'static str,
        },
    }
}

impl UnitError {
    /// A calendar that systemd itself does not know.
    #[must_use]
    pub fn unknown_calendar(value: &str) -> Self {
        Self::BadValue { field: "calendar", value: value.to_owned(), reason: "systemd does not know it" }
    }
}

/// The service and the timer.
///
/// # Errors
/// [`UnitError`]: a path that is not absolute, an empty calendar, a line break anywhere.
pub fn units(schedule: &Schedule) -> Result<[Unit; 2], UnitError> {
    let calendar = line("calendar", schedule.on_calendar.trim())?;
    if calendar.is_empty() {
        return Err(UnitError::BadValue { field: "calendar", value: String::new(), reason: "it is empty" });
    }
    for (field, seconds) in
        [("--before", schedule.before_seconds), ("--randomized-delay", schedule.randomized_delay_seconds)]
    {
        let reason = match seconds {
            ..0 => "it is below zero",
            LONGEST.. => "it is longer than the calendar, which ends with the year 9999",
            _ => continue,
        };
        return Err(UnitError::BadValue { field, value: format!("{seconds} s"), reason });
    }
    let mut command = vec![program(&schedule.program)?];
    command.extend(["certs", "renew", "all", "--before"].map(str::to_owned));
    command.push(duration(schedule.before_seconds.unsigned_abs()));
    if schedule.kubelet {
        command.push("--kubelet".to_owned());
    }
    if schedule.restart {
        command.push("--restart".to_owned());
    }
    if let Some(config) = &schedule.config {
        let is_word = config == Path::new(OF_CLUSTER);
        let config = if is_word { OF_CLUSTER } else { absolute("configuration", config)? };
        command.extend(["--config".to_owned(), argument(config)]);
    }
    let mut writes: Vec<String> = WRITTEN.iter().map(|path| format!("-{path}")).collect();
    for path in &schedule.writes {
        let path = absolute("folder", path)?;
        if !WRITTEN.iter().any(|known| Path::new(path).starts_with(known)) {
            writes.push(quoted(&format!("-{path}")));
        }
    }
    let service = service(&command.join(" "), &writes.join(" "));
    let timer = timer(calendar, &duration(schedule.randomized_delay_seconds.unsigned_abs()));
    Ok([("service", service), ("timer", timer)].map(|(kind, text)| Unit { name: format!("{NAME}.{kind}"), text }))
}

/// One that writes what it must and reads the rest. `StateDirectory` makes `/var/lib/kubepki`, where backups are.
/// `CAP_SYS_PTRACE` is what the kernel asks of whoever looks which process listens on a port: without it a restart
/// cannot see since when components run, and restarts them every time.
fn service(command: &str, writes: &str) -> String {
    format!(
        "\
{MARK}
[Unit]
Description=Renew the certificates of this Kubernetes node that are about to end
Documentation=https://github.com/kubepki/kubepki

[Service]
Type=oneshot
ExecStart={command}
SyslogIdentifier=kubepki
TimeoutStartSec=30min
Nice=10

StateDirectory=kubepki
StateDirectoryMode=0700
ProtectSystem=strict
ReadWritePaths={writes}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_SYS_PTRACE
SystemCallArchitectures=native
SystemCallFilter=@system-service
MemoryDenyWriteExecute=yes
LimitCORE=0
UMask=0077
"
    )
}

/// One that makes up for a run that was missed while the node was off.
fn timer(calendar: &str, delay: &str) -> String {
    format!(
        "\
{MARK}
[Unit]
Description=Renew the certificates of this Kubernetes node before they end

[Timer]
OnCalendar={calendar}
RandomizedDelaySec={delay}
Persistent=true

[Install]
WantedBy=timers.target
"
    )
}

fn line<'v>(field: &'static str, value: &'v str) -> Result<&'v str, UnitError> {
    if value.chars().any(char::is_control) {
        let reason = "it holds a line break or another control character";
        return Err(UnitError::BadValue { field, value: value.to_owned(), reason });
    }
    Ok(value)
}

fn absolute<'p>(field: &'static str, path: &'p Path) -> Result<&'p str, UnitError> {
    let refused = |reason| UnitError::BadValue { field, value: path.to_string_lossy().into_owned(), reason };
    let text = path.to_str().ok_or_else(|| refused("it is not UTF-8"))?;
    if !path.is_absolute() {
        return Err(refused("it is not an absolute path"));
    }
    line(field, text)
}

/// The program, whose path systemd takes only without quotes and escapes, and in which it looks for no variables.
fn program(path: &Path) -> Result<String, UnitError> {
    let text = absolute("program", path)?;
    if text.contains(['"', '\'', '\\', '$']) {
        let reason = "systemd runs no program whose path holds quotes, backslashes or dollar signs";
        return Err(UnitError::BadValue { field: "program", value: text.to_owned(), reason });
    }
    Ok(quoted(text))
}

/// An argument of a command, in which systemd looks for variables too.
fn argument(word: &str) -> String {
    quoted(&word.replace('$', "$$"))
}

/// A word as systemd reads it back: its specifiers, quotes and escapes lose their meaning.
fn quoted(word: &str) -> String {
    let escaped = word.replace('%', "%%").replace('\\', "\\\\").replace('"', "\\\"");
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@=,%".contains(letter);
    if escaped.chars().all(is_plain) { escaped } else { format!("\"{escaped}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnostic;

    fn schedule() -> Schedule {
        Schedule {
            program: "/usr/local/bin/kubepki".into(),
            before_seconds: 30 * 86_400,
            on_calendar: "daily".into(),
            randomized_delay_seconds: 3600,
            restart: false,
            kubelet: false,
            config: None,
            writes: Vec::new(),
        }
    }

    fn value<'t>(unit: &'t Unit, key: &str) -> &'t str {
        unit.text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap()
    }

    #[test]
    fn the_service_runs_the_program_and_the_timer_starts_it() {
        let [service, timer] = units(&schedule()).unwrap();
        assert_eq!((service.name.as_str(), timer.name.as_str()), ("kubepki-renew.service", "kubepki-renew.timer"));
        assert_eq!(value(&service, "ExecStart"), "/usr/local/bin/kubepki certs renew all --before 30d");
        assert_eq!(value(&service, "ReadWritePaths"), "-/etc/kubernetes -/var/lib/kubelet");
        assert_eq!((value(&timer, "OnCalendar"), value(&timer, "RandomizedDelaySec")), ("daily", "1h"));
        assert!(service.text.starts_with(MARK) && timer.text.starts_with(MARK));
    }

    #[test]
    fn every_choice_shows_and_odd_paths_are_quoted_for_systemd() {
        let schedule = Schedule {
            program: "/opt/my tools/kubepki".into(),
            before_seconds: 90,
            restart: true,
            kubelet: true,
            config: Some("/etc/100%/$HOME/\"x\"\\kubeadm.yaml".into()),
            writes: vec!["/etc/kubernetes/pki".into(), "/srv/pki".into(), "/srv/$a b".into()],
            ..schedule()
        };
        let [service, _] = units(&schedule).unwrap();
        assert_eq!(
            value(&service, "ExecStart"),
            r#""/opt/my tools/kubepki" certs renew all --before 90s --kubelet --restart --config "/etc/100%%/$$HOME/\"x\"\\kubeadm.yaml""#
        );
        assert_eq!(value(&service, "ReadWritePaths"), r#"-/etc/kubernetes -/var/lib/kubelet -/srv/pki "-/srv/$a b""#);
    }

    #[test]
    fn a_time_is_one_that_the_calendar_has() {
        for seconds in [i64::MIN, -1, LONGEST, i64::MAX] {
            let before = Schedule { before_seconds: seconds, ..schedule() };
            let delay = Schedule { randomized_delay_seconds: seconds, ..schedule() };
            for schedule in [before, delay] {
                assert_eq!(units(&schedule).unwrap_err().code(), "systemd.bad_value", "{seconds}");
            }
        }
    }

    #[test]
    fn nothing_can_be_smuggled_into_a_unit() {
        let edits: [fn(&mut Schedule); 6] = [
            |schedule| schedule.on_calendar = "daily\nExecStart=/bin/evil".into(),
            |schedule| schedule.on_calendar = "  ".into(),
            |schedule| schedule.program = "kubepki".into(),
            |schedule| schedule.program = "/opt/$x/kubepki".into(),
            |schedule| schedule.config = Some("/etc/a\nb".into()),
            |schedule| schedule.writes = vec!["srv".into()],
        ];
        for edit in edits {
            let mut schedule = schedule();
            edit(&mut schedule);
            let error = units(&schedule).unwrap_err();
            assert_eq!((error.code().as_str(), error.category().exit_code()), ("systemd.bad_value", 2));
        }
    }
}
