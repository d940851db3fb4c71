//! `kubepki show`: what is in files, decoded.

use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::input::content;
use super::options::{Form, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::error::{Category, Fault};
use crate::ops::show::{self, ShowRequest, ShownFile};
use crate::report;

/// Show what is in files, decoded: certificates, signing requests, keys, kubeconfigs.
///
/// PEM, DER and PKCS#7 are read, many blocks in one file too. Of a private key the kind and the public half are shown;
/// tokens and passwords are not.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki show /etc/kubernetes/pki/apiserver.crt
  kubepki show /etc/kubernetes/admin.conf -o json
  kubepki show *.csr
  openssl s_client -connect 10.0.0.1:6443 -showcerts </dev/null | kubepki show -")]
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

impl Run for Show {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let has_stdin = self.request.files.iter().any(|file| file == Path::new("-"));
        let stdin = has_stdin.then(|| content(session, Path::new("-"))).transpose()?;
        let files = show::show(&self.request, stdin.as_ref().map(crate::secret::Secret::expose))?;
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
