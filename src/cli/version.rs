//! `kubepki version`, and `kubepki --version`.

use clap::{Args, ValueEnum};

use super::options::Form;
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::ops::version::{Build, build};

/// Print which kubepki this is, for people and for bug reports.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kubepki version\n  kubepki version -o json")]
pub(super) struct Version {
    /// The form of the output.
    #[arg(short = 'o', long = "output", value_name = "FORM", default_value = "text")]
    form: BuildForm,
}

/// The forms in which a build is shown.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BuildForm {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Run for Version {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        match self.form {
            BuildForm::Text => print(session, true)?,
            BuildForm::Json => session.structured(&build(), Form::Json)?,
        }
        Ok(0)
    }
}

/// Prints the version, or all that is known of the build.
pub(super) fn print(session: &Session, is_verbose: bool) -> Result<(), Stop> {
    let Build { version, profile, os, architecture, key_generation } = build();
    session.screen.show(&if is_verbose {
        format!("kubepki {version} ({profile}, {os} {architecture})\nRSA keys: {key_generation}")
    } else {
        format!("kubepki {version}")
    })
}
