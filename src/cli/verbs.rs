//! Every command: its words, its line in the help, and what answers it. To add one, add its file and its line here.

use std::ffi::OsString;

use clap::{ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::error::CommandError;
use super::line::Arranged;
use super::run::Run;
use super::session::Session;
use super::stop::{Given, Stop};
use super::{
    access, audit, backup, bundle, check, cleanup, config, embed, etcd_snapshot, explain, generate_csr, import, init,
    kubelet, line, logging, metrics, pages, probe, recover, renew, renew_ca, restart, rotate, serving, show, sign,
    signer, systemd, usage, user, version,
};

/// Behind the options of the verb.
const LAST: usize = 1000;

/// The certificates of kubeadm clusters.
#[derive(Parser, Debug)]
#[command(
    name = "kubepki",
    disable_version_flag = true,
    disable_help_flag = true,
    disable_help_subcommand = true,
    args_override_self = true,
    subcommand_value_name = "COMMAND",
    after_help = "Examples:
  kubepki check
  kubepki certs renew all --dry-run
  kubepki help certs renew"
)]
struct Line {
    /// Print the version; with -v, the build too.
    #[arg(short = 'V', long)]
    version: bool,
    /// Say more on stderr; can be repeated.
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = LAST)]
    verbose: u8,
    /// Print help; `kubepki help COMMAND` does too.
    #[arg(short, long, global = true, action = ArgAction::HelpShort, display_order = LAST)]
    help: Option<bool>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

macro_rules! verbs {
    (@kind $name:ident { $($(#[$meta:meta])* $verb:ident($arguments:ty)),+ $(; $($(#[$group_meta:meta])* $group:ident),+)? }) => {
        #[derive(Subcommand, Debug)]
        #[allow(clippy::large_enum_variant)] // there is one, for the whole run
        enum $name {
            $($(#[$meta])* $verb($arguments),)+
            $($($(#[$group_meta])* #[command(subcommand, args_override_self = true)] $group($group),)+)?
        }

        impl $name {
            fn run(self, session: &Session, given: &ArgMatches) -> Result<u8, Stop> {
                // The matches of the word below are those that name the node.
                let given = given.subcommand().map_or(given, |(_, below)| below);
                match self {
                    $(Self::$verb(verb) => {
                        verb.run(session).map_err(|stop| stop.given(Given::of(given, <$arguments as Run>::FAILURE)))
                    })+
                    $($(Self::$group(group) => group.run(session, given),)+)?
                }
            }
        }
    };
}

verbs!(@kind Verb {
    Init(init::Init),
    Check(check::Check),
    Access(access::Access),
    Audit(audit::Audit),
    Metrics(metrics::Metrics),
    Probe(probe::Probe),
    Recover(recover::Recover),
    Restart(restart::Restart),
    Show(show::Show),
    Explain(explain::Explain),
    Completion(pages::Completion),
    #[command(hide = true)]
    Manual(pages::Manual),
    Version(version::Version);
    /// Certificates, CAs and service account keys
    Certs,
    /// CAs, with the keys that they have
    Ca,
    /// Kubeconfig files
    Kubeconfig,
    /// Files that were kept before they were replaced or removed
    Backup,
    /// Renewal by a systemd timer
    Systemd,
    /// What the nodes of a cluster share, encrypted
    Bundle,
    /// Serving certificates of kubelets, in a living cluster
    Kubelet,
    /// Who signs what a living cluster is asked for
    Signer,
    /// etcd, as the API server of this node knows it
    Etcd,
    /// Replace a CA, or the service accounts' key, while the cluster works
    Rotate,
    /// kubeadm configuration files
    Config
});

verbs!(@kind Certs {
    Init(init::CertsInit),
    Renew(renew::Renew),
    CheckExpiration(check::CheckExpiration),
    GenerateCsr(generate_csr::GenerateCsr),
    Sign(sign::Sign),
    Import(import::Import),
    Cleanup(cleanup::Cleanup),
    CertificateKey(bundle::NewCertificateKey)
});

verbs!(@kind Ca {
    Renew(renew_ca::RenewCa)
});

verbs!(@kind Kubeconfig {
    Init(init::KubeconfigInit),
    User(user::User),
    Embed(embed::Embed)
});

verbs!(@kind Backup {
    List(backup::List),
    Show(backup::Show),
    Restore(backup::Restore),
    Prune(backup::Prune)
});

verbs!(@kind Kubelet {
    Csrs(kubelet::Csrs),
    Approve(kubelet::Approve),
    EnableServingCerts(serving::EnableServingCerts),
    RequireServingCerts(serving::RequireServingCerts)
});

verbs!(@kind Signer {
    Show(signer::Show)
});

verbs!(@kind Etcd {
    Snapshot(etcd_snapshot::Snapshot)
});

verbs!(@kind Rotate {
    Plan(rotate::Plan),
    Start(rotate::Start),
    Status(rotate::Status),
    Resume(rotate::Resume),
    Finish(rotate::Finish),
    Abort(rotate::Abort),
    Step(rotate::Step),
    Reserve(rotate::Reserve),
    Export(rotate::Export),
    Unused(rotate::Unused)
});

verbs!(@kind Config {
    Validate(config::Validate)
});

verbs!(@kind Systemd {
    Install(systemd::Install),
    Remove(systemd::Remove)
});

verbs!(@kind Bundle {
    Export(bundle::Export),
    Import(bundle::Import),
    Upload(bundle::Upload),
    Download(bundle::Download)
});

/// The command line as the parser knows it.
pub(super) fn command() -> Command {
    overriding(Line::command())
}

/// The last of two equal options counts, in every verb.
fn overriding(command: Command) -> Command {
    command.args_override_self(true).mut_subcommands(overriding)
}

/// The verb that is meant has all that is said of it in its help; in the list of commands each has one sentence.
fn with_prose(command: Command, words: &[String]) -> Command {
    match words.get(1).filter(|word| command.find_subcommand(word).is_some()) {
        Some(word) => command.mut_subcommand(word, |below| with_prose(below, &words[1..])),
        None => match command.get_long_about().cloned() {
            Some(prose) => command.about(prose),
            None => command,
        },
    }
}

/// Parses the line and does what it says.
pub(super) fn run(session: &Session, arguments: Vec<OsString>) -> Result<u8, Stop> {
    let command = command();
    let Arranged { words, fault } = line::arranged(&command, arguments)?;
    let command = with_prose(command, &words);
    let is_monitored = |word: &&String| ["check", "audit", "metrics", "probe"].iter().any(|verb| *word == *verb);
    let failure = words.get(1).filter(is_monitored).and(<check::Check as Run>::FAILURE);
    if let Some(fault) = fault {
        return Err(Stop::from(fault).given(Given::ending_with(failure)));
    }
    let matches = match command.clone().try_get_matches_from(&words) {
        Ok(matches) => matches,
        Err(error) => {
            return usage::answer(session, &command, &words, &error)
                .map_err(|stop| stop.given(Given::ending_with(failure)));
        }
    };
    let line = Line::from_arg_matches(&matches).map_err(|error| CommandError::usage(error.to_string(), ""))?;
    logging::show_more(line.verbose);
    match line.verb {
        _ if line.version => version::print(session, line.verbose > 0).map(|()| 0),
        Some(verb) => verb.run(session, &matches),
        None => session.screen.data(&command.clone().render_help().to_string()).map(|()| 0),
    }
}
