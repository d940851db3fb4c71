//! Where results go: data to stdout, talk to stderr.
//!
//! In: text. Out: lines that a terminal may show. What is exact data (JSON, YAML, a kubeconfig) is printed as it is.

use std::io::{self, IsTerminal as _, Write as _};

use super::stop::Stop;
use crate::audit::{Finding, Severity};
use crate::config::Problem;
use crate::error::Fault;
use crate::report;
use crate::text::printable;

/// The two streams, and what they can show.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// Whether stderr is a terminal.
    pub(super) is_watched: bool,
    /// Whether stdout is one.
    pub(super) shows_data: bool,
    wants_colour: bool,
    width: Option<usize>,
    passing_width: Option<usize>,
}

impl Screen {
    pub(super) fn open() -> Self {
        let (is_watched, shows_data) = (io::stderr().is_terminal(), io::stdout().is_terminal());
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let columns = |size: Option<(terminal_size::Width, _)>| size.map(|(width, _)| usize::from(width.0));
        let width = || columns(terminal_size::terminal_size_of(io::stdout()));
        let passing_width = || columns(terminal_size::terminal_size_of(io::stderr()));
        // https://no-color.org
        let is_wanted = !is_set("NO_COLOR") && !is_dumb;
        Self {
            is_watched,
            shows_data,
            wants_colour: is_wanted,
            width: shows_data.then(width).flatten(),
            passing_width: (is_watched && !is_dumb).then(passing_width).flatten(),
        }
    }

    /// How many characters a line of stdout has, where it is a terminal.
    pub(super) const fn width(&self) -> Option<usize> {
        self.width
    }

    /// How many characters a line of stderr has, where it is a terminal on which a line can be taken back.
    pub(super) const fn passing_width(&self) -> Option<usize> {
        self.passing_width
    }

    /// Prints exact data.
    #[allow(clippy::unused_self)] // who prints has the screen
    pub(super) fn data(&self, text: &str) -> Result<(), Stop> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Stop::Output)
    }

    /// Prints lines of text with values from outside in them, as data.
    pub(super) fn show(&self, text: &str) -> Result<(), Stop> {
        self.data(&format!("{}\n", lines(text)))
    }

    /// Prints lines of talk.
    pub(super) fn say(&self, text: &str) {
        self.talk(&lines(text));
    }

    /// Prints findings as talk, those of one cause together.
    pub(super) fn say_findings<'f>(&self, findings: impl IntoIterator<Item = &'f Finding>) {
        for group in report::finding::grouped(findings) {
            self.talk(&coloured(&group, self.is_watched && self.wants_colour));
        }
    }

    /// Findings as they are printed as data, those of one cause together.
    pub(super) fn findings(&self, findings: &[Finding]) -> Vec<String> {
        let groups = report::finding::grouped(findings);
        groups.iter().map(|group| coloured(group, self.shows_data && self.wants_colour)).collect()
    }

    /// Prints, as talk, why something of several was not done: what is wrong, what to do, and the code.
    pub(super) fn say_fault(&self, message: &str, fault: &Fault) {
        let (message, hint) = (printable(message), printable(&fault.hint));
        self.say(&format!("error: {message}\n  hint: {hint}\n  code: {}", fault.code));
    }

    /// Prints what a configuration's reader warns of.
    pub(super) fn warn(&self, problems: &[Problem]) {
        for line in problems.iter().flat_map(|problem| report::problem::lines(problem, "")) {
            self.say(&line);
        }
    }

    #[allow(clippy::unused_self)]
    fn talk(&self, text: &str) {
        // Nobody can be told that nobody can be told.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

fn coloured(group: &[&Finding], has_colour: bool) -> String {
    let text = report::finding::group_text(group);
    match (text.split_once(':'), group.first()) {
        (Some((word, rest)), Some(first)) if has_colour => {
            format!("\x1b[{}m{word}\x1b[0m:{rest}", colour(first.severity))
        }
        _ => text,
    }
}

const fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "31",
        Severity::Warning => "33",
        Severity::Info => "36",
    }
}

/// Text of ours with values from outside in it, its lines as they may be shown.
pub(super) fn lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}
