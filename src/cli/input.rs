//! What a line hands over by a file, a pipe or stdin: secrets, bundles, a configuration.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::CommandError;
use super::options::CertificateKeyOptions;
use super::session::Session;
use super::stop::Stop;
use crate::config;
use crate::edge::streams::{self, Until};
use crate::ops::STDIN;
use crate::ops::cluster::read_configuration;
use crate::request::{ClusterAccess, NodeRequest};
use crate::secret::Secret;

/// No Secret, and no document around one, is larger: 1 MiB is what the API server takes.
const LIMIT: usize = 4 << 20;

/// So much of a line that only says that somebody is there is read at once.
const LONGEST_BEAT: usize = 64;

/// The node with its configuration read, where that comes from stdin (`--config -`) or from the cluster (`--config cluster`), for a
/// verb without options of the cluster's.
///
/// # Errors
/// As [`with_configuration_by`].
pub(super) fn with_configuration(session: &Session, node: &mut NodeRequest) -> Result<(), Stop> {
    with_configuration_by(session, node, &ClusterAccess::default())
}

/// The same for a verb that has them.
///
/// # Errors
/// As [`content`] and [`read_configuration`].
pub(super) fn with_configuration_by(
    session: &Session,
    node: &mut NodeRequest,
    access: &ClusterAccess,
) -> Result<(), Stop> {
    if node.config.as_deref() == Some(Path::new("-")) {
        let bytes = content(session, Path::new("-"))?;
        node.config_text = Some(config::text(STDIN, bytes.expose())?.to_owned());
    }
    Ok(read_configuration(node, access, &mut || session.tell())?)
}

/// The certificate key of the options, or of the environment.
///
/// # Errors
/// As [`content`].
pub(super) fn certificate_key(session: &Session, options: &CertificateKeyOptions) -> Result<Option<Secret>, Stop> {
    if let Some(file) = &options.certificate_key_file {
        return first_line(session, file).map(Some);
    }
    let variable = || std::env::var("KUBEPKI_CERTIFICATE_KEY").ok();
    Ok(options.certificate_key.clone().or_else(variable).map(|text| Secret::from(text.into_bytes())))
}

/// What is in a file or a pipe of this machine, or on stdin (`-`).
///
/// # Errors
/// [`CommandError::TooLarge`], [`CommandError::Io`]; [`CommandError::Interrupted`] for Ctrl-C while it waits.
pub(super) fn content(session: &Session, file: &Path) -> Result<Secret, Stop> {
    read(session, file, Until::End)
}

/// What was heard of whoever writes to stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// A line, or the beginning of one.
    Heard,
    /// Nobody writes any more.
    End,
    /// Nothing, for as long as was waited.
    Silence,
}

/// Waits for a line on stdin.
///
/// # Errors
/// As [`content`].
pub(super) fn beat(session: &Session, wait: Duration) -> Result<Beat, Stop> {
    let began = Instant::now();
    let is_stopped = || session.interrupts.has_come() || began.elapsed() > wait;
    match streams::read(Path::new("-"), Until::LineBreak, LONGEST_BEAT, &is_stopped) {
        Ok(line) if line.expose().is_empty() => Ok(Beat::End),
        Ok(_) => Ok(Beat::Heard),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => session.go_on().map(|()| Beat::Silence),
        Err(error) => Err(CommandError::io(STDIN, &error).into()),
    }
}

/// The first line of the same.
///
/// # Errors
/// As [`content`].
pub(super) fn first_line(session: &Session, file: &Path) -> Result<Secret, Stop> {
    let line = read(session, file, Until::LineBreak)?;
    let line = line.expose().strip_suffix(b"\n").unwrap_or(line.expose());
    Ok(Secret::from(line.strip_suffix(b"\r").unwrap_or(line).to_vec()))
}

/// What comes through stdin (`-`, `/dev/stdin`) or through a pipe of this machine; none for any other file.
///
/// # Errors
/// As [`content`].
pub(super) fn streamed(session: &Session, file: &Path) -> Result<Option<Secret>, Stop> {
    if [Path::new("-"), Path::new("/dev/stdin")].contains(&file) {
        return content(session, Path::new("-")).map(Some);
    }
    let content = streams::read_pipe(file, LIMIT, &|| session.interrupts.has_come());
    content.transpose().map(|content| judged(session, &file.display().to_string(), content)).transpose()
}

fn read(session: &Session, file: &Path, until: Until) -> Result<Secret, Stop> {
    let place = if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() };
    let content = streams::read(file, until, LIMIT, &|| session.interrupts.has_come());
    judged(session, &place, content)
}

fn judged(session: &Session, place: &str, content: io::Result<Secret>) -> Result<Secret, Stop> {
    session.go_on()?;
    let content = content.map_err(|error| CommandError::io(place, &error))?;
    if content.expose().len() > LIMIT {
        return Err(CommandError::TooLarge { place: place.to_owned(), limit: LIMIT }.into());
    }
    Ok(content)
}
