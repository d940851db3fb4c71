//! `kubepki probe`: which certificates servers present, and what is wrong with them.
//!
//! In: addresses, files to hold the answers against, now. Out: a [`ProbeReport`]. Each server is greeted and left again: no
//! request is sent, and a server that does not answer is an answer. Many are asked at once.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::node::read_named;
use crate::audit::certificate::Thresholds;
use crate::audit::node::Status;
use crate::audit::served::{Expected, judge_served};
use crate::audit::{Finding, SeenCertificate, Severity};
use crate::config::parse_address;
use crate::edge::tls::{self, Address, Hello, Identity};
use crate::error::{Fault, Result};
use crate::key::{KeyError, PrivateKey};
pub use crate::request::ProbeRequest;
use crate::request::RequestError;
use crate::workers;
use crate::x509::{Certificate, SubjectAltName, read_certificates};

/// What one server presents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbedEndpoint {
    /// Where it listens, as `host:port`.
    pub endpoint: String,
    /// The name that its certificate must have.
    pub server_name: String,
    /// The chain as it was sent, the server's own certificate first; empty when there was no answer.
    pub certificates: Vec<SeenCertificate>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Why nothing was seen.
    pub problem: Option<Fault>,
}

impl ProbedEndpoint {
    /// Its state in one word.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.findings.iter().map(|finding| finding.severity).max() {
            _ if self.problem.is_some() => Status::Unknown,
            Some(Severity::Critical) => Status::Critical,
            Some(Severity::Warning) => Status::Warning,
            Some(Severity::Info) | None => Status::Ok,
        }
    }
}

/// What all of them present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// The moment for which it holds.
    pub probed_at: DateTime<Utc>,
    /// The worst of all: critical, then unknown, then warning.
    pub status: Status,
    /// Every server, in the order in which they were named.
    pub endpoints: Vec<ProbedEndpoint>,
}

/// What every server is held against.
struct Probe {
    server_name: Option<String>,
    authorities: Vec<Certificate>,
    certificate: Option<Certificate>,
    identity: Option<Identity>,
    thresholds: Thresholds,
    timeout: Duration,
    now: DateTime<Utc>,
}

/// Asks every server; the answers are in the order of the request.
///
/// # Errors
/// An address or a time is none; a file cannot be read. A server that does not answer is an answer, not an error.
pub fn probe(request: &ProbeRequest, now: DateTime<Utc>) -> Result<ProbeReport> {
    let certificates = |path: &Path| Ok::<_, crate::error::Error>(read_certificates(read_named(path, None)?.expose())?);
    let authorities = request.certificate_authority.as_deref().map(certificates).transpose()?.unwrap_or_default();
    let certificate = request.certificate.as_deref().map(certificates).transpose()?;
    let probe = Probe {
        server_name: request.server_name.clone(),
        authorities,
        certificate: certificate.and_then(|all| all.into_iter().next()),
        identity: identity(request)?,
        thresholds: request.thresholds()?,
        timeout: request.timeout()?,
        now,
    };
    let endpoints = workers::at_once(&request.addresses()?, |address| probe.endpoint(address));
    let worst = endpoints.iter().map(ProbedEndpoint::status).max_by_key(|status| status.rank());
    Ok(ProbeReport { probed_at: now, status: worst.unwrap_or(Status::Ok), endpoints })
}

fn identity(request: &ProbeRequest) -> Result<Option<Identity>> {
    let (Some(certificate), Some(key)) = (&request.client_certificate, &request.client_key) else { return Ok(None) };
    let (certificates, secret) = (read_named(certificate, None)?.expose().to_vec(), read_named(key, None)?);
    // What cannot be shown would be left out, and every server would seem to refuse.
    let leaf = read_certificates(&certificates)?.into_iter().next();
    match PrivateKey::from_pem(secret.expose()) {
        Ok(own) if leaf.is_some_and(|leaf| leaf.public_key_info() != own.public_key_info()) => {
            let (key, certificate) = (key.display(), certificate.display());
            let reason = format!("--client-key: {key} is not the key of {certificate}");
            Err(RequestError::bad(reason, "name the key that belongs to the certificate").into())
        }
        // TLS knows more kinds of key than kubeadm.
        Ok(_) | Err(KeyError::Unsupported { .. }) => Ok(Some(Identity { certificates, key: secret })),
        Err(error) => Err(error.into()),
    }
}

impl Probe {
    fn endpoint(&self, address: &Address) -> ProbedEndpoint {
        let endpoint = address.to_string();
        let server_name = self.server_name.clone().unwrap_or_else(|| address.host.clone());
        let (chain, problem) = match self.chain(address, &server_name) {
            Ok(chain) => (chain, None),
            Err(error) => (Vec::new(), Some(error.into())),
        };
        let name = match parse_address(&server_name) {
            Some(address) => SubjectAltName::Ip(address),
            None => SubjectAltName::Dns(server_name.clone()),
        };
        let expected = Expected { name, authorities: &self.authorities, certificate: self.certificate.as_ref() };
        let findings = judge_served(&endpoint, &chain, &expected, self.thresholds, self.now);
        let seen = |one: &Certificate| SeenCertificate::of(&endpoint, Path::new(&endpoint), one, self.now);
        ProbedEndpoint { certificates: chain.iter().map(seen).collect(), endpoint, server_name, findings, problem }
    }

    fn chain(&self, address: &Address, server_name: &str) -> Result<Vec<Certificate>> {
        let hello = Hello { server_name: Some(server_name), identity: self.identity.as_ref() };
        let sent = tls::chain(address, hello, self.timeout)?;
        Ok(sent.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>()?)
    }
}
