//! What objects are to say, and gates that look at them.

use serde_json::json;

use super::*;
use crate::key::{Algorithm, PrivateKey};
use crate::objects::{Pod, Secret};
use crate::plan::rotate::affected::{self, Bundle};
use crate::x509::{CertificateTemplate, DistinguishedName, ExtendedKeyUsage, Issuer, KeyUsage, SubjectAltNames};

struct Authority {
    certificate: Certificate,
    key: PrivateKey,
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000)
}
