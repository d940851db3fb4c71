//! What the parts of applying work with.
//!
//! In: the plan, the tree as read under the lock, keys that were made beforehand. Out: the changes of the
//! transaction and what they mean ([`Workbench::finish`]).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use super::super::node::{content_of, issuer_on_disk};
use super::{Changed, bad};
use crate::audit::chain::judge_signed;
use crate::catalogue::{self, CLUSTER_CA, Layout};
use crate::error::Result;
use crate::key::PrivateKey;
use crate::kubeconfig::Kubeconfig;
use crate::ops::signing::refuse_untrusted;
use crate::ops::unless_critical;
use crate::plan::{Artefact, Plan, PlannedFile};
use crate::secret::Secret;
use crate::store::{Change, Expected};
use crate::tree::Tree;
use crate::x509::{Certificate, CertificateTemplate, Issuer, SerialNumber, X509Error, read_certificates};

/// Keys that wait for their certificate, CAs that can sign, files to write.
pub(super) struct Workbench<'a> {
    pub(super) tree: &'a Tree,
    pub(super) layout: Layout,
    plan: &'a Plan,
    keys: BTreeMap<String, PrivateKey>,
    /// Chains that signers of the cluster have signed.
    issued: BTreeMap<String, Vec<Certificate>>,
    supplied: BTreeMap<PathBuf, Secret>,
    issuers: BTreeMap<String, Issuer>,
    /// The kubeconfigs that change, parsed once, with their modes.
    kubeconfigs: BTreeMap<PathBuf, (u32, Kubeconfig)>,
    changes: Vec<Change>,
    changed: Vec<Changed>,
}

impl<'a> Workbench<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        tree: &'a Tree,
        keys: BTreeMap<String, PrivateKey>,
        issued: BTreeMap<String, Vec<Certificate>>,
        supplied: BTreeMap<PathBuf, Secret>,
    ) -> Self {
        Self {
            tree,
            layout: Layout {
                certificates_dir: plan.certificates_dir.clone(),
                kubeconfig_dir: plan.kubeconfig_dir.clone(),
            },
            plan,
            keys,
            issued,
            supplied,
            issuers: BTreeMap::new(),
            kubeconfigs: BTreeMap::new(),
            changes: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// The changes for the transaction, and what they are, in the plan's order.
    pub(super) fn finish(mut self) -> (Vec<Change>, Vec<Changed>) {
        for (path, (mode, document)) in std::mem::take(&mut self.kubeconfigs) {
            self.replace(&PlannedFile { path, mode }, document.to_yaml());
        }
        let Self { plan, changes, mut changed, .. } = self;
        changed.sort_by_key(|one| plan.artefacts.iter().position(|artefact| artefact.name == one.name));
        (changes, changed)
    }

    /// A CA that was made in this run, and can sign from here on.
    pub(super) fn add_issuer(&mut self, name: &str, issuer: Issuer) {
        self.issuers.insert(name.to_owned(), issuer);
    }

    /// A CA that can sign: made in this run, or read from disk.
    pub(super) fn issuer(&mut self, name: &str) -> Result<&Issuer> {
        if !self.issuers.contains_key(name) {
            catalogue::authority(name).ok_or_else(|| bad(format!("unknown issuer {name:?}")))?;
            self.issuers.insert(name.to_owned(), issuer_on_disk(self.tree, &self.layout, name)?);
        }
        self.issuers.get(name).ok_or_else(|| bad(format!("unknown issuer {name:?}")).into())
    }

    /// Judges a certificate that was signed just now as `check` will: what no client and no server would accept is never
    /// written.
    pub(super) fn judge(&self, artefact: &Artefact, certificate: &Certificate) -> Result<()> {
        let Some(issuer) = artefact.issuer.as_deref() else { return Ok(()) };
        let path = self.authority_file(artefact)?;
        let mut bundle = vec![self.ready_issuer(issuer)?.certificate().clone()];
        if let Ok(content) = self.content(&path) {
            bundle.extend(read_certificates(content.expose())?);
        }
        let path = artefact.files.last().map_or(path, |file| file.path.clone());
        unless_critical(judge_signed(&artefact.name, &path, certificate, &bundle, self.plan.made_at))?;
        Ok(())
    }

    /// A CA that [`Self::issuer`] has made ready.
    pub(super) fn ready_issuer(&self, name: &str) -> Result<&Issuer> {
        self.issuers.get(name).ok_or_else(|| bad(format!("unknown issuer {name:?}")).into())
    }

    /// What a kubeconfig trusts: all certificates of `ca.crt`. kubeadm embeds only the first, which breaks a CA
    /// rotation; its own check accepts a bundle.
    pub(super) fn trusted_bundle(&self) -> Result<Vec<u8>> {
        let certificates = read_certificates(self.content(&self.layout.certificate(CLUSTER_CA))?.expose())?;
        Ok(certificates.iter().flat_map(Certificate::to_pem).collect())
    }

    /// The key that was made for the artefact.
    pub(super) fn take_key(&mut self, artefact: &Artefact) -> Result<PrivateKey> {
        self.keys.remove(&artefact.name).ok_or_else(|| bad(format!("{} has no new key", artefact.name)).into())
    }

    /// The chain that a signer of the cluster has signed for the artefact; it is refused where the node's CA file does not vouch for
    /// it.
    pub(super) fn take_issued(&mut self, artefact: &Artefact) -> Result<Vec<Certificate>> {
        let chain = self.issued.remove(&artefact.name);
        let chain =
            chain.filter(|chain| !chain.is_empty()).ok_or_else(|| bad(format!("{} was not signed", artefact.name)))?;
        let file = self.authority_file(artefact)?;
        refuse_untrusted(&artefact.name, &chain, &file, &read_certificates(self.content(&file)?.expose())?)?;
        Ok(chain)
    }

    /// The certificate file of the CA that the artefact stands under.
    fn authority_file(&self, artefact: &Artefact) -> Result<PathBuf> {
        let issuer = artefact.issuer.as_deref().unwrap_or_default();
        let row = catalogue::authority(issuer).ok_or_else(|| bad(format!("unknown issuer {issuer:?}")))?;
        Ok(self.layout.certificate(row.base_name))
    }

    /// The content that the caller brought for a file.
    pub(super) fn take_supplied(&mut self, path: &Path) -> Option<Secret> {
        self.supplied.remove(path)
    }

    /// Signs a certificate for the artefact, and judges it. Without an issuer it signs itself.
    pub(super) fn sign(
        &mut self,
        artefact: &Artefact,
        template: &CertificateTemplate,
        key: &PrivateKey,
    ) -> Result<Certificate> {
        let serial = SerialNumber::random()?;
        let certificate = match artefact.issuer.as_deref() {
            Some(issuer) => template.issue(&serial, key.public_key_info(), self.issuer(issuer)?)?,
            None => template.self_sign(&serial, key)?,
        };
        self.judge(artefact, &certificate)?;
        Ok(certificate)
    }

    /// What a file holds when the changes that are noted have been made.
    pub(super) fn content(&self, path: &Path) -> Result<&Secret> {
        match self.noted(path) {
            Some(Change::Write { content, .. }) => Ok(content),
            _ => content_of(self.tree, path),
        }
    }

    fn noted(&self, path: &Path) -> Option<&Change> {
        self.changes.iter().find(|change| matches!(change, Change::Write { path: one, .. } if one == path))
    }

    /// A kubeconfig that is to be changed, as the steps before have left it.
    pub(super) fn kubeconfig(&mut self, file: &PlannedFile) -> Result<&mut Kubeconfig> {
        let (_, document) = match self.kubeconfigs.entry(file.path.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let document = Kubeconfig::parse(content_of(self.tree, &file.path)?.expose())?;
                new.insert((file.mode, document))
            }
        };
        Ok(document)
    }

    /// Puts a client certificate into a kubeconfig, and its key, unless that is there or elsewhere.
    pub(super) fn embed(&mut self, file: &PlannedFile, certificates: &[u8], key: Option<&PrivateKey>) -> Result<()> {
        let document = self.kubeconfig(file)?;
        let user = document.current()?.user.to_owned();
        Ok(match key {
            Some(key) => document.set_client_certificate(&user, certificates, &key.to_pem()),
            None => document.embed_client_certificate(&user, certificates),
        }?)
    }

    /// Notes the artefact's files for the transaction; `contents` are in the order of its files. What makes way must be
    /// `expected`, or as it was read.
    pub(super) fn write(
        &mut self,
        artefact: &Artefact,
        contents: Vec<Secret>,
        certificate: Option<&Certificate>,
        expected: Option<Expected>,
    ) -> Result<()> {
        if contents.len() != artefact.files.len() {
            return Err(bad(format!("{} has {} files", artefact.name, artefact.files.len())).into());
        }
        for (file, content) in artefact.files.iter().zip(contents) {
            let expected = expected.unwrap_or_else(|| self.as_read(&file.path));
            self.changes.push(Change::Write { path: file.path.clone(), content, mode: file.mode, expected });
        }
        self.note(artefact, certificate);
        Ok(())
    }

    /// Whether the plan was made from this file.
    pub(super) fn is_input(&self, path: &Path) -> bool {
        self.plan.inputs.iter().any(|input| input.path == path && input.sha256.is_some())
    }

    /// Notes a change for the transaction.
    pub(super) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Notes new content for a file, which must still be as it was read.
    pub(super) fn replace(&mut self, file: &PlannedFile, content: Secret) {
        let expected = self.as_read(&file.path);
        self.change(Change::Write { path: file.path.clone(), content, mode: file.mode, expected });
    }

    /// Notes the artefact's files for removal, each as it was read.
    pub(super) fn remove(&mut self, artefact: &Artefact) {
        for file in &artefact.files {
            self.change(Change::Remove { path: file.path.clone(), expected: self.as_read(&file.path) });
        }
        self.note(artefact, None);
    }

    /// The directory in front of the node's paths.
    pub(super) fn rootfs(&self) -> Option<PathBuf> {
        self.plan.rootfs.clone()
    }

    fn as_read(&self, path: &Path) -> Expected {
        Expected::of(self.tree.content(path))
    }

    /// Notes what was done to the artefact.
    pub(super) fn note(&mut self, artefact: &Artefact, certificate: Option<&Certificate>) {
        self.changed.push(Changed {
            name: artefact.name.clone(),
            action: artefact.action(),
            files: artefact.files.iter().map(|file| file.path.clone()).collect(),
            serial: certificate.map(|certificate| certificate.serial().to_string()),
            previous_serial: artefact.current.as_ref().map(|current| current.serial.clone()),
            expires_at: certificate.map(Certificate::not_after),
            request_pem: None,
        });
    }

    /// Notes the request that was made for the artefact that was noted last.
    pub(super) fn note_request(&mut self, pem: &[u8]) {
        if let Some(last) = self.changed.last_mut() {
            last.request_pem = Some(String::from_utf8_lossy(pem).into_owned());
        }
    }
}

/// The first certificate of a PEM text.
pub(super) fn first(pem: &[u8]) -> Result<Certificate> {
    Ok(read_certificates(pem)?.into_iter().next().ok_or(X509Error::NoCertificate)?)
}

/// The file of an artefact that has one.
pub(super) fn only_file(artefact: &Artefact) -> Result<&PlannedFile> {
    match artefact.files.as_slice() {
        [file] => Ok(file),
        files => Err(bad(format!("{} has {} files", artefact.name, files.len())).into()),
    }
}
