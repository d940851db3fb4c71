//! `kubepki certs sign`: signing requests answered where the CA is, far from the nodes perhaps.
//!
//! In: folders and files, or one request as text. Out: a plan, or one certificate as text ([`sign_text`]), for which
//! nothing is written.

mod nodes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::OperationError;
use super::init::Planned;
use super::node::{NodeRequest, configuration_with, content_of, read_named};
use super::span::validity;
use crate::audit::Finding;
use crate::audit::chain::judge_signed;
use crate::catalogue::{self, Layout, NodeRole};
use crate::config::{ClusterSpec, HostFacts, Problem, Role};
use crate::error::{Diagnostic, Result};
use crate::key::PrivateKey;
use crate::plan::generate::{OutliveAuthority, sha256_hex};
use crate::plan::sign::{self, FoundRequest, Nodes, OPERATION, Options, name_of_file};
use crate::policy::{KnownNode, Policy, PolicyError};
use crate::secret::Secret;
use crate::store::{Store, StoreError};
use crate::tree::{Observed, Tree};
use crate::x509::{CertificateRequest, Issuer, SerialNumber, read_certificates};

/// Stands for the name of a node that a configuration does not name.
const UNKNOWN_NAME: &str = "node-that-is-not-named";
/// Stands for its address: the last one of TEST-NET-3 (RFC 5737), which no host has.
const UNKNOWN_ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 255));

/// Where the numbers of new certificates come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SerialNumbers {
    /// Random.
    #[default]
    Random,
    /// openssl's file beside each CA (`ca.srl`).
    BesideAuthority,
    /// This file, for one CA.
    File(PathBuf),
}

/// A request by its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedFile {
    /// The file.
    pub path: PathBuf,
    /// kubeadm's name; the file's name tells it otherwise.
    pub name: Option<String>,
}

/// Whose requests a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeEntry {
    /// The node's name; the folder's without one.
    #[serde(default)]
    pub node_name: Option<String>,
    /// The kind of node.
    pub role: NodeRole,
}

/// What `certs sign` is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignRequest {
    /// The configuration and the node's name, if they are known; `certificates_dir` is where the CAs are.
    pub node: NodeRequest,
    /// The kind of the node, which bounds what is signed; a worker without one.
    pub role: Option<NodeRole>,
    /// Whose requests each folder of `csr_dir` holds, in place of one node's name and role.
    pub nodes: Option<BTreeMap<String, NodeEntry>>,
    /// A file that says the same: YAML or JSON.
    pub nodes_file: Option<PathBuf>,
    /// A folder with requests at any depth.
    pub csr_dir: Option<PathBuf>,
    /// Requests by their files.
    pub files: Vec<NamedFile>,
    /// The folder that certificates go into; each beside its request without one.
    pub out_dir: Option<PathBuf>,
    /// How long certificates are valid.
    pub validity_seconds: Option<i64>,
    /// The policy file.
    pub policy: Option<PathBuf>,
    /// What was in it when a plan was made, which carries this: SHA-256 in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_sha256: Option<String>,
    /// Where serial numbers come from.
    pub serial_numbers: SerialNumbers,
    /// What to do with a certificate that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
    /// Whether certificates that are there make way.
    pub force: bool,
    /// Whether what can be signed is signed although something is refused.
    pub partial: bool,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

/// Reads the requests and the CAs, and plans the certificates.
///
/// # Errors
/// The configuration or the policy cannot be read or is invalid; a folder cannot be listed; there is no request. What is
/// wrong with a request or a CA is a finding in the plan, not an error.
pub fn plan(wanted: &SignRequest, now: DateTime<Utc>) -> Result<Planned> {
    let Known { node, warnings, certificates_dir, spec: loaded } = known_node(&wanted.node, wanted.role)?;
    let entries = nodes::entries(wanted)?;
    let nodes = match &entries {
        Some(entries) => Nodes::ByFolder(nodes::known(entries, &wanted.node)?),
        None => Nodes::One(Box::new(node.clone())),
    };
    let (policy, policy_sha256) = policy(wanted.policy.as_deref(), wanted.node.rootfs.as_deref())?;
    if wanted.policy_sha256.is_some() && wanted.policy_sha256 != policy_sha256 {
        let path = wanted.policy.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        return Err(OperationError::Stale { path }.into());
    }
    let recorded = wanted.node.recorded(&loaded);
    let store = Store::new(wanted.node.rootfs.clone())?;
    let requests = find_requests(&store, wanted, &policy)?;
    let layout = Layout {
        certificates_dir,
        kubeconfig_dir: wanted.out_dir.clone().or_else(|| wanted.csr_dir.clone()).unwrap_or_else(|| {
            let parent = requests.first().and_then(|first| first.certificate.parent());
            parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
        }),
    };
    if wanted.recover {
        store.lock_with_outputs(&[&layout.certificates_dir], &[&layout.kubeconfig_dir])?;
    }
    let issuers = issuers(&requests, &policy, &node);
    let serial_files = serial_files(&wanted.serial_numbers, &layout, &issuers)?;
    let tree = read(&store, &layout, &requests, &issuers, &serial_files);
    let options = Options {
        policy,
        nodes,
        validity: wanted.validity_seconds.map(|seconds| validity("--validity", seconds, now)).transpose()?,
        outlive_authority: wanted.outlive_authority,
        serial_files,
        force: wanted.force,
        partial: wanted.partial,
        rootfs: wanted.node.rootfs.clone(),
    };
    let plan = sign::sign(&tree, &layout, &requests, &options, now);
    Planned::of(plan, warnings, &wanted.node)?.record(&SignRequest {
        node: recorded,
        nodes: entries,
        nodes_file: None,
        policy_sha256,
        recover: false,
        ..wanted.clone()
    })
}

/// A node as the signer knows it.
struct Known {
    node: KnownNode,
    warnings: Vec<Problem>,
    /// Where the CAs are.
    certificates_dir: PathBuf,
    /// The configuration with its defaults.
    spec: ClusterSpec,
}

/// What a configuration and a given name say of the node; without a configuration its kubeadm defaults are not taken.
fn known_node(request: &NodeRequest, role: Option<NodeRole>) -> Result<Known> {
    let facts = HostFacts {
        hostname: Some(UNKNOWN_NAME.to_owned()),
        default_address: Some(UNKNOWN_ADDRESS),
        is_optional: false,
    };
    let loaded = configuration_with(request, facts)?;
    let directory = request.certificates_dir.clone();
    let directory = directory.unwrap_or_else(|| PathBuf::from(&loaded.spec.certificates_dir));
    if !request.has_configuration() {
        let node = KnownNode { name: request.node_name.clone(), role, ..KnownNode::default() };
        return Ok(Known { node, warnings: loaded.warnings, certificates_dir: directory, spec: loaded.spec });
    }
    if loaded.spec.role == Role::Worker && role.is_some_and(|role| role != NodeRole::Worker) {
        return Err(OperationError::BadRequest {
            reason: "the configuration is a worker's, and the role is another".into(),
            hint: "give the cluster's configuration, or that of the node that the requests are from".into(),
        }
        .into());
    }
    let name = Some(loaded.spec.node_name.clone()).filter(|name| name != UNKNOWN_NAME);
    let node = KnownNode {
        name,
        role,
        other_nodes: Vec::new(),
        unknown_name: Some(UNKNOWN_NAME.to_owned()),
        unknown_address: Some(UNKNOWN_ADDRESS),
        spec: Some(loaded.spec.clone()),
    };
    Ok(Known { node, warnings: loaded.warnings, certificates_dir: directory, spec: loaded.spec })
}

/// The policy, and the digest of its file.
fn policy(path: Option<&Path>, rootfs: Option<&Path>) -> Result<(Policy, Option<String>)> {
    let Some(path) = path else { return Ok((Policy::default(), None)) };
    let content = read_named(path, rootfs)?;
    Ok((Policy::parse(&path.display().to_string(), content.expose())?, Some(sha256_hex(content.expose()))))
}

/// The requests of the folder, then those that were named; each once.
fn find_requests(store: &Store, wanted: &SignRequest, policy: &Policy) -> Result<Vec<FoundRequest>> {
    let mut found = Vec::new();
    if let Some(folder) = &wanted.csr_dir {
        // Nodes have filled the folder: a link of one node's would lead into another's, or out of it.
        let listed = store.list_without_links(folder)?.files;
        for path in listed.into_iter().filter(|path| path.extension().is_some_and(|end| end == "csr")) {
            let certificate = match &wanted.out_dir {
                Some(out) => out.join(path.strip_prefix(folder).unwrap_or(&path)),
                None => path.clone(),
            };
            let folder = nodes::folder_of(path.strip_prefix(folder).unwrap_or(&path), policy);
            found.push(FoundRequest { certificate: certificate.with_extension("crt"), path, name: None, folder });
        }
        if found.is_empty() && wanted.files.is_empty() {
            return Err(OperationError::NoRequests { folder: folder.display().to_string() }.into());
        }
    }
    for file in &wanted.files {
        let certificate = match &wanted.out_dir {
            Some(out) => out.join(place_of(file, policy)),
            None => file.path.clone(),
        };
        let certificate = if certificate.extension().is_some_and(|end| end == "csr") {
            certificate.with_extension("crt")
        } else {
            catalogue::with_ending(&certificate, "crt")
        };
        found.push(FoundRequest { path: file.path.clone(), certificate, name: file.name.clone(), folder: None });
    }
    let mut places = BTreeSet::new();
    if let Some(twice) = found.iter().find(|one| !places.insert(&one.certificate)) {
        return Err(OperationError::SamePlace { path: twice.certificate.display().to_string() }.into());
    }
    Ok(found)
}

/// Where a named request's certificate goes below the folder: as kubeadm has it, or by the file's own name.
fn place_of(file: &NamedFile, policy: &Policy) -> PathBuf {
    let name = file.name.clone().or_else(|| name_of_file(&file.path, policy));
    let row = name.as_ref().and_then(|name| catalogue::CERTIFICATES.iter().find(|row| row.name == name));
    match (row, name) {
        (Some(row), _) => PathBuf::from(format!("{}.csr", row.base_name)),
        (None, Some(name)) => PathBuf::from(format!("{name}.csr")),
        (None, None) => file.path.file_name().map(PathBuf::from).unwrap_or_default(),
    }
}

fn issuers(requests: &[FoundRequest], policy: &Policy, node: &KnownNode) -> BTreeSet<String> {
    let names = requests.iter().filter_map(|one| one.name.clone().or_else(|| name_of_file(&one.path, policy)));
    let names: BTreeSet<String> = names.collect();
    names.iter().filter_map(|name| policy.profile(name, node)).map(|profile| profile.issuer).collect()
}

fn base_name(issuer: &str) -> &'static str {
    catalogue::authority(issuer).map_or("ca", |row| row.base_name)
}

fn serial_files(
    wanted: &SerialNumbers,
    layout: &Layout,
    issuers: &BTreeSet<String>,
) -> Result<BTreeMap<String, PathBuf>> {
    match wanted {
        SerialNumbers::Random => Ok(BTreeMap::new()),
        SerialNumbers::BesideAuthority => Ok(issuers
            .iter()
            .map(|issuer| (issuer.clone(), layout.certificate(base_name(issuer)).with_extension("srl")))
            .collect()),
        SerialNumbers::File(path) if issuers.len() < 2 => {
            Ok(issuers.iter().map(|issuer| (issuer.clone(), path.clone())).collect())
        }
        SerialNumbers::File(path) => Err(OperationError::SharedSerialFile {
            path: path.display().to_string(),
            issuers: issuers.iter().cloned().collect(),
        }
        .into()),
    }
}

fn read(
    store: &Store,
    layout: &Layout,
    requests: &[FoundRequest],
    issuers: &BTreeSet<String>,
    serial_files: &BTreeMap<String, PathBuf>,
) -> Tree {
    let pairs =
        issuers.iter().flat_map(|issuer| [layout.certificate(base_name(issuer)), layout.key(base_name(issuer))]);
    let mut tree = store.read(pairs.chain(serial_files.values().cloned()));
    let both = |one: &FoundRequest| [observe(store, &one.path), observe_place(store, &one.certificate)];
    let requests: Vec<&FoundRequest> = requests.iter().collect();
    for (path, observed) in crate::workers::map(&requests, |one| both(one)).into_iter().flatten().flatten() {
        tree.insert(path, observed);
    }
    tree
}

/// A link where a certificate goes is never followed: it came with the requests perhaps, in an archive.
fn observe_place(store: &Store, path: &Path) -> Option<(PathBuf, Observed)> {
    if !store.is_link(path) {
        return observe(store, path);
    }
    let error = StoreError::IsASymlink { path: path.to_owned() };
    let hint = "remove the link, or write the certificates elsewhere: --out-dir DIR".to_owned();
    let observed = Observed::Unreadable { code: error.code(), message: error.to_string(), hint };
    Some((path.to_owned(), observed))
}

fn observe(store: &Store, path: &Path) -> Option<(PathBuf, Observed)> {
    let tree = store.read([path]);
    tree.iter().next().map(|(path, observed)| (path.to_owned(), observed.clone()))
}

/// What [`sign_text`] is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignTextRequest {
    /// The configuration and the node's name, if they are known.
    #[serde(default)]
    pub node: NodeRequest,
    /// The kind of the node, which bounds what is signed; a worker without one.
    #[serde(default)]
    pub role: Option<NodeRole>,
    /// The request in PEM.
    pub csr: String,
    /// kubeadm's name, or the policy's.
    pub name: String,
    /// The CA's certificate.
    pub ca_certificate: PathBuf,
    /// The CA's key.
    pub ca_key: PathBuf,
    /// How long the certificate is valid.
    #[serde(default)]
    pub validity_seconds: Option<i64>,
    /// The policy file.
    #[serde(default)]
    pub policy: Option<PathBuf>,
    /// What to do when it would outlive its CA.
    #[serde(default)]
    pub outlive_authority: OutliveAuthority,
}

/// A certificate that was signed, and is nowhere but here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedText {
    /// The certificate in PEM.
    pub certificate: String,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its issuer (RFC 4514).
    pub issuer: String,
    /// Its alternative names, as `DNS:localhost`.
    pub subject_alt_names: Vec<String>,
    /// Its first moment.
    pub not_before: DateTime<Utc>,
    /// Its last moment.
    pub not_after: DateTime<Utc>,
}

/// Signs one request, with a random serial number, and writes nothing.
///
/// # Errors
/// [`PolicyError::Refused`] with every reason against it; [`OperationError::Blocked`] when the CA may not sign; the
/// request (`x509.*`), the configuration, the policy or a file of the CA cannot be read; the name is unknown.
pub fn sign_text(wanted: &SignTextRequest, now: DateTime<Utc>) -> Result<SignedText> {
    let node = known_node(&wanted.node, wanted.role)?.node;
    let (policy, _) = policy(wanted.policy.as_deref(), wanted.node.rootfs.as_deref())?;
    if policy.profile(&wanted.name, &node).is_none() {
        let known = catalogue::request_names().into_iter().chain(policy.own_names()).map(str::to_owned).collect();
        return Err(OperationError::UnknownName { name: wanted.name.clone(), nearest: None, known }.into());
    }
    let request = CertificateRequest::from_pem(wanted.csr.as_bytes())?;
    let files = Store::new(wanted.node.rootfs.clone())?.read([&wanted.ca_certificate, &wanted.ca_key]);
    let (ca, key) = (content_of(&files, &wanted.ca_certificate)?, content_of(&files, &wanted.ca_key)?);

    // The plan wants a tree: the CA in the place that the name has, the request in a file of its own.
    let layout = Layout { certificates_dir: "/ca".into(), kubeconfig_dir: "/csr".into() };
    let issuer = policy.profile(&wanted.name, &node).map(|profile| profile.issuer).unwrap_or_default();
    let mut tree = Tree::default();
    let mut put = |path: PathBuf, content: Secret| {
        tree.insert(path, Observed::File { content, mode: 0o600 });
    };
    let found = FoundRequest {
        path: "/csr/request.csr".into(),
        certificate: "/csr/request.crt".into(),
        name: Some(wanted.name.clone()),
        folder: None,
    };
    put(layout.certificate(base_name(&issuer)), ca.clone());
    put(layout.key(base_name(&issuer)), key.clone());
    put(found.path.clone(), wanted.csr.clone().into_bytes().into());
    let options = Options {
        policy,
        nodes: Nodes::One(Box::new(node)),
        validity: wanted.validity_seconds.map(|seconds| validity("--validity", seconds, now)).transpose()?,
        outlive_authority: wanted.outlive_authority,
        ..Options::default()
    };
    let mut plan = sign::sign(&tree, &layout, &[found], &options, now);
    for finding in &mut plan.findings {
        finding.path = None;
    }
    refuse(&plan)?;
    let template = plan.changes().find_map(|artefact| artefact.certificate.clone());
    let template = template.ok_or(OperationError::BadPlan { reason: "it signs nothing".into() })?;
    let certificate =
        read_certificates(ca.expose())?.into_iter().next().ok_or(crate::x509::X509Error::NoCertificate)?;
    let issuer = Issuer::new(certificate, PrivateKey::from_pem(key.expose())?)?;
    let signed = template.issue(&SerialNumber::random()?, request.public_key_info(), &issuer)?;
    let bundle = [issuer.certificate().clone()];
    let findings = judge_signed(&wanted.name, &wanted.ca_certificate, &signed, &bundle, now);
    if findings.iter().any(Finding::is_critical) {
        return Err(OperationError::Blocked { findings }.into());
    }
    log::info!("{}: sign: serial {}, nothing written", wanted.name, signed.serial());
    Ok(SignedText {
        certificate: String::from_utf8_lossy(&signed.to_pem()).into_owned(),
        serial: signed.serial().to_string(),
        subject: signed.subject().to_string(),
        issuer: signed.issuer().to_string(),
        subject_alt_names: signed.subject_alt_names().iter().map(ToString::to_string).collect(),
        not_before: signed.not_before(),
        not_after: signed.not_after(),
    })
}

/// A blocked plan as the error that says whether requests were refused or something else is wrong.
pub(super) fn refuse(plan: &crate::plan::Plan) -> Result<()> {
    if !plan.is_blocked() {
        return Ok(());
    }
    let findings = plan.findings.clone();
    let of_requests = |code: &str| {
        code.starts_with("request.") || matches!(code, "x509.request_damaged" | "x509.no_request" | "x509.other_format")
    };
    let mut critical = findings.iter().filter(|finding| finding.is_critical());
    if plan.operation == OPERATION && critical.all(|finding| of_requests(&finding.code)) {
        return Err(PolicyError::Refused { findings }.into());
    }
    Err(OperationError::Blocked { findings }.into())
}
