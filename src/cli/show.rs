//! `kubepki show`: what is in files, decoded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::input::streamed;
use super::options::{Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::error::{Category, Fault};
use crate::ops::show::{self, ShowRequest, ShownFile};
use crate::report;
use crate::secret::Secret;

/// Show what is in files, decoded: certificates, signing requests, keys, kubeconfigs.
///
/// PEM, DER and PKCS#7 are read, many blocks in one file too. Of a private key the kind and the public half are shown;
/// tokens and passwords are not. A file may be a pipe, as of a shell's `<(…)`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki show /etc/kubernetes/pki/apiserver.crt
  kubepki show /etc/kubernetes/admin.conf -o json
  kubepki show *.csr
  openssl s_client -connect 10.0.0.1:6443 -showcerts </dev/null | kubepki show -
  kubepki show <(ssh cp1 cat /etc/kubernetes/pki/apiserver.crt)")]
pub(super) struct Show {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: ShowRequest,
}

#[derive(Serialize)]
struct Answer<'a> {
    files: &'a [ShownFile],
}

fn say_problem(session: &Session, path: &Path, fault: &Fault) {
    let path = path.to_string_lossy();
    let place = if fault.message.contains(&*path) { String::new() } else { format!("{path}: ") };
    session.screen.say_fault(&format!("{place}{}", fault.message), fault);
}

impl Show {
    /// What the files hold that are streams: each is read once, however often it is named.
    fn streams(&self, session: &Session) -> Result<BTreeMap<PathBuf, Secret>, Stop> {
        let mut streams = BTreeMap::new();
        for file in self.request.files.iter().collect::<BTreeSet<_>>() {
            // Below another root, a path is of a disk.
            if (self.request.rootfs.is_none() || file == Path::new("-"))
                && let Some(content) = streamed(session, file)?
            {
                streams.insert(file.clone(), content);
            }
        }
        Ok(streams)
    }
}

impl Run for Show {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let files = show::show(&self.request, &self.streams(session)?)?;
        if self.output.form != Form::Text {
            session.structured(&Answer { files: &files }, self.output.form)?;
        }
        for file in &files {
            if self.output.form == Form::Text && !file.contents.is_empty() {
                session.screen.show(&report::show::text(file, session.now))?;
            }
            if let Some(fault) = &file.problem {
                say_problem(session, &file.path, fault);
            }
        }
        let has_failed = files.iter().any(|file| file.problem.is_some());
        Ok(if has_failed { Category::Finding.exit_code() } else { 0 })
    }
}
