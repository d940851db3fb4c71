//! What `kubepki probe` is asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::check::thresholds;
use super::{Critical, RequestError, Span, Warning, defaults};
use crate::audit::certificate::Thresholds;
use crate::config::{Host, parse_host_port};
use crate::edge::tls::Address;

/// Where kubeadm's API servers listen.
const API_SERVER_PORT: u16 = 6443;

/// Where what a URL without a port names listens.
const HTTPS_PORT: u16 = 443;

/// A server that has not answered in an hour does not answer.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What `probe` is asked for.
#[derive(Args, Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeRequest {
    /// Servers, each as `HOST:PORT` or `https://HOST:PORT`; port 6443 without a port, 443 in a URL.
    #[arg(value_name = "HOST:PORT", required = true)]
    pub endpoints: Vec<String>,
    /// The name that is asked for (SNI) and looked for in the certificate, instead of each server's host.
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,
    /// The CA's file; each certificate must chain to one in it. Without it nobody's signature is judged.
    #[arg(long, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// The certificate's file; a server that presents another one has not loaded it.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// The certificate for servers that ask for one; most present theirs without it.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_certificate: Option<PathBuf>,
    /// The key of the client certificate.
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    pub client_key: Option<PathBuf>,
    /// How soon an end is worth a warning.
    #[command(flatten)]
    pub warning: Warning,
    /// How soon it is critical.
    #[command(flatten)]
    pub critical: Critical,
    /// How long each server may take to answer.
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    pub timeout: Span,
}

defaults! { ProbeRequest }

impl ProbeRequest {
    /// How soon an end of validity is worth a finding.
    pub(crate) fn thresholds(&self) -> Result<Thresholds, RequestError> {
        thresholds(*self.warning, *self.critical)
    }

    /// How long each server may take.
    pub(crate) fn timeout(&self) -> Result<Duration, RequestError> {
        let wait = self.timeout.wait().filter(|wait| *wait <= LONGEST_WAIT);
        wait.ok_or_else(|| {
            let said = self.timeout.precise();
            RequestError::bad(
                format!("--timeout: {said} s is not a time in which a server can answer"),
                "give --timeout a time between a moment and an hour, as 5s",
            )
        })
    }

    /// Where the servers are, in the order given.
    pub(crate) fn addresses(&self) -> Result<Vec<Address>, RequestError> {
        if self.endpoints.is_empty() {
            return Err(RequestError::bad("no server is named", "name servers as HOST:PORT, as 10.0.0.1:6443"));
        }
        self.endpoints.iter().map(|endpoint| address(endpoint)).collect()
    }
}

/// `host`, `host:port`, or `https://host[:port][/path]`.
fn address(endpoint: &str) -> Result<Address, RequestError> {
    let (place, usual) = match endpoint.strip_prefix("https://") {
        Some(rest) => (rest.split(['/', '?', '#']).next().unwrap_or_default(), HTTPS_PORT),
        None => (endpoint, API_SERVER_PORT),
    };
    let place = place.strip_suffix('.').unwrap_or(place);
    let bare = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(place);
    let (host, port) = parse_host_port(&bare.to_ascii_lowercase()).map_err(|reason| {
        RequestError::bad(
            format!("{endpoint:?} is no server: {reason}"),
            "write HOST:PORT, as 10.0.0.1:6443 or [2001:db8::10]:6443",
        )
    })?;
    let host = match host {
        Host::Ip(address) => address.to_string(),
        Host::Dns(name) => name,
    };
    Ok(Address { host, port: port.unwrap_or(usual) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_as_people_name_it() {
        for (text, host, port) in [
            ("10.0.0.1", "10.0.0.1", 6443),
            ("10.0.0.1:2379", "10.0.0.1", 2379),
            ("cp1.example.com", "cp1.example.com", 6443),
            ("[2001:db8::10]:6443", "2001:db8::10", 6443),
            ("2001:db8::10", "2001:db8::10", 6443),
            ("[2001:db8::10]", "2001:db8::10", 6443),
            ("https://cp1.example.com", "cp1.example.com", 443),
            ("https://cp1.example.com:8443/readyz?verbose", "cp1.example.com", 8443),
        ] {
            assert_eq!(address(text).unwrap(), Address { host: host.into(), port }, "{text}");
        }
        for text in ["", ":6443", "http://10.0.0.1:80", "cp1:0", "cp1:65536", "cp 1:6443", "a@b:6443", "https://"] {
            let error = address(text).unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn a_server_is_waited_for_between_a_moment_and_an_hour() {
        let asked = |text: &str| ProbeRequest { timeout: text.parse().unwrap(), ..ProbeRequest::default() }.timeout();
        assert_eq!(asked("250ms").unwrap(), Duration::from_millis(250));
        for text in ["0s", "61m"] {
            assert!(asked(text).unwrap_err().to_string().starts_with("--timeout: "), "{text}");
        }
    }
}
