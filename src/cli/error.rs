//! What can be wrong with a command line, as errors.

use crate::error::{evidence, faults};

faults! {
    /// Why a command line was not followed.
    pub enum CommandError {
        /// A flag or an argument is wrong; `--help` of the command shows what it takes.
        #[error("{message}")]
        #[fault("cli.usage", Usage, hint.clone(), context = evidence!(message))]
        Usage {
            /// What is wrong.
            message: String,
            /// What to do.
            hint: String,
        },
        /// There is no such command; the hint names the nearest one.
        #[error("unknown command '{}'", .command.last().map_or("", String::as_str))]
        #[fault("cli.unknown_command", Usage, hint.clone(), context = evidence!(command))]
        UnknownCommand {
            /// The words up to the unknown one.
            command: Vec<String>,
            /// What was meant, as far as it can be guessed.
            hint: String,
        },
        /// The output could not be written (a full disk behind `>`), or a named file could not be used.
        #[error("{place}: {reason}")]
        #[fault("cli.io_failed", Environment,
            if place == STDOUT { "check where stdout goes: the disk may be full" } else { "check that the path is right and may be used" })]
        Io {
            /// The file, or what stands for stdout.
            place: String,
            /// Why.
            reason: String,
        },
        /// A file, or stdin, is larger than 4 MiB; it is not what it should be.
        #[error("{place} is larger than {limit} bytes")]
        #[fault("cli.too_large", Usage, "check that it is the right file")]
        TooLarge {
            /// The file, or `stdin`.
            place: String,
            /// The largest accepted size.
            limit: usize,
        },
        /// `systemd install` cannot find where kubepki is installed; name it with `--program`.
        #[error("the path of the installed kubepki cannot be determined")]
        #[fault("cli.program_unknown", Usage, "name it: --program /usr/local/bin/kubepki")]
        ProgramUnknown,
        /// Ctrl-C.
        #[error("interrupted: nothing was changed")]
        #[fault("cli.interrupted", Interrupted, "run it again")]
        Interrupted,
    }
}

/// What a message calls stdout when it cannot be written.
pub(super) const STDOUT: &str = "cannot write the output";

impl CommandError {
    /// What the system said of a place.
    pub(super) fn io(place: &str, error: &std::io::Error) -> Self {
        let reason = error.to_string();
        // Without the number that Rust puts behind it.
        let reason = reason.split(" (os error").next().unwrap_or_default().to_owned();
        Self::Io { place: place.to_owned(), reason }
    }

    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }
}
