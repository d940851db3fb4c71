//! Arguments before they are parsed: they are text, and options may stand in front of the verb that they belong to.
//!
//! In: the arguments of the process. Out: the same with the words of the verb first, or an error for what is no verb.

use std::ffi::OsString;

use clap::{ArgAction, Command};

use super::error::CommandError;
use crate::error::nearest;

/// A line whose verb has been found.
#[derive(Debug)]
pub(super) struct Arranged {
    /// The arguments, the verb's words first.
    pub(super) words: Vec<String>,
    /// What is wrong with one that is not UTF-8 text.
    pub(super) fault: Option<CommandError>,
}

/// Finds the verb.
///
/// # Errors
/// [`CommandError::UnknownCommand`].
pub(super) fn arranged(root: &Command, arguments: Vec<OsString>) -> Result<Arranged, CommandError> {
    let mut arguments = arguments.into_iter();
    // Whatever file it is, `__main__.py` among them.
    arguments.next();
    let program = "kubepki".to_owned();
    let arguments: Vec<_> = arguments.collect();
    let fault = arguments.iter().find_map(refused);
    let mut rest = arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned());

    let (mut words, mut ahead) = (Vec::new(), Vec::new());
    let (mut command, mut is_help) = (root, false);
    while command.has_subcommands() {
        let Some(word) = rest.next() else { break };
        if word == "--" {
            ahead.push(word);
            break;
        }
        if word.starts_with('-') {
            let takes_value = takes_value(root, &word);
            ahead.push(word);
            ahead.extend(if takes_value { rest.next() } else { None });
            continue;
        }
        if word == "help" && command.find_subcommand("help").is_none() {
            is_help = true;
            continue;
        }
        let Some(below) = command.find_subcommand(&word) else {
            words.push(word);
            return Err(unknown(root, words));
        };
        words.push(word);
        command = below;
    }
    ahead.extend(is_help.then(|| "--help".to_owned()));
    let words = [program].into_iter().chain(words).chain(ahead).chain(rest).collect();
    Ok(Arranged { words, fault })
}

/// The error for an argument that is not UTF-8 text.
fn refused(argument: &OsString) -> Option<CommandError> {
    argument.to_str().is_none().then(|| {
        CommandError::usage(
            format!("the argument {:?} is not UTF-8 text", argument.to_string_lossy()),
            "rename the file, or set a UTF-8 locale (LC_ALL=C.UTF-8)",
        )
    })
}

/// Whether the argument behind an option is its value: with any verb that has the option.
fn takes_value(command: &Command, word: &str) -> bool {
    if word.contains('=') {
        return false;
    }
    let is_it = |argument: &&clap::Arg| {
        word.strip_prefix("--").is_some_and(|long| {
            argument.get_long() == Some(long) || argument.get_all_aliases().is_some_and(|all| all.contains(&long))
        }) || word.strip_prefix('-').is_some_and(|short| {
            let mut letters = short.chars();
            letters.next() == argument.get_short() && letters.next().is_none() && argument.get_short().is_some()
        })
    };
    let has_value = |argument: &clap::Arg| matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    command.get_arguments().filter(is_it).any(has_value)
        || command.get_subcommands().any(|below| takes_value(below, word))
}

/// The error for words that are no command, with what was most likely meant.
fn unknown(root: &Command, words: Vec<String>) -> CommandError {
    let last = words.last().map_or("", String::as_str);
    let group = &words[..words.len() - 1];
    let below = group.iter().fold(root, |command, word| command.find_subcommand(word).unwrap_or(command));
    let program = ["kubepki"].into_iter().chain(group.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    // The right word in the wrong place (`kubepki renew`) goes before a word that looks like it.
    let mut meant =
        commands(root, "kubepki").into_iter().filter(|path| path.ends_with(&format!(" {last}"))).collect::<Vec<_>>();
    if meant.is_empty() {
        meant.extend(
            nearest(last, below.get_subcommands().map(Command::get_name)).map(|near| format!("{program} {near}")),
        );
    }
    if meant.is_empty() {
        let all = commands(root, "kubepki");
        let ends = all.iter().filter_map(|path| path.rsplit(' ').next());
        let near = nearest(last, ends).map(str::to_owned);
        meant.extend(
            all.iter().filter(|path| near.as_deref().is_some_and(|near| path.ends_with(&format!(" {near}")))).cloned(),
        );
    }
    let listing = format!("`{program} --help` lists the commands");
    let listed = meant.iter().map(|command| format!("`{command}`")).collect::<Vec<_>>().join(" or ");
    let hint = if meant.is_empty() { listing } else { format!("did you mean {listed}? {listing}") };
    CommandError::UnknownCommand { command: words, hint }
}

/// Every command that does something, as it is typed.
fn commands(command: &Command, path: &str) -> Vec<String> {
    if !command.has_subcommands() {
        return vec![path.to_owned()];
    }
    command.get_subcommands().flat_map(|below| commands(below, &format!("{path} {}", below.get_name()))).collect()
}
