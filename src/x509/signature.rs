//! Whether something was signed with a key: certificates and requests have the same outer shape.
//!
//! In: the DER of a certificate or request, and a public key. Out: nothing, or a [`SignatureProblem`]. The algorithms
//! are rustls-webpki's: RSA of 2048 to 8192 bits and the NIST curves, SHA-256 and better.
//!
//! Source: RFC 5280 section 4.1.1, RFC 2986 section 4.2.

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode as _, Sequence};

/// Why a signature does not hold.
#[derive(Debug)]
pub(super) enum SignatureProblem {
    /// The bytes are not those of something signed.
    Malformed(String),
    /// Key and signature algorithm do not go together, or are too weak or unknown.
    NotAccepted,
    /// It was not made with this key.
    False,
}

impl From<der::Error> for SignatureProblem {
    fn from(error: der::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// The outer shape.
#[derive(Sequence)]
struct Signed<'a> {
    body: AnyRef<'a>,
    signature_algorithm: spki::AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

/// Verifies that `der` was signed with the key of `public_key_info` (a `SubjectPublicKeyInfo`).
pub(super) fn verify(der: &[u8], public_key_info: &[u8]) -> Result<(), SignatureProblem> {
    let signed = Signed::from_der(der)?;
    let key = spki::SubjectPublicKeyInfoRef::from_der(public_key_info)?;
    let (key_algorithm, signature_algorithm) = (content(&key.algorithm)?, content(&signed.signature_algorithm)?);
    let algorithm = webpki::ALL_VERIFICATION_ALGS
        .iter()
        .find(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == key_algorithm
                && algorithm.signature_alg_id().as_ref() == signature_algorithm
        })
        .ok_or(SignatureProblem::NotAccepted)?;
    algorithm
        .verify_signature(key.subject_public_key.raw_bytes(), &signed.body.to_der()?, signed.signature.raw_bytes())
        .map_err(|_| SignatureProblem::False)
}

/// The content of an `AlgorithmIdentifier`, without its tag and length.
fn content(algorithm: &spki::AlgorithmIdentifierRef<'_>) -> Result<Vec<u8>, der::Error> {
    let der = algorithm.to_der()?;
    Ok(AnyRef::from_der(&der)?.value().to_vec())
}
