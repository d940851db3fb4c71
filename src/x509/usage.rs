//! Key usages and extended key usages by their RFC 5280 names.
//!
//! Source: RFC 5280 sections 4.2.1.3 and 4.2.1.12.

use std::fmt;

use der::asn1::ObjectIdentifier;
use serde::{Deserialize, Serialize};

/// A bit of the key usage extension. The discriminant is the bit's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyUsage {
    /// Bit 0.
    DigitalSignature,
    /// Bit 1, once named nonRepudiation.
    ContentCommitment,
    /// Bit 2.
    KeyEncipherment,
    /// Bit 3.
    DataEncipherment,
    /// Bit 4.
    KeyAgreement,
    /// Bit 5.
    KeyCertSign,
    /// Bit 6.
    #[serde(rename = "cRLSign")]
    CrlSign,
    /// Bit 7.
    EncipherOnly,
    /// Bit 8.
    DecipherOnly,
}

impl KeyUsage {
    /// All usages in the order of their bits.
    pub const ALL: [Self; 9] = [
        Self::DigitalSignature,
        Self::ContentCommitment,
        Self::KeyEncipherment,
        Self::DataEncipherment,
        Self::KeyAgreement,
        Self::KeyCertSign,
        Self::CrlSign,
        Self::EncipherOnly,
        Self::DecipherOnly,
    ];

    /// The RFC's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DigitalSignature => "digitalSignature",
            Self::ContentCommitment => "contentCommitment",
            Self::KeyEncipherment => "keyEncipherment",
            Self::DataEncipherment => "dataEncipherment",
            Self::KeyAgreement => "keyAgreement",
            Self::KeyCertSign => "keyCertSign",
            Self::CrlSign => "cRLSign",
            Self::EncipherOnly => "encipherOnly",
            Self::DecipherOnly => "decipherOnly",
        }
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A purpose of the extended key usage extension.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ExtendedKeyUsage {
    /// TLS server (1.3.6.1.5.5.7.3.1).
    ServerAuth,
    /// TLS client (1.3.6.1.5.5.7.3.2).
    ClientAuth,
    /// Any other, by its dotted object identifier.
    Other(String),
}

impl ExtendedKeyUsage {
    /// The dotted object identifier.
    #[must_use]
    pub fn oid(&self) -> &str {
        match self {
            Self::ServerAuth => "1.3.6.1.5.5.7.3.1",
            Self::ClientAuth => "1.3.6.1.5.5.7.3.2",
            Self::Other(oid) => oid,
        }
    }

    /// The object identifier for DER, if it is one.
    #[must_use]
    pub fn object_identifier(&self) -> Option<ObjectIdentifier> {
        ObjectIdentifier::new(self.oid()).ok()
    }
}

impl From<String> for ExtendedKeyUsage {
    fn from(text: String) -> Self {
        match text.as_str() {
            "serverAuth" | "1.3.6.1.5.5.7.3.1" => Self::ServerAuth,
            "clientAuth" | "1.3.6.1.5.5.7.3.2" => Self::ClientAuth,
            _ => Self::Other(text),
        }
    }
}

impl From<ExtendedKeyUsage> for String {
    fn from(usage: ExtendedKeyUsage) -> Self {
        usage.to_string()
    }
}

impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
            Self::Other(oid) => oid,
        })
    }
}
