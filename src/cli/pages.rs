//! `kubepki completion`, and the hidden `kubepki manual`: what a shell and `man` are told, made from the parser itself.
//!
//! In: the command line as the parser knows it. Out: a script or a manual page, on stdout. The build writes them into the
//! wheel and beside the binary.

use std::io;

use clap::{Arg, Args, Command, ValueEnum};

use super::error::CommandError;
use super::run::Run;
use super::session::Session;
use super::stop::Stop;

/// Print a script that completes commands and options in a shell.
///
/// In bash, give it to `source`, or write it to `/etc/bash_completion.d`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki completion bash
  kubepki completion zsh
  kubepki completion fish")]
pub(super) struct Completion {
    /// The shell.
    shell: Shell,
}

/// The shells whose words are completed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    /// GNU bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly interactive shell.
    Fish,
}

/// Print a manual page, or the names of all pages.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kubepki manual\n  kubepki manual kubepki-certs-renew")]
pub(super) struct Manual {
    /// The page's name.
    page: Option<String>,
}

impl Run for Completion {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let shell = match self.shell {
            Shell::Bash => clap_complete::Shell::Bash,
            Shell::Zsh => clap_complete::Shell::Zsh,
            Shell::Fish => clap_complete::Shell::Fish,
        };
        let mut script = Vec::new();
        let mut command = shown(&super::command());
        clap_complete::generate(shell, &mut command, "kubepki", &mut script);
        if matches!(self.shell, Shell::Fish) {
            script.extend(fish_arguments(&command, &[]).bytes());
        }
        session.screen.data(&String::from_utf8_lossy(&script)).map(|()| 0)
    }
}

impl Run for Manual {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let mut command = shown(&super::command());
        command.build();
        let pages = pages(&command);
        let Some(wanted) = self.page else {
            let names: Vec<_> = pages.iter().map(|page| name(page)).collect();
            return session.screen.show(&names.join("\n")).map(|()| 0);
        };
        let Some(page) = pages.into_iter().find(|page| name(page) == wanted) else {
            let message = format!("there is no manual page {wanted:?}");
            return Err(CommandError::usage(message, "`kubepki manual` lists the pages").into());
        };
        let text = rendered(page.clone()).map_err(Stop::Output)?;
        session.screen.data(&text).map(|()| 0)
    }
}

/// The commands that help lists: a script offers no hidden one.
fn shown(command: &Command) -> Command {
    let below: Vec<_> = command.get_subcommands().filter(|below| !below.is_hide_set()).map(shown).collect();
    let names: Vec<_> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    if names.len() == below.len() {
        return command.clone();
    }
    // What is below a command cannot be taken away from it, only replaced.
    Command::new("kubepki")
        .about(command.get_about().cloned().unwrap_or_default())
        .after_help(command.get_after_help().cloned().unwrap_or_default())
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .args(command.get_arguments())
        .subcommands(below)
}

/// What fish offers for the arguments of commands, of which its generator writes nothing: the values that there are.
fn fish_arguments(command: &Command, words: &[&str]) -> String {
    let below = command.get_subcommands().map(|below| fish_arguments(below, &[words, &[below.get_name()]].concat()));
    let given = words.join("; and __fish_seen_subcommand_from ");
    let line = |argument: &Arg| {
        let values: Vec<_> =
            argument.get_value_parser().possible_values()?.map(|value| value.get_name().to_owned()).collect();
        let condition = format!("__fish_kubepki_using_subcommand {given}");
        Some(format!("complete -c kubepki -n \"{condition}\" -f -a \"{}\"\n", values.join(" ")))
    };
    command.get_positionals().filter_map(line).chain(below).collect()
}

/// A command and all below it.
fn pages(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set()).flat_map(pages);
    [command].into_iter().chain(below).collect()
}

fn name(page: &Command) -> &str {
    page.get_display_name().unwrap_or_else(|| page.get_name())
}

fn rendered(command: Command) -> io::Result<String> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).source(concat!("kubepki ", env!("CARGO_PKG_VERSION"))).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
