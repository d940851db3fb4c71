//! Certificate signing requests, as `kubeadm certs generate-csr` writes them.
//!
//! In: a [`RequestTemplate`] and a key, or PEM. Out: [`CertificateRequest`]. Version 0; the one attribute is an
//! extension request with the alternative names, if there are any; never usages or basic constraints, since a
//! CA takes those from its own profile. Signed with its own key.
//!
//! Source: RFC 2986; Go `crypto/x509` `CreateCertificateRequest`.

use der::asn1::{AnyRef, ContextSpecific, ObjectIdentifier, SetOfVec};
use der::{Decode, Sequence, TagMode, TagNumber};
use serde::{Deserialize, Serialize};
use x509_cert::ext::Extension;

use super::template::{failed, signed, subject_alt_name_extension};
use super::{DistinguishedName, SubjectAltNames, X509Error};
use crate::key::{PrivateKey, pem};

const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const LABEL: &str = "CERTIFICATE REQUEST";

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestTemplate {
    /// The subject.
    pub subject: DistinguishedName,
    /// The alternative names; none leaves the attribute out.
    pub subject_alt_names: SubjectAltNames,
}

/// A signed request, as DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    der: Vec<u8>,
}

impl RequestTemplate {
    /// Writes the request and signs it with `key`, whose public half it carries.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when a value does not fit into DER, [`X509Error::Key`] when signing fails.
    pub fn sign(&self, key: &PrivateKey) -> Result<CertificateRequest, X509Error> {
        let mut attributes = SetOfVec::new();
        if !self.subject_alt_names.is_empty() {
            let extensions: Vec<Extension> = vec![subject_alt_name_extension(&self.subject_alt_names)?];
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
        Ok(CertificateRequest { der: signed(&info, key)? })
    }
}

impl CertificateRequest {
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
