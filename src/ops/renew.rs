//! `kubepki certs renew`: the plan that renews certificates.
//!
//! In: a request, now. Out: a plan. It reads files alone: the API server may be down, and every certificate expired.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::OperationError;
use super::advice::advise;
use super::init::{Planned, refuse_unknown};
use super::kubelet::{Kubelet, next_behind};
use super::node::{Node, NodeRequest};
use super::span::{span, validity};
use crate::catalogue::{self, DEFAULT_KUBELET_DIR, Kind, Row};
use crate::config::{ClusterSpec, Role, alternative_name};
use crate::edge::host;
use crate::error::Result;
use crate::inventory::is_worker;
use crate::key::Algorithm;
use crate::plan::generate::Selection;
use crate::plan::renew::{self, NameChanges, Options, OutliveAuthority};
use crate::x509::SubjectAltName;

/// Whether `all` leaves it to the kubelet, unless told otherwise.
fn is_of_kubelet(name: &str) -> bool {
    catalogue::row(name).is_some_and(Row::is_kubelets)
}

/// What `certs renew` is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of the command line
pub struct RenewRequest {
    /// Which node.
    pub node: NodeRequest,
    /// Which certificates; `all` among the names means kubeadm's eleven.
    pub names: Selection,
    /// Whether `all` includes the kubelet's.
    pub kubelet: bool,
    /// The kubelet's directory.
    pub kubelet_dir: PathBuf,
    /// Only those that end within so many seconds.
    pub before_seconds: Option<i64>,
    /// How long the new ones are valid, instead of the configuration's period.
    pub validity_seconds: Option<i64>,
    /// The kind of the new keys.
    pub algorithm: Option<Algorithm>,
    /// Whether the keys stay.
    pub keep_key: bool,
    /// Alternative names to add: `example.test`, `10.0.0.1`, `URI:spiffe://…`, `email:…`.
    pub add_names: Vec<String>,
    /// Alternative names to remove.
    pub remove_names: Vec<String>,
    /// Whether DNS names and addresses are to be the configuration's.
    pub names_from_config: bool,
    /// What to do with a certificate that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
    /// Whether to go on with an expired CA, or a certificate of another node.
    pub force: bool,
    /// Where the files that change are kept as they were; none when they are not.
    pub backup_dir: Option<PathBuf>,
    /// Whether a change that was interrupted may be completed or taken back first: not in a dry run.
    pub recover: bool,
}

impl Default for RenewRequest {
    fn default() -> Self {
        Self {
            node: NodeRequest::default(),
            names: Selection::All,
            kubelet: false,
            kubelet_dir: DEFAULT_KUBELET_DIR.into(),
            before_seconds: None,
            validity_seconds: None,
            algorithm: None,
            keep_key: false,
            add_names: Vec::new(),
            remove_names: Vec::new(),
            names_from_config: false,
            outlive_authority: OutliveAuthority::Clamp,
            force: false,
            backup_dir: None,
            recover: false,
        }
    }
}

/// Reads the node's files and plans the renewal.
///
/// # Errors
/// The configuration cannot be read or is invalid; a name is unknown ([`OperationError::UnknownName`]) or cannot be
/// renewed ([`OperationError::NotRenewable`]); options contradict each other ([`OperationError::BadRequest`]). A file
/// that cannot be used is a finding in the plan, not an error.
pub fn plan(request: &RenewRequest, now: DateTime<Utc>) -> Result<Planned> {
    refuse_unrenewable(&request.names)?;
    refuse_unknown(&request.names, &[&["all"], catalogue::renewable_names().as_slice()].concat())?;
    let mut node = if request.names_from_config {
        Node::open_with_address(&request.node)?
    } else {
        Node::open_without_address(&request.node)?
    };
    if request.recover {
        node.recover()?;
    }
    let kubelet = Kubelet::read(&node.store, &request.kubelet_dir);
    let serving = [kubelet.serving.certificate.clone(), kubelet.serving.key.clone()];
    let tree = node.read_with(kubelet.files.every_path().into_iter().chain(serving));
    if !request.node.has_configuration() && is_worker(&node.layout, &tree) {
        node.spec.role = Role::Worker;
    }
    let options = options(request, &node, now)?;
    // A kubeconfig may lead to any file, and that file may be a link.
    let links = tree.iter().map(|(path, _)| path).filter(|path| node.store.is_link(path));
    let next = links.filter_map(|link| Some((link.to_owned(), next_behind(&node.store, link, now)?))).collect();
    let options = Options { next, ..options };
    let inventory = node.inventory(&tree, &kubelet, None, request.node.has_configuration())?;
    let mut plan = renew::renew(&inventory, &options, now);
    plan.backup_dir.clone_from(&request.backup_dir);
    advise(&mut plan.findings, &node, &tree, &request.node, &request.kubelet_dir, now)?;
    let recorded = request.node.recorded(&node.spec);
    Planned::of(plan, node.warnings, &request.node)?.record(&RenewRequest {
        node: recorded,
        recover: false,
        ..request.clone()
    })
}

fn options(request: &RenewRequest, node: &Node, now: DateTime<Utc>) -> Result<Options> {
    let names = chosen(request, &node.spec);
    let is_named = |name: &str| matches!(&request.names, Selection::Names(all) if all.iter().any(|one| one == name));
    let is_shown = |name: &&str| is_of_kubelet(name) && !request.kubelet && !is_named(name);
    let options = Options {
        shown: names.iter().copied().filter(is_shown).collect(),
        names,
        before: request.before_seconds.map(|seconds| span("--before", seconds)).transpose()?,
        validity: request.validity_seconds.map(|seconds| validity("--validity", seconds, now)).transpose()?,
        algorithm: request.algorithm,
        keep_key: request.keep_key,
        name_changes: name_changes(request)?,
        outlive_authority: request.outlive_authority,
        force: request.force,
        has_node_name: request.node.has_configuration() || request.node.node_name.is_some(),
        // On a mounted disk this host's name says nothing.
        host_name: if request.node.rootfs.is_none() { host::facts().hostname } else { None },
        next: BTreeMap::new(),
        points_at_kubelet: asks_for_all(request),
    };
    let validity = options.validity.unwrap_or(node.spec.certificate_validity);
    if options.validity.is_some_and(|validity| validity <= TimeDelta::zero()) {
        return Err(bad("the validity must be longer than 0", "give a duration, as 8760h or 365d"));
    }
    if options.before.is_some_and(|before| before >= validity) {
        let reason = "certificates would be renewed at every run: their validity is not longer than --before";
        return Err(bad(reason, "give --before a duration that is shorter than the validity"));
    }
    if options.keep_key && options.algorithm.is_some() {
        return Err(bad(
            "--keep-key keeps the kind of the key, and --algorithm changes it",
            "leave out --keep-key or --algorithm",
        ));
    }
    Ok(options)
}

fn asks_for_all(request: &RenewRequest) -> bool {
    match &request.names {
        Selection::All => true,
        Selection::None => false,
        Selection::Names(names) => names.iter().any(|name| name == "all"),
    }
}

/// The names that are meant; `all` is what kubeadm renews on this kind of node.
fn chosen(request: &RenewRequest, spec: &ClusterSpec) -> BTreeSet<&'static str> {
    let (is_all, is_worker) = (asks_for_all(request), spec.role == Role::Worker);
    let named = if let Selection::Names(names) = &request.names { names.as_slice() } else { &[] };
    // A kubeconfig may have been made by a newer kubeadm, or for another kind of node.
    let has_own = |name: &str| {
        catalogue::row(name)
            .is_some_and(|row| if row.kind == Kind::Kubeconfig { !is_worker } else { row.absence(spec).is_none() })
    };
    let is_chosen = |name: &&str| {
        // A worker has nothing else to show.
        let belongs = if is_of_kubelet(name) { request.kubelet || is_worker } else { has_own(name) };
        is_all && belongs || named.iter().any(|one| one == name)
    };
    catalogue::renewable_names().into_iter().filter(is_chosen).collect()
}

fn name_changes(request: &RenewRequest) -> Result<NameChanges> {
    if request.names_from_config && !request.node.has_configuration() {
        return Err(bad("there is no configuration to take the names from", "give --config FILE"));
    }
    if !(request.add_names.is_empty() && request.remove_names.is_empty()) {
        let changeable: Vec<_> =
            catalogue::ROWS.iter().filter(|row| row.has_alternative_names()).map(|row| row.name).collect();
        let hint = format!("name the certificates that change, among: {}", changeable.join(", "));
        match &request.names {
            Selection::Names(names) => {
                if let Some(name) = names.iter().find(|name| !changeable.contains(&name.as_str())) {
                    return Err(bad(format!("{name:?} has no alternative names that can be changed"), hint));
                }
            }
            Selection::All | Selection::None => {
                return Err(bad("alternative names can be changed only in certificates that are given by name", hint));
            }
        }
    }
    let read = |names: &[String]| names.iter().map(|name| parse_name(name)).collect::<Result<Vec<_>>>();
    let (add, remove) = (read(&request.add_names)?, read(&request.remove_names)?);
    if let Some(name) = add.iter().find(|name| remove.contains(name)) {
        let reason = format!("{name} would be both added and removed");
        return Err(bad(reason, "give it to --add-san or to --remove-san, not to both"));
    }
    Ok(NameChanges { add, remove, from_config: request.names_from_config })
}

/// Reads `example.test`, `10.0.0.1`, or a name behind the prefix with which reports show it.
fn parse_name(text: &str) -> Result<SubjectAltName> {
    let (form, name) = match text.split_once(':') {
        Some((form @ ("DNS" | "IP" | "URI" | "email"), name)) => (form, name),
        _ => ("", text),
    };
    match form {
        "URI" if name.contains(':') && name.is_ascii() => return Ok(SubjectAltName::Uri(name.to_owned())),
        "email" if name.contains('@') && name.is_ascii() => return Ok(SubjectAltName::Email(name.to_owned())),
        "" | "DNS" | "IP" => {}
        _ => {
            return Err(bad(
                format!("{text:?} is not a subject alternative name"),
                "write URI:scheme:… or email:user@host",
            ));
        }
    }
    let canonical =
        alternative_name(name).map_err(|fault| bad(format!("{text:?} is not a subject alternative name"), fault))?;
    Ok(match canonical.parse::<IpAddr>() {
        Ok(address) => SubjectAltName::Ip(address.to_canonical()),
        Err(_) => SubjectAltName::Dns(canonical),
    })
}

/// CAs and `sa` have names too, and another way to a new life.
fn refuse_unrenewable(names: &Selection) -> Result<()> {
    let Selection::Names(names) = names else { return Ok(()) };
    let is_other = |name: &&String| catalogue::authority(name).is_some() || name.as_str() == catalogue::SERVICE_ACCOUNT;
    match names.iter().find(is_other) {
        Some(name) => Err(OperationError::NotRenewable { name: name.clone() }.into()),
        None => Ok(()),
    }
}

fn bad(reason: impl Into<String>, hint: impl Into<String>) -> crate::error::Error {
    OperationError::BadRequest { reason: reason.into(), hint: hint.into() }.into()
}
