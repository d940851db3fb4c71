//! Addresses, endpoints, networks and subject alternative names as Go and kubeadm read them.
//!
//! In: text. Out: standard types, or the sentence that says why not. No name is resolved.
//!
//! Source: `k8s.io/utils/net` (`ParseIPSloppy`, `ParseCIDRSloppy`), kubeadm `util/endpoint.go` (`ParseHostPort`),
//! `IsWildcardDNS1123Subdomain`, Go `net.SplitHostPort` and `net.IP.IsGlobalUnicast`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::name::{LONGEST, subdomain_fault};
use super::spec::Host;

/// An IPv4 or IPv6 address as kubeadm reads it: leading zeros are decimal (`192.168.007.010` is
/// 192.168.7.10) and an IPv4-mapped IPv6 address is that IPv4 address.
#[must_use]
pub fn parse_address(text: &str) -> Option<IpAddr> {
    match parse_v4(text) {
        Some(address) => Some(IpAddr::V4(address)),
        None => Some(IpAddr::V6(text.parse::<Ipv6Addr>().ok()?).to_canonical()),
    }
}

fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    const LONGEST_PART: usize = 6;
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > LONGEST_PART || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *octet = part.parse::<u32>().ok()?.try_into().ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// Whether other hosts can reach the address: not unspecified, loopback, multicast, link-local or broadcast.
pub(super) fn is_global_unicast(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast() || link_local)
}

/// Splits `host[:port]` and reads both; a missing port stays missing.
///
/// # Errors
/// What is wrong with it, as a clause.
pub fn parse_host_port(text: &str) -> Result<(Host, Option<u16>), &'static str> {
    if text.contains("://") {
        return Err("an endpoint is host:port, without a scheme");
    }
    let (host, port) = split_host_port(text).unwrap_or((text, ""));
    let port = match port {
        "" => None,
        digits => Some(parse_port(digits).ok_or("the port is a number from 1 to 65535")?),
    };
    if let Some(address) = parse_address(host) {
        return Ok((Host::Ip(address), port));
    }
    if host.contains(['[', ']']) {
        return Err("an IPv6 address stands in brackets only before a port, as [2001:db8::10]:6443");
    }
    match subdomain_fault(host) {
        None => Ok((Host::Dns(host.to_owned()), port)),
        Some(fault) => Err(fault),
    }
}

/// Go's `net.SplitHostPort`; `None` where that is an error.
pub(super) fn split_host_port(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        let port = after.strip_prefix(':')?;
        return (!host.contains('[') && !port.contains([':', '[', ']'])).then_some((host, port));
    }
    let (host, port) = text.rsplit_once(':')?;
    (!host.contains([':', '[', ']']) && !port.contains(['[', ']'])).then_some((host, port))
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&port: &u16| digits && port != 0)
}

/// A comma-separated list of one network, or two of different families. Host bits are cleared.
pub(super) fn parse_networks(text: &str) -> Result<Vec<IpNet>, &'static str> {
    if text.contains(char::is_whitespace) {
        return Err("separate two networks by a comma alone, without a space");
    }
    let networks: Vec<IpNet> = text
        .split(',')
        .map(parse_network)
        .collect::<Option<_>>()
        .ok_or("a network is an address and a prefix length, as 10.96.0.0/12 or fd00:10:96::/112")?;
    match networks.as_slice() {
        [IpNet::V4(_), IpNet::V4(_)] | [IpNet::V6(_), IpNet::V6(_)] => {
            Err("two networks must be one of IPv4 and one of IPv6")
        }
        [_] | [_, _] => Ok(networks),
        _ => Err("give one network, or one of IPv4 and one of IPv6"),
    }
}

fn parse_network(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    if length.len() > 3 || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let address = match parse_v4(address) {
        Some(v4) => IpAddr::V4(v4),
        None => IpAddr::V6(address.parse().ok()?),
    };
    Some(IpNet::new(address, length.parse().ok()?).ok()?.trunc())
}

/// How many bits of an address the network leaves open.
pub(super) fn host_bits(network: &IpNet) -> u8 {
    network.max_prefix_len().saturating_sub(network.prefix_len())
}

/// A subject alternative name: an address in its canonical form, a DNS name, or a DNS name with `*.` before it; or why it
/// is none.
pub(super) fn san(name: String) -> Result<String, &'static str> {
    match parse_address(&name) {
        Some(address) => Ok(address.to_string()),
        None => dns_fault(&name).map_or(Ok(name), Err),
    }
}

fn dns_fault(name: &str) -> Option<&'static str> {
    if name.contains('*') {
        return match name.strip_prefix("*.") {
            Some(rest) if name.len() <= LONGEST && subdomain_fault(rest).is_none() => None,
            _ => Some("a wildcard is a single *. before a whole DNS name, as *.apps.example.com"),
        };
    }
    if name.contains("://") {
        return Some("a certificate names hosts: leave out the scheme and the path");
    }
    if name.contains(',') {
        return Some("write each name as an item of its own");
    }
    subdomain_fault(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_kubernetes_does() {
        for good in
            ["abc", "*.abc", "*.apps.example.test", "1.2.3", "259.2.3.4", "a-b.c", "10.0.0.5", "::1", "192.168.007.010"]
        {
            assert!(san(good.into()).is_ok(), "{good}");
        }
        assert!(san("a".repeat(253)).is_ok());
        let bad = [
            "",
            "*",
            "**.abc",
            "a.*.bc",
            "a*.bc",
            "*.",
            "*.A",
            "1.2.3.L",
            "invalid,commas,in,DNS",
            "https://a.b",
            "a_b",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a.",
            "ä.de",
            "a b",
            "a:6443",
            "[::1]",
        ];
        for bad in bad {
            assert!(san(bad.into()).is_err(), "{bad}");
        }
        assert!(san("a".repeat(254)).is_err());
        assert!(subdomain_fault("*.abc").is_some());
    }

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        let cases = [
            ("192.0.2.10", "192.0.2.10"),
            ("192.168.007.010", "192.168.7.10"),
            ("::ffff:10.0.0.5", "10.0.0.5"),
            ("2001:DB8::10", "2001:db8::10"),
            ("::1", "::1"),
        ];
        for (text, address) in cases {
            assert_eq!(parse_address(text), Some(address.parse().unwrap()), "{text}");
        }
        for bad in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "1..3.4",
            "a.b.c.d",
            "1.2.3.+4",
            "[::1]",
            "fe80::1%eth0",
            "1.2.3.4 ",
            "0000001.2.3.4",
        ] {
            assert_eq!(parse_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn endpoints_are_read_as_kubeadm_reads_them() {
        let cases = [
            ("api.example.test", "api.example.test", None),
            ("api.example.test:8443", "api.example.test", Some(8443)),
            ("1.2.3.4", "1.2.3.4", None),
            ("1.2.3.4:1234", "1.2.3.4", Some(1234)),
            ("2001:db8::10", "2001:db8::10", None),
            ("[2001:db8::10]:6443", "2001:db8::10", Some(6443)),
            ("259.2.3.4", "259.2.3.4", None),
            ("259.2.3.4:1234", "259.2.3.4", Some(1234)),
            ("host:", "host", None),
        ];
        for (text, host, port) in cases {
            let host = host.parse().map_or_else(|_| Host::Dns(host.into()), Host::Ip);
            assert_eq!(parse_host_port(text), Ok((host, port)), "{text}");
        }
        let bad = [
            "",
            ":aaa",
            ":6443",
            ":987654321",
            ":-1234",
            "a:123:123",
            "bad!!x",
            "1..3.4",
            "host:0",
            "host:65536",
            "host:+80",
            "https://host:6443",
            "host:6443/path",
            "Host",
            "[::1]",
            "[2001:db8::10",
            "[2001:db8::10]:",
            "2001:db8:::10",
            "[2001:db8::10]:99999",
            "[1:2]:3:4",
        ];
        for bad in bad {
            // net.SplitHostPort accepts "[v6]:" with an empty port, and so do we.
            assert_eq!(parse_host_port(bad).is_ok(), bad == "[2001:db8::10]:", "{bad}");
        }
    }

    #[test]
    fn networks_are_one_or_one_of_each_family() {
        let read =
            |text| parse_networks(text).map(|networks| networks.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(read("10.96.5.7/16"), Ok(vec!["10.96.0.0/16".into()]));
        assert_eq!(read("010.096.0.0/12"), Ok(vec!["10.96.0.0/12".into()]));
        assert_eq!(read("fd00:10::/112,10.99.0.0/16"), Ok(vec!["fd00:10::/112".into(), "10.99.0.0/16".into()]));
        for bad in [
            "",
            "10.96.0.0",
            "10.96.0.0/33",
            "10.96.0.0/-1",
            "10.96.0.0/+8",
            "10.0.0.0/8, fd00::/112",
            "10.0.0.0/8,10.1.0.0/16",
            "fd00::/64,fd01::/64",
            "10.0.0.0/8,fd00::/64,fd01::/64",
            "10.0.0.0/8,",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn global_unicast_is_what_other_hosts_can_reach() {
        for good in ["192.0.2.10", "10.0.0.1", "2001:db8::1", "fd00::1"] {
            assert!(is_global_unicast(good.parse().unwrap()), "{good}");
        }
        for bad in
            ["0.0.0.0", "::", "127.0.0.1", "::1", "169.254.1.1", "fe80::1", "224.0.0.1", "ff02::1", "255.255.255.255"]
        {
            assert!(!is_global_unicast(bad.parse().unwrap()), "{bad}");
        }
    }
}
