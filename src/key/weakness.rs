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

use std::sync::LazyLock;

use dashu_int::UBig;
use dashu_int::ops::BitTest as _;
use der::{Decode, asn1::UintRef};
use spki::SubjectPublicKeyInfoRef;

pub use blocklist::{BlockedKey, Blocklist, BlocklistError};
pub use shared::{SharedFactor, shared_factors, shared_factors_until};

use self::modulus::SmallFactors;
use super::{OID_RSA, prime};
use crate::remembered::{Remembered, question};

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

/// Small factors are looked for in so many bits of moduli at once, and in none that is shorter than this for itself.
const AT_ONCE_BITS: usize = 1 << 16;
const SHORTEST_AT_ONCE: usize = 1024;

/// The verdicts on so many keys are remembered, those of some two hundred nodes.
const MOST_KNOWN: usize = 4096;

static KNOWN: LazyLock<Remembered<Option<Weakness>>> = LazyLock::new(|| Remembered::new(MOST_KNOWN));

#[derive(der::Sequence)]
struct RsaKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// What is weak in a public key; `None` for one that is not, is of another kind, or cannot be read.
#[must_use]
pub fn public_key_weakness(public_key_info: &[u8], effort: Effort) -> Option<Weakness> {
    let numbers = Numbers::of(public_key_info)?;
    let is_prime = || effort == Effort::Thorough && prime::passes_fermat_test(numbers.modulus_bytes);
    numbers.weakness(SmallFactors::Unknown).or_else(|| is_prime().then(modulus::is_prime))
}

/// The same of many keys, in their order, with the effort of [`Effort::Quick`]: in half of the time, as small factors are looked
/// for in many moduli at once. A key that was judged lately is not judged again.
#[must_use]
pub fn public_key_weaknesses(public_key_infos: &[&[u8]]) -> Vec<Option<Weakness>> {
    let questions: Vec<_> = public_key_infos.iter().map(|info| question(&[info])).collect();
    let mut found: Vec<_> = questions.iter().map(|one| KNOWN.find(one)).collect();
    let new: Vec<_> = public_key_infos.iter().zip(&found).filter(|(_, known)| known.is_none()).collect();
    let new: Vec<_> = new.into_iter().map(|(info, _)| *info).collect();
    let mut judged = judged_together(&new).into_iter();
    for (question, verdict) in questions.into_iter().zip(&mut found).filter(|(_, known)| known.is_none()) {
        *verdict = judged.next().inspect(|weakness| KNOWN.keep(question, weakness.clone()));
    }
    found.into_iter().map(Option::flatten).collect()
}

fn judged_together(public_key_infos: &[&[u8]]) -> Vec<Option<Weakness>> {
    let keys: Vec<_> = public_key_infos.iter().map(|info| Numbers::of(info)).collect();
    let lengths = |key: &Option<Numbers<'_>>| key.as_ref().map_or(0, |key| key.modulus.bit_len());
    let mut found = Vec::with_capacity(keys.len());
    let mut rest = keys.as_slice();
    while !rest.is_empty() {
        let mut bits = 0;
        let fits = rest.iter().take_while(|key| {
            bits += lengths(key);
            bits <= AT_ONCE_BITS
        });
        let (together, others) = rest.split_at(fits.count().max(1));
        let is_long = |key: &&Numbers<'_>| (SHORTEST_AT_ONCE..=LARGEST_BITS).contains(&key.modulus.bit_len());
        let moduli: Vec<_> = together.iter().flatten().filter(is_long).map(|key| &key.modulus).collect();
        let known = modulus::small_factors(&moduli);
        found.extend(together.iter().map(|key| {
            let key = key.as_ref()?;
            key.weakness(if is_long(&key) { known } else { SmallFactors::Unknown })
        }));
        rest = others;
    }
    found
}

/// The numbers of an RSA key.
struct Numbers<'k> {
    modulus: UBig,
    modulus_bytes: &'k [u8],
    exponent: &'k [u8],
}

impl<'k> Numbers<'k> {
    fn of(public_key_info: &'k [u8]) -> Option<Self> {
        let (modulus, exponent) = rsa_numbers(public_key_info)?;
        let (modulus_bytes, exponent) = (trimmed(modulus), trimmed(exponent));
        Some(Self { modulus: UBig::from_be_bytes(modulus_bytes), modulus_bytes, exponent })
    }

    fn weakness(&self, known: SmallFactors) -> Option<Weakness> {
        if self.modulus_bytes.len() * 8 > LARGEST_BITS {
            return Some(Weakness::broken(format!(
                "the modulus is longer than {LARGEST_BITS} bits, and no program uses it"
            )));
        }
        modulus::weakness(&self.modulus, known).or_else(|| exponent::weakness(self.exponent, &self.modulus))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Algorithm, PrivateKey};

    fn info(modulus: &UBig) -> Vec<u8> {
        use der::{Encode as _, asn1::BitStringRef};
        let bytes: Vec<u8> = modulus.to_be_bytes().into();
        let key = RsaKey { modulus: UintRef::new(&bytes).unwrap(), exponent: UintRef::new(&[1, 0, 1]).unwrap() };
        let key = key.to_der().unwrap();
        let algorithm = spki::AlgorithmIdentifierRef { oid: OID_RSA, parameters: None };
        SubjectPublicKeyInfoRef { algorithm, subject_public_key: BitStringRef::from_bytes(&key).unwrap() }
            .to_der()
            .unwrap()
    }

    #[test]
    fn keys_are_judged_together_as_each_for_itself() {
        let key = PrivateKey::generate(Algorithm::Rsa2048).unwrap();
        let curve = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let sound = UBig::from_be_bytes(rsa_modulus(key.public_key_info()).unwrap());
        let one = UBig::ONE;
        let moduli = [
            &sound * UBig::from(16_381_u16),
            &sound + &one,
            &sound * &sound,
            one.clone(),
            UBig::ZERO,
            UBig::from(9_u8),
            (&one << 521) - &one,
            (&one << 20_000) + &one,
            (&sound * UBig::from(3_u8)) << 14_000,
        ];
        let odd: Vec<_> = moduli.iter().map(info).chain([b"no key".to_vec()]).collect();
        let sound = [key.public_key_info(), curve.public_key_info()].map(<[u8]>::to_vec);
        // Each beside sound keys, before and behind many of them.
        for (place, one) in odd.iter().enumerate() {
            let many = sound.iter().cycle().take(90);
            let all: Vec<&[u8]> = many.clone().chain([one]).chain(many).map(Vec::as_slice).collect();
            let each: Vec<_> = all.iter().map(|info| public_key_weakness(info, Effort::Quick)).collect();
            assert_eq!(judged_together(&all), each, "{place}");
            // With what is known, and without.
            assert_eq!(public_key_weaknesses(&all), each, "{place}");
            assert_eq!(public_key_weaknesses(&all), each, "{place}");
        }
        let all: Vec<&[u8]> = odd.iter().map(Vec::as_slice).collect();
        let each: Vec<_> = all.iter().map(|info| public_key_weakness(info, Effort::Quick)).collect();
        assert_eq!(judged_together(&all), each);
        assert_eq!(public_key_weaknesses(&all), each);
        assert!(all.iter().zip(&each).all(|(info, verdict)| KNOWN.find(&question(&[info])).as_ref() == Some(verdict)));
        assert!(each[0].as_ref().is_some_and(|weakness| weakness.reason.contains("16381")), "{each:?}");
        assert_eq!(public_key_weaknesses(&[]), []);
    }
}
