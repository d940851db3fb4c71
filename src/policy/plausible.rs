//! The alternative names that a server's certificate may have when no configuration says which.
//!
//! In: a name, and what is known of the node. Out: why it may not be signed. What is refused here can still be
//! allowed by name: in a configuration (`certSANs`) or in a policy file (`names`).
//!
//! Source: RFC 1123, RFC 6890 (addresses that no host answers on), Kubernetes' DNS specification (names of services).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::alternative_name;
use crate::x509::SubjectAltName;

/// The most names of one certificate: kubeadm's own are fewer than ten.
pub(super) const MOST_NAMES: usize = 32;

/// The service of the API server, which no other service's certificate may name.
const API_SERVICE: [&str; 3] = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
/// The namespaces of every cluster: `name.namespace` is found by each pod.
const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// What is known of the server.
#[derive(Clone, Debug, Default)]
pub struct KnownServer {
    /// Whether it is an API server; etcd's otherwise.
    pub is_api_server: bool,
    /// The node's name.
    pub node_name: Option<String>,
    /// The names of the other nodes.
    pub other_nodes: Vec<String>,
}

/// Why a server may not have this name; `None` when it may.
pub(super) fn fault(name: &SubjectAltName, server: &KnownServer) -> Option<&'static str> {
    match name {
        SubjectAltName::Dns(name) => dns_fault(name, server),
        SubjectAltName::Ip(address) => address_fault(*address),
        SubjectAltName::Email(_) | SubjectAltName::Uri(_) | SubjectAltName::Other(_) => {
            Some("neither a DNS name nor an address")
        }
    }
}

fn dns_fault(text: &str, server: &KnownServer) -> Option<&'static str> {
    if text.contains('*') {
        return Some("a wildcard");
    }
    let Ok(name) = alternative_name(text) else { return Some("not a DNS name") };
    if name.parse::<IpAddr>().is_ok() {
        return Some("an address in the place of a DNS name");
    }
    let labels: Vec<&str> = name.split('.').collect();
    if labels.iter().any(|label| label.len() > 63) {
        return Some("a part of more than 63 characters");
    }
    if labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some("a name that ends in a number");
    }
    let is_api_service = API_SERVICE.contains(&name.as_str()) || name.starts_with("kubernetes.default.svc.");
    if is_api_service && server.is_api_server {
        return None;
    }
    let is_of_cluster = is_api_service
        || labels.contains(&"svc")
        || labels.len() == 2 && labels.last().is_some_and(|last| NAMESPACES.contains(last))
        || name.ends_with(".cluster.local");
    if is_of_cluster {
        return Some("the name of a service in the cluster");
    }
    if server.node_name.as_deref() == Some(name.as_str()) || name == "localhost" {
        return None;
    }
    let is_of_node =
        |node: &String| *node == name || labels.len() == 1 && node.split('.').next() == Some(name.as_str());
    let is_own = server.node_name.iter().any(is_of_node);
    (!is_own && server.other_nodes.iter().any(is_of_node)).then_some("another node's name")
}

fn address_fault(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => v4_fault(address),
        IpAddr::V6(address) => v6_fault(address),
    }
}

fn v4_fault(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [127, 0, 0, 1] => None,
        [0, ..] => Some("no host's address"),
        [127, ..] => Some("a loopback address other than 127.0.0.1"),
        [169, 254, ..] => Some("a link-local address"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved or broadcast address"),
        _ => None,
    }
}

fn v6_fault(address: Ipv6Addr) -> Option<&'static str> {
    if address == Ipv6Addr::LOCALHOST {
        return None;
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, ..] => Some("no host's address"),
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, ..] => Some("an IPv4 address written as an IPv6 address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> KnownServer {
        KnownServer {
            is_api_server: true,
            node_name: Some("cp1.example".into()),
            other_nodes: vec!["cp2.example".into()],
        }
    }

    #[test]
    fn names_of_hosts_may_be_had_and_names_of_others_may_not() {
        let dns = |name: &str| fault(&SubjectAltName::Dns(name.into()), &server());
        for good in [
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "kubernetes.default.svc.prod.example",
            "cp1.example",
            "cp1",
            "localhost",
            "some-dns-address",
            "api.example.test",
            "xn--bcher-kva.example",
        ] {
            assert_eq!(dns(good), None, "{good}");
        }
        for bad in [
            "*",
            "*.svc",
            "*.example",
            "a.*.example",
            "x.default.svc",
            "X.Default.SVC",
            "kube-dns.kube-system.svc",
            "kube-dns.kube-system.svc.cluster.local",
            "kube-dns.kube-system",
            "x.default",
            "10-0-0-1.default.pod.cluster.local",
            "cp2.example",
            "cp2",
            "1.2.3",
            "256.1.1.1",
            "10.0.0.1",
            "::1",
            "a b",
            "a_b",
            "host.",
            "",
            "host\0.example",
        ] {
            assert!(dns(bad).is_some(), "{bad}");
        }
        let etcd = KnownServer { is_api_server: false, ..server() };
        for bad in ["kubernetes", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"] {
            assert!(fault(&SubjectAltName::Dns(bad.into()), &etcd).is_some(), "{bad}");
        }
    }

    #[test]
    fn addresses_are_those_of_hosts() {
        let address = |text: &str| fault(&SubjectAltName::Ip(text.parse().unwrap()), &server());
        for good in ["10.96.0.1", "192.0.2.10", "127.0.0.1", "::1", "2001:db8::1", "fd00::1", "100.64.0.1"] {
            assert_eq!(address(good), None, "{good}");
        }
        for bad in [
            "0.0.0.0",
            "0.0.0.1",
            "127.0.0.2",
            "169.254.169.254",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::2",
            "::10.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(address(bad).is_some(), "{bad}");
        }
    }
}
