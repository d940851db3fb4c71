//! X.509: names, alternative names, usages, templates, certificates, requests, chains.
//!
//! In: templates and keys, or DER and PEM. Out: certificates and requests as DER, and what they say. Writing
//! (`der` derives, our own order of extensions) and reading (`go` for certificates, x509-parser for requests) are
//! independent codes, so each test of one by the other proves something. It never reads a clock and never touches a file.
//!
//! Source: RFC 5280, RFC 2986; the shapes are those of Go's `crypto/x509` as kubeadm uses it.

mod certificate;
mod chain;
mod describe;
mod extensions;
mod go;
mod name;
mod order;
mod other_extension;
mod pkcs7;
mod request;
mod serial;
mod signature;
mod subject_alt_name;
mod successor;
mod template;
mod usage;

pub use certificate::{Certificate, read_certificates};
pub use chain::{ChainProblem, verify_chain, verify_draft};
pub use describe::{DescribedExtension, Description, describe_certificate, describe_request, public_key};
pub use go::{Broken, Rule};
pub use name::{DistinguishedName, NameAttribute};
pub use order::{OrderedChain, order_chain};
pub use other_extension::OtherExtension;
pub use pkcs7::certificates as pkcs7_certificates;
pub use request::{CertificateRequest, RequestTemplate};
pub use serial::SerialNumber;
pub use subject_alt_name::{SubjectAltName, SubjectAltNames};
pub use successor::{Successor, names_serial};
pub use template::{BACKDATE, CertificateTemplate, Issuer};
pub use usage::{ExtendedKeyUsage, KeyUsage};

use std::path::Path;

use crate::error::{evidence, faults};
use crate::key::KeyError;
use crate::key::format::{Format, Wanted};

faults! {
    /// Why a certificate or a request could not be made or read.
    pub enum X509Error or Key(KeyError) {
        /// A name is too long, or holds what a certificate cannot say.
        #[error("the {what} cannot be encoded")]
        #[fault("x509.encoding", Finding, "shorten the value; report it if it is an ordinary one")]
        Encoding {
            /// Which part.
            what: &'static str,
        },
        /// The file holds something else than PEM of the kind that was asked for: DER, PKCS#7, PKCS#12, a key store, a
        /// key, UTF-16, a byte order mark, JSON … The message says what it is, the hint has the command that converts it.
        #[error("there is no {} in PEM form in it; it is {}", wanted.name(), format.description())]
        #[fault("x509.other_format" as OTHER_FORMAT, Finding, |file: &Path| format.remedy(file, *wanted),
            context = evidence!())]
        OtherFormat {
            /// What it is.
            format: Format,
            /// What was looked for.
            wanted: Wanted,
        },
        /// The file holds no certificate block.
        #[error("data does not contain any valid RSA or ECDSA certificates")]
        #[fault("x509.none", Finding, "give a PEM file with a CERTIFICATE block")]
        NoCertificate,
        /// A certificate in the file is truncated or damaged; restore it from a backup or have it signed again.
        #[error("the certificate is truncated or damaged: {reason}")]
        #[fault("x509.damaged", Finding, "restore the file from a backup, or remove it so that it is made again")]
        Damaged {
            /// Where reading stopped.
            reason: String,
        },
        /// A certificate that Go's `crypto/x509` cannot read, and with it no component of Kubernetes; the message names
        /// the [rule](go-rules.md) that it breaks. Have it issued again; a leaf of a CA on this node: remove it and its
        /// key, then `kubepki init`.
        #[error("no component of Kubernetes can read the certificate: {broken}")]
        #[fault("x509.go_cannot_parse", Finding,
            "have it issued again without this fault; a leaf of a CA on this node: remove it and its key, then kubepki init",
            context = evidence!())]
        GoCannotParse {
            /// The rule, and what was found.
            broken: Broken,
        },
        /// The file holds no `CERTIFICATE REQUEST`.
        #[error("the data holds no certificate signing request in PEM form")]
        #[fault("x509.no_request" as NO_REQUEST, Finding, "give a PEM file with one CERTIFICATE REQUEST block (a .csr file)")]
        NoRequest,
        /// The request is truncated or damaged, asks for an extension twice, or there are several in the file; have it
        /// made again.
        #[error("the certificate signing request cannot be used: {reason}")]
        #[fault("x509.request_damaged" as REQUEST_DAMAGED, Finding, "have the request made again; look at it: openssl req -in CSR -text")]
        DamagedRequest {
            /// Where reading stopped.
            reason: String,
        },
        /// The request's own signature does not hold: whoever made it does not have the key, it was changed since, or the
        /// key or algorithm is too weak to be checked.
        #[error("the request's signature does not prove that its maker has the key: {reason}")]
        #[fault("x509.request_signature", Finding,
            "have the request made again, signed with its own key: openssl req -in CSR -verify -noout")]
        RequestSignature {
            /// Why it does not.
            reason: String,
        },
        /// A name is neither a DNS name nor an IP address.
        #[error("{value:?} is not a valid subject alternative name")]
        #[fault("x509.bad_alternative_name", Finding,
            "use an IP address, a DNS name, or a DNS name after a leading `*.`")]
        BadAlternativeName {
            /// The text.
            value: String,
        },
        /// The CA's key is not the one of its certificate; put the right pair together.
        #[error("the key does not belong to the certificate of {issuer}")]
        #[fault("x509.issuer_key_mismatch", Finding,
            "put the CA's own key beside its certificate; compare: openssl x509 -pubkey, openssl pkey -pubout")]
        IssuerKeyMismatch {
            /// The issuer's subject.
            issuer: String,
        },
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
