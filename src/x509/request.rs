//! Certificate signing requests: written as `kubeadm certs generate-csr` does it, read as anybody made them.
//!
//! In: a [`RequestTemplate`] and a key, or DER and PEM. Out: [`CertificateRequest`], which keeps its DER and what it
//! asks for. Written: version 0; the one attribute is an extension request with the alternative names, if there are
//! any, and the usages where they are wanted (kubeadm asks for none, since a CA takes them from its own profile);
//! signed with its own key. It never judges what is asked for.
//!
//! Source: RFC 2986, RFC 2985 section 5.4; Go `crypto/x509` `CreateCertificateRequest`.

mod understood;

use std::collections::BTreeSet;
use std::fmt;

use der::asn1::{AnyRef, ContextSpecific, ObjectIdentifier, SetOfVec};
use der::{Decode, Sequence, TagMode, TagNumber};
use serde::{Deserialize, Serialize};
use x509_cert::ext::Extension;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::prelude::{X509CertificationRequest, X509Extension};

use super::extensions::{Extensions, key_kind, read_whole};
use super::signature::{SignatureProblem, verify};
use super::template::{extended_key_usage_extension, failed, key_usage_extension, signed, subject_alt_name_extension};
use super::{DistinguishedName, ExtendedKeyUsage, KeyUsage, SubjectAltNames, X509Error};
use crate::key::format::{Format, Wanted};
use crate::key::{PrivateKey, pem};

const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const LABEL: &str = "CERTIFICATE REQUEST";
/// What old Netscape and Microsoft tools write.
const OLD_LABEL: &str = "NEW CERTIFICATE REQUEST";

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestTemplate {
    /// The subject.
    pub subject: DistinguishedName,
    /// The alternative names; none leaves the extension out.
    pub subject_alt_names: SubjectAltNames,
    /// The key usages; none leaves the extension out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_usages: Vec<KeyUsage>,
    /// The extended key usages; none leaves the extension out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended_key_usages: Vec<ExtendedKeyUsage>,
}

/// A signed request: its DER and what it asks for. Equal when the DER is equal.
#[derive(Clone)]
pub struct CertificateRequest {
    der: Vec<u8>,
    subject: DistinguishedName,
    public_key_info: Vec<u8>,
    key_kind: String,
    signature_oid: String,
    extensions: Extensions,
}

impl RequestTemplate {
    /// Writes the request and signs it with `key`, whose public half it carries.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when a value does not fit into DER, [`X509Error::Key`] when signing fails.
    pub fn sign(&self, key: &PrivateKey) -> Result<CertificateRequest, X509Error> {
        let mut attributes = SetOfVec::new();
        let extensions = self.extensions()?;
        if !extensions.is_empty() {
            let mut values = SetOfVec::new();
            values.insert(extensions).map_err(failed("attribute"))?;
            attributes.insert(Attribute { oid: EXTENSION_REQUEST, values }).map_err(failed("attribute"))?;
        }
        let info = CertificationRequestInfo {
            version: 0,
            subject: AnyRef::from_der(self.subject.as_der()).map_err(failed("subject"))?,
            public_key: AnyRef::from_der(key.public_key_info()).map_err(failed("public key"))?,
            attributes: ContextSpecific { tag_number: TagNumber(0), tag_mode: TagMode::Implicit, value: attributes },
        };
        CertificateRequest::from_der(&signed(&info, key)?)
    }

    fn extensions(&self) -> Result<Vec<Extension>, X509Error> {
        let mut extensions = Vec::new();
        if !self.key_usages.is_empty() {
            extensions.push(key_usage_extension(&self.key_usages)?);
        }
        if !self.extended_key_usages.is_empty() {
            extensions.push(extended_key_usage_extension(&self.extended_key_usages)?);
        }
        if !self.subject_alt_names.is_empty() {
            extensions.push(subject_alt_name_extension(&self.subject_alt_names)?);
        }
        Ok(extensions)
    }
}

impl CertificateRequest {
    /// Reads the request of a PEM file: one `CERTIFICATE REQUEST` block, with any text around it.
    ///
    /// # Errors
    /// [`X509Error::NoRequest`] when there is none; [`X509Error::DamagedRequest`] when it cannot be read, or there
    /// are several: only one of them would be signed.
    pub fn from_pem(pem_text: &[u8]) -> Result<Self, X509Error> {
        let mut requests = pem::blocks(pem_text).filter(|block| block.label == LABEL || block.label == OLD_LABEL);
        let first = requests.next();
        if pem::has_broken_block(pem_text) {
            return Err(damaged("a PEM block is cut off or not base64"));
        }
        let first = first.ok_or_else(|| match Format::of(pem_text, Wanted::Request) {
            Some(format) => X509Error::OtherFormat { format, wanted: Wanted::Request },
            None => X509Error::NoRequest,
        })?;
        if requests.next().is_some() {
            return Err(damaged("there are several in one file"));
        }
        Self::from_der(first.der.expose())
    }

    /// Reads one request. Its signature is not looked at: see [`Self::verify_signature`].
    ///
    /// # Errors
    /// [`X509Error::DamagedRequest`] when the bytes are not a request, or not only one, when it asks for an
    /// extension twice, or for one that cannot be read.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let parsed: X509CertificationRequest<'_> = read_whole(der).map_err(damaged)?;
        let info = &parsed.certification_request_info;
        let mut requested: Vec<X509Extension<'_>> = Vec::new();
        for attribute in info.iter_attributes() {
            if let ParsedCriAttribute::ExtensionRequest(request) = attribute.parsed_attribute() {
                requested.extend(request.extensions.iter().cloned());
            }
        }
        let different: BTreeSet<_> = requested.iter().map(|extension| extension.oid.to_id_string()).collect();
        if different.len() != requested.len() {
            return Err(damaged("it asks for an extension twice"));
        }
        Ok(Self {
            der: der.to_vec(),
            subject: DistinguishedName::from_der(info.subject.as_raw())
                .map_err(|_| damaged("its subject is not a name"))?,
            public_key_info: info.subject_pki.raw.to_vec(),
            key_kind: key_kind(&info.subject_pki),
            signature_oid: parsed.signature_algorithm.algorithm.to_id_string(),
            extensions: Extensions::read(&requested).map_err(damaged)?,
        })
    }

    /// The DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// A `CERTIFICATE REQUEST` PEM block.
    #[must_use]
    pub fn to_pem(&self) -> Vec<u8> {
        pem::encode(LABEL, &self.der).expose().to_vec()
    }

    /// The subject asked for, as its DER.
    #[must_use]
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
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

    /// The alternative names asked for; empty without the extension.
    #[must_use]
    pub fn subject_alt_names(&self) -> &SubjectAltNames {
        &self.extensions.subject_alt_names
    }

    /// The key usages asked for in the order of their bits; `None` without the extension.
    #[must_use]
    pub fn key_usages(&self) -> Option<&[KeyUsage]> {
        self.extensions.key_usages.as_deref()
    }

    /// The extended key usages asked for; `None` without the extension.
    #[must_use]
    pub fn extended_key_usages(&self) -> Option<&[ExtendedKeyUsage]> {
        self.extensions.extended_key_usages.as_deref()
    }

    /// Whether it asks to be a CA.
    #[must_use]
    pub fn asks_for_ca(&self) -> bool {
        self.extensions.is_ca
    }

    /// The object identifiers of further extensions that it asks for.
    #[must_use]
    pub fn other_extensions(&self) -> Vec<String> {
        self.extensions.others.iter().map(|one| one.oid.clone()).collect()
    }

    /// Every reason why another program may read something else in it: it is then not signed.
    #[must_use]
    pub fn misunderstandings(&self) -> Vec<String> {
        understood::misunderstandings(&self.der)
    }

    /// Verifies that it was signed with the key that it asks a certificate for (proof of possession).
    ///
    /// # Errors
    /// [`X509Error::RequestSignature`] when it was not, or when that cannot be told: RSA below 2048 or above 8192
    /// bits, SHA-1, and algorithms that rustls-webpki does not know.
    pub fn verify_signature(&self) -> Result<(), X509Error> {
        verify(&self.der, &self.public_key_info).map_err(|problem| X509Error::RequestSignature {
            reason: match problem {
                SignatureProblem::Malformed(reason) => reason,
                SignatureProblem::NotAccepted => {
                    format!("{} is not accepted for a key of kind {}", self.signature_oid, self.key_kind)
                }
                SignatureProblem::False => {
                    format!("it does not verify with the request's own key ({})", self.key_kind)
                }
            },
        })
    }
}

fn damaged(reason: impl Into<String>) -> X509Error {
    X509Error::DamagedRequest { reason: reason.into() }
}

impl PartialEq for CertificateRequest {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for CertificateRequest {}

impl fmt::Debug for CertificateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateRequest({}, {})", self.subject, self.key_kind)
    }
}

#[derive(Sequence)]
struct CertificationRequestInfo<'a> {
    version: u8,
    subject: AnyRef<'a>,
    public_key: AnyRef<'a>,
    attributes: ContextSpecific<SetOfVec<Attribute>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Sequence, der::ValueOrd)]
struct Attribute {
    oid: ObjectIdentifier,
    values: SetOfVec<Vec<Extension>>,
}

#[cfg(test)]
mod tests;
