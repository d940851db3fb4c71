//! Reading certificates.
//!
//! In: DER or PEM. Out: [`Certificate`], which keeps its DER and what it says. Tolerant where Go is (unknown
//! extensions, odd names); anything that is not DER of a certificate is an error. It never judges.
//!
//! Source: RFC 5280 section 4.1; client-go `util/cert` `ParseCertsPEM`.

use std::fmt;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use x509_parser::prelude::X509Certificate;

use super::extensions::{Extensions, key_kind, read_whole};
use super::{DistinguishedName, ExtendedKeyUsage, KeyUsage, OtherExtension, SerialNumber, SubjectAltNames, X509Error};
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
    extensions: Extensions,
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
        let parsed: X509Certificate<'_> = read_whole(der).map_err(|reason| X509Error::Damaged { reason })?;
        Ok(Self {
            der: der.to_vec(),
            serial: SerialNumber::from_bytes(parsed.raw_serial()),
            issuer: DistinguishedName::from_der(parsed.issuer().as_raw())?,
            subject: DistinguishedName::from_der(parsed.subject().as_raw())?,
            not_before: moment(parsed.validity().not_before.timestamp())?,
            not_after: moment(parsed.validity().not_after.timestamp())?,
            public_key_info: parsed.public_key().raw.to_vec(),
            key_kind: key_kind(parsed.public_key()),
            signature_oid: parsed.signature_algorithm.algorithm.to_id_string(),
            extensions: Extensions::read(parsed.extensions()).map_err(|reason| X509Error::Damaged { reason })?,
        })
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

    /// Whether it may sign certificates: a CA, and a key usage extension, if there is one, with keyCertSign.
    #[must_use]
    pub fn may_sign_certificates(&self) -> bool {
        self.is_ca() && self.key_usages().is_none_or(|usages| usages.contains(&KeyUsage::KeyCertSign))
    }

    /// Whether subject and issuer are the same name.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
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
        crate::hex::encode(digest::digest(&digest::SHA256, &self.public_key_info).as_ref())
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

fn moment(timestamp: i64) -> Result<DateTime<Utc>, X509Error> {
    DateTime::from_timestamp(timestamp, 0).ok_or(X509Error::Damaged { reason: "a time is out of range".into() })
}
