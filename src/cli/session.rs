//! What a verb works with: the streams, the time, and the signals that ask it to stop.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::error::CommandError;
use super::options::Form;
use super::screen::Screen;
use super::stop::Stop;
use crate::clock::SystemClock;
use crate::edge::interrupt::Interrupts;
use crate::error::Category;
use crate::report;
use crate::store::DEFAULT_LOCK_WAIT;
use crate::workers::StopSignal;

/// One run of the program.
#[derive(Debug)]
pub(super) struct Session {
    /// The streams.
    pub(super) screen: Screen,
    /// The moment of the run.
    pub(super) now: DateTime<Utc>,
    /// What asked it to stop.
    pub(super) interrupts: Interrupts,
    /// How the program was called.
    pub(super) program: PathBuf,
    /// What takes time now, for whoever has asked to stop it.
    work: Arc<Mutex<String>>,
}

impl Session {
    pub(super) fn begin(arguments: &[OsString]) -> Self {
        let session = Self {
            screen: Screen::open(),
            now: SystemClock.now(),
            interrupts: Interrupts::of_terminal(),
            program: arguments.first().map(PathBuf::from).unwrap_or_default(),
            work: Arc::default(),
        };
        let (screen, work) = (session.screen.clone(), Arc::clone(&session.work));
        session.interrupts.answer(move |waited| {
            let work = work.lock().map(|work| work.clone()).unwrap_or_default();
            let lock = DEFAULT_LOCK_WAIT.as_secs();
            let what = if work.is_empty() {
                format!("what was begun ends first; another kubepki's lock is waited for {lock} s at most")
            } else {
                work
            };
            let seconds = waited.as_secs_f64();
            let text = format!("still at work, {seconds:.1} s after the first Ctrl-C: {what}");
            screen.say(&text);
        });
        session
    }

    /// Ctrl-C, for long work of the core that asks for it.
    pub(super) fn stop_signal(&self) -> StopSignal {
        let (interrupts, insisted) = (self.interrupts.clone(), self.interrupts.clone());
        StopSignal::new(move || interrupts.has_come()).insisting(move || insisted.are_insisted())
    }

    /// Notes what is being done, and takes time.
    pub(super) fn begin_work(&self, what: String) {
        if let Ok(mut work) = self.work.lock() {
            *work = what;
        }
    }

    /// Stops where nothing has been changed yet, if Ctrl-C came meanwhile.
    ///
    /// # Errors
    /// [`CommandError::Interrupted`].
    pub(super) fn go_on(&self) -> Result<(), Stop> {
        if self.interrupts.has_come() { Err(CommandError::Interrupted.into()) } else { Ok(()) }
    }

    /// What work is told that is asked again and again whether to go on.
    pub(super) fn tell(&self) -> ControlFlow<()> {
        if self.interrupts.has_come() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// The exit code of a run that has changed files and said so: Ctrl-C that came too late is named now.
    pub(super) fn ended(&self, code: u8) -> u8 {
        if !self.interrupts.has_come() {
            return code;
        }
        self.screen.say("interrupted after the change: it is on disk, and what was changed is said above");
        Category::Interrupted.exit_code()
    }

    /// Prints data as JSON or YAML.
    pub(super) fn structured(&self, value: &impl Serialize, form: Form) -> Result<(), Stop> {
        let text = match form {
            Form::Yaml => report::structured::yaml(value)?,
            Form::Json | Form::Text => report::structured::json(value)?,
        };
        self.screen.data(&format!("{text}\n"))
    }
}
