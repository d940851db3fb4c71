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

use super::generate::{BACKDATE, OutliveAuthority, inputs, untouched};
use super::{Action, Answer, Artefact, Kind, Plan, PlannedFile};
use crate::audit::authority::judge_authority;
use crate::audit::certificate::Thresholds;
use crate::audit::chain::judge_draft;
use crate::audit::{Finding, FindingCode, Pair, Part, SeenCertificate, Severity};
use crate::catalogue::{self, KUBELET_CLIENT, Layout, leaf_key_usages};
use crate::policy::{KnownNode, Policy, Profile, RequestFault, judge, judge_node};
use crate::tree::{Observed, Tree};
use crate::workers;
use crate::x509::{Certificate, CertificateRequest, CertificateTemplate, read_certificates, verify_chain};

/// The operation's name in plans.
pub const OPERATION: &str = "certs sign";

/// How long certificates are valid by default: kubeadm's 8760 hours.
const DEFAULT_VALIDITY: TimeDelta = TimeDelta::hours(8760);

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

    /// Any of them: what does not depend on the node is the same for all.
    fn any(&self) -> KnownNode {
        match self {
            Self::One(node) => (**node).clone(),
            Self::ByFolder(nodes) => nodes.values().next().cloned().unwrap_or_default(),
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
    /// Whether what can be signed is signed although something is refused.
    pub partial: bool,
    /// Recorded in the plan.
    pub rootfs: Option<PathBuf>,
}

/// A CA that may sign.
struct Signer {
    certificate: Certificate,
    /// Its whole file.
    bundle: Vec<Certificate>,
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
    if let Some(row) = catalogue::CERTIFICATES.iter().find(|row| stem.ends_with(row.base_name)) {
        return Some(row.name.to_owned());
    }
    let file = stem.file_name()?.to_str()?;
    let is_its = |name: &&str| file.strip_suffix(*name).is_some_and(|node| node.is_empty() || node.ends_with('.'));
    let client = catalogue::kubeconfig_names().into_iter().chain([KUBELET_CLIENT]).find(is_its);
    client.or_else(|| policy.own_names().find(|name| *name == file)).map(str::to_owned)
}

/// Plans the certificates that answer `requests`, signed by the CAs of `layout`.
#[must_use]
pub fn sign(tree: &Tree, layout: &Layout, requests: &[FoundRequest], options: &Options, now: DateTime<Utc>) -> Plan {
    let mut findings = Vec::new();
    let names: Vec<_> =
        requests.iter().map(|one| one.name.clone().or_else(|| name_of_file(&one.path, &options.policy))).collect();
    let any = options.nodes.any();
    let wanted: BTreeSet<String> = names
        .iter()
        .flatten()
        .filter_map(|name| options.policy.profile(name, &any))
        .map(|profile| profile.issuer)
        .collect();
    let mut signers = BTreeMap::new();
    for name in wanted {
        let signer = signer(&name, tree, layout, now, &mut findings);
        signers.extend(signer.map(|signer| (name, signer)));
    }
    let signing = Signing { tree, options, signers, now };
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
    if options.partial && artefacts.iter().any(|artefact| artefact.action != Action::Blocked) {
        for finding in &mut findings {
            finding.severity = finding.severity.min(Severity::Warning);
        }
    }
    Plan {
        operation: OPERATION.into(),
        made_at: now,
        rootfs: options.rootfs.clone(),
        certificates_dir: layout.certificates_dir.clone(),
        kubeconfig_dir: layout.kubeconfig_dir.clone(),
        artefacts,
        findings,
        inputs: inputs(tree),
        backup_dir: None,
        request: serde_json::Value::Null,
    }
}

/// The CA, if it is there with its key and may sign; otherwise findings say why not.
fn signer(name: &str, tree: &Tree, layout: &Layout, now: DateTime<Utc>, findings: &mut Vec<Finding>) -> Option<Signer> {
    let base_name = catalogue::authority(name).map_or("ca", |row| row.base_name);
    let pair = Pair::read(tree, layout.certificate(base_name), layout.key(base_name));
    let mut find = |code: FindingCode, path: &Path, evidence: &str, remedy: &str| {
        findings.push(critical(code.code(), name, path, evidence, remedy));
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
    let judged = judge_authority(name, &pair, tree, Thresholds::NONE, now);
    let is_blocked = judged.iter().any(Finding::is_critical);
    findings.extend(judged);
    match pair.certificates {
        Part::Present(certificates) if !is_blocked => {
            certificates.first().cloned().map(|certificate| Signer { certificate, bundle: certificates })
        }
        _ => None,
    }
}

/// What all requests are judged with.
struct Signing<'a> {
    tree: &'a Tree,
    options: &'a Options,
    signers: BTreeMap<String, Signer>,
    now: DateTime<Utc>,
}

impl Signing<'_> {
    fn judge_one(&self, found: &FoundRequest, name: Option<&str>) -> Judged {
        let files = vec![PlannedFile { path: found.certificate.clone(), mode: 0o644 }];
        let shown = name.map_or_else(|| found.path.display().to_string(), str::to_owned);
        let blocked = |issuer: Option<String>, reason: &str, findings: Vec<Finding>| {
            let artefact = untouched(&shown, Kind::Certificate, Action::Blocked, reason, files.clone());
            Judged { artefact: Artefact { issuer, ..artefact }, findings, key: None }
        };
        let Some(node) = self.options.nodes.of(found) else {
            let evidence = found.folder.as_ref().map_or_else(
                || "it is in no folder of a node that --nodes names".to_owned(),
                |folder| format!("--nodes does not say which node the folder {folder} is from"),
            );
            let finding = RequestFault::UnknownNode.finding(&shown, Some(&found.path), evidence);
            return blocked(None, "refused", vec![finding]);
        };
        let profile = name.and_then(|name| self.options.policy.profile(name, node));
        let Some(profile) = profile else {
            let evidence = match name {
                Some(name) => format!("{name:?} is neither one of kubeadm's names nor one of the policy's"),
                None => "the file's name is neither one of kubeadm's nor one of the policy's".to_owned(),
            };
            let finding = RequestFault::UnknownName.finding(&shown, Some(&found.path), evidence);
            return blocked(None, "refused", vec![finding]);
        };
        let issuer = Some(profile.issuer.clone());
        if let Some((fault, evidence)) = judge_node(&profile.name, node) {
            return blocked(issuer, "refused", vec![fault.finding(&shown, Some(&found.path), evidence)]);
        }
        let request = match Part::read(self.tree, &found.path, CertificateRequest::from_pem) {
            Part::Present(request) => request,
            Part::Missing => {
                let evidence = "the request is not there";
                let finding =
                    critical(FindingCode::FileMissing.code(), &shown, &found.path, evidence, "check the path");
                return blocked(issuer, "not there", vec![finding]);
            }
            Part::Broken { code, evidence, remedy } => {
                let finding = critical(code, &shown, &found.path, &evidence, &remedy);
                return blocked(issuer, "it cannot be read", vec![finding]);
            }
        };
        let Some(signer) = self.signers.get(&profile.issuer) else {
            // The CA's own findings say why.
            return blocked(issuer, "its CA cannot sign", Vec::new());
        };
        let key = Some(request.public_key_info().to_vec());
        let mut findings = judge(&request, &profile, &self.options.policy, &shown, Some(&found.path));
        if self.signers.values().any(|signer| signer.certificate.public_key_info() == request.public_key_info()) {
            let evidence = "its key is that of a CA";
            findings.push(RequestFault::ReusedKey.finding(&shown, Some(&found.path), evidence));
        }
        // What stands in the certificate's place, and is no file, is overwritten by nothing.
        if let Observed::Unreadable { code, message, hint } = self.tree.get(&found.certificate) {
            findings.push(critical(code, &shown, &found.certificate, message, hint));
        }
        let is_right = findings.is_empty();
        let not_after = self.end(&profile, node, signer, &shown, &found.path, &mut findings);
        let current = match self.existing(found, &request, signer) {
            // What was signed once is judged all the same: it may be a name that this request has no right to.
            Existing::Answer(certificate) if !self.options.force && is_right => {
                let files = files.clone();
                let artefact = untouched(&shown, Kind::Certificate, Action::Keep, "already signed", files);
                let expires_at = Some(certificate.not_after());
                return Judged { artefact: Artefact { issuer, expires_at, ..artefact }, findings: Vec::new(), key };
            }
            Existing::Answer(certificate) | Existing::Other(Some(certificate)) if self.options.force => {
                Some(SeenCertificate::of(&shown, &found.certificate, &certificate, self.now))
            }
            Existing::Other(None) if self.options.force => None,
            Existing::Missing | Existing::Answer(_) => None,
            Existing::Other(_) => {
                let evidence = "another certificate, or another file, is in the place of the new one";
                let remedy = "move it away, write elsewhere (--out-dir), or overwrite it (--force)";
                let code = FindingCode::FileExists.code();
                findings.push(critical(code, &shown, &found.certificate, evidence, remedy));
                None
            }
        };
        if !findings.is_empty() {
            return Judged { key, ..blocked(issuer, "refused", findings) };
        }
        let template = template(&request, &profile, self.now, not_after);
        let public_key = Some(request.public_key_info());
        findings.extend(judge_draft(&shown, &found.path, &template, public_key, &signer.bundle, self.now));
        if findings.iter().any(Finding::is_critical) {
            return blocked(issuer, "no client and no server would accept it", findings);
        }
        let artefact = untouched(&shown, Kind::Certificate, Action::Create, "requested", files.clone());
        Judged {
            artefact: Artefact {
                answer: Some(Answer {
                    profile: profile.name,
                    request: found.path.clone(),
                    serial_file: self.options.serial_files.get(&profile.issuer).cloned(),
                }),
                certificate: Some(template),
                expires_at: Some(not_after),
                issuer,
                current,
                ..artefact
            },
            findings,
            key,
        }
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
                if is_critical && judged.artefact.action.is_change() {
                    let Artefact { name, issuer, files, .. } = judged.artefact.clone();
                    let blocked = untouched(&name, Kind::Certificate, Action::Blocked, "refused", files);
                    judged.artefact = Artefact { issuer, ..blocked };
                }
            }
        }
    }

    /// The certificate's end.
    fn end(
        &self,
        profile: &Profile,
        node: &KnownNode,
        signer: &Signer,
        shown: &str,
        path: &Path,
        findings: &mut Vec<Finding>,
    ) -> DateTime<Utc> {
        let configured = node.spec.as_ref().map(|spec| spec.certificate_validity);
        let usual = configured.unwrap_or(DEFAULT_VALIDITY);
        let validity = match (self.options.validity, profile.max_validity) {
            (Some(asked), Some(longest)) if asked > longest => {
                let evidence = format!(
                    "a validity of {} hours is requested, and the policy allows at most {} hours",
                    asked.num_hours(),
                    longest.num_hours()
                );
                findings.push(RequestFault::Validity.finding(shown, Some(path), evidence));
                asked
            }
            (Some(asked), _) if asked <= TimeDelta::zero() => {
                let evidence = format!("a validity of {} seconds is requested", asked.num_seconds());
                findings.push(RequestFault::Validity.finding(shown, Some(path), evidence));
                asked
            }
            (Some(asked), _) => asked,
            (None, longest) => longest.map_or(usual, |longest| longest.min(usual)),
        };
        let wanted = self.now + validity;
        let authority_end = signer.certificate.not_after();
        self.options.outlive_authority.end(wanted, authority_end).unwrap_or_else(|| {
            let evidence = format!("it would be valid until {wanted}, its CA only until {authority_end}");
            let remedy = "ask for less (--days, --validity), or choose: --outlive-ca clamp or --outlive-ca allow";
            let code = FindingCode::CertificateOutlivesAuthority.code();
            findings.push(critical(code, shown, path, &evidence, remedy));
            wanted
        })
    }

    fn existing(&self, found: &FoundRequest, request: &CertificateRequest, signer: &Signer) -> Existing {
        match Part::read(self.tree, &found.certificate, read_certificates) {
            Part::Missing => Existing::Missing,
            Part::Broken { .. } => Existing::Other(None),
            Part::Present(certificates) => {
                let Some((leaf, intermediates)) = certificates.split_first() else { return Existing::Other(None) };
                let is_answer = leaf.public_key_info() == request.public_key_info()
                    && leaf.subject() == request.subject()
                    && verify_chain(leaf, intermediates, std::slice::from_ref(&signer.certificate), self.now, None)
                        .is_ok();
                if is_answer { Existing::Answer(leaf.clone()) } else { Existing::Other(Some(leaf.clone())) }
            }
        }
    }
}

fn critical(code: &str, subject: &str, path: &Path, evidence: &str, remedy: &str) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: Severity::Critical,
        subject: subject.to_owned(),
        path: Some(path.to_owned()),
        evidence: evidence.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// What is in the place of the new certificate.
enum Existing {
    Missing,
    /// A certificate of this CA for this request's key and subject.
    Answer(Certificate),
    /// Anything else.
    Other(Option<Certificate>),
}

/// What the certificate says: subject and names as requested, everything else by its profile.
#[must_use]
pub fn template(
    request: &CertificateRequest,
    profile: &Profile,
    now: DateTime<Utc>,
    not_after: DateTime<Utc>,
) -> CertificateTemplate {
    CertificateTemplate {
        subject: request.subject().clone(),
        subject_alt_names: request.subject_alt_names().clone(),
        key_usages: leaf_key_usages(profile.version.as_ref(), request.key_kind()),
        extended_key_usages: profile.extended_key_usages.clone(),
        is_ca: false,
        other_extensions: Vec::new(),
        not_before: now - BACKDATE,
        not_after,
    }
}
