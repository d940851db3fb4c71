//! The plan that puts signed client certificates and the CA into kubeconfigs: `kubepki kubeconfig embed`.
//!
//! In: the tree as read, which kubeconfigs, what was named besides, now. Out: a [`Plan`] that holds certificates and
//! never a key. A certificate must be the key's, chain to the CA, be for clients; else the plan is blocked.
//!
//! Source: kubectl `config set-credentials --embed-certs`, `config set-cluster --embed-certs`, which look at nothing.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::import::{Given, GivenKey, pem_of};
use super::{Artefact, Cause, Installation, KeySource, Kind, Operation, Plan, PlannedFile, Step, TrustBundle, place};
use crate::audit::incoming::{judge_incoming, judge_successor};
use crate::audit::{Finding, FindingCode, SeenCertificate, Severity};
use crate::catalogue::{self, CLUSTER_CA, KUBELET_CLIENT_FILE, Kind as RowKind, beside, with_ending};
use crate::digest::sha256_hex;
use crate::error::{Diagnostic, Fault};
use crate::inventory::{Client, Expectation, Found, Inventory, Part};
use crate::key::PrivateKey;
use crate::kubeconfig::{Current, Kubeconfig, KubeconfigError};
use crate::policy::is_signed_by;
use crate::remedy::command;
use crate::secret::Secret;
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, ExtendedKeyUsage, order_chain, read_certificates};

/// A kubeconfig that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The file.
    pub path: PathBuf,
    /// Whether it was named, and not one of `all`.
    pub is_named: bool,
}

/// How a plan is made.
#[derive(Debug, Default)]
pub struct Options {
    /// Whether files that a kubeconfig refers to are embedded too.
    pub flatten: bool,
    /// Only copies of this kubeconfig are meant, whose certificate and key are the two that are named.
    pub copies_of: Option<Original>,
    /// A certificate that was named, in place of the file beside the kubeconfig.
    pub client_certificate: Option<Given>,
    /// A key that was named.
    pub client_key: Option<GivenKey>,
    /// CA certificates that were named, in place of `ca.crt`.
    pub certificate_authority: Option<(PathBuf, Part<Vec<Certificate>>)>,
}

/// A kubeconfig that others may be copies of.
#[derive(Clone, Debug)]
pub struct Original {
    /// Its path on the node.
    pub path: PathBuf,
    /// The API server that it names.
    pub server: Option<String>,
}

/// Plans what is put into the kubeconfigs `wanted`.
#[must_use]
pub fn embed(inventory: &Inventory<'_>, wanted: &[Wanted], options: &Options, now: DateTime<Utc>) -> Plan {
    let tree = inventory.tree;
    let mut findings = Vec::new();
    let mut artefacts = Vec::new();
    let of_node = inventory.get(CLUSTER_CA).map(|item| (&item.certificate, &item.pair().certificates));
    let named = options.certificate_authority.as_ref().map(|(path, authority)| (path, authority));
    let authority = named.or(of_node);
    if let Some((path, authority)) = authority {
        note_authority(path, authority, &mut findings);
    }
    for one in wanted {
        let place = inventory
            .items(&[RowKind::Kubeconfig])
            .find(|place| place.kubeconfig.as_deref() == Some(one.path.as_path()));
        let client = inventory.client(&one.path);
        let mut embedding = Embedding {
            client: client.as_ref().map(Result::as_ref),
            tree,
            options,
            now,
            wanted: one,
            name: place.map_or_else(|| one.path.display().to_string(), |place| place.name.to_owned()),
            expectation: place.map_or_else(
                || Expectation::usages(&[ExtendedKeyUsage::ClientAuth]),
                |place| place.expectation.clone(),
            ),
            bundle: authority.and_then(|(_, part)| part.present()).map(Vec::as_slice).unwrap_or_default(),
            findings: Vec::new(),
        };
        artefacts.extend(embedding.plan());
        findings.append(&mut embedding.findings);
    }
    artefacts.sort_by_key(|artefact| catalogue::position(&artefact.name).unwrap_or(usize::MAX));
    Plan::new(Operation::Embed, inventory.layout, tree, now, artefacts, findings)
}

fn note_authority(path: &Path, authority: &Part<Vec<Certificate>>, findings: &mut Vec<Finding>) {
    findings.push(match authority {
        Part::Present(_) => return,
        Part::Missing => Finding::new(
            FindingCode::AuthorityMissing,
            CLUSTER_CA,
            path,
            "the CA is missing: neither kubepki nor a client could verify anything",
            "import it first: `kubepki certs import ca.crt`",
        ),
        Part::Broken(fault) => Finding::unusable(CLUSTER_CA, path, fault.clone()),
    });
}

/// One kubeconfig under work.
struct Embedding<'a> {
    client: Option<Result<&'a Client, &'a KubeconfigError>>,
    tree: &'a Tree,
    options: &'a Options,
    now: DateTime<Utc>,
    wanted: &'a Wanted,
    name: String,
    expectation: Expectation,
    bundle: &'a [Certificate],
    findings: Vec<Finding>,
}

/// The client certificates that go into it, and where they come from.
struct Chain {
    path: PathBuf,
    certificates: Vec<Certificate>,
    is_new: bool,
}

impl Embedding<'_> {
    /// `None` when there is nothing to say about it.
    fn plan(&mut self) -> Option<Artefact> {
        let path = self.wanted.path.clone();
        let client = match self.tree.get(&path) {
            Observed::File { .. } => self.client?,
            Observed::Missing if self.wanted.is_named && self.options.copies_of.is_none() => {
                let remedy = match self.catalogued() {
                    Some(name) => format!("make it: {}", command(["kubepki", "kubeconfig", "init", name])),
                    None => "name a kubeconfig that is there".to_owned(),
                };
                self.findings.push(Finding::new(
                    FindingCode::FileMissing,
                    &self.name,
                    &path,
                    "the file is missing",
                    &remedy,
                ));
                return Some(self.row(Cause::Missing.blocks(), "missing"));
            }
            Observed::Missing => return None,
            Observed::Unreadable(fault) => {
                self.unusable(&path, fault.clone());
                return Some(self.row(Cause::Unusable.blocks(), "it cannot be read"));
            }
        };
        let current = client.map_err(Clone::clone).and_then(|client| Ok((client, client.document.current()?)));
        match current {
            Ok((client, current)) => {
                if let Some(original) = &self.options.copies_of
                    && let Some(why) = self.is_no_copy(original, &current)
                {
                    return Some(self.row(Step::Keep, &format!("no copy of {}: {why}", original.path.display())));
                }
                let artefact = self.plan_parsed(&current);
                Some(self.without_faults(&client.document, &current, artefact))
            }
            Err(error) => {
                let mut remedy = error.hint();
                if let Some(name) = self.catalogued() {
                    let away = with_ending(&path, "old");
                    let away = command(["mv".as_ref(), path.as_os_str(), away.as_os_str()]);
                    let init = command(["kubepki", "kubeconfig", "init", name]);
                    remedy = format!("{remedy}; to make it again: {away}, {init}");
                }
                self.unusable(&path, Fault { hint: remedy, ..error.fault() });
                Some(self.row(Cause::Unusable.blocks(), "it cannot be used"))
            }
        }
    }

    /// The catalogue's name of the kubeconfig, which `kubeconfig init` takes.
    fn catalogued(&self) -> Option<&'static str> {
        catalogue::kubeconfig(&self.name).map(|row| row.name)
    }

    /// Why it is none of the original's copies, whose server, user and CA it would have, and a key that is its certificate's.
    ///
    /// Many clusters have one server (`https://127.0.0.1:6443`, through a tunnel) and one user (`kubernetes-admin`). The CA tells them
    /// apart, by its key, as its certificate may have been renewed since.
    fn is_no_copy(&self, original: &Original, current: &Current<'_>) -> Option<&'static str> {
        if original.server.is_none() || original.server.as_deref() != current.server {
            return Some("its server is another");
        }
        let read = |pem: Option<&[u8]>| pem.and_then(|pem| read_certificates(pem).ok()).unwrap_or_default();
        let embedded = read(current.client_certificate_data.as_deref());
        let given = self.options.client_certificate.as_ref().and_then(|given| given.certificates.present());
        let Some((leaf, rest)) = embedded.split_first() else { return Some("it has no certificate of its own") };
        if given.and_then(|given| given.first()).map(Certificate::subject) != Some(leaf.subject()) {
            return Some("its user is another");
        }
        let key = current.client_key_data.as_ref().and_then(|pem| PrivateKey::from_pem(pem.expose()).ok());
        if key.is_none_or(|key| key.public_key_info() != leaf.public_key_info()) {
            return Some("it has not the key of its certificate");
        }
        let trusted = read(current.certificate_authority_data.as_deref());
        let is_known = |one: &Certificate| self.bundle.iter().any(|ca| ca.public_key_info() == one.public_key_info());
        // The certificate may have expired: it was signed when it began.
        let is_ours = (trusted.is_empty() || trusted.iter().any(is_known))
            && is_signed_by(self.bundle, leaf, rest, leaf.not_before());
        (!is_ours).then_some("its CA is another")
    }

    /// What is put in is worth nothing in a file that clients refuse.
    fn without_faults(&mut self, document: &Kubeconfig, current: &Current<'_>, artefact: Artefact) -> Artefact {
        let (has_certificates, has_key, has_authority) = match &artefact.step {
            Step::Install(Installation::Kubeconfig { certificates, key, trust }) => {
                (certificates.is_some(), key.is_some(), trust.is_some())
            }
            Step::TrustBundle(_) => (false, false, true),
            _ => return artefact,
        };
        let mut written = document.clone();
        let new = Secret::new(b"new".to_vec());
        let edits = [
            has_key.then(|| written.set_client_certificate(current.user, b"new", &new)),
            has_certificates.then(|| written.embed_client_certificate(current.user, b"new")),
            has_authority.then(|| written.set_certificate_authority(current.cluster, b"new")),
        ];
        if edits.into_iter().flatten().any(|edit| edit.is_err()) {
            return artefact;
        }
        let faults = place::faults(self.tree, &self.wanted.path, &written).unwrap_or_default();
        for fault in &faults {
            self.unusable(&self.wanted.path, fault.fault());
        }
        if faults.is_empty() {
            return artefact;
        }
        Artefact { expires_at: artefact.expires_at, ..self.row(Cause::Refused.blocks(), "no client would use it") }
    }

    fn plan_parsed(&mut self, current: &Current<'_>) -> Artefact {
        let embedded = current.client_certificate_data.as_deref().and_then(|pem| read_certificates(pem).ok());
        let chain = match self.chain(current, embedded.as_deref()) {
            Ok(chain) => chain,
            Err(stays) => return *stays,
        };
        // Clients look into the named file only where nothing is embedded.
        let named = current.certificate_authority.map(|path| beside(&self.wanted.path, path));
        let (source, there) = match (&current.certificate_authority_data, &named) {
            (Some(pem), _) => (&self.wanted.path, read_certificates(pem).ok()),
            (None, Some(path)) => (path, Part::read(self.tree, path, read_certificates).present().cloned()),
            (None, None) => (&self.wanted.path, None),
        };
        let has_other_ca = named.is_some() || there.as_deref() != Some(self.bundle);
        let trust = (has_other_ca && !self.bundle.is_empty()).then(|| {
            let there = (source.as_path(), there.as_deref().unwrap_or_default());
            TrustBundle::of_kubeconfig(&self.name, &self.wanted.path, self.bundle, there, self.now)
        });
        let leaf = chain.as_ref().and_then(|chain| chain.certificates.first());
        let key = leaf.and_then(|leaf| self.key(current, leaf));
        if let Some(chain) = chain.as_ref().filter(|chain| chain.is_new || trust.is_some()) {
            let (name, path) = (&self.name, &chain.path);
            let findings = judge_incoming(name, path, &chain.certificates, &self.expectation, self.bundle, self.now);
            self.findings.extend(findings);
        }
        if let (Some(chain), Some(new), Some(old)) = (&chain, leaf, embedded.as_ref().and_then(|all| all.first()))
            && chain.is_new
        {
            self.findings.extend(judge_successor(&self.name, &chain.path, new, old));
        }
        let expires_at = leaf.map(Certificate::not_after);
        if self.findings.iter().any(Finding::is_critical) {
            return Artefact { expires_at, ..self.row(Cause::Unusable.blocks(), "the given file cannot be used") };
        }
        let certificates = chain.as_ref().filter(|chain| chain.is_new).map(|chain| pem_of(&chain.certificates));
        let reason = match (&certificates, &trust, &key) {
            (None, None, None) => return Artefact { expires_at, ..self.row(Step::Keep, "embedded already") },
            (Some(_), Some(_), _) => "client certificate and CA",
            (Some(_), None, _) => "client certificate",
            (None, Some(_), _) => "CA",
            (None, None, Some(_)) => "key",
        };
        let old = embedded.as_ref().filter(|_| certificates.is_some()).and_then(|all| all.first());
        let current = old.map(|one| SeenCertificate::of(&self.name, &self.wanted.path, one, self.now));
        let step = match (certificates, key, trust) {
            (None, None, Some(trust)) => Step::TrustBundle(trust),
            (certificates, key, trust) => Step::Install(Installation::Kubeconfig { certificates, key, trust }),
        };
        Artefact { expires_at, current, ..self.row(step, reason) }
    }

    /// The client certificates that go into it; what becomes of it when there are none.
    fn chain(
        &mut self,
        current: &Current<'_>,
        embedded: Option<&[Certificate]>,
    ) -> Result<Option<Chain>, Box<Artefact>> {
        let beside_it = with_ending(&self.wanted.path, "crt");
        let referenced = current.client_certificate.filter(|_| current.client_certificate_data.is_none());
        let from_path = referenced
            .filter(|path| self.options.flatten && !path.ends_with(KUBELET_CLIENT_FILE))
            .map(|path| beside(&self.wanted.path, path));
        let (path, part) = if let Some(given) = &self.options.client_certificate {
            (given.path.clone(), given.certificates.clone())
        } else {
            let path = match (self.tree.get(&beside_it), from_path) {
                (Observed::Missing, Some(path)) => path,
                _ => beside_it.clone(),
            };
            let part = Part::read(self.tree, &path, read_certificates);
            (path, part)
        };
        match part {
            Part::Present(certificates) => match order_chain(&certificates) {
                Ok(ordered) => {
                    let is_new = embedded != Some(&ordered.certificates) || current.client_certificate.is_some();
                    Ok(Some(Chain { path, certificates: ordered.certificates, is_new }))
                }
                Err(leaves) => {
                    let evidence = format!("it holds {} certificates that could be the client's", leaves.len());
                    let remedy = "give each file one client certificate with its intermediates";
                    self.findings.push(Finding::new(FindingCode::ImportAmbiguous, &self.name, &path, evidence, remedy));
                    Err(Box::new(self.row(Cause::Unusable.blocks(), "the given file cannot be used")))
                }
            },
            Part::Broken(fault) => {
                self.unusable(&path, fault);
                Err(Box::new(self.row(Cause::Unusable.blocks(), "the given file cannot be used")))
            }
            Part::Missing if self.options.client_certificate.is_some() || referenced.is_some() && path != beside_it => {
                let remedy = "name a certificate file that is there";
                self.findings.push(Finding::new(
                    FindingCode::FileMissing,
                    &self.name,
                    &path,
                    "the certificate is missing",
                    remedy,
                ));
                Err(Box::new(self.row(Cause::Missing.blocks(), "missing")))
            }
            Part::Missing => self.without_new_certificate(current, embedded, referenced.is_some()),
        }
    }

    /// What is there stays, if there is anything that a client can show.
    fn without_new_certificate(
        &mut self,
        current: &Current<'_>,
        embedded: Option<&[Certificate]>,
        is_by_path: bool,
    ) -> Result<Option<Chain>, Box<Artefact>> {
        if let Some(embedded) = embedded {
            let (path, certificates) = (self.wanted.path.clone(), embedded.to_vec());
            return Ok(Some(Chain { path, certificates, is_new: false }));
        }
        let has_others = current.token.is_some() || !current.other_credentials.is_empty();
        if is_by_path || has_others {
            return Ok(None);
        }
        let missing = with_ending(&self.wanted.path, "crt");
        let severity = if self.wanted.is_named { Severity::Critical } else { Severity::Warning };
        let evidence = "its client certificate is not there: it is not signed yet, or not imported";
        let remedy = "import it: `kubepki certs import`; or name it: --client-certificate FILE";
        self.findings
            .push(Finding::new(FindingCode::FileMissing, &self.name, &missing, evidence, remedy).as_bad_as(severity));
        let step = if self.wanted.is_named { Cause::NotSigned.blocks() } else { Cause::NotSigned.skips() };
        Err(Box::new(self.row(step, "not signed yet")))
    }

    /// The key to put in; `None` when the one that is there is the certificate's, or a finding says what is wrong.
    fn key(&mut self, current: &Current<'_>, leaf: &Certificate) -> Option<KeySource> {
        let fits = |key: &PrivateKey| key.public_key_info() == leaf.public_key_info();
        if let Some(given) = &self.options.client_key {
            if fits(&given.key) {
                return Some(given.source.clone()).filter(|_| !self.has_embedded(current, leaf));
            }
            let path = given.source.path.clone();
            let remedy = "name the key that belongs to the certificate";
            self.findings.push(Finding::new(
                FindingCode::KeyMismatch,
                &self.name,
                &path,
                "it is not the key of the certificate",
                remedy,
            ));
            return None;
        }
        let Some(Ok(Client { found: Found { key: there, .. }, .. })) = self.client else { return None };
        let by_path = current.client_key.filter(|_| current.client_key_data.is_none());
        let by_path = by_path.map(|path| beside(&self.wanted.path, path));
        if there.present().is_some_and(fits) {
            let is_rotated = by_path.as_ref().is_some_and(|path| path.ends_with(KUBELET_CLIENT_FILE));
            return by_path.filter(|_| self.options.flatten && !is_rotated).and_then(|path| self.source(path));
        }
        let beside_it = with_ending(&self.wanted.path, "key");
        if Part::read(self.tree, &beside_it, PrivateKey::from_pem).present().is_some_and(fits) {
            return self.source(beside_it);
        }
        let path = self.wanted.path.clone();
        match &**there {
            Part::Broken(fault) => self.unusable(&path, fault.clone()),
            Part::Missing => {
                let remedy = "name it: --client-key FILE";
                self.findings.push(Finding::new(
                    FindingCode::FileMissing,
                    &self.name,
                    &path,
                    "there is no client key",
                    remedy,
                ));
            }
            Part::Present(_) => {
                let remedy = "have the request of this kubeconfig signed, or name the key: --client-key FILE";
                let evidence = "its client key is not the one of the certificate";
                self.findings.push(Finding::new(FindingCode::KeyMismatch, &self.name, &path, evidence, remedy));
            }
        }
        None
    }

    fn has_embedded(&self, current: &Current<'_>, leaf: &Certificate) -> bool {
        current.client_key.is_none()
            && matches!(self.client, Some(Ok(client))
                if client.found.key.present().is_some_and(|key| key.public_key_info() == leaf.public_key_info()))
    }

    fn source(&self, path: PathBuf) -> Option<KeySource> {
        let sha256 = sha256_hex(self.tree.content(&path)?);
        Some(KeySource { path, on_node: true, sha256 })
    }

    fn row(&self, step: Step, reason: &str) -> Artefact {
        let files = vec![PlannedFile { path: self.wanted.path.clone(), mode: 0o600 }];
        Artefact { issuer: Some(CLUSTER_CA.into()), ..Artefact::new(&self.name, Kind::Kubeconfig, step, reason, files) }
    }

    fn unusable(&mut self, path: &Path, fault: Fault) {
        self.findings.push(Finding::unusable(&self.name, path, fault));
    }
}
