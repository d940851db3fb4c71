//! `kubepki bundle` and `certs certificate-key`: what the nodes of a cluster share, sealed for the journey.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::carry_out::{Carrying, Words};
use super::error::CommandError;
use super::input::{certificate_key, content, with_stdin};
use super::options::{CertificateKeyOptions, DryRun, Out, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::certificate_key::CertificateKey;
use crate::ops::bundle::{self, Collected, Contents, ExportRequest, ImportRequest};
use crate::ops::output::{Access, write_secret};
use crate::report;
use crate::secret::Secret;

const WORDS: Words<'static> = Words { done: "installed", nothing: "nothing to do: everything is there" };

/// Encrypt what a joining node needs, as `kubeadm init --upload-certs` does it.
///
/// Prints the Secret kubeadm-certs, for `kubectl apply -f -` or for `kubepki bundle import`. Nothing is uploaded. Without
/// a certificate key a new one is made and printed on stderr, once: it is nowhere else.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki bundle export --dry-run
  kubepki bundle export --out bundle.yaml
  kubepki bundle export --rbac --certificate-key-file key
  kubepki bundle export --role worker --out ca.crt")]
pub(super) struct Export {
    #[command(flatten)]
    key: CertificateKeyOptions,
    /// Add the `Role` and the `RoleBinding` through which joining nodes read the Secret.
    #[arg(long)]
    rbac: bool,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    out: Out,
    /// The form of the Secret.
    #[arg(short = 'o', long = "output", value_name = "FORM", default_value = "yaml")]
    form: SecretForm,
    #[command(flatten)]
    request: ExportRequest,
}

/// Put an encrypted bundle on a node, all of its files or none of them.
///
/// FILE is what `kubepki bundle export` wrote, or `kubectl -n kube-system get secret kubeadm-certs -o yaml`; `-` is
/// stdin. Each file is judged before the first is written. A file that is there and differs stays, unless --force is
/// given.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki bundle import bundle.yaml --certificate-key-file key --dry-run
  kubepki bundle import bundle.yaml --certificate-key-file key
  kubepki bundle import ca.crt --role worker")]
pub(super) struct Import {
    /// The bundle, or `-` for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    key: CertificateKeyOptions,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: ImportRequest,
}

/// Print a new key for bundles, as kubeadm prints it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki certs certificate-key
  kubepki certs certificate-key > key")]
pub(super) struct NewCertificateKey {}

/// The forms of a Secret.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SecretForm {
    /// Documents, as kubectl applies them.
    Yaml,
    /// One document.
    Json,
}

/// A bundle's text, and the key that was made for it.
struct Sealed {
    text: Secret,
    new_key: Option<Secret>,
}

impl Run for Export {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let given = key(session, &self.key)?;
        let mut request = self.request.clone();
        with_stdin(session, &mut request.node)?;
        let collected = bundle::collect(&request, session.now)?;
        session.screen.warn(&collected.warnings);
        session.screen.say_findings(&collected.findings);
        if *self.dry_run {
            session.screen.show(&report::bundle::text(&collected.entries, session.screen.width()))?;
            session.screen.say("dry run: nothing was made");
            return Ok(0);
        }
        let sealed = self.seal(&collected, given)?;
        session.go_on()?;
        match self.out.file() {
            Some(file) => {
                write_secret(file, &sealed.text, self.out.force, Access::default())?;
                session.screen.say(&format!("wrote {}", file.display()));
            }
            None => session.screen.data(&String::from_utf8_lossy(sealed.text.expose()))?,
        }
        if let Some(key) = sealed.new_key {
            session.screen.say(&format!("certificate key: {}", String::from_utf8_lossy(key.expose())));
            session
                .screen
                .say("  keep it apart from the bundle; it is printed this once, and nothing else opens the bundle");
        }
        Ok(if self.out.file().is_some() { session.ended(0) } else { 0 })
    }
}

impl Export {
    fn seal(&self, collected: &Collected, given: Option<CertificateKey>) -> Result<Sealed, Stop> {
        let is_new = given.is_none();
        Ok(match collected.contents(self.request.role, given)? {
            Contents::Authority(certificate) => Sealed { text: Secret::new(certificate), new_key: None },
            Contents::Sealed { manifest, key } => {
                let text = match self.form {
                    SecretForm::Yaml => manifest.to_yaml(self.rbac),
                    SecretForm::Json => manifest.to_json(self.rbac),
                };
                Sealed { text: Secret::new(text.into_bytes()), new_key: is_new.then(|| key.to_hex()) }
            }
        })
    }
}

impl Run for Import {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let dry_run = *self.dry_run;
        if self.file == Path::new("-") && self.key.is_on_stdin() {
            let hint = "give the key in a file or in KUBEPKI_CERTIFICATE_KEY";
            return Err(CommandError::usage("bundle and certificate key cannot both come from stdin", hint).into());
        }
        let sealed = content(session, &self.file)?;
        let key = key(session, &self.key)?;
        let mut request = self.request;
        with_stdin(session, &mut request.node)?;
        let planned = bundle::plan_import(&request, sealed.expose(), key.as_ref(), session.now)?;
        let carrying = Carrying::of_plan(session, &planned.plan, WORDS, self.output.form, dry_run);
        let carrying = Carrying { warnings: &planned.warnings, ..carrying };
        let recovering = ImportRequest { recover: true.into(), ..request };
        carrying.carry_out_by(Box::new(|_| bundle::import(&recovering, sealed.expose(), key.as_ref(), session.now)))
    }
}

impl Run for NewCertificateKey {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let digits = CertificateKey::random()?.to_hex();
        session.screen.data(&format!("{}\n", String::from_utf8_lossy(digits.expose())))?;
        Ok(0)
    }
}

fn key(session: &Session, options: &CertificateKeyOptions) -> Result<Option<CertificateKey>, Stop> {
    Ok(certificate_key(session, options)?.as_ref().map(CertificateKey::from_hex).transpose()?)
}
