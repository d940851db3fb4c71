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
    let (mut command, mut is_help, mut is_behind_unknown) = (root, false, false);
    while command.has_subcommands() {
        let Some(word) = rest.next() else { break };
        if word == "--" {
            ahead.push(word);
            break;
        }
        if word.starts_with('-') {
            let takes_value = takes_value(root, &word);
            is_behind_unknown =
                !word.contains('=') && !is_known(root, &word) && !asks_help(std::slice::from_ref(&word));
            ahead.push(word);
            ahead.extend(if takes_value { rest.next() } else { None });
            continue;
        }
        if word == "help" && command.find_subcommand("help").is_none() {
            is_help = true;
            continue;
        }
        let Some(below) = command.find_subcommand(&word) else {
            // It may be the value of a misspelt option, of which the verb's own parser says what was meant.
            if is_behind_unknown {
                is_behind_unknown = false;
                ahead.push(word);
                continue;
            }
            words.push(word);
            return Err(unknown(root, words));
        };
        words.push(word);
        command = below;
    }
    let of_a_verb = |word: &&String| word.starts_with('-') && !has(root, word) && is_known(root, word);
    if let Some(option) = ahead.iter().find(of_a_verb).filter(|_| command.has_subcommands() && !asks_help(&ahead)) {
        let option = option.split('=').next().unwrap_or_default();
        let program = ["kubepki"].into_iter().chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        let hint = format!("name the command, before or behind it; `{program} --help` lists the commands");
        return Err(CommandError::usage(format!("{option} is an option of a command, and none is named"), hint));
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
    let has_value = |argument: &clap::Arg| matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let has_it_already = word.contains('=') || !word.starts_with("--") && word.chars().count() > 2;
    !has_it_already
        && (options(command, word).any(has_value) || command.get_subcommands().any(|below| takes_value(below, word)))
}

/// Whether a command, or one below it, has the option.
fn is_known(command: &Command, word: &str) -> bool {
    has(command, word) || command.get_subcommands().any(|below| is_known(below, word))
}

fn has(command: &Command, word: &str) -> bool {
    options(command, word).next().is_some()
}

/// What a command itself means by an option: `--name`, `--name=value`, `-n`, or `-nvalue`.
fn options<'c>(command: &'c Command, word: &str) -> impl Iterator<Item = &'c clap::Arg> {
    let name = word.split('=').next().unwrap_or_default();
    let long = name.strip_prefix("--").map(str::to_owned);
    let short = name.strip_prefix('-').filter(|_| long.is_none()).and_then(|letters| letters.chars().next());
    command.get_arguments().filter(move |argument| match &long {
        Some(long) => {
            argument.get_long() == Some(long)
                || argument.get_all_aliases().is_some_and(|all| all.contains(&long.as_str()))
        }
        None => short.is_some() && argument.get_short() == short,
    })
}

fn asks_help(options: &[String]) -> bool {
    options.iter().any(|word| matches!(word.as_str(), "-h" | "--help" | "-V" | "--version"))
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
