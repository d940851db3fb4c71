//! Public keys whose private half can be found by looking at them.
//!
//! In: a `SubjectPublicKeyInfo`. Out: what is wrong with an RSA key, or nothing. Its numbers are no secret, so time may
//! depend on them. That the key is long enough, and a point is on its curve, is judged elsewhere.
//!
//! Source: NIST SP 800-89 section 5.3.3 (partial validation of RSA keys), FIPS 186-5 section 5.1; Fermat's
//! factorisation; CVE-2017-15361 (M. Nemec et al., ROCA, section 3.1).

use der::{Decode, asn1::UintRef};
use rsa::BoxedUint;
use spki::SubjectPublicKeyInfoRef;

use super::{OID_RSA, prime};

/// Go's `crypto/rsa` uses no larger exponent.
const LARGEST_EXPONENT: u64 = (1 << 31) - 1;
/// Smaller ones have broken protocols more than once, and no tool makes them today.
const SMALLEST_EXPONENT: u64 = 65537;
/// Primes below this are looked for among the factors.
const SMALL: u64 = 1 << 14;
/// Random primes of 1024 bits are further apart than these steps reach by a factor of 2^500.
const FERMAT_STEPS: usize = 128;

/// The primes by which keys of Infineon's library are known: each residue of theirs is a power of 65537.
const ROCA_PRIMES: [u64; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[derive(der::Sequence)]
struct RsaKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// What is weak in a public key; `None` for one that is not, is of another kind, or cannot be read.
#[must_use]
pub fn public_key_weakness(public_key_info: &[u8]) -> Option<String> {
    let info = SubjectPublicKeyInfoRef::from_der(public_key_info).ok()?;
    if info.algorithm.oid != OID_RSA {
        return None;
    }
    let key = RsaKey::from_der(info.subject_public_key.raw_bytes()).ok()?;
    exponent_weakness(key.exponent.as_bytes()).or_else(|| modulus_weakness(key.modulus.as_bytes()))
}

fn exponent_weakness(bytes: &[u8]) -> Option<String> {
    let value = (bytes.len() <= 8).then(|| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)));
    match value {
        Some(value) if value % 2 == 0 => Some(format!("the public exponent {value} is even")),
        Some(value) if (SMALLEST_EXPONENT..=LARGEST_EXPONENT).contains(&value) => None,
        Some(value) if value < SMALLEST_EXPONENT => {
            Some(format!("the public exponent {value} is smaller than {SMALLEST_EXPONENT}"))
        }
        _ => Some(format!("the public exponent is larger than {LARGEST_EXPONENT}, and Go does not use it")),
    }
}

fn modulus_weakness(bytes: &[u8]) -> Option<String> {
    if bytes.last().is_none_or(|last| last % 2 == 0) {
        return Some("the modulus is even".into());
    }
    if let Some(prime) = small_primes().find(|prime| remainder(bytes, *prime) == 0) {
        return Some(format!("the modulus is divided by {prime}"));
    }
    if ROCA_PRIMES.iter().all(|prime| is_power_of_the_exponent(remainder(bytes, *prime), *prime)) {
        return Some("the modulus has the mark of Infineon's broken generator (ROCA, CVE-2017-15361)".into());
    }
    if has_close_factors(bytes) {
        return Some("the modulus is the product of two primes that are close to each other".into());
    }
    prime::passes_fermat_test(bytes).then(|| "the modulus is a prime number".into())
}

/// The odd primes below [`SMALL`].
fn small_primes() -> impl Iterator<Item = u64> {
    (3..SMALL).step_by(2).filter(|number| {
        (3..).step_by(2).take_while(|factor| factor * factor <= *number).all(|factor| number % factor != 0)
    })
}

/// number mod divisor, for a divisor below 2^56.
fn remainder(number: &[u8], divisor: u64) -> u64 {
    number.iter().fold(0, |rest, byte| (rest << 8 | u64::from(*byte)) % divisor)
}

fn is_power_of_the_exponent(residue: u64, prime: u64) -> bool {
    let mut power = 1;
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power * SMALLEST_EXPONENT % prime;
    }
    false
}

/// Fermat: n = a^2 - b^2 = (a - b)(a + b), with a near the root of n when both factors are.
fn has_close_factors(modulus: &[u8]) -> bool {
    // One byte more, for (a + steps)^2.
    let Some(bits) = u32::try_from(modulus.len() * 8 + 64).ok() else { return false };
    let Ok(modulus) = BoxedUint::from_be_slice(modulus, bits) else { return false };
    let mut root = modulus.floor_sqrt_vartime();
    if root.wrapping_mul(&root) == modulus {
        return true;
    }
    let one = BoxedUint::one_with_precision(bits);
    for _ in 0..FERMAT_STEPS {
        root = root.wrapping_add(&one);
        let rest = root.wrapping_mul(&root).wrapping_sub(&modulus);
        let bytes = rest.to_be_bytes();
        // Fifteen of sixteen numbers are seen not to be squares by their remainders.
        let may_be_square =
            [64, 63, 65, 11].iter().all(|divisor| is_square_modulo(remainder(&bytes, *divisor), *divisor));
        if may_be_square && rest.checked_sqrt_vartime().is_some() {
            return true;
        }
    }
    false
}

fn is_square_modulo(residue: u64, divisor: u64) -> bool {
    (0..divisor).any(|number| number * number % divisor == residue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents() {
        for good in [&[1, 0, 1][..], &[0x7f, 0xff, 0xff, 0xff]] {
            assert_eq!(exponent_weakness(good), None);
        }
        for (bad, says) in [
            (&[][..], "even"),
            (&[1], "smaller"),
            (&[3], "smaller"),
            (&[17], "smaller"),
            (&[1, 0, 2], "even"),
            (&[0x80, 0, 0, 1], "larger"),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 1], "larger"),
        ] {
            let reason = exponent_weakness(bad).unwrap();
            assert!(reason.contains(says), "{bad:?}: {reason}");
        }
    }

    #[test]
    fn small_primes_are_prime() {
        assert_eq!(small_primes().take(6).collect::<Vec<_>>(), [3, 5, 7, 11, 13, 17]);
        assert_eq!(small_primes().count(), 1899);
        assert_eq!(remainder(&[1, 0, 0, 0, 1], 65537), (1_u64 << 32).wrapping_add(1) % 65537);
    }
}
