//! From two primes to a PKCS#1 document.
//!
//! In: p > q. Out: the document, or nothing when d is too small. The `rsa` crate computes n, d and the CRT values
//! and encodes; no private operation is done with it (RUSTSEC-2023-0071 concerns those).
//!
//! Source: RFC 8017 appendix A.1.2; FIPS 186-5 appendix A.1.1 (d above 2^(bits/2), d = e^-1 mod lcm).

use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, PrivateKey, pkcs1::EncodeRsaPrivateKey as _};

use super::limbs::{Limbs, to_bytes};
use super::{FAILED, KeyError, PUBLIC_EXPONENT};
use crate::secret::Secret;

/// Assembles a key of `bits` bits; nothing when d is not above 2^(bits/2), a chance of about 2^-1024.
pub(super) fn assemble(p: &Limbs, q: &Limbs, bits: usize) -> Result<Option<Secret>, KeyError> {
    let exponent = BoxedUint::from(PUBLIC_EXPONENT);
    let key = PrivateKey::from_p_q(number(p)?, number(q)?, exponent).map_err(|_| FAILED)?;
    // `bit_width()` runs over all limbs; with the product of two primes that have both top bits set n is full.
    let length = |number: &BoxedUint| usize::try_from(number.bit_width()).unwrap_or_default();
    if length(key.n().as_ref()) != bits {
        return Err(FAILED);
    }
    if length(key.d()) <= bits / 2 + 1 {
        return Ok(None);
    }
    let document = key.to_pkcs1_der().map_err(|_| FAILED)?;
    Ok(Some(Secret::new(document.as_bytes().to_vec())))
}

fn number(limbs: &Limbs) -> Result<BoxedUint, KeyError> {
    let width = u32::try_from(limbs.len() * 64).map_err(|_| FAILED)?;
    BoxedUint::from_be_slice(&to_bytes(limbs), width).map_err(|_| FAILED)
}
