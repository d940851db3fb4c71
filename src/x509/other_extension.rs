//! Extensions that nothing here interprets: taken from a certificate and put into the one that follows it.
//!
//! In: an extension's identifier and value. Out: the same in DER. It never looks into the value.
//!
//! Source: RFC 5280 section 4.2; RFC 6962 section 3.3 (what belongs to one signature alone).

use der::asn1::{ObjectIdentifier, OctetString};
use serde::{Deserialize, Serialize};
use x509_cert::ext::Extension;

use super::X509Error;
use super::template::failed;

/// An extension as it stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherExtension {
    /// The dotted object identifier.
    pub oid: String,
    /// Whether a reader that does not know it must refuse the certificate.
    pub critical: bool,
    /// The value, hexadecimal DER.
    pub value: String,
}

/// Certificate transparency's poison and timestamps: they vouch for one certificate, not for its successor.
const OF_ONE_SIGNATURE: [&str; 2] = ["1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.4.1.11129.2.4.3"];

impl OtherExtension {
    /// Whether it holds for the one certificate that it stands in.
    #[must_use]
    pub fn is_of_one_signature(&self) -> bool {
        OF_ONE_SIGNATURE.contains(&self.oid.as_str())
    }

    /// The extension for a certificate to be signed.
    pub(super) fn to_der(&self) -> Result<Extension, X509Error> {
        let bad = || X509Error::Encoding { what: "extension" };
        let value = crate::digest::unhex(self.value.as_bytes()).ok_or_else(bad)?;
        Ok(Extension {
            extn_id: ObjectIdentifier::new(&self.oid).map_err(|_| bad())?,
            critical: self.critical,
            extn_value: OctetString::new(value).map_err(failed("extension"))?,
        })
    }
}
