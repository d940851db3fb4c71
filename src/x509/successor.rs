//! The certificate that follows a CA's own: the same key, name and extensions, for another time.
//!
//! In: a certificate that has signed itself, its key, a serial number. Out: [`Successor`], and the certificate. What the
//! first has signed chains to the second as well: peers look at the name and the key. Every extension stays as its bytes are, but for
//! what holds for one certificate alone: timestamps of transparency logs, and its own serial number within the authority key
//! identifier.
//!
//! Source: RFC 5280 sections 4.2.1.1 and 6.1; OpenSSL `crypto/x509/v3_purp.c` (`X509_check_akid`: a serial number that
//! is named there must be the CA's).

use chrono::{DateTime, Utc};
use der::asn1::{AnyRef, UintRef};
use der::{Decode, Encode};
use serde::{Deserialize, Serialize};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::template::{AUTHORITY_KEY_IDENTIFIER, TbsCertificate, failed, signed, validity};
use super::{Certificate, DistinguishedName, OtherExtension, SerialNumber, X509Error};
use crate::digest::{hex, unhex};
use crate::key::PrivateKey;

/// What a CA's next certificate says but for its serial number and its key, which is the one of the certificate before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Successor {
    /// The name, which is its issuer's too.
    pub subject: DistinguishedName,
    /// The first moment of validity, whole seconds.
    pub not_before: DateTime<Utc>,
    /// The last moment of validity, whole seconds.
    pub not_after: DateTime<Utc>,
    /// All extensions, in their order.
    pub extensions: Vec<OtherExtension>,
}

impl Successor {
    /// What follows `certificate`.
    ///
    /// # Errors
    /// [`X509Error::Damaged`], [`X509Error::Encoding`] when its extensions cannot be read, or cannot be written again.
    pub fn of(
        certificate: &Certificate,
        not_before: DateTime<Utc>,
        not_after: DateTime<Utc>,
    ) -> Result<Self, X509Error> {
        let kept = extensions(certificate)?.into_iter().filter(|one| !one.is_of_one_signature());
        let extensions = kept.filter_map(|one| without_serial(one).transpose()).collect::<Result<_, _>>()?;
        Ok(Self { subject: certificate.subject().clone(), not_before, not_after, extensions })
    }

    /// Signs it with its own key.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when a value does not fit into DER, [`X509Error::Key`] when signing fails.
    pub fn sign(&self, serial: &SerialNumber, key: &PrivateKey) -> Result<Certificate, X509Error> {
        let validity = validity(self.not_before, self.not_after)?;
        let name = AnyRef::from_der(self.subject.as_der()).map_err(failed("subject"))?;
        let body = TbsCertificate {
            version: 2,
            serial_number: UintRef::new(serial.as_bytes()).map_err(failed("serial number"))?,
            signature: key.signature_algorithm(),
            issuer: name,
            validity: AnyRef::from_der(&validity).map_err(failed("time"))?,
            subject: name,
            subject_public_key_info: AnyRef::from_der(key.public_key_info()).map_err(failed("public key"))?,
            extensions: self.extensions.iter().map(OtherExtension::to_der).collect::<Result<_, _>>()?,
        };
        Certificate::from_der(&signed(&body, key)?)
    }
}

/// Whether a certificate names its CA by the serial number of the CA's certificate, and not by its key alone: OpenSSL does
/// not find a CA whose certificate was renewed.
#[must_use]
pub fn names_serial(certificate: &Certificate) -> bool {
    let oid = AUTHORITY_KEY_IDENTIFIER.to_string();
    let all = extensions(certificate).unwrap_or_default();
    all.iter()
        .filter(|one| one.oid == oid)
        .any(|one| identifier(one).is_ok_and(|identifier| identifier.authority_cert_serial_number.is_some()))
}

/// Every extension as its bytes are.
fn extensions(certificate: &Certificate) -> Result<Vec<OtherExtension>, X509Error> {
    let (_, parsed) = X509Certificate::from_der(certificate.as_der())
        .map_err(|error| X509Error::Damaged { reason: error.to_string() })?;
    let raw = parsed.extensions().iter();
    Ok(raw
        .map(|one| OtherExtension { oid: one.oid.to_id_string(), critical: one.critical, value: hex(one.value) })
        .collect())
}

fn identifier(extension: &OtherExtension) -> Result<AuthorityKeyIdentifier, X509Error> {
    let what = "authority key identifier";
    let value = unhex(extension.value.as_bytes()).ok_or(X509Error::Encoding { what })?;
    AuthorityKeyIdentifier::from_der(&value).map_err(failed(what))
}

/// The serial number of the certificate before it would be another CA's. What nothing is left of goes.
fn without_serial(extension: OtherExtension) -> Result<Option<OtherExtension>, X509Error> {
    let Extension { extn_id, .. } = extension.to_der()?;
    if extn_id != AUTHORITY_KEY_IDENTIFIER {
        return Ok(Some(extension));
    }
    let identifier = identifier(&extension)?;
    if identifier.authority_cert_serial_number.is_none() && identifier.authority_cert_issuer.is_none() {
        return Ok(Some(extension));
    }
    let kept = AuthorityKeyIdentifier {
        key_identifier: identifier.key_identifier,
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    };
    if kept.key_identifier.is_none() {
        return Ok(None);
    }
    let value = kept.to_der().map_err(failed("authority key identifier"))?;
    Ok(Some(OtherExtension { value: hex(&value), ..extension }))
}
