//! Writing certificates: what a certificate is to say, and the DER and signature of it.
//!
//! In: a [`CertificateTemplate`], a serial number, the subject's public key and an [`Issuer`]. Out: a
//! [`Certificate`]. The order of extensions is kubeadm's, so that a certificate built again from the serial,
//! times and key of kubeadm's own equals it byte for byte. It never decides what a certificate should say.
//!
//! Source: RFC 5280 section 4.1; Go `crypto/x509` `CreateCertificate` (order, omission of the AKI); contract of
//! kubeadm `util/pkiutil` `NewSignedCert` and client-go `util/cert` `NewSelfSignedCACert`.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use der::asn1::{Any, AnyRef, BitString, Ia5String, ObjectIdentifier, OctetString, UintRef};
use der::flagset::FlagSet;
use der::{Decode, Encode, Sequence, Tag};
use serde::{Deserialize, Serialize};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoRef};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsages};

use super::{
    Certificate, DistinguishedName, ExtendedKeyUsage, KeyUsage, OtherExtension, SerialNumber, SubjectAltName,
    SubjectAltNames, X509Error,
};
use crate::digest::{Digest, unhex};
use crate::key::PrivateKey;

/// kubeadm starts each validity five minutes early, for clocks that are behind.
pub const BACKDATE: TimeDelta = TimeDelta::minutes(5);

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
pub(super) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// The base point of P-256 as a public key: it stands in drafts for keys that are not made yet.
const STAND_IN_KEY: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

/// The algorithm with which a key of this kind will sign.
fn draft_algorithm(kind: &str) -> AlgorithmIdentifierOwned {
    let (oid, parameters) = match kind {
        "ECDSA-P256" => ("1.2.840.10045.4.3.2", None),
        "ECDSA-P384" => ("1.2.840.10045.4.3.3", None),
        "ECDSA-P521" => ("1.2.840.10045.4.3.4", None),
        _ => ("1.2.840.113549.1.1.11", Some(Any::null())),
    };
    AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap(oid), parameters }
}

/// Everything that a certificate says but for serial, key and issuer. No key material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateTemplate {
    /// The subject.
    pub subject: DistinguishedName,
    /// The alternative names; none leaves the extension out.
    pub subject_alt_names: SubjectAltNames,
    /// The key usages (critical).
    pub key_usages: Vec<KeyUsage>,
    /// The extended key usages (not critical); none leaves the extension out.
    pub extended_key_usages: Vec<ExtendedKeyUsage>,
    /// Whether it is a CA's.
    pub is_ca: bool,
    /// The first moment of validity, whole seconds.
    pub not_before: DateTime<Utc>,
    /// The last moment of validity, whole seconds.
    pub not_after: DateTime<Utc>,
    /// Extensions beyond those, as they were in the certificate that this one follows; behind all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_extensions: Vec<OtherExtension>,
}

/// Who signs: a CA's certificate and its key, both on this machine.
#[derive(Debug)]
pub struct Issuer {
    certificate: Certificate,
    key: PrivateKey,
}

impl Issuer {
    /// Puts a CA's certificate and key together.
    ///
    /// # Errors
    /// [`X509Error::IssuerKeyMismatch`] when the key is not the certificate's.
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, X509Error> {
        if certificate.public_key_info() != key.public_key_info() {
            return Err(X509Error::IssuerKeyMismatch { issuer: certificate.subject().to_string() });
        }
        Ok(Self { certificate, key })
    }

    /// The CA's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

impl CertificateTemplate {
    /// What `certificate` says, for another time: subject, names, usages and further extensions, in its own order and
    /// encoding. A certificate without key usages gets kubeadm's, digitalSignature and keyEncipherment.
    #[must_use]
    pub fn like(certificate: &Certificate, not_before: DateTime<Utc>, not_after: DateTime<Utc>) -> Self {
        let usual = [KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment];
        let others = certificate.other_extensions().iter().filter(|one| !one.is_of_one_signature());
        Self {
            subject: certificate.subject().clone(),
            subject_alt_names: certificate.subject_alt_names().clone(),
            key_usages: certificate.key_usages().unwrap_or(&usual).to_vec(),
            extended_key_usages: certificate.extended_key_usages().unwrap_or_default().to_vec(),
            is_ca: certificate.is_ca(),
            not_before,
            not_after,
            other_extensions: others.cloned().collect(),
        }
    }

    /// Signs a certificate for `public_key_info` (a `SubjectPublicKeyInfo`).
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when a value does not fit into DER, [`X509Error::Key`] when signing fails.
    pub fn issue(
        &self,
        serial: &SerialNumber,
        public_key_info: &[u8],
        issuer: &Issuer,
    ) -> Result<Certificate, X509Error> {
        let ca = &issuer.certificate;
        // Go leaves the identifier out for a subject that equals its issuer.
        let authority_key = if ca.subject() == &self.subject { None } else { ca.subject_key_identifier() };
        self.sign(serial, public_key_info, ca.subject(), authority_key, &issuer.key)
    }

    /// Signs another CA's key, which may have the issuer's name: the issuer's key identifier tells the two apart.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn issue_across(
        &self,
        serial: &SerialNumber,
        public_key_info: &[u8],
        issuer: &Issuer,
    ) -> Result<Certificate, X509Error> {
        let ca = &issuer.certificate;
        self.sign(serial, public_key_info, ca.subject(), ca.subject_key_identifier(), &issuer.key)
    }

    /// Signs a certificate for `key` with `key` itself.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn self_sign(&self, serial: &SerialNumber, key: &PrivateKey) -> Result<Certificate, X509Error> {
        self.sign(serial, key.public_key_info(), &self.subject, None, key)
    }

    /// The certificate as it will be, but for serial number and signature: what it says can be judged before there is a
    /// key. `public_key_info` stands for the key where none is made yet; `issuer` is none for one that signs itself.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when a value does not fit into DER, [`X509Error::GoCannotParse`] when Go could not read it.
    pub fn draft(
        &self,
        public_key_info: Option<&[u8]>,
        issuer: Option<&Certificate>,
    ) -> Result<Certificate, X509Error> {
        let stand_in = unhex(STAND_IN_KEY.as_bytes()).unwrap_or_default();
        let public_key_info = public_key_info.unwrap_or(&stand_in);
        let kind = issuer.map_or("ECDSA-P256", Certificate::key_kind);
        let algorithm = draft_algorithm(kind);
        let issuer_name = issuer.map_or(&self.subject, Certificate::subject);
        let identifier =
            issuer.filter(|one| *one.subject() != self.subject).and_then(Certificate::subject_key_identifier);
        let serial = SerialNumber::from_bytes(&[1]);
        let validity = validity(self.not_before, self.not_after)?;
        let body =
            self.to_be_signed(&serial, public_key_info, issuer_name, identifier, algorithm.clone(), &validity)?;
        let body = body.to_der().map_err(failed("body"))?;
        let draft = Signed {
            body: AnyRef::from_der(&body).map_err(failed("body"))?,
            signature_algorithm: algorithm,
            signature: BitString::from_bytes(&[]).map_err(failed("signature"))?,
        };
        Certificate::from_der(&draft.to_der().map_err(failed("signature"))?)
    }

    fn to_be_signed<'a>(
        &'a self,
        serial: &'a SerialNumber,
        public_key_info: &'a [u8],
        issuer: &'a DistinguishedName,
        authority_key: Option<&[u8]>,
        signature: AlgorithmIdentifierOwned,
        validity: &'a [u8],
    ) -> Result<TbsCertificate<'a>, X509Error> {
        Ok(TbsCertificate {
            version: 2,
            serial_number: UintRef::new(serial.as_bytes()).map_err(failed("serial number"))?,
            signature,
            issuer: AnyRef::from_der(issuer.as_der()).map_err(failed("issuer"))?,
            validity: AnyRef::from_der(validity).map_err(failed("time"))?,
            subject: AnyRef::from_der(self.subject.as_der()).map_err(failed("subject"))?,
            subject_public_key_info: AnyRef::from_der(public_key_info).map_err(failed("public key"))?,
            extensions: self.extensions(public_key_info, authority_key)?,
        })
    }

    fn sign(
        &self,
        serial: &SerialNumber,
        public_key_info: &[u8],
        issuer: &DistinguishedName,
        authority_key: Option<&[u8]>,
        key: &PrivateKey,
    ) -> Result<Certificate, X509Error> {
        let validity = validity(self.not_before, self.not_after)?;
        let algorithm = key.signature_algorithm();
        let to_be_signed = self.to_be_signed(serial, public_key_info, issuer, authority_key, algorithm, &validity)?;
        Certificate::from_der(&signed(&to_be_signed, key)?)
    }

    /// The extensions in Go's order: KU, EKU, BC, SKI, AKI, SAN.
    fn extensions(&self, public_key_info: &[u8], authority_key: Option<&[u8]>) -> Result<Vec<Extension>, X509Error> {
        let mut extensions = vec![key_usage_extension(&self.key_usages)?];
        if !self.extended_key_usages.is_empty() {
            extensions.push(extended_key_usage_extension(&self.extended_key_usages)?);
        }
        let constraints = BasicConstraints { ca: self.is_ca, path_len_constraint: None };
        extensions.push(extension(BASIC_CONSTRAINTS, true, &constraints)?);
        if self.is_ca {
            let identifier = OctetString::new(key_identifier(public_key_info)?).map_err(failed("key identifier"))?;
            extensions.push(extension(SUBJECT_KEY_IDENTIFIER, false, &identifier)?);
        }
        if let Some(identifier) = authority_key {
            let authority = AuthorityKeyIdentifier {
                key_identifier: Some(OctetString::new(identifier).map_err(failed("key identifier"))?),
                authority_cert_issuer: None,
                authority_cert_serial_number: None,
            };
            extensions.push(extension(AUTHORITY_KEY_IDENTIFIER, false, &authority)?);
        }
        if !self.subject_alt_names.is_empty() {
            extensions.push(subject_alt_name_extension(&self.subject_alt_names)?);
        }
        for other in &self.other_extensions {
            extensions.push(other.to_der()?);
        }
        Ok(extensions)
    }
}

/// RFC 5280 section 4.1.2; names and the key are copied as DER.
#[derive(Sequence)]
pub(super) struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) version: u8,
    pub(super) serial_number: UintRef<'a>,
    pub(super) signature: AlgorithmIdentifierOwned,
    pub(super) issuer: AnyRef<'a>,
    pub(super) validity: AnyRef<'a>,
    pub(super) subject: AnyRef<'a>,
    pub(super) subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    pub(super) extensions: Vec<Extension>,
}

/// `SEQUENCE { toBeSigned, signatureAlgorithm, signature }`: a certificate's and a request's outer shape.
#[derive(Sequence)]
struct Signed<'a> {
    body: AnyRef<'a>,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

/// Signs `to_be_signed` with `key` and wraps both.
pub(super) fn signed(to_be_signed: &impl Encode, key: &PrivateKey) -> Result<Vec<u8>, X509Error> {
    let body = to_be_signed.to_der().map_err(failed("body"))?;
    let signature = key.sign(&body)?;
    Signed {
        body: AnyRef::from_der(&body).map_err(failed("body"))?,
        signature_algorithm: key.signature_algorithm(),
        signature: BitString::from_bytes(&signature).map_err(failed("signature"))?,
    }
    .to_der()
    .map_err(failed("signature"))
}

/// The key usage extension (critical).
pub(super) fn key_usage_extension(usages: &[KeyUsage]) -> Result<Extension, X509Error> {
    extension(KEY_USAGE, true, &key_usage_bits(usages))
}

/// The extended key usage extension (not critical).
pub(super) fn extended_key_usage_extension(usages: &[ExtendedKeyUsage]) -> Result<Extension, X509Error> {
    let purposes: Option<Vec<ObjectIdentifier>> = usages.iter().map(ExtendedKeyUsage::object_identifier).collect();
    let purposes = purposes.ok_or(X509Error::Encoding { what: "extended key usage" })?;
    extension(EXTENDED_KEY_USAGE, false, &purposes)
}

/// The subject alternative name extension (not critical).
pub(super) fn subject_alt_name_extension(names: &SubjectAltNames) -> Result<Extension, X509Error> {
    let names: GeneralNames = names.iter().map(general_name).collect::<Result<_, _>>()?;
    extension(SUBJECT_ALT_NAME, false, &names)
}

fn general_name(name: &SubjectAltName) -> Result<GeneralName, X509Error> {
    let bad = || X509Error::BadAlternativeName { value: name.to_string() };
    let ia5 = |text: &str| Ia5String::new(text).map_err(|_| bad());
    match name {
        SubjectAltName::Dns(name) => Ok(GeneralName::DnsName(ia5(name)?)),
        SubjectAltName::Email(address) => Ok(GeneralName::Rfc822Name(ia5(address)?)),
        SubjectAltName::Uri(uri) => Ok(GeneralName::UniformResourceIdentifier(ia5(uri)?)),
        SubjectAltName::Ip(address) => {
            let octets = match address {
                std::net::IpAddr::V4(address) => address.octets().to_vec(),
                std::net::IpAddr::V6(address) => address.octets().to_vec(),
            };
            OctetString::new(octets).map(GeneralName::IpAddress).map_err(|_| bad())
        }
        SubjectAltName::Other(hexadecimal) => {
            let der = unhex(hexadecimal.as_bytes()).ok_or_else(bad)?;
            GeneralName::from_der(&der).map_err(|_| bad())
        }
    }
}

fn extension(oid: ObjectIdentifier, critical: bool, value: &impl Encode) -> Result<Extension, X509Error> {
    let der = value.to_der().map_err(failed("extension"))?;
    let extn_value = OctetString::new(der).map_err(failed("extension"))?;
    Ok(Extension { extn_id: oid, critical, extn_value })
}

fn key_usage_bits(usages: &[KeyUsage]) -> x509_cert::ext::pkix::KeyUsage {
    let flag = |usage: &KeyUsage| match usage {
        KeyUsage::DigitalSignature => KeyUsages::DigitalSignature,
        KeyUsage::ContentCommitment => KeyUsages::NonRepudiation,
        KeyUsage::KeyEncipherment => KeyUsages::KeyEncipherment,
        KeyUsage::DataEncipherment => KeyUsages::DataEncipherment,
        KeyUsage::KeyAgreement => KeyUsages::KeyAgreement,
        KeyUsage::KeyCertSign => KeyUsages::KeyCertSign,
        KeyUsage::CrlSign => KeyUsages::CRLSign,
        KeyUsage::EncipherOnly => KeyUsages::EncipherOnly,
        KeyUsage::DecipherOnly => KeyUsages::DecipherOnly,
    };
    let empty = FlagSet::<KeyUsages>::default();
    x509_cert::ext::pkix::KeyUsage(usages.iter().map(flag).fold(empty, |set, bit| set | bit))
}

/// The leftmost 20 bytes of SHA-256 over the public key's bits, as Go has it since 1.25.
fn key_identifier(public_key_info: &[u8]) -> Result<Vec<u8>, X509Error> {
    let info =
        SubjectPublicKeyInfoRef::from_der(public_key_info).map_err(|_| X509Error::Encoding { what: "public key" })?;
    let hash = Digest::of(info.subject_public_key.raw_bytes());
    Ok(hash.as_bytes().iter().copied().take(20).collect())
}

/// The two times in DER: `UTCTime` from 1950 through 2049, `GeneralizedTime` otherwise (RFC 5280 section 4.1.2.5).
pub(super) fn validity(not_before: DateTime<Utc>, not_after: DateTime<Utc>) -> Result<Vec<u8>, X509Error> {
    let content = [time(not_before)?, time(not_after)?].concat();
    Any::new(Tag::Sequence, content).and_then(|validity| validity.to_der()).map_err(failed("time"))
}

fn time(moment: DateTime<Utc>) -> Result<Vec<u8>, X509Error> {
    let (tag, text) = match moment.year() {
        1950..=2049 => (Tag::UtcTime, moment.format("%y%m%d%H%M%SZ").to_string()),
        0..=9999 => (Tag::GeneralizedTime, moment.format("%Y%m%d%H%M%SZ").to_string()),
        _ => return Err(X509Error::Encoding { what: "time after the year 9999" }),
    };
    Any::new(tag, text.into_bytes()).and_then(|time| time.to_der()).map_err(failed("time"))
}

pub(super) fn failed(what: &'static str) -> impl Fn(der::Error) -> X509Error {
    move |_| X509Error::Encoding { what }
}
