//! Where a component listens, as its flags and etcd's members say it: `https://192.0.2.10:2379`.

use crate::config::parse_address;

/// The address by which a host reaches itself.
pub const LOCALHOST: &str = "127.0.0.1";

/// Scheme, host and port of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether TLS is spoken.
    pub is_tls: bool,
    /// The host, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Url {
    /// Reads one; `None` for what is none, or has no port.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let (host, port) = rest.split('/').next()?.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Self { is_tls: scheme == "https", host: host.to_owned(), port: port.parse().ok()? })
    }

    /// Those of a list; what is none is left out.
    pub fn list(text: &str) -> impl Iterator<Item = Self> {
        text.split(',').filter_map(Self::parse)
    }

    /// Whether the host is the loopback address or `localhost`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        [LOCALHOST, "localhost", "::1"].contains(&self.host.as_str())
    }
}

/// An address at which this host reaches what is bound to `address`.
#[must_use]
pub fn reachable(address: &str) -> String {
    match parse_address(address) {
        Some(parsed) if !parsed.is_unspecified() => parsed.to_string(),
        Some(_) => LOCALHOST.into(),
        None if address.is_empty() || address == "localhost" => LOCALHOST.into(),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_host_and_port_are_read_and_what_lacks_one_is_no_url() {
        let url = |is_tls, host: &str, port| Some(Url { is_tls, host: host.into(), port });
        assert_eq!(Url::parse("https://[fd00::1]:2380/"), url(true, "fd00::1", 2380));
        assert_eq!(Url::parse(" http://192.0.2.10:2379/health "), url(false, "192.0.2.10", 2379));
        for none in ["192.0.2.10:2379", "https://192.0.2.10", "https://192.0.2.10:x", ""] {
            assert_eq!(Url::parse(none), None, "{none}");
        }
        assert_eq!(Url::list("https://a:1,,unix:///x,https://b:2").count(), 2);
        assert_eq!(reachable("0.0.0.0"), LOCALHOST);
        assert_eq!(reachable("fd00::1"), "fd00::1");
    }
}
