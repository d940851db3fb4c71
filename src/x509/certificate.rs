//! Reading certificates.
//!
//! In: DER or PEM. Out: [`Certificate`], which keeps its DER and what it says. It can be read exactly where Go can read
//! it: no component of Kubernetes can do anything with others. It never judges.
//!
//! Source: RFC 5280 section 4.1; client-go `util/cert` `ParseCertsPEM`.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::extensions::Extensions;
use super::go::{self, Broken, Facts};
use super::{DistinguishedName, ExtendedKeyUsage, KeyUsage, OtherExtension, SerialNumber, SubjectAltNames, X509Error};
use crate::digest::sha256_hex;
use crate::key::format::{Format, Wanted, hides_a_block};
use crate::key::pem;

const LABEL: &str = "CERTIFICATE";

/// A certificate: its DER and what it says. Equal when the DER is equal.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    serial: SerialNumber,
    issuer: DistinguishedName,
    subject: DistinguishedName,
    key_kind: String,
    extensions: Extensions,
    facts: Arc<Facts>,
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
    if hides_a_block(pem_text) {
        return Err(X509Error::OtherFormat { format: Format::ByteOrderMark, wanted: Wanted::Certificate });
    }
    if pem::has_broken_block(pem_text) {
        return Err(X509Error::Damaged { reason: "a PEM block is cut off or not base64".into() });
    }
    if certificates.is_empty() {
        let format = Format::of(pem_text, Wanted::Certificate);
        return Err(format.map_or(X509Error::NoCertificate, |format| X509Error::OtherFormat {
            format,
            wanted: Wanted::Certificate,
        }));
    }
    Ok(certificates)
}

impl Certificate {
    /// Reads one certificate.
    ///
    /// # Errors
    /// [`X509Error::Damaged`] when the bytes are not a certificate, [`X509Error::GoCannotParse`] when they break another
    /// of Go's rules.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let facts = go::read(der)?;
        Ok(Self {
            der: der.to_vec(),
            serial: SerialNumber::from_bytes(&facts.serial),
            issuer: DistinguishedName::from_der(&facts.issuer)?,
            subject: DistinguishedName::from_der(&facts.subject)?,
            key_kind: facts.public_key.kind(),
            extensions: Extensions::of(&facts.extensions),
            facts: Arc::new(facts),
        })
    }

    /// What Go knows of it.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The X.509 version: 1, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.facts.version
    }

    /// The critical extensions that Go does not know, dotted; with any, no chain with this certificate is accepted.
    #[must_use]
    pub fn unknown_critical_extensions(&self) -> &[String] {
        &self.facts.extensions.unknown_critical
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
        within_calendar(self.facts.not_before)
    }

    /// The last moment of validity.
    #[must_use]
    pub fn not_after(&self) -> DateTime<Utc> {
        within_calendar(self.facts.not_after)
    }

    /// The `SubjectPublicKeyInfo` DER.
    #[must_use]
    pub fn public_key_info(&self) -> &[u8] {
        &self.facts.public_key_info
    }

    /// The kind of key: `RSA-2048`, `ECDSA-P256`, or an object identifier.
    #[must_use]
    pub fn key_kind(&self) -> &str {
        &self.key_kind
    }

    /// The dotted object identifier of the signature's algorithm.
    #[must_use]
    pub fn signature_oid(&self) -> &str {
        &self.facts.algorithm_oid
    }

    /// The key usages in the order of their bits; `None` without the extension.
    #[must_use]
    pub fn key_usages(&self) -> Option<&[KeyUsage]> {
        self.extensions.key_usages.as_deref()
    }

    /// The extended key usages; `None` without the extension.
    #[must_use]
    pub fn extended_key_usages(&self) -> Option<&[ExtendedKeyUsage]> {
        self.extensions.extended_key_usages.as_deref()
    }

    /// Whether basic constraints say that it is a CA's.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.extensions.is_ca
    }

    /// Whether a chain may end at it, as Go has it: a CA by its basic constraints, or of version 1 or 2 without any; and
    /// a key usage, if it has any, with keyCertSign.
    #[must_use]
    pub fn may_sign_certificates(&self) -> bool {
        let is_old = self.facts.version < 3 && self.facts.extensions.basic_constraints.is_none();
        let usages = self.key_usages().unwrap_or_default();
        (self.is_ca() || is_old) && (usages.is_empty() || usages.contains(&KeyUsage::KeyCertSign))
    }

    /// Whether its name is the other's issuer, and its key made the other's signature.
    #[must_use]
    pub fn has_signed(&self, other: &Self) -> bool {
        self.facts.subject == other.facts.issuer && go::verify_signature(&other.facts, &self.facts.public_key).is_ok()
    }

    /// Why nothing that its key has signed is accepted, whatever it says.
    #[must_use]
    pub fn signing_key_fault(&self) -> Option<Broken> {
        go::check_signer(&self.facts.public_key).err()
    }

    /// Whether its extended key usages, if it has any, allow `purpose` to it and to all below it.
    #[must_use]
    pub fn allows_purpose(&self, purpose: &ExtendedKeyUsage) -> bool {
        let usages = self.extended_key_usages().unwrap_or_default();
        usages.is_empty() || usages.iter().any(|one| one == purpose || one.oid() == "2.5.29.37.0")
    }

    /// The subject key identifier.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.subject_key_identifier.as_deref()
    }

    /// The authority key identifier's key part.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.authority_key_identifier.as_deref()
    }

    /// The subject alternative names; empty without the extension.
    #[must_use]
    pub fn subject_alt_names(&self) -> &SubjectAltNames {
        &self.extensions.subject_alt_names
    }

    /// The extensions that no other method tells of, in the certificate's order.
    #[must_use]
    pub fn other_extensions(&self) -> &[OtherExtension] {
        &self.extensions.others
    }

    /// The SHA-256 of the public key (`SubjectPublicKeyInfo`) in hexadecimal: the same as long as the key is.
    #[must_use]
    pub fn public_key_fingerprint(&self) -> String {
        sha256_hex(self.public_key_info())
    }
}

/// Times of the year 0, and those that an offset puts into the year 10000, can stand in a certificate and in no calendar
/// of those who read our reports.
fn within_calendar(moment: DateTime<Utc>) -> DateTime<Utc> {
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap_or(moment);
    moment.clamp(at(-62_135_596_800), at(253_402_300_799))
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {}, until {})", self.subject, self.serial, self.not_after())
    }
}
