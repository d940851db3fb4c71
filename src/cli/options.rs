//! The options that belong to no request: the form of the output, files of secrets; names that a shell completes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, ValueEnum};

use super::stop::node_of;
use crate::plan::generate::Selection;
pub(super) use crate::request::DryRun;
use crate::request::NodeRequest;

/// The parser of a name of which a shell offers those that there are. Every other is taken as well: whoever judges names
/// says what is wrong with it.
#[derive(Clone)]
pub(super) struct OneOf(pub(super) fn() -> Vec<&'static str>);

impl TypedValueParser for OneOf {
    type Value = String;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For programs, and people.
    Yaml,
}

/// `-o`.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Output {
    /// The form of the output.
    #[arg(short = 'o', long = "output", value_name = "FORM", default_value = "text", hide_possible_values = false)]
    pub(super) form: Form,
}

/// What is said of a kubeconfig that is given for kubeadm's sake.
pub(super) const UNUSED_KUBECONFIG: &str = "note: --kubeconfig is not used: no cluster is asked";

/// Which configuration, and where it is: what a verb takes of the node's options that reads nothing else of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Configuration {
    pub(super) node: NodeRequest,
}

/// Their names in [`NodeRequest`], which defines them.
const OF_CONFIGURATION: [&str; 4] = ["config", "lenient", "node_name", "rootfs"];

impl Args for Configuration {
    fn augment_args(command: Command) -> Command {
        let all = NodeRequest::augment_args(Command::default());
        let wanted = all.get_arguments().filter(|one| OF_CONFIGURATION.contains(&one.get_id().as_str()));
        command.args(wanted.cloned())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Configuration {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { node: node_of(matches) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.node = node_of(matches);
        Ok(())
    }
}

/// What [`NodeRequest`] has besides the root directory, hidden, for a verb that does not need it: a file of nodes has words that every verb
/// is given.
#[derive(Clone, Debug)]
pub(super) struct NodeWords;

impl Args for NodeWords {
    fn augment_args(command: Command) -> Command {
        let all = NodeRequest::augment_args(Command::default());
        let wanted = all.get_arguments().filter(|one| one.get_id() != "rootfs");
        command.args(wanted.cloned().map(|one| one.hide(true)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for NodeWords {
    fn from_arg_matches(_: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self)
    }

    fn update_from_arg_matches(&mut self, _: &ArgMatches) -> Result<(), clap::Error> {
        Ok(())
    }
}

/// `--out` and `--force`, for what is printed otherwise.
#[derive(Args, Clone, Debug)]
pub(super) struct Out {
    /// Write it into FILE (mode 0600); stdout without it, as with `-`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite FILE if it is there.
    #[arg(long)]
    pub(super) force: bool,
}

impl Out {
    /// The file; none for stdout.
    pub(super) fn file(&self) -> Option<&Path> {
        self.out.as_deref().filter(|path| *path != Path::new("-"))
    }
}

/// The options that say under which key a bundle is encrypted.
#[derive(Args, Clone, Debug)]
pub(super) struct CertificateKeyOptions {
    /// The key; others see it in the list of processes.
    #[arg(long, value_name = "HEX", conflicts_with = "certificate_key_file")]
    pub(super) certificate_key: Option<String>,
    /// The same from a file, or from stdin (`-`).
    #[arg(long, value_name = "FILE")]
    pub(super) certificate_key_file: Option<PathBuf>,
}

impl CertificateKeyOptions {
    /// Whether stdin has the key.
    pub(super) fn is_on_stdin(&self) -> bool {
        self.certificate_key_file.as_deref() == Some(Path::new("-"))
    }
}

/// The word for every name, and the names.
pub(super) fn all_or(names: Vec<&'static str>) -> Vec<&'static str> {
    [vec!["all"], names].concat()
}

/// `all` for no name or for the word alone; beside another name it is an unknown name.
pub(super) fn selection(names: &[String]) -> Selection {
    match names {
        [] => Selection::All,
        [word] if word == "all" => Selection::All,
        names => Selection::Names(names.to_vec()),
    }
}
