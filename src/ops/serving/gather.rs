//! What is known of a cluster and of the nodes whose kubelets ask for a serving certificate.
//!
//! In: the cluster, what the operator says, the requests that wait. Out: [`Gathered`]. What cannot be found out about the
//! cluster's own names is an error: nothing is approved in ignorance of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::cluster::Api;
use super::ServingRequest;
use crate::catalogue::{ROOT_CA_MAP, SYSTEM_NODE};
use crate::config::{self, Host, HostFacts, parse_host_port};
use crate::edge::tls::{self, Address, Hello};
use crate::error::Result;
use crate::objects::{CertificateSigningRequest, ConfigMap, KUBE_SYSTEM, Node};
use crate::policy::serving::{Evidence, KnownNames, Reserved};
use crate::request::RequestError;
use crate::workers;
use crate::x509::{Certificate, CertificateRequest, SubjectAltName, read_certificates};

/// Where a kubelet serves, unless its node says another port.
const KUBELET_PORT: u16 = 10250;

/// Where an API server listens whose URL names no port.
const HTTPS_PORT: u16 = 443;

/// How long a kubelet and DNS may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many kubelets are looked at for one review.
const MOST_KUBELETS: usize = 1000;

/// What was found out.
pub(super) struct Gathered {
    known: KnownNames,
    served: BTreeMap<String, Vec<Certificate>>,
    authorities: Vec<Certificate>,
    nodes: BTreeMap<String, BTreeSet<String>>,
    control_planes: BTreeSet<String>,
    reserved: Reserved,
    resolved: BTreeMap<String, BTreeSet<IpAddr>>,
}

impl Gathered {
    pub(super) fn as_evidence(&self) -> Evidence<'_> {
        Evidence {
            known: self.known.clone(),
            served: self.served.clone(),
            authorities: &self.authorities,
            nodes: self.nodes.clone(),
            control_planes: self.control_planes.clone(),
            reserved: self.reserved.clone(),
            resolved: self.resolved.clone(),
        }
    }
}

/// Asks the cluster, the kubelets and DNS.
pub(super) fn gather(
    api: &mut Api<'_>,
    request: &ServingRequest,
    known: &KnownNames,
    waiting: &[CertificateSigningRequest],
) -> Result<Gathered> {
    let nodes = api.list::<Node>(None, "")?.items;
    let asking: BTreeSet<&str> = waiting.iter().filter_map(|one| one.spec.username.strip_prefix(SYSTEM_NODE)).collect();
    let asked: Vec<_> =
        nodes.iter().filter(|node| asking.contains(node.metadata.name.as_str())).take(MOST_KUBELETS).collect();
    let served = workers::at_once(&asked, |node| (node.metadata.name.clone(), served_by(node)));
    let resolved = if request.dns { resolved(waiting) } else { BTreeMap::new() };
    Ok(Gathered {
        known: known.clone(),
        served: served.into_iter().collect(),
        authorities: authorities(api)?,
        control_planes: nodes
            .iter()
            .filter(|node| is_control_plane(node))
            .map(|node| node.metadata.name.clone())
            .collect(),
        nodes: nodes.into_iter().map(addresses).collect(),
        reserved: reserved(api, request)?,
        resolved,
    })
}

/// The names that a request asks for, as far as it can be read.
pub(super) fn names_of(object: &CertificateSigningRequest) -> Vec<String> {
    read(object)
        .map(|request| request.subject_alt_names().iter().map(ToString::to_string).collect())
        .unwrap_or_default()
}

fn read(object: &CertificateSigningRequest) -> Option<CertificateRequest> {
    CertificateRequest::from_pem(&STANDARD.decode(&object.spec.request).ok()?).ok()
}

/// Source: kubernetes.io, well-known labels; `NodeRestriction` keeps kubelets from it.
fn is_control_plane(node: &Node) -> bool {
    node.metadata.labels.contains_key("node-role.kubernetes.io/control-plane")
}

fn addresses(node: Node) -> (String, BTreeSet<String>) {
    (node.metadata.name, node.status.addresses.into_iter().map(|one| one.address).collect())
}

/// The chain that the node's kubelet serves; none when it cannot be seen.
fn served_by(node: &Node) -> Vec<Certificate> {
    let port =
        node.status.rest.get("daemonEndpoints").and_then(|all| all.get("kubeletEndpoint")?.get("Port")?.as_u64());
    let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(KUBELET_PORT);
    let internal = node.status.addresses.iter().filter(|one| one.kind == "InternalIP");
    let chain = internal
        .take(2)
        .find_map(|one| tls::chain(&Address { host: one.address.clone(), port }, Hello::default(), PATIENCE).ok());
    chain.into_iter().flatten().map_while(|der| Certificate::from_der(&der).ok()).collect()
}

/// The cluster's CA, as every pod has it.
fn authorities(api: &mut Api<'_>) -> Result<Vec<Certificate>> {
    let (name, entry) = ROOT_CA_MAP;
    let map: ConfigMap = api.get(Some(KUBE_SYSTEM), name)?;
    let pem = map.data.get(entry).map(String::as_bytes).unwrap_or_default();
    Ok(read_certificates(pem)?)
}

/// What kubeadm's configuration says is the cluster's, and what the API server presents.
fn reserved(api: &mut Api<'_>, request: &ServingRequest) -> Result<Reserved> {
    let map: ConfigMap = api.get(Some(KUBE_SYSTEM), "kubeadm-config")?;
    let text = map.data.get("ClusterConfiguration").map(String::as_str).unwrap_or_default();
    // It is nobody's node that is read.
    let host = HostFacts { is_optional: true, ..HostFacts::default() };
    let options = config::Options { lenient: true, host, ..config::Options::default() };
    let spec = config::load("ConfigMap kubeadm-config", text.as_bytes(), &options)?.spec;
    let mut api_server: BTreeSet<String> = spec.api_server_cert_sans.iter().cloned().collect();
    api_server.extend(spec.control_plane_endpoint.iter().map(|endpoint| host_text(&endpoint.host)));
    let place = api.server().trim_start_matches("https://").split('/').next().unwrap_or_default().to_owned();
    if let Ok((host, port)) = parse_host_port(&place) {
        let address = Address { host: host_text(&host), port: port.unwrap_or(HTTPS_PORT) };
        let chain = tls::chain(&address, Hello::default(), PATIENCE).unwrap_or_default();
        if let Some(leaf) = chain.first().and_then(|der| Certificate::from_der(der).ok()) {
            api_server.extend(leaf.subject_alt_names().iter().filter_map(name_text));
        }
        api_server.insert(address.host);
    }
    let mut networks = spec.service_subnets;
    for text in &request.reserve {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(_) if text.contains('/') => {
                let reason = format!("--reserve: {text:?} is no network");
                return Err(RequestError::bad(
                    reason,
                    "give --reserve a name, an address, or a network as 10.0.0.0/24",
                )
                .into());
            }
            Err(_) => {
                api_server.insert(text.to_ascii_lowercase());
            }
        }
    }
    Ok(Reserved { networks, domain: spec.dns_domain, api_server })
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

/// What DNS says of the nodes that ask, and of the names that they ask for.
fn resolved(waiting: &[CertificateSigningRequest]) -> BTreeMap<String, BTreeSet<IpAddr>> {
    let of_request = |one: &CertificateSigningRequest| {
        let names: Vec<_> = read(one)
            .into_iter()
            .flat_map(|request| request.subject_alt_names().dns_names().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        names.into_iter().chain(one.spec.username.strip_prefix(SYSTEM_NODE).map(str::to_owned))
    };
    let names: Vec<String> =
        waiting.iter().flat_map(of_request).collect::<BTreeSet<_>>().into_iter().take(MOST_KUBELETS).collect();
    let answers = workers::at_once(&names, |name| tls::addresses_of(name, PATIENCE));
    names
        .into_iter()
        .zip(answers)
        .map(|(name, addresses)| (name, addresses.into_iter().map(|one| one.to_canonical()).collect()))
        .collect()
}
