//! What a certificate says, in the words of reports and plans.
//!
//! In: a certificate, where it was found, now. Out: [`SeenCertificate`], plain data without key material.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::catalogue::SYSTEM_NODE;
use crate::text;
use crate::x509::{Certificate, ExtendedKeyUsage, KeyUsage};

/// One certificate that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCertificate {
    /// kubeadm's name, or the file's.
    pub name: String,
    /// The file that holds it.
    #[serde(serialize_with = "text::serialize_path")]
    pub path: PathBuf,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its issuer (RFC 4514).
    pub issuer: String,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Its first moment.
    pub not_before: DateTime<Utc>,
    /// Its last moment.
    pub not_after: DateTime<Utc>,
    /// What is left, in whole seconds; negative when it has expired.
    pub residual_seconds: i64,
    /// Its key, as `RSA-2048`.
    pub key: String,
    /// Its alternative names, as `DNS:localhost`.
    pub subject_alt_names: Vec<String>,
    /// Whether it is a CA's.
    pub is_ca: bool,
    /// The SHA-256 of its public key (`SubjectPublicKeyInfo`) in hexadecimal.
    #[serde(default)]
    pub public_key_sha256: String,
    /// Its key usages by their RFC 5280 names.
    #[serde(default)]
    pub key_usages: Vec<KeyUsage>,
    /// Its extended key usages by their RFC 5280 names or object identifiers.
    #[serde(default)]
    pub extended_key_usages: Vec<ExtendedKeyUsage>,
}

impl SeenCertificate {
    /// The whole days that are left; negative when it has expired.
    #[must_use]
    pub const fn days_left(&self) -> i64 {
        self.residual_seconds.div_euclid(24 * 60 * 60)
    }

    /// Whether it has expired.
    #[must_use]
    pub const fn is_expired(&self) -> bool {
        self.residual_seconds < 0
    }

    /// Whether it is valid at a moment (RFC 5280: both ends belong to it).
    #[must_use]
    pub fn is_valid_at(&self, moment: DateTime<Utc>) -> bool {
        (self.not_before..=self.not_after).contains(&moment)
    }

    /// The node whose identity it is, as the subject of a kubelet's certificate names it.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        let name = self.subject.split([',', '+']).find_map(|part| part.trim().strip_prefix("CN="))?;
        name.strip_prefix(SYSTEM_NODE).filter(|node| !node.is_empty())
    }

    /// What can be said of `certificate` at `now`.
    #[must_use]
    pub fn of(name: &str, path: &Path, certificate: &Certificate, now: DateTime<Utc>) -> Self {
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial().to_string(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            residual_seconds: (certificate.not_after() - now).num_seconds(),
            key: certificate.key_kind().to_owned(),
            subject_alt_names: certificate.subject_alt_names().iter().map(ToString::to_string).collect(),
            is_ca: certificate.is_ca(),
            public_key_sha256: certificate.public_key_fingerprint(),
            key_usages: certificate.key_usages().unwrap_or_default().to_vec(),
            extended_key_usages: certificate.extended_key_usages().unwrap_or_default().to_vec(),
        }
    }
}
