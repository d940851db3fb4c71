//! The public keys that an API server takes from a file of service account keys.
//!
//! In: PEM text. Out: the `SubjectPublicKeyInfo` DER of every key. As in client-go, labels do not count: a block is a
//! private key, a public key or a certificate by what it holds, and anything else is passed over.
//!
//! Source: client-go v0.36 `util/keyutil` `ParsePublicKeysPEM`. Two of its limits are kept: an EC private key in PKCS#8
//! and an RSA public key in PKCS#1 are none.

use pkcs8::PrivateKeyInfoRef;
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate};

use super::{CURVES, KeyError, OID_RSA, PrivateKey, pem};

/// The DER of every public key, at least one.
///
/// # Errors
/// [`KeyError::Damaged`] when there is none and a block is cut off; [`KeyError::NoKey`] when there is none otherwise.
pub fn read_public_keys(text: &[u8]) -> Result<Vec<Vec<u8>>, KeyError> {
    let keys: Vec<_> = pem::blocks(text).filter_map(|block| public_key(block.der.expose())).collect();
    match keys.is_empty() {
        false => Ok(keys),
        true if pem::has_broken_block(text) => Err(KeyError::Damaged),
        true => Err(KeyError::NoKey),
    }
}

/// Whether one of the keys is a private one, which only its owner may read.
#[must_use]
pub fn holds_private_key(text: &[u8]) -> bool {
    pem::blocks(text).any(|block| private_key(block.der.expose()).is_some())
}

fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    if let Some(key) = private_key(der) {
        return Some(key.public_key_info);
    }
    let info = match SubjectPublicKeyInfo::from_der(der) {
        Ok(([], info)) => info,
        _ => match X509Certificate::from_der(der) {
            Ok(([], certificate)) => certificate.tbs_certificate.subject_pki,
            _ => return None,
        },
    };
    is_usable(&info).then(|| info.raw.to_vec())
}

fn private_key(der: &[u8]) -> Option<PrivateKey> {
    let is_rsa = |info: PrivateKeyInfoRef<'_>| (info.algorithm.oid == OID_RSA).then_some(());
    PrivateKey::from_pkcs1(der)
        .ok()
        .or_else(|| {
            PrivateKeyInfoRef::try_from(der).ok().and_then(is_rsa).and_then(|()| PrivateKey::from_pkcs8(der).ok())
        })
        .or_else(|| PrivateKey::from_sec1(der).ok())
}

/// An RSA key, or one on a curve that Kubernetes signs with.
fn is_usable(info: &SubjectPublicKeyInfo<'_>) -> bool {
    let algorithm = info.algorithm.algorithm.to_id_string();
    if algorithm == OID_RSA.to_string() {
        return true;
    }
    let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    let curve = curve.map(|oid| oid.to_id_string());
    algorithm == super::OID_EC_PUBLIC_KEY.to_string()
        && curve.is_some_and(|oid| CURVES.iter().any(|known| known.oid.to_string() == oid))
}
