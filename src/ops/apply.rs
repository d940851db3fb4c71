//! Applying a plan: keys, signatures, and one transaction over all files.
//!
//! In: a [`Plan`]. Out: [`Report`], or an error after which every file is as it was.
//! Order: keys (long, no lock held) · lock · are the inputs as planned? · sign · write all or nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::OperationError;
use super::init::directories;
use super::keys::generate_all;
pub use super::keys::{Continue, Progress};
use super::node::content_of;
use crate::catalogue::{self, Layout};
use crate::error::Result;
use crate::key::PrivateKey;
use crate::kubeconfig::{Client, ClientConfig, Kubeconfig};
use crate::plan::generate::sha256_hex;
use crate::plan::{Artefact, Kind, Plan};
use crate::secret::Secret;
use crate::store::{Change, Expected, Store};
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, Issuer, SerialNumber, read_certificates};

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Everything that was made, in the plan's order.
    pub created: Vec<Created>,
}

/// One thing that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Created {
    /// kubeadm's name.
    pub name: String,
    /// Its files.
    pub files: Vec<PathBuf>,
    /// The serial number of its certificate in hexadecimal.
    pub serial: Option<String>,
    /// When its certificate ends.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Does what the plan says.
///
/// # Errors
/// [`OperationError::Blocked`] for a plan with critical findings; [`OperationError::Stale`] when a file has changed
/// since; [`OperationError::Interrupted`] when `progress` says to stop; `store.*` when writing fails. After each of
/// them every file is as it was.
pub fn apply(plan: &Plan, progress: &mut dyn FnMut(&Progress) -> Continue) -> Result<Report> {
    if plan.is_blocked() {
        return Err(OperationError::Blocked { findings: plan.findings.clone() }.into());
    }
    if plan.operation != "init" {
        return Err(bad(format!("its operation is {:?}", plan.operation)).into());
    }
    if plan.is_empty() {
        return Ok(Report { created: Vec::new() });
    }
    let wanted: Vec<_> = plan
        .to_create()
        .filter_map(|artefact| artefact.new_key.map(|algorithm| (artefact.name.clone(), algorithm)))
        .collect();
    let keys = generate_all(&wanted, progress)?;
    let keys = wanted.into_iter().map(|(name, _)| name).zip(keys).collect();

    let store = Store::new(plan.rootfs.clone())?;
    let mut session = store.lock(&directories(plan))?;
    let tree = store.read(plan.inputs.iter().map(|input| input.path.clone()));
    refuse_stale(plan, &tree)?;

    let mut making = Making {
        tree: &tree,
        layout: Layout { certificates_dir: plan.certificates_dir.clone(), kubeconfig_dir: plan.kubeconfig_dir.clone() },
        keys,
        issuers: BTreeMap::new(),
        changes: Vec::new(),
        created: Vec::new(),
    };
    // CAs come first in the catalogue's order, but for the leaves between them: issuers are made on demand.
    for artefact in plan.to_create().filter(|artefact| artefact.kind == Kind::CertificateAuthority) {
        making.authority(artefact)?;
    }
    for artefact in plan.to_create() {
        match artefact.kind {
            Kind::CertificateAuthority => {}
            Kind::Certificate => making.leaf(artefact)?,
            Kind::KeyPair => making.service_account(artefact)?,
            Kind::Kubeconfig => making.kubeconfig(artefact)?,
        }
    }
    session.apply(&making.changes)?;
    for created in &making.created {
        let serial = created.serial.as_deref().unwrap_or("none");
        log::info!("created {}: serial {serial}, files {}", created.name, listed(&created.files));
    }
    Ok(Report { created: in_plan_order(plan, making.created) })
}

fn in_plan_order(plan: &Plan, mut created: Vec<Created>) -> Vec<Created> {
    created.sort_by_key(|one| plan.artefacts.iter().position(|artefact| artefact.name == one.name));
    created
}

fn refuse_stale(plan: &Plan, tree: &Tree) -> Result<()> {
    for input in &plan.inputs {
        let now = tree.content(&input.path).map(sha256_hex);
        if now != input.sha256 {
            return Err(OperationError::Stale { path: input.path.display().to_string() }.into());
        }
    }
    Ok(())
}

fn bad(reason: impl Into<String>) -> OperationError {
    OperationError::BadPlan { reason: reason.into() }
}

fn listed(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The work bench: keys that wait for their certificate, CAs that can sign, files to write.
struct Making<'a> {
    tree: &'a Tree,
    layout: Layout,
    keys: BTreeMap<String, PrivateKey>,
    issuers: BTreeMap<String, Issuer>,
    changes: Vec<Change>,
    created: Vec<Created>,
}

impl Making<'_> {
    fn authority(&mut self, artefact: &Artefact) -> Result<()> {
        let template = artefact.certificate.as_ref().ok_or_else(|| bad("a CA has no certificate template"))?;
        let key = self.take_key(artefact)?;
        let certificate = template.self_sign(&SerialNumber::random()?, &key)?;
        self.write_pair(artefact, &key, &certificate)?;
        self.issuers.insert(artefact.name.clone(), Issuer::new(certificate, key)?);
        Ok(())
    }

    fn leaf(&mut self, artefact: &Artefact) -> Result<()> {
        let (key, certificate) = self.signed(artefact)?;
        self.write_pair(artefact, &key, &certificate)
    }

    fn kubeconfig(&mut self, artefact: &Artefact) -> Result<()> {
        let (key, certificate) = self.signed(artefact)?;
        let template = artefact.kubeconfig.as_ref().ok_or_else(|| bad("a kubeconfig has no template"))?;
        let trusted = self.trusted_bundle()?;
        let document = Kubeconfig::new(&ClientConfig {
            cluster_name: &template.cluster_name,
            server: &template.server,
            certificate_authority_pem: Some(&trusted),
            user: &template.user,
            client: Client::Certificate { certificate_pem: certificate.to_pem(), key_pem: key.to_pem() },
        });
        self.write(artefact, vec![document.to_yaml()], Some(&certificate))
    }

    fn service_account(&mut self, artefact: &Artefact) -> Result<()> {
        let public_key = |key: &PrivateKey| Secret::new(key.public_key_pem());
        if artefact.new_key.is_some() {
            let key = self.take_key(artefact)?;
            let contents = vec![key.to_pem(), public_key(&key)];
            return self.write(artefact, contents, None);
        }
        let key = PrivateKey::from_pem(&content_of(self.tree, &self.layout.service_account_key())?)?;
        self.write(artefact, vec![public_key(&key)], None)
    }

    fn signed(&mut self, artefact: &Artefact) -> Result<(PrivateKey, Certificate)> {
        let template = artefact.certificate.as_ref().ok_or_else(|| bad("a certificate has no template"))?;
        let key = self.take_key(artefact)?;
        let name = artefact.issuer.as_deref().ok_or_else(|| bad("a certificate has no issuer"))?;
        let issuer = self.issuer(name)?;
        let certificate = template.issue(&SerialNumber::random()?, key.public_key_info(), issuer)?;
        Ok((key, certificate))
    }

    /// A CA that can sign: made in this run, or read from disk.
    fn issuer(&mut self, name: &str) -> Result<&Issuer> {
        if !self.issuers.contains_key(name) {
            let row = catalogue::authority(name).ok_or_else(|| bad(format!("unknown issuer {name:?}")))?;
            let certificates = read_certificates(&content_of(self.tree, &self.layout.certificate(row.base_name))?)?;
            let key = PrivateKey::from_pem(&content_of(self.tree, &self.layout.key(row.base_name))?)?;
            let certificate = certificates.into_iter().next().ok_or(crate::x509::X509Error::NoCertificate)?;
            self.issuers.insert(name.to_owned(), Issuer::new(certificate, key)?);
        }
        self.issuers.get(name).ok_or_else(|| bad(format!("unknown issuer {name:?}")).into())
    }

    /// What a kubeconfig trusts: all certificates of `ca.crt`. kubeadm embeds the first alone, which breaks a CA
    /// rotation; its own check accepts a bundle.
    fn trusted_bundle(&mut self) -> Result<Vec<u8>> {
        let path = self.layout.certificate("ca");
        if matches!(self.tree.get(&path), Observed::Missing) {
            return Ok(self.issuer("ca")?.certificate().to_pem());
        }
        let certificates = read_certificates(&content_of(self.tree, &path)?)?;
        Ok(certificates.iter().flat_map(Certificate::to_pem).collect())
    }

    fn take_key(&mut self, artefact: &Artefact) -> Result<PrivateKey> {
        self.keys.remove(&artefact.name).ok_or_else(|| bad(format!("{} has no new key", artefact.name)).into())
    }

    fn write_pair(&mut self, artefact: &Artefact, key: &PrivateKey, certificate: &Certificate) -> Result<()> {
        self.write(artefact, vec![key.to_pem(), Secret::new(certificate.to_pem())], Some(certificate))
    }

    /// Notes the artefact's files for the transaction; `contents` are in the order of its files.
    fn write(&mut self, artefact: &Artefact, contents: Vec<Secret>, certificate: Option<&Certificate>) -> Result<()> {
        if contents.len() != artefact.files.len() {
            return Err(bad(format!("{} has {} files", artefact.name, artefact.files.len())).into());
        }
        for (file, content) in artefact.files.iter().zip(contents) {
            let (path, mode) = (file.path.clone(), file.mode);
            self.changes.push(Change::Write { path, content, mode, expected: Expected::Absent });
        }
        self.created.push(Created {
            name: artefact.name.clone(),
            files: artefact.files.iter().map(|file| file.path.clone()).collect(),
            serial: certificate.map(|certificate| certificate.serial().to_string()),
            expires_at: certificate.map(Certificate::not_after),
        });
        Ok(())
    }
}
