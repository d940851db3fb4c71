//! Reading certificates.
//!
//! In: DER or PEM. Out: [`Certificate`], which keeps its DER and what it says. Tolerant where Go is (unknown
//! extensions, odd names); anything that is not DER of a certificate is an error. It never judges.
//!
//! Source: RFC 5280 section 4.1; client-go `util/cert` `ParseCertsPEM`.

use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralNames;
use x509_parser::asn1_rs::Oid;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate, X509Extension};
use x509_parser::public_key::PublicKey;

use super::name::to_hex;
use super::{DistinguishedName, ExtendedKeyUsage, KeyUsage, SerialNumber, SubjectAltName, SubjectAltNames, X509Error};
use crate::key::pem;

const LABEL: &str = "CERTIFICATE";

/// A certificate: its DER and what it says. Equal when the DER is equal.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    serial: SerialNumber,
    issuer: DistinguishedName,
    subject: DistinguishedName,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
    public_key_info: Vec<u8>,
    key_kind: String,
    signature_oid: String,
    key_usages: Option<Vec<KeyUsage>>,
    extended_key_usages: Option<Vec<ExtendedKeyUsage>>,
    is_ca: bool,
    subject_key_identifier: Option<Vec<u8>>,
    authority_key_identifier: Option<Vec<u8>>,
    subject_alt_names: SubjectAltNames,
}

/// Reads every certificate of a PEM file, as kubeadm does: all `CERTIFICATE` blocks without headers, in order;
/// the first is the leaf, the others are intermediates. Other blocks and text are passed over.
///
/// # Errors
/// [`X509Error::NoCertificate`] when there is none; [`X509Error::Damaged`] when any of them cannot be read, or
/// a block is cut off.
pub fn read_certificates(pem_text: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    let certificates: Vec<Certificate> = pem::blocks(pem_text)
        .filter(|block| block.label == LABEL && !block.has_headers)
        .map(|block| Certificate::from_der(block.der.expose()))
        .collect::<Result<_, _>>()?;
    if pem::has_broken_block(pem_text) {
        return Err(X509Error::Damaged { reason: "a PEM block is cut off or not base64".into() });
    }
    if certificates.is_empty() { Err(X509Error::NoCertificate) } else { Ok(certificates) }
}

impl Certificate {
    /// Reads one certificate.
    ///
    /// # Errors
    /// [`X509Error::Damaged`] when the bytes are not a certificate, or not only one.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|error| damaged(&error))?;
        if !rest.is_empty() {
            return Err(X509Error::Damaged { reason: format!("{} bytes behind its end", rest.len()) });
        }
        Self::from_parsed(der, &parsed)
    }

    fn from_parsed(der: &[u8], parsed: &X509Certificate<'_>) -> Result<Self, X509Error> {
        let mut certificate = Self {
            der: der.to_vec(),
            serial: SerialNumber::from_bytes(parsed.raw_serial()),
            issuer: DistinguishedName::from_der(parsed.issuer().as_raw())?,
            subject: DistinguishedName::from_der(parsed.subject().as_raw())?,
            not_before: moment(parsed.validity().not_before.timestamp())?,
            not_after: moment(parsed.validity().not_after.timestamp())?,
            public_key_info: parsed.public_key().raw.to_vec(),
            key_kind: key_kind(parsed),
            signature_oid: parsed.signature_algorithm.algorithm.to_id_string(),
            key_usages: None,
            extended_key_usages: None,
            is_ca: false,
            subject_key_identifier: None,
            authority_key_identifier: None,
            subject_alt_names: SubjectAltNames::default(),
        };
        for extension in parsed.extensions() {
            certificate.take_extension(extension)?;
        }
        Ok(certificate)
    }

    fn take_extension(&mut self, extension: &X509Extension<'_>) -> Result<(), X509Error> {
        match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) => {
                let present = KeyUsage::ALL.iter().enumerate().filter(|(bit, _)| usage.flags >> bit & 1 == 1);
                self.key_usages = Some(present.map(|(_, usage)| *usage).collect());
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.extended_key_usages = Some(extended_key_usages(usage));
            }
            ParsedExtension::BasicConstraints(constraints) => self.is_ca = constraints.ca,
            ParsedExtension::SubjectKeyIdentifier(identifier) => {
                self.subject_key_identifier = Some(identifier.0.to_vec());
            }
            ParsedExtension::AuthorityKeyIdentifier(identifier) => {
                self.authority_key_identifier = identifier.key_identifier.as_ref().map(|key| key.0.to_vec());
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                let names = names.general_names.iter().enumerate();
                let names = names.map(|(position, name)| alternative_name(name, position, extension.value));
                self.subject_alt_names = SubjectAltNames::in_order(names.collect());
            }
            ParsedExtension::ParseError { error } => {
                return Err(X509Error::Damaged { reason: format!("an extension cannot be read: {error:?}") });
            }
            _ => {}
        }
        Ok(())
    }

    /// The DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// A `CERTIFICATE` PEM block.
    #[must_use]
    pub fn to_pem(&self) -> Vec<u8> {
        pem::encode(LABEL, &self.der).expose().to_vec()
    }

    /// The serial number.
    #[must_use]
    pub fn serial(&self) -> &SerialNumber {
        &self.serial
    }

    /// The issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// The subject's name.
    #[must_use]
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The first moment of validity.
    #[must_use]
    pub fn not_before(&self) -> DateTime<Utc> {
        self.not_before
    }

    /// The last moment of validity.
    #[must_use]
    pub fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    /// The `SubjectPublicKeyInfo` DER.
    #[must_use]
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// The kind of key: `RSA-2048`, `ECDSA-P256`, or an object identifier.
    #[must_use]
    pub fn key_kind(&self) -> &str {
        &self.key_kind
    }

    /// The dotted object identifier of the signature's algorithm.
    #[must_use]
    pub fn signature_oid(&self) -> &str {
        &self.signature_oid
    }

    /// The key usages in the order of their bits; `None` without the extension.
    #[must_use]
    pub fn key_usages(&self) -> Option<&[KeyUsage]> {
        self.key_usages.as_deref()
    }

    /// The extended key usages; `None` without the extension.
    #[must_use]
    pub fn extended_key_usages(&self) -> Option<&[ExtendedKeyUsage]> {
        self.extended_key_usages.as_deref()
    }

    /// Whether basic constraints say that it is a CA's.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.is_ca
    }

    /// Whether it may sign certificates: a CA, and a key usage extension, if there is one, with keyCertSign.
    #[must_use]
    pub fn may_sign_certificates(&self) -> bool {
        self.is_ca && self.key_usages().is_none_or(|usages| usages.contains(&KeyUsage::KeyCertSign))
    }

    /// Whether subject and issuer are the same name.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// The subject key identifier.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.subject_key_identifier.as_deref()
    }

    /// The authority key identifier's key part.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.authority_key_identifier.as_deref()
    }

    /// The subject alternative names; empty without the extension.
    #[must_use]
    pub fn subject_alt_names(&self) -> &SubjectAltNames {
        &self.subject_alt_names
    }

    /// The SHA-256 fingerprint of the DER.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, &self.der).as_ref());
        fingerprint
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {}, until {})", self.subject, self.serial, self.not_after)
    }
}

fn damaged(error: &x509_parser::nom::Err<x509_parser::error::X509Error>) -> X509Error {
    let reason = match error {
        x509_parser::nom::Err::Incomplete(_) => "the DER is cut off".to_owned(),
        x509_parser::nom::Err::Error(error) | x509_parser::nom::Err::Failure(error) => error.to_string(),
    };
    X509Error::Damaged { reason }
}

fn moment(timestamp: i64) -> Result<DateTime<Utc>, X509Error> {
    DateTime::from_timestamp(timestamp, 0).ok_or(X509Error::Damaged { reason: "a time is out of range".into() })
}

fn extended_key_usages(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Vec<ExtendedKeyUsage> {
    let known = [
        (usage.any, "2.5.29.37.0"),
        (usage.server_auth, "1.3.6.1.5.5.7.3.1"),
        (usage.client_auth, "1.3.6.1.5.5.7.3.2"),
        (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
        (usage.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let known = known.into_iter().filter(|(present, _)| *present).map(|(_, oid)| oid.to_owned());
    known.chain(usage.other.iter().map(Oid::to_id_string)).map(ExtendedKeyUsage::from).collect()
}

/// The name at `position` of the extension's `value`; forms that are not text are kept as their DER.
fn alternative_name(name: &GeneralName<'_>, position: usize, value: &[u8]) -> SubjectAltName {
    match name {
        GeneralName::DNSName(name) => SubjectAltName::Dns((*name).to_owned()),
        GeneralName::RFC822Name(address) => SubjectAltName::Email((*address).to_owned()),
        GeneralName::URI(uri) => SubjectAltName::Uri((*uri).to_owned()),
        GeneralName::IPAddress(octets) => {
            ip_address(octets).map_or_else(|| raw_name(position, value), SubjectAltName::Ip)
        }
        _ => raw_name(position, value),
    }
}

fn raw_name(position: usize, value: &[u8]) -> SubjectAltName {
    let names = GeneralNames::from_der(value).unwrap_or_default();
    let der = names.get(position).and_then(|name| name.to_der().ok()).unwrap_or_default();
    SubjectAltName::Other(to_hex(&der))
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

fn key_kind(parsed: &X509Certificate<'_>) -> String {
    let info = parsed.public_key();
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA-{}", key.key_size()),
        Ok(PublicKey::EC(_)) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
            match curve.map(|oid| oid.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => "ECDSA-P256".into(),
                Some("1.3.132.0.34") => "ECDSA-P384".into(),
                Some("1.3.132.0.35") => "ECDSA-P521".into(),
                other => format!("ECDSA-{}", other.unwrap_or("unknown")),
            }
        }
        _ => info.algorithm.algorithm.to_id_string(),
    }
}
