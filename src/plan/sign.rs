//! The plan that answers signing requests: `kubepki certs sign`.
//!
//! In: requests as read, the CAs, a policy, options, now. Out: a [`Plan`] whose artefacts are certificates, each with
//! all that it will say. Every request is held against its profile first; what is refused is said with every reason, and
//! blocks the whole plan unless it may be partial.
//!
//! Source: kubeadm's documentation on external CAs, whose script signs whatever it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Answer, Artefact, Cause, Creation, Kind, Operation, Plan, PlannedFile, Step};
use crate::audit::authority::judge_authority;
use crate::audit::certificate::Thresholds;
use crate::audit::{Finding, FindingCode, RequestFault, SeenCertificate, Severity};
use crate::catalogue::{self, Kind as RowKind, Layout};
use crate::error::Fault;
use crate::inventory::{Found, Part};
use crate::key::KeyError;
use crate::policy::{Answered, Asked, KnownNode, OutliveAuthority, Policy, Profile, Refusal, Signer, answer};
use crate::tree::{Observed, Tree};
use crate::workers;
use crate::x509::{Certificate, CertificateRequest, read_certificates};

/// A request that was found, and where its certificate goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRequest {
    /// The file.
    pub path: PathBuf,
    /// The file of the certificate.
    pub certificate: PathBuf,
    /// kubeadm's name, or the policy's; the file's name tells it otherwise.
    pub name: Option<String>,
    /// The folder below which it lies, by which [`Nodes::ByFolder`] knows its node.
    pub folder: Option<String>,
}

/// Whose requests they are. Always what the signer knows: a request is no evidence of its maker.
#[derive(Clone, Debug)]
pub enum Nodes {
    /// All of one node.
    One(Box<KnownNode>),
    /// Of many nodes, by the folder that holds a node's requests.
    ByFolder(BTreeMap<String, KnownNode>),
}

impl Default for Nodes {
    fn default() -> Self {
        Self::One(Box::default())
    }
}

impl Nodes {
    /// The node of a request; `None` when nobody has named its folder.
    #[must_use]
    pub fn of(&self, found: &FoundRequest) -> Option<&KnownNode> {
        match self {
            Self::One(node) => Some(node),
            Self::ByFolder(nodes) => nodes.get(found.folder.as_deref()?),
        }
    }
}

/// How a plan is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What is signed.
    pub policy: Policy,
    /// What is known of the nodes.
    pub nodes: Nodes,
    /// How long certificates are valid; the configuration's or kubeadm's time otherwise, or less by the policy.
    pub validity: Option<TimeDelta>,
    /// What to do with a certificate that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
    /// openssl's file of serial numbers, by the CA's name; random numbers without one.
    pub serial_files: BTreeMap<String, PathBuf>,
    /// Whether certificates that are there make way.
    pub force: bool,
    /// Whether what was signed before makes way when it ends within this time, or answers its request no more.
    pub renew_before: Option<TimeDelta>,
    /// Whether what can be signed is signed although something is refused.
    pub partial: bool,
}

/// What became of one request.
struct Judged {
    artefact: Artefact,
    findings: Vec<Finding>,
    /// The `SubjectPublicKeyInfo` of a request that could be read.
    key: Option<Vec<u8>>,
}

/// The name that a request's file says: `etcd/server.csr` is `etcd-server`, `admin.conf.csr` is `admin.conf`, and so is
/// `cp1.admin.conf.csr`, for the requests of many nodes in one folder; so too `w1.kubelet-client.csr`.
#[must_use]
pub fn name_of_file(path: &Path, policy: &Policy) -> Option<String> {
    let stem = path.with_extension("");
    if let Some(row) = catalogue::rows([RowKind::Leaf]).find(|row| stem.ends_with(row.base_name)) {
        return Some(row.name.to_owned());
    }
    let file = stem.file_name()?.to_str()?;
    let is_its = |name: &&str| file.strip_suffix(*name).is_some_and(|node| node.is_empty() || node.ends_with('.'));
    let client = catalogue::rows([RowKind::Kubeconfig, RowKind::KubeletClient]).map(|row| row.name).find(is_its);
    client.or_else(|| policy.own_names().find(|name| *name == file)).map(str::to_owned)
}

/// kubeadm's name of each request, or the policy's, as far as anything says it.
#[must_use]
pub fn names(requests: &[FoundRequest], policy: &Policy) -> Vec<Option<String>> {
    requests.iter().map(|one| one.name.clone().or_else(|| name_of_file(&one.path, policy))).collect()
}

/// The CAs that sign for these names.
#[must_use]
pub fn issuers(names: &[Option<String>], policy: &Policy) -> BTreeSet<String> {
    names.iter().flatten().filter_map(|name| policy.issuer(name)).collect()
}

/// Plans the certificates that answer `requests`, signed by the CAs of `layout`.
#[must_use]
pub fn sign(tree: &Tree, layout: &Layout, requests: &[FoundRequest], options: &Options, now: DateTime<Utc>) -> Plan {
    let mut findings = Vec::new();
    let names = names(requests, &options.policy);
    let mut signer = Signer {
        policy: &options.policy,
        authorities: BTreeMap::new(),
        validity: options.validity,
        outlive_authority: options.outlive_authority,
    };
    for name in issuers(&names, &options.policy) {
        let bundle = authority(&name, tree, layout, now, &mut findings);
        signer.authorities.extend(bundle.map(|bundle| (name, bundle)));
    }
    let signing = Signing { tree, options, signer, now };
    let items: Vec<_> = requests.iter().zip(names).collect();
    // Signatures of requests are verified here: on all cores.
    let mut artefacts = Vec::with_capacity(items.len());
    let mut all = workers::map(&items, |(request, name)| signing.judge_one(request, name.as_deref()));
    signing.refuse_shared_keys(requests, &mut all);
    for judged in all {
        findings.extend(judged.findings);
        artefacts.push(judged.artefact);
    }
    // What can be signed is signed, whatever else is refused and whichever CA is not here. With nothing left to sign
    // the findings stand.
    if options.partial && artefacts.iter().any(|artefact| !matches!(artefact.step, Step::Blocked { .. })) {
        for finding in &mut findings {
            finding.severity = finding.severity.min(Severity::Warning);
        }
    }
    Plan::new(Operation::Sign, layout, tree, now, artefacts, findings)
}

/// The CA's file, if it is there with its key and may sign; otherwise findings say why not.
fn authority(
    name: &str,
    tree: &Tree,
    layout: &Layout,
    now: DateTime<Utc>,
    findings: &mut Vec<Finding>,
) -> Option<Vec<Certificate>> {
    let (certificate, key) = layout.authority(name);
    let pair = Found::pair(tree, certificate, key);
    let mut find = |code: FindingCode, path: &Path, evidence: &str, remedy: &str| {
        findings.push(Finding::new(code, name, path, evidence, remedy).as_bad_as(Severity::Critical));
    };
    if pair.is_missing() {
        let remedy = "name the folder with the CAs, laid out as /etc/kubernetes/pki: --ca-dir";
        find(FindingCode::AuthorityMissing, &pair.certificate_path, "the CA that signs this is not there", remedy);
        return None;
    }
    if pair.certificate().is_some() && pair.key.is_missing() {
        let remedy = "sign where the CA's key is, or name another folder: --ca-dir";
        find(FindingCode::FileMissing, &pair.key_path, "the CA's key is not there, so it cannot sign here", remedy);
        return None;
    }
    let mut judged = judge_authority(name, &pair, tree, Thresholds::NONE, now);
    ask_for_passphrase(&mut judged);
    let is_blocked = judged.iter().any(Finding::is_critical);
    findings.extend(judged);
    match pair.certificates {
        Part::Present(certificates) if !is_blocked => Some(certificates),
        _ => None,
    }
}

/// A CA's key may be behind a passphrase where requests are signed: no component has to read it.
pub fn ask_for_passphrase(findings: &mut [Finding]) {
    for finding in findings.iter_mut().filter(|finding| finding.code == KeyError::ENCRYPTED) {
        "give its passphrase: --ca-key-passphrase-file FILE (ca_key_passphrase of sign_csr and sign_pipe)"
            .clone_into(&mut finding.remedy);
    }
}

/// What all requests are judged with.
struct Signing<'a> {
    tree: &'a Tree,
    options: &'a Options,
    signer: Signer<'a>,
    now: DateTime<Utc>,
}

impl Signing<'_> {
    fn judge_one(&self, found: &FoundRequest, name: Option<&str>) -> Judged {
        let files = vec![PlannedFile { path: found.certificate.clone(), mode: 0o644 }];
        let shown = name.map_or_else(|| found.path.display().to_string(), str::to_owned);
        let blocked = |issuer: Option<String>, cause: Cause, reason: &str, findings: Vec<Finding>| {
            let artefact = Artefact::new(&shown, Kind::Certificate, cause.blocks(), reason, files.clone());
            Judged { artefact: Artefact { issuer, ..artefact }, findings, key: None }
        };
        let (node, profile) = match self.known(found, name) {
            Ok(known) => known,
            Err((fault, evidence)) => {
                let issuer = name.and_then(|name| self.options.policy.issuer(name));
                return blocked(
                    issuer,
                    Cause::Refused,
                    "refused",
                    vec![fault.finding(&shown, Some(&found.path), evidence)],
                );
            }
        };
        let issuer = Some(profile.issuer.clone());
        let request = match Part::read(self.tree, &found.path, CertificateRequest::from_pem) {
            Part::Present(request) => request,
            Part::Missing => {
                let evidence = "the request is not there";
                let finding = Finding::new(FindingCode::FileMissing, &shown, &found.path, evidence, "check the path");
                return blocked(issuer, Cause::Missing, "not there", vec![finding]);
            }
            Part::Broken(fault) => {
                let finding = Finding::unusable(&shown, &found.path, fault);
                return blocked(issuer, Cause::Unusable, "it cannot be read", vec![finding]);
            }
        };
        let Some(authority) = self.signer.authorities.get(&profile.issuer).and_then(|bundle| bundle.first()) else {
            // The CA's own findings say why.
            return blocked(issuer, Cause::UnusableAuthority, "its CA cannot sign", Vec::new());
        };
        let key = Some(request.public_key_info().to_vec());
        let asked =
            Asked { request: &request, profile: &profile, node, subject: &shown, path: Some(found.path.as_path()) };
        let answer = answer(asked, &self.signer, self.now);
        let is_right = !matches!(answer, Err(Refusal::Request(_)));
        let renewed = self.options.renew_before.is_some();
        let mut reason = "requested".to_owned();
        let place = match self.place(found, &request, &profile, authority) {
            // What was signed once is judged all the same: it may be a name that this request has no right to.
            Ok(Place::Answer(certificate)) if !self.options.force && is_right => {
                let artefact = Artefact::new(&shown, Kind::Certificate, Step::Keep, "already signed", files.clone());
                let expires_at = Some(certificate.not_after());
                return Judged { artefact: Artefact { issuer, expires_at, ..artefact }, findings: Vec::new(), key };
            }
            Ok(Place::Former(certificate, why)) if renewed && !self.options.force => {
                reason = format!("signed again: {why}");
                Ok(Some(SeenCertificate::of(&shown, &found.certificate, &certificate, self.now)))
            }
            Ok(Place::Answer(certificate) | Place::Former(certificate, _) | Place::Other(Some(certificate)))
                if self.options.force =>
            {
                Ok(Some(SeenCertificate::of(&shown, &found.certificate, &certificate, self.now)))
            }
            // What is refused says enough by itself.
            Ok(Place::Former(_, why)) if !self.options.force && is_right => {
                let evidence = format!("what was signed before is in the place of the new one: {why}");
                let remedy = "sign again what answers its request no more (--renew-before 30d), or all (--force)";
                Err(Finding::new(FindingCode::FileExists, &shown, &found.certificate, evidence, remedy))
            }
            Ok(Place::Other(_)) if !self.options.force => {
                let evidence = "another certificate, or another file, is in the place of the new one";
                let remedy = "move it away, write elsewhere (--out-dir), or overwrite it (--force)";
                Err(Finding::new(FindingCode::FileExists, &shown, &found.certificate, evidence, remedy))
            }
            Ok(_) => Ok(None),
            Err(fault) => Err(Finding::unusable(&shown, &found.certificate, fault)),
        };
        let (draft, current) = match (answer, place) {
            (Ok(draft), Ok(current)) => (draft, current),
            (Err(Refusal::Worthless(findings)), Ok(_)) => {
                return blocked(issuer, Cause::Refused, "no client and no server would accept it", findings);
            }
            (answer, place) => {
                let cause = if answer.is_ok() { Cause::Exists } else { Cause::Refused };
                let mut findings = answer.err().map(Refusal::findings).unwrap_or_default();
                findings.extend(place.err());
                return Judged { key, ..blocked(issuer, cause, "refused", findings) };
            }
        };
        let expires_at = Some(draft.template.not_after);
        let step = Step::Create(Creation::Answer(Answer {
            certificate: draft.template,
            profile: profile.name,
            request_file: found.path.clone(),
            serial_file: self.options.serial_files.get(&profile.issuer).cloned(),
            signer: profile.issuer,
        }));
        let artefact = Artefact::new(&shown, Kind::Certificate, step, &reason, files.clone());
        Judged { artefact: Artefact { issuer, expires_at, current, ..artefact }, findings: draft.findings, key }
    }

    /// The node of a request, and what its certificate may say.
    fn known(&self, found: &FoundRequest, name: Option<&str>) -> Result<(&KnownNode, Profile), (RequestFault, String)> {
        let node = self.options.nodes.of(found).ok_or_else(|| {
            let evidence = found.folder.as_ref().map_or_else(
                || "it is in no folder of a node that --nodes names".to_owned(),
                |folder| format!("--nodes does not say which node the folder {folder} is from"),
            );
            (RequestFault::UnknownNode, evidence)
        })?;
        let name = name.ok_or_else(|| {
            let evidence = "the file's name is neither one of kubeadm's nor one of the policy's";
            (RequestFault::UnknownName, evidence.to_owned())
        })?;
        self.options.policy.profile(name, node).map(|profile| (node, profile))
    }

    /// Two nodes with one key are one another; two certificates of one node with it are a thing to look at.
    fn refuse_shared_keys(&self, requests: &[FoundRequest], all: &mut [Judged]) {
        let mut by_key: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        for (position, judged) in all.iter().enumerate() {
            if let Some(key) = &judged.key {
                by_key.entry(key).or_default().push(position);
            }
        }
        let shared: Vec<Vec<usize>> = by_key.into_values().filter(|positions| positions.len() > 1).collect();
        for positions in shared {
            let folders: BTreeSet<_> =
                positions.iter().filter_map(|one| requests.get(*one)).map(|one| &one.folder).collect();
            let is_critical = matches!(self.options.nodes, Nodes::ByFolder(_)) && folders.len() > 1;
            for position in &positions {
                let others =
                    positions.iter().filter(|other| *other != position).filter_map(|other| requests.get(*other));
                let paths: Vec<_> = others.map(|other| other.path.display().to_string()).collect();
                let (Some(found), Some(judged)) = (requests.get(*position), all.get_mut(*position)) else { continue };
                let evidence = format!("its key is also that of {}", paths.join(", "));
                let mut finding = RequestFault::ReusedKey.finding(&judged.artefact.name, Some(&found.path), evidence);
                if !is_critical {
                    finding.severity = Severity::Warning;
                }
                judged.findings.push(finding);
                if is_critical && judged.artefact.step.is_change() {
                    let Artefact { name, issuer, files, .. } = judged.artefact.clone();
                    let blocked = Artefact::new(&name, Kind::Certificate, Cause::Refused.blocks(), "refused", files);
                    judged.artefact = Artefact { issuer, ..blocked };
                }
            }
        }
    }

    /// What is in the place of the new certificate. What is no file there is overwritten by nothing: why it is none.
    fn place(
        &self,
        found: &FoundRequest,
        request: &CertificateRequest,
        profile: &Profile,
        authority: &Certificate,
    ) -> Result<Place, Fault> {
        if let Observed::Unreadable(fault) = self.tree.get(&found.certificate) {
            return Err(fault.clone());
        }
        Ok(match Part::read(self.tree, &found.certificate, read_certificates) {
            Part::Missing => Place::Free,
            Part::Broken(_) => Place::Other(None),
            Part::Present(certificates) => {
                let Some((leaf, intermediates)) = certificates.split_first() else { return Ok(Place::Other(None)) };
                let answered = Answered { certificate: leaf, intermediates, request, profile, authority };
                let fault = answered.fault(self.options.renew_before.unwrap_or_default(), self.now);
                match fault {
                    None => Place::Answer(leaf.clone()),
                    Some(why) if answered.is_its_own() => Place::Former(leaf.clone(), why),
                    Some(_) => Place::Other(Some(leaf.clone())),
                }
            }
        })
    }
}

/// What is in the place of the new certificate.
enum Place {
    Free,
    /// A certificate of this CA that answers the request.
    Answer(Certificate),
    /// One for the request's key and subject that has to be signed again, and why.
    Former(Certificate, String),
    /// Anything else.
    Other(Option<Certificate>),
}
