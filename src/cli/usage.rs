//! What the parser refuses, and what it answers itself: help.
//!
//! In: clap's errors. Out: help on stdout, or errors of ours, with a hint and a code.

use std::error::Error as _;
use std::num::{IntErrorKind, ParseIntError};

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::error::CommandError;
use super::session::Session;
use super::stop::Stop;
use crate::error::{Diagnostic as _, Error, Fault};
use crate::key::KeyError;
use crate::request::RequestError;

/// Answers a line that was not parsed.
pub(super) fn answer(session: &Session, root: &Command, words: &[String], error: &clap::Error) -> Result<u8, Stop> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            session.screen.data(&error.render().to_string()).map(|()| 0)
        }
        _ => Err(refused(root, words, error)),
    }
}

/// Whether a value has something else than digits.
fn is_no_number(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<ParseIntError>().is_some_and(|error| *error.kind() == IntErrorKind::InvalidDigit)
}

fn refused(root: &Command, words: &[String], error: &clap::Error) -> Stop {
    if let Some(fault) = value_fault(error) {
        return Error::from(fault).into();
    }
    let of = |kind| error.get(kind).map(text).unwrap_or_default();
    let (argument, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    let message = match error.kind() {
        ErrorKind::UnknownArgument => format!("unrecognized arguments: {argument}"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument}: the value is missing, or is empty"),
        ErrorKind::InvalidValue => format!("{argument}: '{value}' is none of {}", of(ContextKind::ValidValue)),
        ErrorKind::ValueValidation => {
            let reason = match error.source() {
                // Rust speaks of digits there.
                Some(source) if is_no_number(source) => "it is not a number".to_owned(),
                source => source.map(ToString::to_string).unwrap_or_default(),
            };
            format!("{argument}: '{value}' cannot be used: {reason}")
        }
        ErrorKind::MissingRequiredArgument => format!("missing: {argument}"),
        ErrorKind::ArgumentConflict => format!("{argument} cannot be combined with {}", of(ContextKind::PriorArg)),
        ErrorKind::TooManyValues => format!("{argument} takes no value"),
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{argument}: the number of values is wrong")
        }
        _ => first_line(error),
    };
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand]
        .into_iter()
        .find_map(|kind| error.get(kind).map(text));
    let help = format!("`{} --help` shows the usage", verb(root, words));
    let hint = match suggested {
        Some(near) if !near.is_empty() => format!("did you mean {near}? {help}"),
        _ => help,
    };
    CommandError::usage(message, hint).into()
}

/// What a value's own reader says of it, where that has a code.
fn value_fault(error: &clap::Error) -> Option<Fault> {
    let source = error.source()?;
    if let Some(error_of_value) = source.downcast_ref::<RequestError>() {
        let fault = error_of_value.fault();
        let argument = error.get(ContextKind::InvalidArg).map(text).unwrap_or_default();
        let option = argument.split(' ').next().unwrap_or_default();
        return Some(Fault { message: format!("{option}: {}", fault.message), ..fault });
    }
    source.downcast_ref::<KeyError>().map(crate::error::Diagnostic::fault)
}

/// The command that was meant, as it is typed.
fn verb(root: &Command, words: &[String]) -> String {
    let (mut command, mut path) = (root, "kubepki".to_owned());
    for word in words.iter().skip(1) {
        let Some(below) = command.find_subcommand(word) else { break };
        path = format!("{path} {word}");
        command = below;
    }
    path
}

fn text(value: &ContextValue) -> String {
    match value {
        ContextValue::String(one) => one.clone(),
        ContextValue::Strings(all) => all.join(", "),
        ContextValue::StyledStr(styled) => styled.to_string(),
        ContextValue::StyledStrs(all) => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        ContextValue::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
