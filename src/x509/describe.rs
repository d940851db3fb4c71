//! All that a certificate or a signing request says, in words: for people who look at one.
//!
//! In: DER. Out: [`Description`]: plain data, with every extension that has a name decoded. It judges nothing: what Go
//! would refuse is shown as well, as far as it can be read.
//!
//! Source: RFC 5280 sections 4.1 and 4.2; RFC 2986.

use chrono::{DateTime, Utc};
use serde::Serialize;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, GeneralSubtree, ParsedExtension, X509Extension};
use x509_parser::oid_registry::OidRegistry;
use x509_parser::prelude::{FromDer as _, ParsedCriAttribute, X509Certificate};
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::X509Error;
use super::extensions::key_kind;
use super::name::DistinguishedName;
use super::serial::SerialNumber;
use super::subject_alt_name::SubjectAltName;
use super::usage::{ExtendedKeyUsage, KeyUsage};
use crate::digest::{hex, sha256_hex};

/// What a certificate or a request says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// 1, 2 or 3; a request has none.
    pub version: Option<u32>,
    /// The serial number in hexadecimal.
    pub serial: Option<String>,
    /// The algorithm of the signature, as `sha256WithRSAEncryption`.
    pub signature_algorithm: String,
    /// The issuer (RFC 4514).
    pub issuer: Option<String>,
    /// The first moment.
    pub not_before: Option<DateTime<Utc>>,
    /// The last moment.
    pub not_after: Option<DateTime<Utc>>,
    /// The subject (RFC 4514).
    pub subject: String,
    /// The common name in it.
    #[serde(skip)]
    pub common_name: Option<String>,
    /// The kind of the public key, as `RSA-2048`.
    pub public_key: String,
    /// The SHA-256 of the public key (`SubjectPublicKeyInfo`) in hexadecimal.
    pub public_key_sha256: String,
    /// The extensions, in their order.
    pub extensions: Vec<DescribedExtension>,
    /// The SHA-256 of the DER in hexadecimal.
    pub sha256: String,
}

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DescribedExtension {
    /// The dotted object identifier.
    pub oid: String,
    /// What it is called; empty where it has no name here.
    pub name: String,
    /// Whether a reader that does not know it must refuse the certificate.
    pub critical: bool,
    /// What it says.
    pub values: Vec<String>,
}

/// What a certificate says.
///
/// # Errors
/// [`X509Error::Damaged`] when the bytes are no certificate.
pub fn describe_certificate(der: &[u8]) -> Result<Description, X509Error> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|error| damaged(&error))?;
    let time = |time: &x509_parser::time::ASN1Time| DateTime::from_timestamp(time.timestamp(), 0);
    Ok(Description {
        version: Some(certificate.version().0.saturating_add(1)),
        serial: Some(SerialNumber::from_bytes(certificate.raw_serial()).to_string()),
        issuer: Some(DistinguishedName::from_der(certificate.issuer().as_raw())?.to_string()),
        not_before: time(&certificate.validity().not_before),
        not_after: time(&certificate.validity().not_after),
        extensions: certificate.extensions().iter().map(extension).collect(),
        ..of(der, &certificate.signature_algorithm, certificate.subject().as_raw(), certificate.public_key())?
    })
}

/// What a signing request says; the extensions are those that it asks for.
///
/// # Errors
/// [`X509Error::Damaged`] when the bytes are no request.
pub fn describe_request(der: &[u8]) -> Result<Description, X509Error> {
    let (_, request) = X509CertificationRequest::from_der(der).map_err(|error| damaged(&error))?;
    let info = &request.certification_request_info;
    let asked = info.iter_attributes().filter_map(|attribute| match attribute.parsed_attribute() {
        ParsedCriAttribute::ExtensionRequest(wanted) => Some(&wanted.extensions),
        _ => None,
    });
    Ok(Description {
        extensions: asked.flatten().map(extension).collect(),
        ..of(der, &request.signature_algorithm, info.subject.as_raw(), &info.subject_pki)?
    })
}

fn damaged(error: &impl std::fmt::Display) -> X509Error {
    X509Error::Damaged { reason: error.to_string() }
}

fn of(
    der: &[u8],
    signature: &AlgorithmIdentifier<'_>,
    subject: &[u8],
    key: &SubjectPublicKeyInfo<'_>,
) -> Result<Description, X509Error> {
    let subject = DistinguishedName::from_der(subject)?;
    Ok(Description {
        version: None,
        serial: None,
        signature_algorithm: named(&signature.algorithm.to_id_string()),
        issuer: None,
        not_before: None,
        not_after: None,
        subject: subject.to_string(),
        common_name: subject.common_name(),
        public_key: key_kind(key),
        public_key_sha256: sha256_hex(key.raw),
        extensions: Vec::new(),
        sha256: sha256_hex(der),
    })
}

/// The kind of a public key, and the SHA-256 of it in hexadecimal.
///
/// # Errors
/// [`X509Error::Damaged`] when the bytes are no `SubjectPublicKeyInfo`.
pub fn public_key(der: &[u8]) -> Result<(String, String), X509Error> {
    let (_, info) = SubjectPublicKeyInfo::from_der(der).map_err(|error| damaged(&error))?;
    Ok((key_kind(&info), sha256_hex(info.raw)))
}

/// The name of a well-known object identifier, as `ecdsa-with-SHA256`; the dotted one otherwise.
fn named(oid: &str) -> String {
    let registry = OidRegistry::default().with_all_crypto().with_x509();
    let known = registry.iter().find(|(known, _)| known.to_id_string() == oid);
    known.map_or_else(|| oid.to_owned(), |(_, entry)| entry.sn().to_owned())
}

fn extension(extension: &X509Extension<'_>) -> DescribedExtension {
    let (name, values) = said(extension);
    DescribedExtension {
        oid: extension.oid.to_id_string(),
        name: name.to_owned(),
        critical: extension.critical,
        values,
    }
}

fn said(extension: &X509Extension<'_>) -> (&'static str, Vec<String>) {
    match extension.parsed_extension() {
        ParsedExtension::BasicConstraints(constraints) => {
            let path = constraints.path_len_constraint.map(|length| format!("path length {length}"));
            let kind = if constraints.ca { "CA" } else { "not a CA" };
            ("Basic constraints", [kind.to_owned()].into_iter().chain(path).collect())
        }
        ParsedExtension::KeyUsage(usage) => ("Key usage", key_usages(usage.flags)),
        ParsedExtension::ExtendedKeyUsage(usage) => ("Extended key usage", purposes(usage)),
        ParsedExtension::SubjectAlternativeName(names) => ("Subject alternative names", general(&names.general_names)),
        ParsedExtension::IssuerAlternativeName(names) => ("Issuer alternative names", general(&names.general_names)),
        ParsedExtension::SubjectKeyIdentifier(id) => ("Subject key identifier", vec![hex(id.0)]),
        ParsedExtension::AuthorityKeyIdentifier(authority) => {
            let issuer = authority.authority_cert_issuer.as_deref().map(general).unwrap_or_default();
            let serial = authority.authority_cert_serial.map(|serial| format!("serial {}", hex(serial)));
            let id = authority.key_identifier.as_ref().map(|id| hex(id.0));
            ("Authority key identifier", id.into_iter().chain(issuer).chain(serial).collect())
        }
        ParsedExtension::NameConstraints(constraints) => {
            let all = |word: &str, trees: &Option<Vec<GeneralSubtree<'_>>>| -> Vec<String> {
                trees.iter().flatten().map(|tree| format!("{word} {}", constraint(&tree.base))).collect()
            };
            let (permitted, excluded) =
                (all("permitted", &constraints.permitted_subtrees), all("excluded", &constraints.excluded_subtrees));
            ("Name constraints", [permitted, excluded].concat())
        }
        ParsedExtension::CRLDistributionPoints(points) => {
            let names = points.iter().filter_map(|point| match &point.distribution_point {
                Some(x509_parser::extensions::DistributionPointName::FullName(names)) => Some(general(names)),
                _ => None,
            });
            ("CRL distribution points", names.flatten().collect())
        }
        ParsedExtension::AuthorityInfoAccess(access) => {
            let one = |access: &x509_parser::extensions::AccessDescription<'_>| {
                format!("{} {}", named(&access.access_method.to_id_string()), general_name(&access.access_location))
            };
            ("Authority information access", access.iter().map(one).collect())
        }
        ParsedExtension::CertificatePolicies(policies) => {
            ("Certificate policies", policies.iter().map(|policy| policy.policy_id.to_id_string()).collect())
        }
        ParsedExtension::NsCertComment(comment) => ("Netscape comment", vec![(*comment).to_owned()]),
        _ => ("", vec![format!("{} bytes: {}", extension.value.len(), hex(extension.value))]),
    }
}

fn key_usages(flags: u16) -> Vec<String> {
    let all = KeyUsage::ALL.iter().enumerate().filter(|(bit, _)| flags >> bit & 1 == 1);
    all.map(|(_, usage)| usage.to_string()).collect()
}

fn purposes(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, "2.5.29.37.0"),
        (usage.server_auth, "1.3.6.1.5.5.7.3.1"),
        (usage.client_auth, "1.3.6.1.5.5.7.3.2"),
        (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
        (usage.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let others = usage.other.iter().map(ToString::to_string);
    let all = known.into_iter().filter(|(is_set, _)| *is_set).map(|(_, oid)| oid.to_owned()).chain(others);
    all.map(|oid| ExtendedKeyUsage::from(oid).to_string()).collect()
}

fn general(names: &[GeneralName<'_>]) -> Vec<String> {
    names.iter().map(general_name).collect()
}

fn general_name(name: &GeneralName<'_>) -> String {
    let octets = |bytes: &[u8]| match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).map(|bytes| SubjectAltName::Ip(bytes.into()).to_string()),
        _ => <[u8; 16]>::try_from(bytes).map(|bytes| SubjectAltName::Ip(bytes.into()).to_string()),
    };
    match name {
        GeneralName::DNSName(name) => SubjectAltName::Dns((*name).to_owned()).to_string(),
        GeneralName::URI(uri) => SubjectAltName::Uri((*uri).to_owned()).to_string(),
        GeneralName::RFC822Name(address) => SubjectAltName::Email((*address).to_owned()).to_string(),
        GeneralName::IPAddress(bytes) => octets(bytes).unwrap_or_else(|_| format!("IP:{}", hex(bytes))),
        GeneralName::DirectoryName(name) => {
            format!(
                "DirName:{}",
                DistinguishedName::from_der(name.as_raw()).map_or_else(|_| hex(name.as_raw()), |name| name.to_string())
            )
        }
        GeneralName::RegisteredID(oid) => format!("RID:{}", oid.to_id_string()),
        GeneralName::OtherName(oid, value) => format!("otherName:{}:{}", oid.to_id_string(), hex(value)),
        other => format!("{other:?}"),
    }
}

/// A name of a constraint: an address has its mask behind it.
fn constraint(name: &GeneralName<'_>) -> String {
    let address = |bytes: &[u8]| -> Option<String> {
        let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
        let prefix: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
        Some(format!("{}/{prefix}", general_name(&GeneralName::IPAddress(address))))
    };
    match name {
        GeneralName::IPAddress(bytes) => address(bytes).unwrap_or_else(|| general_name(name)),
        other => general_name(other),
    }
}
