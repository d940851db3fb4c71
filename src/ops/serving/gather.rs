//! What is known of a cluster and of the nodes whose kubelets ask for a serving certificate.
//!
//! In: the cluster, what the operator says, the requests that wait. Out: [`Evidence`]. What cannot be found out about the
//! cluster's own names is an error: nothing is approved in ignorance of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

use super::super::cluster::{Api, configuration_text};
use super::ServingRequest;
use crate::catalogue::{ROOT_CA_MAP, SYSTEM_NODE};
use crate::config::{self, Host, HostFacts, parse_address, parse_host_port};
use crate::edge::cluster::ClusterError;
use crate::edge::tls::{self, Address};
use crate::error::Result;
use crate::objects::{CertificateSigningRequest, ConfigMap, KUBE_SYSTEM, Node};
use crate::policy::serving::{Evidence, KnownNames, MOST_NAMES, Reserved};
use crate::request::RequestError;
use crate::workers;
use crate::x509::{Certificate, CertificateRequest, ExtendedKeyUsage, SubjectAltName, read_certificates, verify_chain};

/// Where a kubelet serves, unless its node says another port.
const KUBELET_PORT: u16 = 10250;

/// Where an API server listens whose URL names no port.
const HTTPS_PORT: u16 = 443;

/// How long a kubelet and DNS may take to answer.
pub(in crate::ops) const PATIENCE: Duration = Duration::from_secs(3);

/// So many kubelets are looked at for one review.
const MOST_KUBELETS: usize = 1000;

/// Asks the cluster, the kubelets and DNS.
pub(super) fn gather(
    api: &mut Api<'_>,
    request: &ServingRequest,
    known: &KnownNames,
    waiting: &[CertificateSigningRequest],
    now: DateTime<Utc>,
) -> Result<Evidence> {
    let nodes = api.list::<Node>(None, "")?.items;
    let authorities = authorities(api)?;
    let asking: BTreeSet<&str> = waiting.iter().filter_map(node_of).collect();
    let is_asking = |node: &&Node| asking.contains(node.metadata.name.as_str());
    let asked: Vec<_> = nodes.iter().filter(is_asking).take(MOST_KUBELETS).collect();
    let served = workers::at_once(&asked, |node| (node.metadata.name.clone(), served_by(node)));
    let mut reserved = reserved(api, request, &authorities, now)?;
    for node in nodes.iter().filter(|node| is_control_plane(node)) {
        reserved.api_server.insert(node.metadata.name.to_ascii_lowercase());
        reserved.api_server.extend(node.status.addresses.iter().map(|one| one.address.to_ascii_lowercase()));
    }
    for unknown in known.nodes().filter(|known| !nodes.iter().any(|node| node.metadata.name == **known)) {
        log::warn!("--allow or the inventory names {unknown}, and the cluster has no node of that name");
    }
    Ok(Evidence {
        known: known.clone(),
        served: served.into_iter().collect(),
        authorities,
        nodes: nodes.into_iter().map(addresses).collect(),
        reserved,
        resolved: if request.dns { resolved(waiting, known) } else { BTreeMap::new() },
        ..Evidence::default()
    })
}

fn node_of(object: &CertificateSigningRequest) -> Option<&str> {
    object.spec.username.strip_prefix(SYSTEM_NODE)
}

/// The names that a request asks for, as far as it can be read.
pub(in crate::ops) fn names_of(object: &CertificateSigningRequest) -> Vec<String> {
    let request = read(object);
    let names = request.iter().flat_map(|request| request.subject_alt_names().iter());
    names.take(MOST_NAMES).map(ToString::to_string).collect()
}

fn read(object: &CertificateSigningRequest) -> Option<CertificateRequest> {
    CertificateRequest::from_pem(&STANDARD.decode(&object.spec.request).ok()?).ok()
}

/// Source: kubernetes.io, well-known labels; `NodeRestriction` keeps kubelets from it.
pub(in crate::ops) fn is_control_plane(node: &Node) -> bool {
    node.metadata.labels.contains_key("node-role.kubernetes.io/control-plane")
}

fn addresses(node: Node) -> (String, BTreeSet<String>) {
    (node.metadata.name, node.status.addresses.into_iter().map(|one| one.address).collect())
}

/// The chain that the node's kubelet serves, if it has its key; none when that cannot be seen. Where to look is the kubelet's own
/// word: an address, no name, and none of this host.
fn served_by(node: &Node) -> Vec<Certificate> {
    let port = kubelet_port(node);
    let internal = node.status.addresses.iter().filter(|one| one.kind == "InternalIP");
    let addresses =
        internal.filter_map(|one| parse_address(&one.address)).filter(|one| !one.to_canonical().is_loopback());
    let chain =
        addresses.take(2).find_map(|one| tls::proven_chain(&Address { host: one.to_string(), port }, PATIENCE).ok());
    chain.into_iter().flatten().map_while(|der| Certificate::from_der(&der).ok()).collect()
}

/// Where the node's kubelet serves.
pub(in crate::ops) fn kubelet_port(node: &Node) -> u16 {
    let endpoints = node.status.rest.get("daemonEndpoints");
    let port = endpoints.and_then(|all| all.get("kubeletEndpoint")?.get("Port")?.as_u64());
    port.and_then(|port| u16::try_from(port).ok()).unwrap_or(KUBELET_PORT)
}

/// The cluster's CA, as every pod has it.
fn authorities(api: &mut Api<'_>) -> Result<Vec<Certificate>> {
    let (name, entry) = ROOT_CA_MAP;
    let map: ConfigMap = api.get(Some(KUBE_SYSTEM), name)?;
    let pem = map.data.get(entry).map(String::as_bytes).unwrap_or_default();
    Ok(read_certificates(pem)?)
}

/// What kubeadm's configuration says is the cluster's, and what the API server presents.
fn reserved(
    api: &mut Api<'_>,
    request: &ServingRequest,
    authorities: &[Certificate],
    now: DateTime<Utc>,
) -> Result<Reserved> {
    let text = configuration_text(api)?;
    // It is nobody's node that is read.
    let host = HostFacts { is_optional: true, ..HostFacts::default() };
    let options = config::Options { lenient: true, host, ..config::Options::default() };
    let spec = config::load(config::CLUSTER_NAME, text.as_bytes(), &options)?.spec;
    let mut api_server: BTreeSet<String> = spec.api_server_cert_sans.iter().cloned().collect();
    api_server.extend(spec.control_plane_endpoint.iter().map(|endpoint| host_text(&endpoint.host)));
    api_server.extend(presented(api, authorities, now)?);
    let (mut networks, mut never) = (spec.service_subnets, BTreeSet::new());
    for text in &request.reserve {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(_) if text.contains('/') => {
                let reason = format!("--reserve: {text:?} is no network");
                let hint = "give --reserve a name, an address, or a network as 10.0.0.0/24";
                return Err(RequestError::bad(reason, hint).into());
            }
            Err(_) => {
                never.insert(text.to_ascii_lowercase());
            }
        }
    }
    Ok(Reserved { networks, domain: spec.dns_domain, api_server, never })
}

/// The names of the API server that is asked, by its own certificate. One that cannot be seen is an error: its names would be missing.
fn presented(api: &Api<'_>, authorities: &[Certificate], now: DateTime<Utc>) -> Result<Vec<String>> {
    let server = api.server().to_ascii_lowercase();
    let place = server.trim_start_matches("https://").split('/').next().unwrap_or_default();
    let bare = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(place);
    let bad = |reason: &str| ClusterError::BadAnswer {
        server: server.clone(),
        what: "a TLS handshake".into(),
        reason: reason.to_owned(),
    };
    let (host, port) = parse_host_port(bare).map_err(bad)?;
    let address = Address { host: host_text(&host), port: port.unwrap_or(HTTPS_PORT) };
    let chain = tls::proven_chain(&address, PATIENCE)?;
    let chain: Vec<_> = chain.iter().map_while(|der| Certificate::from_der(der).ok()).collect();
    let Some((leaf, intermediates)) = chain.split_first() else { return Err(bad("no certificate").into()) };
    verify_chain(leaf, intermediates, authorities, now, Some(&ExtendedKeyUsage::ServerAuth))
        .map_err(|problem| bad(&format!("its certificate is not of the cluster's CA: {problem}")))?;
    let mut names: Vec<_> = leaf.subject_alt_names().iter().filter_map(name_text).collect();
    names.push(address.host);
    Ok(names)
}

fn host_text(host: &Host) -> String {
    match host {
        Host::Ip(address) => address.to_string(),
        Host::Dns(name) => name.clone(),
    }
}

fn name_text(name: &SubjectAltName) -> Option<String> {
    match name {
        SubjectAltName::Dns(name) => Some(name.to_ascii_lowercase()),
        SubjectAltName::Ip(address) => Some(address.to_string()),
        _ => None,
    }
}

/// What DNS says of the nodes that ask and are meant to be there, and of the names that they ask for.
fn resolved(waiting: &[CertificateSigningRequest], known: &KnownNames) -> BTreeMap<String, BTreeSet<IpAddr>> {
    let meant = waiting.iter().filter(|one| node_of(one).is_some_and(|node| known.names(node)));
    let of_request = |one: &CertificateSigningRequest| -> Vec<String> {
        let request = read(one);
        let asked = request.iter().flat_map(|request| request.subject_alt_names().dns_names()).take(MOST_NAMES);
        node_of(one).into_iter().chain(asked).map(str::to_owned).collect()
    };
    let names: BTreeSet<String> = meant.flat_map(of_request).collect();
    let names: Vec<String> = names.into_iter().take(MOST_KUBELETS).collect();
    let answers = workers::at_once(&names, |name| tls::addresses_of(name, PATIENCE));
    let canonical = |addresses: Vec<IpAddr>| addresses.into_iter().map(|one| one.to_canonical()).collect();
    names.into_iter().zip(answers).map(|(name, addresses)| (name, canonical(addresses))).collect()
}
