//! Public keys whose private half can be found by looking at them.
//!
//! In: a `SubjectPublicKeyInfo`, or the moduli of many keys. Out: what is wrong with an RSA key, which keys have a prime
//! in common, which are on a list of known keys. The numbers are no secret, so time may depend on them, and the work is
//! bounded whatever they are. That a key is long enough, and a point is on its curve, is judged elsewhere.
//!
//! | part | what it looks for |
//! |---|---|
//! | `exponent` | exponents that nobody should have, small private exponents |
//! | `modulus` | small factors, Infineon's primes, primes that are close to each other, a prime |
//! | `shared` | primes that several keys have in common |
//! | `blocklist` | keys whose private half is published |
//!
//! Source: NIST SP 800-89 section 5.3.3 (partial validation of RSA keys), FIPS 186-5 section 5.1.

mod blocklist;
mod exponent;
mod modulus;
mod shared;

use dashu_int::UBig;
use der::{Decode, asn1::UintRef};
use spki::SubjectPublicKeyInfoRef;

pub use blocklist::{BlockedKey, Blocklist, BlocklistError};
pub use shared::{SharedFactor, shared_factors};

use super::{OID_RSA, prime};

/// OpenSSL reads no longer moduli; Go's TLS takes none above 8192.
const LARGEST_BITS: usize = 16_384;

/// What is weak in a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// In words that follow "its key is weak:".
    pub reason: String,
    /// Whether the private key can be computed, or nothing that it signs is accepted; otherwise it is merely unwise.
    pub is_broken: bool,
}

impl Weakness {
    fn broken(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_broken: true }
    }

    fn unwise(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_broken: false }
    }
}

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// All that takes a fraction of a millisecond, for the certificates of a fleet.
    Quick,
    /// Whether the modulus is a prime number, too: for one key that is about to be signed.
    Thorough,
}

#[derive(der::Sequence)]
struct RsaKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// What is weak in a public key; `None` for one that is not, is of another kind, or cannot be read.
#[must_use]
pub fn public_key_weakness(public_key_info: &[u8], effort: Effort) -> Option<Weakness> {
    let (modulus, exponent) = rsa_numbers(public_key_info)?;
    let (modulus, exponent) = (trimmed(modulus), trimmed(exponent));
    if modulus.len() * 8 > LARGEST_BITS {
        return Some(Weakness::broken(format!(
            "the modulus is longer than {LARGEST_BITS} bits, and no program uses it"
        )));
    }
    let number = UBig::from_be_bytes(modulus);
    modulus::weakness(&number)
        .or_else(|| exponent::weakness(exponent, &number))
        .or_else(|| (effort == Effort::Thorough && prime::passes_fermat_test(modulus)).then(modulus::is_prime))
}

/// The modulus of an RSA key, without leading zeros; `None` for another kind of key.
#[must_use]
pub fn rsa_modulus(public_key_info: &[u8]) -> Option<&[u8]> {
    rsa_numbers(public_key_info).map(|(modulus, _)| trimmed(modulus))
}

fn rsa_numbers(public_key_info: &[u8]) -> Option<(&[u8], &[u8])> {
    let info = SubjectPublicKeyInfoRef::from_der(public_key_info).ok()?;
    if info.algorithm.oid != OID_RSA {
        return None;
    }
    let key = RsaKey::from_der(info.subject_public_key.raw_bytes()).ok()?;
    Some((key.modulus.as_bytes(), key.exponent.as_bytes()))
}

fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
