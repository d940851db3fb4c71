//! Reading certificates.
//!
//! In: DER or PEM. Out: [`Certificate`], which keeps its DER and what it says. It can be read exactly where Go can read
//! it: no component of Kubernetes can do anything with others. It never judges.
//!
//! Source: RFC 5280 section 4.1; client-go `util/cert` `ParseCertsPEM`.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use chrono::{DateTime, Utc};

use super::extensions::Extensions;
use super::go::{self, Broken, Facts};
use super::{DistinguishedName, ExtendedKeyUsage, KeyUsage, OtherExtension, SerialNumber, SubjectAltNames, X509Error};
use crate::digest::sha256_hex;
use crate::key::format::{Format, Wanted, hides_a_block};
use crate::key::pem;
use crate::remembered::{Remembered, question};

const LABEL: &str = "CERTIFICATE";

/// As many certificates are parsed once, those of some fifty nodes, if they are no longer than these bytes: some 5 MB in all.
const MOST_KNOWN: usize = 1024;
const LONGEST_KNOWN: usize = 4096;

static KNOWN: LazyLock<Remembered<Certificate>> = LazyLock::new(|| Remembered::new(MOST_KNOWN));

/// A certificate: its DER and what it says. Equal when the DER is equal.
#[derive(Clone)]
pub struct Certificate(Arc<Parsed>);

struct Parsed {
    der: Vec<u8>,
    serial: SerialNumber,
    issuer: DistinguishedName,
    subject: DistinguishedName,
    key_kind: String,
    extensions: Extensions,
    facts: Facts,
    fingerprint: OnceLock<String>,
    public_key_fingerprint: OnceLock<String>,
}

/// Reads every certificate of a PEM file, as kubeadm does: all `CERTIFICATE` blocks without headers, in order;
/// the first is the leaf, the others are intermediates. Other blocks and text are passed over.
///
/// # Errors
/// [`X509Error::NoCertificate`] when there is none; [`X509Error::Damaged`] when any of them cannot be read, or
/// a block is cut off.
pub fn read_certificates(pem_text: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    let mut certificates = Vec::new();
    let mut is_broken = false;
    for block in pem::each(pem_text) {
        match block {
            Some(block) if block.label == LABEL && !block.has_headers => {
                certificates.push(Certificate::from_der(block.der.expose())?);
            }
            Some(_) => {}
            None => is_broken = true,
        }
    }
    if hides_a_block(pem_text) {
        return Err(X509Error::OtherFormat { format: Format::ByteOrderMark, wanted: Wanted::Certificate });
    }
    if is_broken {
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
        if der.len() > LONGEST_KNOWN {
            return Self::parsed(der);
        }
        let question = question(&[der]);
        if let Some(known) = KNOWN.find(&question) {
            return Ok(known);
        }
        let certificate = Self::parsed(der)?;
        KNOWN.keep(question, certificate.clone());
        Ok(certificate)
    }

    fn parsed(der: &[u8]) -> Result<Self, X509Error> {
        let facts = go::read(der)?;
        Ok(Self(Arc::new(Parsed {
            der: der.to_vec(),
            serial: SerialNumber::from_bytes(&facts.serial),
            issuer: DistinguishedName::from_der(&facts.issuer)?,
            subject: DistinguishedName::from_der(&facts.subject)?,
            key_kind: facts.public_key.kind(),
            extensions: Extensions::of(&facts.extensions),
            facts,
            fingerprint: OnceLock::new(),
            public_key_fingerprint: OnceLock::new(),
        })))
    }

    /// What Go knows of it.
    pub(super) fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// The X.509 version: 1, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.0.facts.version
    }

    /// The critical extensions that Go does not know, dotted; with any, no chain with this certificate is accepted.
    #[must_use]
    pub fn unknown_critical_extensions(&self) -> &[String] {
        &self.0.facts.extensions.unknown_critical
    }

    /// The DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0.der
    }

    /// A `CERTIFICATE` PEM block.
    #[must_use]
    pub fn to_pem(&self) -> Vec<u8> {
        pem::encode(LABEL, &self.0.der).expose().to_vec()
    }

    /// The serial number.
    #[must_use]
    pub fn serial(&self) -> &SerialNumber {
        &self.0.serial
    }

    /// The issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// The subject's name.
    #[must_use]
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// The first moment of validity.
    #[must_use]
    pub fn not_before(&self) -> DateTime<Utc> {
        within_calendar(self.0.facts.not_before)
    }

    /// The last moment of validity.
    #[must_use]
    pub fn not_after(&self) -> DateTime<Utc> {
        within_calendar(self.0.facts.not_after)
    }

    /// The `SubjectPublicKeyInfo` DER.
    #[must_use]
    pub fn public_key_info(&self) -> &[u8] {
        &self.0.facts.public_key_info
    }

    /// The kind of key: `RSA-2048`, `ECDSA-P256`, or an object identifier.
    #[must_use]
    pub fn key_kind(&self) -> &str {
        &self.0.key_kind
    }

    /// The dotted object identifier of the signature's algorithm.
    #[must_use]
    pub fn signature_oid(&self) -> &str {
        &self.0.facts.algorithm_oid
    }

    /// The key usages in the order of their bits; `None` without the extension.
    #[must_use]
    pub fn key_usages(&self) -> Option<&[KeyUsage]> {
        self.0.extensions.key_usages.as_deref()
    }

    /// The extended key usages; `None` without the extension.
    #[must_use]
    pub fn extended_key_usages(&self) -> Option<&[ExtendedKeyUsage]> {
        self.0.extensions.extended_key_usages.as_deref()
    }

    /// Whether basic constraints say that it is a CA's.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.0.extensions.is_ca
    }

    /// Whether a chain may end at it, as Go has it: a CA by its basic constraints, or of version 1 or 2 without any; and
    /// a key usage, if it has any, with keyCertSign.
    #[must_use]
    pub fn may_sign_certificates(&self) -> bool {
        let is_old = self.0.facts.version < 3 && self.0.facts.extensions.basic_constraints.is_none();
        let usages = self.key_usages().unwrap_or_default();
        (self.is_ca() || is_old) && (usages.is_empty() || usages.contains(&KeyUsage::KeyCertSign))
    }

    /// Whether its name is the other's issuer, and its key made the other's signature.
    #[must_use]
    pub fn has_signed(&self, other: &Self) -> bool {
        self.0.facts.subject == other.0.facts.issuer
            && go::verify_signature(&other.0.facts, &self.0.facts.public_key).is_ok()
    }

    /// Why nothing that its key has signed is accepted, whatever it says.
    #[must_use]
    pub fn signing_key_fault(&self) -> Option<Broken> {
        go::check_signer(&self.0.facts.public_key).err()
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
        self.0.extensions.subject_key_identifier.as_deref()
    }

    /// The authority key identifier's key part.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_identifier.as_deref()
    }

    /// The subject alternative names; empty without the extension.
    #[must_use]
    pub fn subject_alt_names(&self) -> &SubjectAltNames {
        &self.0.extensions.subject_alt_names
    }

    /// The extensions that no other method tells of, in the certificate's order.
    #[must_use]
    pub fn other_extensions(&self) -> &[OtherExtension] {
        &self.0.extensions.others
    }

    /// The SHA-256 of the public key (`SubjectPublicKeyInfo`) in hexadecimal: the same as long as the key is.
    #[must_use]
    pub fn public_key_fingerprint(&self) -> String {
        self.0.public_key_fingerprint.get_or_init(|| sha256_hex(self.public_key_info())).clone()
    }

    /// The SHA-256 of the DER in hexadecimal: what tells it apart.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint.get_or_init(|| sha256_hex(self.as_der())).clone()
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
        Arc::ptr_eq(&self.0, &other.0) || self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {}, until {})", self.0.subject, self.0.serial, self.not_after())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> Certificate {
        #[allow(clippy::disallowed_methods)]
        let text = std::fs::read(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/minimal/kubernetes/pki/ca.crt"),
        );
        read_certificates(&text.unwrap()).unwrap().remove(0)
    }

    #[test]
    fn a_certificate_is_parsed_once_and_says_what_it_says_anew() {
        let first = golden();
        let again = Certificate::from_der(first.as_der()).unwrap();
        assert!(Arc::ptr_eq(&first.0, &again.0));
        let anew = Certificate::parsed(first.as_der()).unwrap();
        assert!(!Arc::ptr_eq(&first.0, &anew.0) && first == anew);
        let said = |one: &Certificate| {
            (format!("{one:?}"), one.public_key_fingerprint(), one.subject_alt_names().clone(), one.facts().clone())
        };
        assert_eq!(said(&again), said(&anew));
        let mut other = first.as_der().to_vec();
        *other.last_mut().unwrap() ^= 1;
        assert_ne!(Certificate::from_der(&other).unwrap(), first);
    }

    #[test]
    fn what_is_no_certificate_is_none_the_second_time_and_a_long_one_is_not_kept() {
        for _ in 0..2 {
            assert!(Certificate::from_der(b"none").is_err());
        }
        let long = [golden().as_der(), &[0; LONGEST_KNOWN]].concat();
        assert!(Certificate::from_der(&long).is_err());
        assert!(KNOWN.find(&question(&[&long])).is_none());
    }
}
