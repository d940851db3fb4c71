//! What kubeadm asks of the host it runs on: its name, and the address of its default route; and where the environment says that a
//! cluster's credentials are.
//!
//! In: the kernel's answers, the environment. Out: [`HostFacts`], [`Environment`]. No packet is sent and no name is looked up; lower-casing and
//! judging the name is configuration's work.
//! Source: kubeadm `util/config` (`SetNodeRegistrationDynamicDefaults`, `SetAPIEndpointDynamicDefaults`), Go's
//! `os.Hostname`.

// This is the floor that the ban on sockets elsewhere exists for.
#![allow(clippy::disallowed_methods)]

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;

/// What the host says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// The kernel's node name, as Go's `os.Hostname` gives it; none if it is empty or not UTF-8.
    pub hostname: Option<String>,
    /// The source address of packets to the default route: IPv4 if there is one, else IPv6; none without a route.
    pub default_address: Option<IpAddr>,
}

/// What the environment says of where a cluster's credentials are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `$KUBECONFIG`: one file or several, as kubectl takes it.
    pub kubeconfig: Option<OsString>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// Whether this process runs in a pod of a cluster.
    pub is_in_pod: bool,
    /// Whether the user says that the node below the root directory runs here: a container without the host's processes cannot see it.
    pub says_node_runs_here: bool,
}

/// With the value 1 it says that the node below the root directory runs on this host.
pub const NODE_RUNS_HERE: &str = "KUBEPKI_NODE_RUNS_HERE";

/// Asks the environment.
#[must_use]
pub fn environment() -> Environment {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    Environment {
        kubeconfig: set("KUBECONFIG"),
        home: set("HOME").map(PathBuf::from),
        is_in_pod: set("KUBERNETES_SERVICE_HOST").is_some(),
        says_node_runs_here: set(NODE_RUNS_HERE).is_some_and(|value| value == "1"),
    }
}

/// Asks the kernel.
#[must_use]
pub fn facts() -> HostFacts {
    let name = rustix::system::uname();
    HostFacts {
        hostname: name.nodename().to_str().ok().filter(|name| !name.is_empty()).map(str::to_owned),
        default_address: source_towards(FAR_AWAY_IPV4).or_else(|| source_towards(FAR_AWAY_IPV6)),
    }
}

/// Addresses for documentation (RFC 5737, RFC 3849): nobody has a nearer route to them than the default one.
const FAR_AWAY_IPV4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const FAR_AWAY_IPV6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// The address this host would send from; connecting a datagram socket chooses a route and sends nothing.
fn source_towards(there: IpAddr) -> Option<IpAddr> {
    let anywhere = match there {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind(SocketAddr::new(anywhere, 0)).ok()?;
    // Port 9 is "discard": any would do.
    socket.connect(SocketAddr::new(there, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(is_reachable_from_others)
}

/// Whether other nodes can use the address, as kubeadm demands of an advertise address.
fn is_reachable_from_others(address: &IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast() || is_link_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_kernels() {
        let kernels = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(facts().hostname.as_deref(), Some(kernels.trim_end()));
    }

    #[test]
    fn the_address_is_one_of_this_host() {
        // A host without a route has none; one that is found must be the host's own, so it can be bound.
        if let Some(address) = facts().default_address {
            assert!(UdpSocket::bind((address, 0)).is_ok(), "{address} is not of this host");
        }
    }

    #[test]
    fn a_loopback_or_link_local_source_is_no_answer() {
        assert_eq!(source_towards(IpAddr::V4(Ipv4Addr::LOCALHOST)), None);
        assert!(!is_reachable_from_others(&"169.254.1.1".parse().unwrap()));
        assert!(!is_reachable_from_others(&"fe80::1".parse().unwrap()));
        assert!(is_reachable_from_others(&"10.0.0.1".parse().unwrap()));
        assert!(is_reachable_from_others(&"fd00::1".parse().unwrap()));
    }
}
