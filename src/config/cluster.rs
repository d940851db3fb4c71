//! `ClusterConfiguration`: what all nodes of a cluster share.
//!
//! In: the view of a checked document, or of none for the defaults, and its [`Node`]. Out: [`ClusterSpec`], defaulted
//! and judged.
//!
//! Source: kubeadm `SetDefaults_ClusterConfiguration`, `ValidateClusterConfiguration`.

use chrono::TimeDelta;
use ipnet::IpNet;

use super::name::subdomain_fault;
use super::network::{host_bits, parse_host_port, parse_networks};
use super::node::Local;
use super::problem::{Code, Place, Problems, quoted};
use super::spec::{ClusterSpec, Endpoint, Role};
use super::value::{absolute_path, argument, check_arguments, sans};
use super::view::View;
use super::{duration, etcd, version};
use crate::error::nearest;
use crate::key::Algorithm;

/// `certificateValidityPeriod` unless told otherwise, and the longest without a warning: 365 days.
const LEAF_VALIDITY: TimeDelta = TimeDelta::hours(8760);
/// `caCertificateValidityPeriod` unless told otherwise, and the longest without a warning: 3650 days.
const CA_VALIDITY: TimeDelta = TimeDelta::hours(87600);

/// What other documents say of the node.
pub(super) struct Node {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) local: Local,
    pub(super) ca_cert_path: String,
    pub(super) discovery_endpoint: Option<Endpoint>,
}

/// Reads and judges a `ClusterConfiguration`.
pub(super) fn read(view: &View<'_>, node: Node, problems: &mut Problems) -> ClusterSpec {
    for component in ["apiServer", "controllerManager", "scheduler"] {
        check_arguments(&view.path(&[component, "extraArgs"]), problems);
    }
    let (certificate_validity, ca_certificate_validity) = validity(view, problems);
    let kubernetes_version = view.field("kubernetesVersion");
    version::check(&kubernetes_version, problems);
    let said_algorithm = algorithm(view, problems);
    ClusterSpec {
        role: node.role,
        node_name: node.name,
        advertise_address: node.local.advertise_address,
        bind_port: node.local.bind_port,
        cluster_name: view.field("clusterName").text().unwrap_or("kubernetes").to_owned(),
        certificates_dir: absolute_path(&view.field("certificatesDir"), "/etc/kubernetes/pki", problems),
        control_plane_endpoint: control_plane_endpoint(
            &view.field("controlPlaneEndpoint"),
            node.role,
            node.local.bind_port,
            problems,
        ),
        discovery_endpoint: node.discovery_endpoint,
        dns_domain: dns_domain(&view.path(&["networking", "dnsDomain"]), problems),
        service_subnets: service_subnets(&view.path(&["networking", "serviceSubnet"]), problems),
        pod_subnets: pod_subnets(view, problems),
        api_server_cert_sans: sans(&view.path(&["apiServer", "certSANs"]), true, problems),
        etcd: etcd::read(&view.field("etcd"), problems),
        algorithm: said_algorithm.unwrap_or_default(),
        algorithm_is_said: said_algorithm.is_some(),
        certificate_validity,
        ca_certificate_validity,
        kubernetes_version: kubernetes_version.text().map(str::to_owned),
        ca_cert_path: node.ca_cert_path,
    }
}

/// The endpoint, with the port of this node's API server where it names none; another port is worth a word.
fn control_plane_endpoint(view: &View<'_>, role: Role, bind_port: u16, problems: &mut Problems) -> Option<Endpoint> {
    let text = view.text()?;
    let (host, port) = match parse_host_port(text) {
        Ok(parsed) => parsed,
        Err(fault) => {
            problems.add(Code::Endpoint, view.place(), format!("{} is not an endpoint", quoted(text)), fault);
            return None;
        }
    };
    if let Some(port) = port.filter(|port| *port != bind_port && role != Role::Worker) {
        problems.add(
            Code::EndpointPort,
            view.place(),
            format!("port {port} is not the bindPort {bind_port} of this node's API server"),
            "this is right behind a load balancer that forwards the port; otherwise make them equal",
        );
    }
    Some(Endpoint { host, port: port.unwrap_or(bind_port) })
}

fn dns_domain(view: &View<'_>, problems: &mut Problems) -> String {
    let domain = view.text().unwrap_or("cluster.local");
    if let Some(fault) = subdomain_fault(domain) {
        problems.add(Code::DnsName, view.place(), format!("{} is not a DNS domain", quoted(domain)), fault);
    }
    domain.to_owned()
}

fn networks(view: &View<'_>, text: &str, smallest_host_bits: u8, problems: &mut Problems) -> Vec<IpNet> {
    let networks = match parse_networks(text) {
        Ok(networks) => networks,
        Err(fault) => {
            problems.add(Code::Subnet, view.place(), format!("{} cannot be used", quoted(text)), fault);
            return Vec::new();
        }
    };
    for network in &networks {
        if host_bits(network) < smallest_host_bits {
            let longest = network.max_prefix_len().saturating_sub(smallest_host_bits);
            problems.add(
                Code::Subnet,
                view.place(),
                format!("the network {network} has too few addresses"),
                format!("make the prefix /{longest} or shorter"),
            );
        }
    }
    networks
}

fn service_subnets(view: &View<'_>, problems: &mut Problems) -> Vec<IpNet> {
    /// kubeadm asks for ten addresses: sixteen is the next power of two.
    const SMALLEST: u8 = 4;
    /// A larger range is too much for the API server's allocation in etcd.
    const LARGEST: u8 = 20;
    let networks = networks(view, view.text().unwrap_or("10.96.0.0/12"), SMALLEST, problems);
    for network in networks.iter().filter(|network| host_bits(network) > LARGEST) {
        let shortest = network.max_prefix_len().saturating_sub(LARGEST);
        problems.add(
            Code::Subnet,
            view.place(),
            format!("the network {network} has more addresses than services can use"),
            format!("make the prefix /{shortest} or longer"),
        );
    }
    networks
}

fn pod_subnets(view: &View<'_>, problems: &mut Problems) -> Vec<IpNet> {
    /// kubeadm asks for fourteen addresses: sixteen is the next power of two.
    const SMALLEST: u8 = 4;
    let subnet = view.path(&["networking", "podSubnet"]);
    let Some(text) = subnet.text() else {
        return Vec::new();
    };
    let networks = networks(&subnet, text, SMALLEST, problems);
    let arguments = view.path(&["controllerManager", "extraArgs"]);
    if argument(&arguments, "allocate-node-cidrs").is_none_or(|(value, _)| value != "false") {
        for network in networks.iter().filter(|network| host_bits(network) >= SMALLEST) {
            check_node_mask(network, &arguments, subnet.place(), problems);
        }
    }
    networks
}

/// Each node gets a network of its own out of the pods' network.
fn check_node_mask(network: &IpNet, arguments: &View<'_>, place: &Place, problems: &mut Problems) {
    const LARGEST_DIFFERENCE: u8 = 16;
    let (flag, default) = match network {
        IpNet::V4(_) => ("node-cidr-mask-size-ipv4", 24),
        IpNet::V6(_) => ("node-cidr-mask-size-ipv6", 64),
    };
    let given = argument(arguments, flag).or_else(|| argument(arguments, "node-cidr-mask-size"));
    let node_mask = match given {
        None => default,
        Some((text, at)) => {
            if let Ok(mask) = text.parse::<u8>() {
                mask
            } else {
                let message = format!("{} is not a prefix length for {flag}", quoted(text));
                problems.add(Code::Subnet, &at, message, format!("give a number, as \"{default}\""));
                return;
            }
        }
    };
    let mask = network.prefix_len();
    if mask > node_mask {
        problems.add(
            Code::Subnet,
            place,
            format!("the pod network {network} is smaller than the /{node_mask} that each node gets of it"),
            format!("make the prefix /{node_mask} or shorter, or set {flag} in controllerManager.extraArgs"),
        );
    } else if node_mask.saturating_sub(mask) > LARGEST_DIFFERENCE {
        problems.add(
            Code::Subnet,
            place,
            format!("the pod network {network} has more than 65536 networks of /{node_mask} for nodes"),
            format!(
                "make the prefix /{} or longer, or set {flag} in controllerManager.extraArgs",
                node_mask.saturating_sub(LARGEST_DIFFERENCE)
            ),
        );
    }
}

/// The feature gates of kubeadm 1.36.
const FEATURE_GATES: [&str; 3] = ["PublicKeysECDSA", "RootlessControlPlane", "NodeLocalCRISocket"];
/// Gates that earlier releases had; a cluster's file may still name them.
const RETIRED_FEATURE_GATES: [&str; 5] = [
    "ControlPlaneKubeletLocalMode",
    "EtcdLearnerMode",
    "IPv6DualStack",
    "UpgradeAddonsBeforeControlPlane",
    "WaitForAllControlPlaneComponents",
];

fn check_feature_gate(name: &str, place: &Place, problems: &mut Problems) {
    if FEATURE_GATES.contains(&name) {
        return;
    }
    if RETIRED_FEATURE_GATES.contains(&name) {
        let message = format!("the feature gate {name} is gone from newer kubeadm releases, which refuse it");
        problems.warning(Code::FeatureGate, place, message, "remove it before upgrading kubeadm");
        return;
    }
    let hint = match nearest(name, FEATURE_GATES) {
        Some(known) => format!("did you mean {known}?"),
        None => format!("kubeadm knows {}; component gates go into extraArgs", FEATURE_GATES.join(", ")),
    };
    problems.add(Code::FeatureGate, place, format!("unknown feature gate {}", quoted(name)), hint);
}

/// `encryptionAlgorithm`, which the feature gate `PublicKeysECDSA` overrides either way.
fn algorithm(view: &View<'_>, problems: &mut Problems) -> Option<Algorithm> {
    let field = view.field("encryptionAlgorithm");
    let mut algorithm = None;
    if let Some(name) = field.text() {
        if let Ok(known) = name.parse() {
            algorithm = Some(known);
        } else {
            let names = Algorithm::ALL.map(Algorithm::as_str);
            let hint = match nearest(name, names) {
                Some(known) => format!("did you mean {known}? Use one of {}", names.join(", ")),
                None => format!("use one of {}", names.join(", ")),
            };
            let message = format!("{} is not an encryption algorithm that kubeadm knows", quoted(name));
            problems.add(Code::UnknownAlgorithm, field.place(), message, hint);
        }
    }
    for (name, gate) in view.field("featureGates").keys() {
        check_feature_gate(name, gate.place(), problems);
        if name != "PublicKeysECDSA" || !gate.is_present() {
            continue;
        }
        let gated = if gate.flag() { Algorithm::EcdsaP256 } else { Algorithm::Rsa2048 };
        if field.text().is_some() && gated != algorithm.unwrap_or_default() {
            problems.add(
                Code::AlgorithmOverridden,
                gate.place(),
                format!("the feature gate PublicKeysECDSA overrides encryptionAlgorithm: keys will be {gated}"),
                "remove the deprecated gate",
            );
        }
        algorithm = Some(gated);
    }
    algorithm
}

/// The two validity periods, of other certificates and of certificate authorities.
fn validity(view: &View<'_>, problems: &mut Problems) -> (TimeDelta, TimeDelta) {
    let leaf = view.field("certificateValidityPeriod");
    let ca = view.field("caCertificateValidityPeriod");
    let read = |field: &View<'_>, default: TimeDelta, problems: &mut Problems| {
        let period = field.text().and_then(|text| duration::parse(text).ok()).unwrap_or(default);
        // Certificates have whole seconds, and Python's durations and numbers in JSON keep no more than this.
        let period = TimeDelta::microseconds(period.num_microseconds().unwrap_or(i64::MAX));
        if period > default {
            problems.add(
                Code::LongValidity,
                field.place(),
                format!("the validity is longer than the recommended {}h", default.num_hours()),
                "prefer short validity and regular renewal",
            );
        }
        if period <= TimeDelta::zero() {
            let message = "certificates with this validity would be expired from the start";
            problems.add(Code::EmptyValidity, field.place(), message, "give a period longer than 0");
        }
        period
    };
    let leaf_period = read(&leaf, LEAF_VALIDITY, problems);
    let ca_period = read(&ca, CA_VALIDITY, problems);
    if leaf_period > ca_period {
        let place = if leaf.is_present() { leaf.place() } else { ca.place() };
        problems.add(
            Code::LeafOutlivesCa,
            place,
            "certificates would be valid for longer than the certificate authority that signs them",
            "make certificateValidityPeriod no longer than caCertificateValidityPeriod",
        );
    }
    (leaf_period, ca_period)
}
