//! The signers of the certificates API: what each of them signs, and what it demands of a request.
//!
//! In: a signer's name, and what a certificate is to say. Out: the usages of the request ([`Signer::usages`]), or why
//! this signer never makes such a certificate. What came back is held against the same template ([`faults`]). All pure.
//!
//! Source: Kubernetes, certificate signing requests ("Kubernetes signers"); `pkg/apis/certificates/helpers.go`,
//! `pkg/controller/certificates/signer/signer.go`; admission plugin `CertificateSubjectRestriction`; cert-manager,
//! on requests of Kubernetes' API.

mod issued;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

pub use issued::faults;

use crate::catalogue::signer::{API_SERVER_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN};
use crate::catalogue::{MASTERS, SYSTEM_NODE, SYSTEM_NODES};
use crate::error::Evidence;
use crate::x509::{CertificateTemplate, ExtendedKeyUsage, KeyUsage, SubjectAltName};

const CLUSTER_ISSUERS: &str = "clusterissuers.cert-manager.io/";
const ISSUERS: &str = "issuers.cert-manager.io/";

/// The API server takes no request for less.
pub const SHORTEST_VALIDITY: TimeDelta = TimeDelta::minutes(10);

/// Who signs what the certificates API is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Signer {
    /// The controller manager, for clients of the API server.
    ApiServerClient,
    /// The controller manager, for kubelets as clients.
    KubeletClient,
    /// The controller manager, for kubelets as servers.
    KubeletServing,
    /// cert-manager, for an issuer of the whole cluster or of a namespace; its whole name.
    CertManager(String),
    /// Any other, by its name.
    Other(String),
}

/// Why a text names no signer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; {hint}")]
pub struct BadSigner {
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub hint: &'static str,
}

impl Signer {
    /// The name in `spec.signerName`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::ApiServerClient => API_SERVER_CLIENT,
            Self::KubeletClient => KUBELET_CLIENT,
            Self::KubeletServing => KUBELET_SERVING,
            Self::CertManager(name) | Self::Other(name) => name,
        }
    }

    /// The controller manager's signer for a certificate; none where none of its signers makes such.
    #[must_use]
    pub fn of(template: &CertificateTemplate) -> Option<Self> {
        [Self::KubeletClient, Self::KubeletServing, Self::ApiServerClient]
            .into_iter()
            .find(|signer| signer.usages(template).is_ok())
    }

    /// The usages that a request for this certificate has, as the API spells them.
    ///
    /// # Errors
    /// Why the signer does not make it, as half a sentence that follows its name.
    pub fn usages(&self, template: &CertificateTemplate) -> Result<Vec<String>, String> {
        if template.is_ca {
            return Err("signs no certificates of CAs".to_owned());
        }
        if let Some(other) = template.other_extensions.first() {
            return Err(format!("leaves out further extensions, and this certificate has {}", other.oid));
        }
        match self {
            Self::ApiServerClient => Self::refuse_masters(template)?,
            Self::KubeletClient => Self::refuse_other_nodes(template, false)?,
            Self::KubeletServing => Self::refuse_other_nodes(template, true)?,
            Self::CertManager(_) | Self::Other(_) => {}
        }
        let purposes: &[ExtendedKeyUsage] = match self {
            Self::ApiServerClient | Self::KubeletClient => &[ExtendedKeyUsage::ClientAuth],
            Self::KubeletServing => &[ExtendedKeyUsage::ServerAuth],
            Self::CertManager(_) | Self::Other(_) => &template.extended_key_usages,
        };
        if template.extended_key_usages != purposes {
            let kinds =
                if *self == Self::KubeletServing { "kubelets' serving certificates" } else { "client certificates" };
            return Err(format!("signs {kinds} alone"));
        }
        let keys = template.key_usages.iter().map(|usage| in_api(*usage));
        let purposes = purposes.iter().map(|purpose| match purpose {
            ExtendedKeyUsage::ServerAuth => Ok("server auth"),
            ExtendedKeyUsage::ClientAuth => Ok("client auth"),
            ExtendedKeyUsage::Other(oid) => Err(format!("cannot be asked for the purpose {oid}")),
        });
        let usages: Vec<_> = keys.map(Ok).chain(purposes).collect::<Result<_, _>>()?;
        let allowed = ["digital signature", "key encipherment", "client auth", "server auth"];
        match usages.iter().find(|usage| !allowed.contains(usage)) {
            Some(usage) if self.is_built_in() => Err(format!("signs no certificates for {usage:?}")),
            _ if !usages.contains(&"digital signature") && self.is_built_in() => {
                Err("signs only certificates for digital signatures".to_owned())
            }
            _ => Ok(usages.into_iter().map(str::to_owned).collect()),
        }
    }

    /// Whether it is one of the controller manager's.
    #[must_use]
    pub const fn is_built_in(&self) -> bool {
        matches!(self, Self::ApiServerClient | Self::KubeletClient | Self::KubeletServing)
    }

    /// The API server refuses such a request at once.
    fn refuse_masters(template: &CertificateTemplate) -> Result<(), String> {
        if template.subject.organizations().iter().any(|group| group == MASTERS) {
            return Err(format!("never signs for the group {MASTERS}"));
        }
        Ok(())
    }

    fn refuse_other_nodes(template: &CertificateTemplate, is_serving: bool) -> Result<(), String> {
        let name = template.subject.common_name().unwrap_or_default();
        if template.subject.organizations() != [SYSTEM_NODES]
            || name.strip_prefix(SYSTEM_NODE).is_none_or(str::is_empty)
        {
            return Err(format!("signs only for {SYSTEM_NODE}NAME in the group {SYSTEM_NODES}"));
        }
        let mut names = template.subject_alt_names.iter();
        match is_serving {
            true if names.all(|name| matches!(name, SubjectAltName::Dns(_) | SubjectAltName::Ip(_))) => {
                if template.subject_alt_names.is_empty() {
                    return Err("signs no certificates without names".to_owned());
                }
                Ok(())
            }
            true => Err("signs for DNS names and addresses alone".to_owned()),
            false if template.subject_alt_names.is_empty() => Ok(()),
            false => Err("signs no certificates with alternative names".to_owned()),
        }
    }
}

impl FromStr for Signer {
    type Err = BadSigner;

    /// Reads `example.com/name`. What `certificates.k8s.io/v1` never takes is refused.
    fn from_str(text: &str) -> Result<Self, BadSigner> {
        let bad = |reason: String, hint| BadSigner { reason, hint };
        if let Some(name) = text.strip_prefix(CLUSTER_ISSUERS) {
            return if is_label(name) {
                Ok(Self::CertManager(text.to_owned()))
            } else {
                Err(bad(format!("{text:?} names no cluster issuer"), "write clusterissuers.cert-manager.io/NAME"))
            };
        }
        if let Some(name) = text.strip_prefix(ISSUERS) {
            return match name.split_once('.') {
                Some((namespace, name)) if is_label(namespace) && is_label(name) => {
                    Ok(Self::CertManager(text.to_owned()))
                }
                _ => Err(bad(format!("{text:?} names no issuer"), "write issuers.cert-manager.io/NAMESPACE.NAME")),
            };
        }
        match text {
            API_SERVER_CLIENT => Ok(Self::ApiServerClient),
            KUBELET_CLIENT => Ok(Self::KubeletClient),
            KUBELET_SERVING => Ok(Self::KubeletServing),
            LEGACY_UNKNOWN => Err(bad(
                format!("certificates.k8s.io/v1 takes no requests for {LEGACY_UNKNOWN}"),
                "name another signer, as kubernetes.io/kube-apiserver-client",
            )),
            _ => match text.split_once('/') {
                Some((domain, path))
                    if domain.contains('.') && is_label(domain) && !path.is_empty() && text.len() <= 571 =>
                {
                    Ok(Self::Other(text.to_owned()))
                }
                _ => Err(bad(
                    format!("{text:?} is not the name of a signer"),
                    "write DOMAIN/NAME, as kubernetes.io/kube-apiserver-client",
                )),
            },
        }
    }
}

impl TryFrom<String> for Signer {
    type Error = BadSigner;

    fn try_from(text: String) -> Result<Self, BadSigner> {
        text.parse()
    }
}

impl From<Signer> for String {
    fn from(signer: Signer) -> Self {
        signer.as_str().to_owned()
    }
}

impl Evidence for Signer {
    fn evidence(&self) -> serde_json::Value {
        self.as_str().into()
    }
}

/// Whether a text is what Kubernetes takes for a name: RFC 1123's characters, within bounds.
fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !text.is_empty() && text.len() <= 253 && text.bytes().all(is_plain)
}

/// A key usage as the API spells it.
const fn in_api(usage: KeyUsage) -> &'static str {
    match usage {
        KeyUsage::DigitalSignature => "digital signature",
        KeyUsage::ContentCommitment => "content commitment",
        KeyUsage::KeyEncipherment => "key encipherment",
        KeyUsage::DataEncipherment => "data encipherment",
        KeyUsage::KeyAgreement => "key agreement",
        KeyUsage::KeyCertSign => "cert sign",
        KeyUsage::CrlSign => "crl sign",
        KeyUsage::EncipherOnly => "encipher only",
        KeyUsage::DecipherOnly => "decipher only",
    }
}
