//! X.509: names, alternative names, usages, templates, certificates, requests, chains.
//!
//! In: templates and keys, or DER and PEM. Out: certificates and requests as DER, and what they say. Writing
//! (`der` derives, our own order of extensions) and reading (`go` for certificates, x509-parser for requests) are
//! independent codes, so each test of one by the other proves something. It never reads a clock and never touches a file.
//!
//! Source: RFC 5280, RFC 2986; the shapes are those of Go's `crypto/x509` as kubeadm uses it.

mod certificate;
mod chain;
mod extensions;
mod go;
mod name;
mod order;
mod other_extension;
mod request;
mod serial;
mod signature;
mod subject_alt_name;
mod template;
mod usage;

pub use certificate::{Certificate, read_certificates};
pub use chain::{ChainProblem, verify_chain, verify_draft};
pub use go::{Broken, Rule, Stage};
pub use name::{DistinguishedName, NameAttribute};
pub use order::{OrderedChain, order_chain};
pub use other_extension::OtherExtension;
pub use request::{CertificateRequest, RequestTemplate};
pub use serial::SerialNumber;
pub use subject_alt_name::{SubjectAltName, SubjectAltNames};
pub use template::{BACKDATE, CertificateTemplate, Issuer};
pub use usage::{ExtendedKeyUsage, KeyUsage};

use std::path::Path;

use crate::error::{Category, Diagnostic};
use crate::key::KeyError;
use crate::key::format::{Format, Wanted};

/// Why a certificate or a request could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum X509Error {
    /// A value does not fit into DER.
    #[error("the {what} cannot be encoded")]
    Encoding {
        /// Which part.
        what: &'static str,
    },
    /// Something else than certificates in PEM form.
    #[error("there is no {} in PEM form in it; it is {}", wanted.name(), format.description())]
    OtherFormat {
        /// What it is.
        format: Format,
        /// What was looked for.
        wanted: Wanted,
    },
    /// There is no certificate in the data.
    #[error("data does not contain any valid RSA or ECDSA certificates")]
    NoCertificate,
    /// A certificate block is truncated, or its DER is damaged.
    #[error("the certificate is truncated or damaged: {reason}")]
    Damaged {
        /// Where reading stopped.
        reason: String,
    },
    /// A certificate that Go's `crypto/x509` cannot read, and with it no component of Kubernetes.
    #[error("no component of Kubernetes can read the certificate: {broken}")]
    GoCannotParse {
        /// The rule, and what was found.
        broken: Broken,
    },
    /// There is no request in the data.
    #[error("the data holds no certificate signing request in PEM form")]
    NoRequest,
    /// A request is truncated, its DER is damaged, or there are several.
    #[error("the certificate signing request cannot be used: {reason}")]
    DamagedRequest {
        /// Where reading stopped.
        reason: String,
    },
    /// Who made the request does not have the key that it is for, or changed it afterwards.
    #[error("the request's signature does not prove that its maker has the key: {reason}")]
    RequestSignature {
        /// Why it does not.
        reason: String,
    },
    /// A name that no certificate can carry.
    #[error("{value:?} is not a valid subject alternative name")]
    BadAlternativeName {
        /// The text.
        value: String,
    },
    /// The signing key is not the one in the issuer's certificate.
    #[error("the key does not belong to the certificate of {issuer}")]
    IssuerKeyMismatch {
        /// The issuer's subject.
        issuer: String,
    },
    /// Signing failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Diagnostic for X509Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Encoding { .. } => "x509.encoding",
            Self::OtherFormat { .. } => "x509.other_format",
            Self::NoCertificate => "x509.none",
            Self::Damaged { .. } => "x509.damaged",
            Self::GoCannotParse { .. } => "x509.go_cannot_parse",
            Self::NoRequest => "x509.no_request",
            Self::DamagedRequest { .. } => "x509.request_damaged",
            Self::RequestSignature { .. } => "x509.request_signature",
            Self::BadAlternativeName { .. } => "x509.bad_alternative_name",
            Self::IssuerKeyMismatch { .. } => "x509.issuer_key_mismatch",
            Self::Key(error) => error.code(),
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Encoding { .. } => "shorten the value; report it if it is an ordinary one".into(),
            Self::OtherFormat { format, wanted } => format.remedy(Path::new("FILE"), *wanted),
            Self::NoCertificate => "give a PEM file with a CERTIFICATE block".into(),
            Self::Damaged { .. } => "restore the file from a backup, or remove it so that it is made again".into(),
            Self::GoCannotParse { .. } => {
                "have it issued again without this fault; a leaf of a CA on this node: remove it and its key, then kubepki init"
                    .into()
            }
            Self::NoRequest => "give a PEM file with one CERTIFICATE REQUEST block (a .csr file)".into(),
            Self::DamagedRequest { .. } => "have the request made again; look at it: openssl req -in CSR -text".into(),
            Self::RequestSignature { .. } => {
                "have the request made again, signed with its own key: openssl req -in CSR -verify -noout".into()
            }
            Self::BadAlternativeName { .. } => {
                "use an IP address, a DNS name, or a DNS name after a leading `*.`".into()
            }
            Self::IssuerKeyMismatch { .. } => {
                "put the CA's own key beside its certificate; compare: openssl x509 -pubkey, openssl pkey -pubout"
                    .into()
            }
            Self::Key(error) => error.hint(),
        }
    }

    fn hint_at(&self, path: &Path) -> String {
        match self {
            Self::OtherFormat { format, wanted } => format.remedy(path, *wanted),
            Self::Key(error) => error.hint_at(path),
            _ => self.hint(),
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::Key(error) => error.category(),
            _ => Category::Finding,
        }
    }
}

impl From<Broken> for X509Error {
    fn from(broken: Broken) -> Self {
        if [Rule::DER, Rule::STRUCTURE].contains(&broken.rule) {
            Self::Damaged { reason: broken.to_string() }
        } else {
            Self::GoCannotParse { broken }
        }
    }
}
