//! The options that belong to no request: the form of the output, dry runs, backups, files of secrets.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};

use super::error::CommandError;
use super::stop::{Stop, node_of};
use crate::plan::generate::Selection;
use crate::request::NodeRequest;
use crate::secret::Secret;
use crate::store::{DEFAULT_BACKUP_DIR, Store};
use crate::tree::Observed;

/// No Secret, and no document around one, is larger: 1 MiB is what the API server takes.
const LIMIT: usize = 4 << 20;

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

/// `--dry-run`.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct DryRun {
    /// Show what would be done, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// kubeadm's `--kubeconfig`.
#[derive(Args, Clone, Debug)]
pub(super) struct UnusedKubeconfig {
    /// Accepted for kubeadm's sake and not used: no cluster is asked.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl UnusedKubeconfig {
    /// What is said of it where it is given.
    pub(super) fn note(&self) -> Option<&'static str> {
        self.kubeconfig.as_ref().map(|_| "note: --kubeconfig is not used: kubepki reads files only")
    }
}

/// `--backup-dir`.
#[derive(Args, Clone, Debug)]
pub(super) struct BackupDir {
    /// Where backups are kept.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_BACKUP_DIR)]
    pub(super) backup_dir: PathBuf,
}

/// Where what is replaced or removed is kept.
#[derive(Args, Clone, Debug)]
pub(super) struct Backups {
    #[command(flatten)]
    place: BackupDir,
    /// Do not keep the files that are replaced or removed.
    #[arg(long)]
    no_backup: bool,
}

impl Backups {
    /// The directory; none when nothing is kept.
    pub(super) fn dir(&self) -> Option<PathBuf> {
        (!self.no_backup).then(|| self.place.backup_dir.clone())
    }
}

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
    certificate_key: Option<String>,
    /// The same from a file, or from stdin (`-`).
    #[arg(long, value_name = "FILE")]
    certificate_key_file: Option<PathBuf>,
}

impl CertificateKeyOptions {
    /// Whether stdin has the key.
    pub(super) fn is_on_stdin(&self) -> bool {
        self.certificate_key_file.as_deref() == Some(Path::new("-"))
    }

    /// The key of the options, or of the environment.
    pub(super) fn key(&self) -> Result<Option<Secret>, Stop> {
        if let Some(file) = &self.certificate_key_file {
            return first_line(file).map(Some);
        }
        let variable = || std::env::var("KUBEPKI_CERTIFICATE_KEY").ok();
        Ok(self.certificate_key.clone().or_else(variable).map(|text| Secret::from(text.into_bytes())))
    }
}

/// `all` for no name or for the word alone; beside another name it is an unknown name.
pub(super) fn selection(names: &[String]) -> Selection {
    match names {
        [] => Selection::All,
        [word] if word == "all" => Selection::All,
        names => Selection::Names(names.to_vec()),
    }
}

/// The node with its configuration read, where that comes from stdin (`--config -`).
pub(super) fn with_stdin(node: &mut NodeRequest) -> Result<(), Stop> {
    if node.config.as_deref() == Some(Path::new("-")) {
        let text = content(Path::new("-"))?;
        node.config = None;
        node.config_text = Some(String::from_utf8_lossy(text.expose()).into_owned());
    }
    Ok(())
}

/// What is in a file of this machine, or on stdin (`-`).
///
/// # Errors
/// [`CommandError::TooLarge`], [`CommandError::Io`]; `store.*`.
pub(super) fn content(file: &Path) -> Result<Secret, Stop> {
    if file == Path::new("-") {
        let mut content = Vec::new();
        let limit = u64::try_from(LIMIT).unwrap_or(u64::MAX);
        let read = io::stdin().lock().take(limit + 1).read_to_end(&mut content);
        read.map_err(|error| CommandError::Io { place: "stdin".into(), reason: error.to_string() })?;
        return bounded(Secret::from(content), "stdin");
    }
    let tree = Store::new(None)?.read([file]);
    match tree.get(file) {
        Observed::File { content, .. } => bounded(content.clone(), &file.display().to_string()),
        Observed::Missing => Err(crate::store::StoreError::Missing { path: file.to_owned() }.into()),
        Observed::Unreadable(fault) => Err(Stop::from(crate::error::Error::from(fault.clone()))),
    }
}

fn bounded(content: Secret, place: &str) -> Result<Secret, Stop> {
    if content.expose().len() > LIMIT {
        return Err(CommandError::TooLarge { place: place.to_owned(), limit: LIMIT }.into());
    }
    Ok(content)
}

/// The first line of a file of this machine, or of stdin (`-`).
///
/// # Errors
/// As [`content`].
pub(super) fn first_line(file: &Path) -> Result<Secret, Stop> {
    let all = content(file)?;
    let line = all.expose().split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Secret::from(line.strip_suffix(b"\r").unwrap_or(line).to_vec()))
}
