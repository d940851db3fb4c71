//! Which names the serving certificates carry.
//!
//! Source: kubeadm `util/pkiutil` `GetAPIServerAltNames`, `GetEtcdAltNames`, `GetEtcdPeerAltNames`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::{ClusterSpec, Etcd, Host};
use crate::x509::SubjectAltNames;

/// The API server's names: node, `kubernetes…`, service and advertised address, endpoint, extra names.
pub(super) fn api_server(spec: &ClusterSpec) -> SubjectAltNames {
    let mut dns: Vec<String> =
        ["kubernetes", "kubernetes.default", "kubernetes.default.svc"].map(str::to_owned).to_vec();
    dns.extend(spec.known_node_name().map(str::to_owned));
    if !spec.dns_domain.is_empty() {
        dns.push(format!("kubernetes.default.svc.{}", spec.dns_domain));
    }
    let mut addresses: Vec<IpAddr> =
        spec.service_subnets.first().and_then(api_server_service_address).into_iter().collect();
    addresses.extend(spec.known_address());
    match spec.control_plane_endpoint.as_ref().map(|endpoint| &endpoint.host) {
        Some(Host::Ip(address)) => addresses.push(*address),
        Some(Host::Dns(name)) => dns.push(name.clone()),
        None => {}
    }
    with_extra_names(dns, addresses, &spec.api_server_cert_sans)
}

/// The local etcd's names towards clients.
pub(super) fn etcd_server(spec: &ClusterSpec) -> SubjectAltNames {
    match &spec.etcd {
        Etcd::Local { server_cert_sans, .. } => etcd(spec, server_cert_sans),
        Etcd::External { .. } => etcd(spec, &[]),
    }
}

/// The local etcd's names towards its peers.
pub(super) fn etcd_peer(spec: &ClusterSpec) -> SubjectAltNames {
    match &spec.etcd {
        Etcd::Local { peer_cert_sans, .. } => etcd(spec, peer_cert_sans),
        Etcd::External { .. } => etcd(spec, &[]),
    }
}

fn etcd(spec: &ClusterSpec, extra_names: &[String]) -> SubjectAltNames {
    let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16])];
    let addresses = spec.known_address().into_iter().chain(loopback).collect();
    let dns = spec.known_node_name().into_iter().chain(["localhost"]).map(str::to_owned).collect();
    with_extra_names(dns, addresses, extra_names)
}

fn with_extra_names(mut dns: Vec<String>, mut addresses: Vec<IpAddr>, extra_names: &[String]) -> SubjectAltNames {
    for name in extra_names {
        match name.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => dns.push(name.clone()),
        }
    }
    SubjectAltNames::sorted(dns, addresses)
}

/// The address of the `kubernetes` service: the network's address plus one, host bits masked.
#[must_use]
pub fn api_server_service_address(subnet: &IpNet) -> Option<IpAddr> {
    match subnet.network() {
        IpAddr::V4(network) => u32::from(network).checked_add(1).map(|number| IpAddr::V4(number.into())),
        IpAddr::V6(network) => u128::from(network).checked_add(1).map(|number| IpAddr::V6(number.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_address_is_the_first_of_the_masked_network() {
        let first = |subnet: &str| api_server_service_address(&subnet.parse().unwrap()).unwrap().to_string();
        assert_eq!(first("10.96.5.7/16"), "10.96.0.1");
        assert_eq!(first("10.96.0.0/12"), "10.96.0.1");
        assert_eq!(first("fd00:10:96::/112"), "fd00:10:96::1");
    }
}
