//! `kubepki bundle` and `certs certificate-key`: what the nodes of a cluster share, sealed for the journey.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::carry_out::{Carrying, Words};
use super::error::CommandError;
use super::input::{certificate_key, content, with_configuration, with_configuration_by};
use super::options::{CertificateKeyOptions, DryRun, Form, Out, Output};
use super::run::Run;
use super::session::Session;
use super::stop::Stop;
use crate::catalogue::{ADMIN_CONF, DEFAULT_KUBECONFIG_DIR};
use crate::certificate_key::CertificateKey;
use crate::ops::NodeRequest;
use crate::ops::bundle::{self, Collected, Contents, DownloadRequest, ExportRequest, ImportRequest, UploadRequest};
use crate::ops::cluster::{Api, own_kubeconfigs};
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

/// Encrypt what a joining node needs and upload it, as `kubeadm init phase upload-certs --upload-certs` does.
///
/// The Secret kubeadm-certs is removed after --ttl. A control-plane node joins with it, by kubeadm with
/// `--certificate-key KEY`, or by `kubepki bundle download`. Without a certificate key a new one is made and printed on stderr, once: it is
/// nowhere else.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki bundle upload --dry-run
  kubepki bundle upload
  kubepki bundle upload --certificate-key-file key --ttl 30m")]
pub(super) struct Upload {
    #[command(flatten)]
    key: CertificateKeyOptions,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: UploadRequest,
}

/// Put the bundle that is in the cluster on a node, all of its files or none of them.
///
/// It is what `kubepki bundle upload`, or kubeadm, uploaded, and is treated as `kubepki bundle import` treats a file.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kubepki bundle download --kubeconfig admin.conf --certificate-key-file key --dry-run
  kubepki bundle download --kubeconfig admin.conf --certificate-key-file key")]
pub(super) struct Download {
    #[command(flatten)]
    key: CertificateKeyOptions,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    request: DownloadRequest,
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
    new_key: Option<CertificateKey>,
}

impl Run for Export {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let given = key(session, &self.key)?;
        let mut request = self.request.clone();
        with_configuration(session, &mut request.node)?;
        let Some(collected) = collect(session, &request, self.dry_run.then_some("made"))? else { return Ok(0) };
        let sealed = self.seal(&collected, given)?;
        session.go_on()?;
        match self.out.file() {
            Some(file) => {
                write_secret(file, &sealed.text, self.out.force, Access::default())?;
                session.screen.say(&format!("wrote {}", file.display()));
            }
            None => session.screen.data(&String::from_utf8_lossy(sealed.text.expose()))?,
        }
        if let Some(key) = &sealed.new_key {
            say_key(session, key);
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
                Sealed { text: Secret::new(text.into_bytes()), new_key: is_new.then_some(key) }
            }
        })
    }
}

impl Run for Upload {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let given = key(session, &self.key)?;
        let mut request = self.request;
        request.refuse_worker()?;
        let time_to_live = request.time_to_live()?;
        with_configuration_by(session, &mut request.bundle.node, &request.access)?;
        let shown = self.dry_run.then_some("uploaded");
        let Some(collected) = collect(session, &request.bundle, shown)? else { return Ok(0) };
        let new_key = given.is_none();
        let key = given.map_or_else(CertificateKey::random, Ok)?;
        let manifest = collected.seal(&key)?;
        let mut tell = || session.tell();
        let mut api = Api::open(&request.access, &own(&request.bundle.node), &mut tell)?;
        let uploaded = bundle::upload(&mut api, &manifest, time_to_live, session.now)?;
        match self.output.form {
            Form::Text => {
                let how = if uploaded.has_replaced { "replaced" } else { "uploaded" };
                session.screen.show(&format!("{how} {}, until {}", uploaded.secret, uploaded.expires_at))?;
            }
            form => session.structured(&uploaded, form)?,
        }
        if new_key {
            say_key(session, &key);
        }
        Ok(session.ended(0))
    }
}

impl Run for Download {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        let key = key(session, &self.key)?;
        let DownloadRequest { access, bundle: mut request } = self.request;
        with_configuration_by(session, &mut request.node, &access)?;
        let mut tell = || session.tell();
        let sealed = bundle::download(&mut Api::open(&access, &own(&request.node), &mut tell)?)?;
        put(session, &sealed, key.as_ref(), request, self.output.form, *self.dry_run)
    }
}

/// Reads what a joining node needs, and says what should be looked at. A dry run shows it: nothing was `done` then.
fn collect(session: &Session, request: &ExportRequest, done: Option<&str>) -> Result<Option<Collected>, Stop> {
    let collected = bundle::collect(request, session.now)?;
    session.screen.warn(&collected.warnings);
    session.screen.say_findings(&collected.findings);
    let Some(done) = done else { return Ok(Some(collected)) };
    session.screen.show(&report::bundle::text(&collected.entries, session.screen.width()))?;
    session.screen.say(&format!("dry run: nothing was {done}"));
    Ok(None)
}

/// This host's own credentials for the cluster; below a root directory is another's disk, and its are not used.
fn own(node: &NodeRequest) -> Vec<PathBuf> {
    let folder = node.kubeconfig_dir.as_deref().unwrap_or(Path::new(DEFAULT_KUBECONFIG_DIR));
    own_kubeconfigs(None, folder, &[ADMIN_CONF])
}

/// Says the key that was made; it is nowhere else.
fn say_key(session: &Session, key: &CertificateKey) {
    let digits = key.to_hex();
    session.screen.say(&format!("certificate key: {}", String::from_utf8_lossy(digits.expose())));
    session.screen.say("  keep it apart from the bundle; it is printed this once, and nothing else opens the bundle");
}

/// Plans what a bundle's files become, and does it.
fn put(
    session: &Session,
    sealed: &Secret,
    key: Option<&CertificateKey>,
    request: ImportRequest,
    form: Form,
    is_dry_run: bool,
) -> Result<u8, Stop> {
    let planned = bundle::plan_import(&request, sealed.expose(), key, session.now)?;
    let carrying = Carrying::of_plan(session, &planned.plan, WORDS, form, is_dry_run);
    let carrying = Carrying { warnings: &planned.warnings, ..carrying };
    let recovering = ImportRequest { recover: true.into(), ..request };
    carrying.carry_out_by(Box::new(|_| bundle::import(&recovering, sealed.expose(), key, session.now)))
}

impl Run for Import {
    fn run(self, session: &Session) -> Result<u8, Stop> {
        if self.file == Path::new("-") && self.key.is_on_stdin() {
            let hint = "give the key in a file or in KUBEPKI_CERTIFICATE_KEY";
            return Err(CommandError::usage("bundle and certificate key cannot both come from stdin", hint).into());
        }
        let sealed = content(session, &self.file)?;
        let key = key(session, &self.key)?;
        let mut request = self.request;
        with_configuration(session, &mut request.node)?;
        put(session, &sealed, key.as_ref(), request, self.output.form, *self.dry_run)
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
