//! `kubepki certs sign`: signing requests answered where the CA is, far from the nodes perhaps.
//!
//! In: folders and files, or one request as text. Out: a plan, or one certificate as text ([`sign_text`]), for which
//! nothing is written.

mod find;
mod nodes;
mod text;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

pub use self::text::{SignedText, sign_text};
use super::OperationError;
use super::node::{configuration_with, read_named};
use super::planned::Planned;
use crate::audit::{Finding, RequestFault};
use crate::catalogue::{Layout, NodeRole};
use crate::config::{HostFacts, Loaded, Role};
use crate::digest::sha256_hex;
use crate::error::{Declared as _, Diagnostic as _, Error, Result};
use crate::key::{KeyError, PrivateKey};
use crate::plan::Operation;
use crate::plan::sign::{self, Nodes, Options};
use crate::policy::{KnownNode, Policy, PolicyError};
use crate::request::{self, NodeRequest, RequestError};
pub use crate::request::{NamedFile, NodeEntry, SignRequest, SignTextRequest};
use crate::secret::Secret;
use crate::store::Store;
use crate::tree::Tree;
use crate::x509::X509Error;

/// Reads the requests and the CAs, and plans the certificates.
///
/// # Errors
/// The configuration or the policy cannot be read or is invalid; a folder cannot be listed; there is no request. What is
/// wrong with a request or a CA is a finding in the plan, not an error.
pub fn plan(wanted: &SignRequest, now: DateTime<Utc>) -> Result<Planned> {
    let Known { node, loaded } = known_node(&wanted.node, wanted.role)?;
    let certificates_dir = wanted.ca_dir.clone().unwrap_or_else(|| PathBuf::from(&loaded.spec.certificates_dir));
    let entries = nodes::entries(wanted)?;
    let nodes = match &entries {
        Some(entries) => Nodes::ByFolder(nodes::known(entries, &wanted.node)?),
        None => Nodes::One(Box::new(node)),
    };
    let (policy, policy_sha256) = policy(wanted.policy.as_deref(), wanted.node.rootfs.as_deref())?;
    if wanted.policy_sha256.is_some() && wanted.policy_sha256 != policy_sha256 {
        let path = wanted.policy.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        return Err(OperationError::Stale { path }.into());
    }
    let store = Store::new(wanted.node.rootfs.dir())?;
    let requests = find::find_requests(&store, wanted, &policy)?;
    let layout = Layout {
        certificates_dir,
        kubeconfig_dir: wanted.out_dir.clone().or_else(|| wanted.csr_dir.clone()).unwrap_or_else(|| {
            let parent = requests.first().and_then(|first| first.certificate.parent());
            parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
        }),
    };
    if *wanted.recover {
        store.lock_with_outputs(&[&layout.certificates_dir], &[&layout.kubeconfig_dir])?;
    }
    let issuers = sign::issuers(&sign::names(&requests, &policy), &policy);
    let serial_files = wanted.files_of_serials(&layout, &issuers)?;
    let mut tree = find::read(&store, &layout, &requests, &issuers, &serial_files);
    open_keys(&mut tree, &layout, &issuers, wanted.ca_key_passphrase.as_ref());
    let options = Options {
        policy,
        nodes,
        validity: wanted.validity.map(|validity| validity.from("--validity", now)).transpose()?,
        outlive_authority: *wanted.outlive_ca,
        serial_files,
        force: wanted.force,
        renew_before: wanted.renew_before()?,
        partial: wanted.partial,
    };
    let plan = sign::sign(&tree, &layout, &requests, &options, now);
    let signed = SignRequest { nodes: entries.map(request::Nodes::Listed), policy_sha256, ..wanted.clone() };
    Planned::of(plan, loaded.warnings, &wanted.node)?.record(&signed, &wanted.node.recorded(&loaded.spec))
}

/// Opens the keys of CAs that are behind the passphrase, in memory alone.
pub(super) fn open_keys<'i>(
    tree: &mut Tree,
    layout: &Layout,
    issuers: impl IntoIterator<Item = &'i String>,
    passphrase: Option<&Secret>,
) {
    for issuer in issuers {
        open_key(tree, &layout.authority(issuer).1, passphrase);
    }
}

fn open_key(tree: &mut Tree, path: &Path, passphrase: Option<&Secret>) {
    let (Some(passphrase), Some(text)) = (passphrase, tree.content(path)) else { return };
    // Keys without a passphrase stay what they are.
    if !matches!(PrivateKey::from_pem(text), Err(KeyError::Encrypted)) {
        return;
    }
    let opened = PrivateKey::from_pem_behind(text, passphrase);
    tree.open(path.to_owned(), opened.map(|key| key.to_pem()).map_err(|error| error.fault_at(path)));
}

/// A node as the signer knows it.
struct Known {
    node: KnownNode,
    /// The configuration with its defaults.
    loaded: Loaded,
}

/// What a configuration and a given name say of the node; without a configuration its kubeadm defaults are not taken.
fn known_node(request: &NodeRequest, role: Option<NodeRole>) -> Result<Known> {
    // This host's name and address are not the node's.
    let loaded = configuration_with(request, HostFacts { is_optional: true, ..HostFacts::default() })?;
    let mut node = KnownNode { name: request.node_name.clone(), role, ..KnownNode::default() };
    if request.has_configuration() {
        if loaded.spec.role == Role::Worker && role.is_some_and(|role| role != NodeRole::Worker) {
            return Err(RequestError::bad(
                "the configuration is a worker's, and the role is another",
                "give the cluster's configuration, or that of the node that the requests are from",
            )
            .into());
        }
        node.name = loaded.spec.known_node_name().map(str::to_owned);
        node.spec = Some(loaded.spec.clone());
    }
    Ok(Known { node, loaded })
}

/// The policy, and the digest of its file.
fn policy(path: Option<&Path>, rootfs: Option<&Path>) -> Result<(Policy, Option<String>)> {
    let Some(path) = path else { return Ok((Policy::default(), None)) };
    let content = read_named(path, rootfs)?;
    Ok((Policy::parse(&path.display().to_string(), content.expose())?, Some(sha256_hex(content.expose()))))
}

/// A blocked plan as the error that says whether requests were refused or something else is wrong.
pub(crate) fn refuse(plan: &crate::plan::Plan) -> Result<()> {
    match (plan.is_blocked(), plan.operation) {
        (false, _) => Ok(()),
        (true, Operation::Sign) => Err(refusal(plan.findings.clone())),
        (true, _) => Err(OperationError::Blocked { findings: plan.findings.clone() }.into()),
    }
}

/// Findings that stand against signing: a refusal where every critical one is about a request.
fn refusal(findings: Vec<Finding>) -> Error {
    let of_requests = |code| {
        RequestFault::declares(code)
            || [X509Error::REQUEST_DAMAGED, X509Error::NO_REQUEST, X509Error::OTHER_FORMAT].contains(&code)
    };
    if findings.iter().filter(|finding| finding.is_critical()).all(|finding| of_requests(finding.code)) {
        return PolicyError::Refused { findings }.into();
    }
    OperationError::Blocked { findings }.into()
}
