//! RSA keys from our own prime search: a sieved random window in front of aws-lc's constant-time exponentiation.
//!
//! In: a size in bits and a source of entropy. Out: a PKCS#1 document (RFC 8017 appendix A.1.2) that aws-lc has
//! loaded, checked and signed with. It never shares a window between two primes, never branches on or indexes
//! memory by a bit of a candidate, and never uses the `rsa` crate for a private operation.
//! `docs/reference/key-generation.md` says what leaks and why that is accepted.
//!
//! Source: FIPS 186-5 appendices A.1.3 (random probable primes), B.3.1 (Miller-Rabin), table B.1 (rounds).

mod assembly;
mod bignum;
mod limbs;
pub(super) mod method;
mod primality;
#[cfg(test)]
mod tests;
mod window;

use self::limbs::{Limbs, declassify_bool, difference, is_small, less_than, remainder};
use self::primality::{Candidate, Tester};
use self::window::Window;
use super::KeyError;
use crate::entropy::{Entropy, NoEntropy, System};
use crate::secret::Secret;

impl From<NoEntropy> for KeyError {
    fn from(_: NoEntropy) -> Self {
        FAILED
    }
}

/// The public exponent, F4, as kubeadm and aws-lc use it.
const PUBLIC_EXPONENT: u32 = 65537;

const FAILED: KeyError = KeyError::Library { operation: "generate a key" };

/// Makes an RSA key of `bits` (2048, 3072 or 4096) and gives its PKCS#1 document.
pub(super) fn generate(bits: usize, in_pairs: bool) -> Result<Secret, KeyError> {
    aws_lc_rs::init();
    generate_with(bits, &Tester::new(in_pairs)?, &mut System)
}

/// Whether 3^(n - 1) = 1 modulo an odd number: every prime passes, and of the products of two random primes none in a
/// lifetime. The number is no secret.
pub(super) fn passes_fermat_test(number: &[u8]) -> bool {
    let width = number.len().div_ceil(8);
    let mut limbs = Limbs::new(vec![0; width]);
    for (limb, bytes) in limbs.iter_mut().zip(number.rchunks(8)) {
        *limb = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    }
    bignum::fermat_power(&limbs, 3).is_ok_and(|power| power.is_one())
}

fn generate_with(bits: usize, tester: &Tester, entropy: &mut dyn Entropy) -> Result<Secret, KeyError> {
    // p, q and d are acceptable but for a chance below 2^-90; eight attempts mean that something is broken.
    for _ in 0..8 {
        let Some([p, q]) = two_primes(bits, tester, entropy)? else { continue };
        if let Some(document) = assembly::assemble(&p, &q, bits)? {
            return Ok(document);
        }
    }
    Err(FAILED)
}

/// The primes of a key of `bits` bits; nothing when they are too close.
fn two_primes(bits: usize, tester: &Tester, entropy: &mut dyn Entropy) -> Result<Option<[Limbs; 2]>, KeyError> {
    let p = prime(bits / 2, tester, entropy)?;
    let q = prime(bits / 2, tester, entropy)?;
    if !declassify_bool(far_apart(&p, &q, bits)) {
        return Ok(None);
    }
    // The larger prime first, as OpenSSL and aws-lc order them; which was found first carries no information.
    Ok(Some(if declassify_bool(less_than(&p, &q)) { [q, p] } else { [p, q] }))
}

/// Whether |p - q| > 2^(bits/2 - 100), FIPS 186-5 A.1.3 step 5.4.
fn far_apart(p: &Limbs, q: &Limbs, bits: usize) -> bool {
    !is_small(&difference(p, q), bits / 2 - 100)
}

/// A random prime of exactly `bits` bits with its two top bits set and gcd(p - 1, e) = 1.
fn prime(bits: usize, tester: &Tester, entropy: &mut dyn Entropy) -> Result<Limbs, KeyError> {
    // A window without a prime has a chance of about e^-6; a hundred in a row mean a broken exponentiation.
    for _ in 0..100 {
        let mut window = Window::random(bits, entropy)?;
        if let Some(prime) = prime_in(&mut window, bits, tester, entropy)? {
            return Ok(prime);
        }
    }
    Err(FAILED)
}

/// The first prime among the survivors of `window`, drawn in random order; nothing when it holds none.
fn prime_in(
    window: &mut Window,
    bits: usize,
    tester: &Tester,
    entropy: &mut dyn Entropy,
) -> Result<Option<Limbs>, KeyError> {
    while let Some(first) = window.take(entropy)? {
        let first = tester.candidate(first, bits)?;
        let second = window.take(entropy)?.map(|limbs| tester.candidate(limbs, bits)).transpose()?;
        let passed = tester.fermat(&first, second.as_ref())?;
        for (candidate, passed) in [(Some(first), passed[0]), (second, passed[1])] {
            let Some(candidate) = candidate.filter(|_| declassify_bool(passed)) else { continue };
            if declassify_bool(is_usable(&candidate)) && tester.miller_rabin(&candidate, rounds(bits), entropy)? {
                return Ok(Some(candidate.into_limbs()));
            }
        }
    }
    Ok(None)
}

/// gcd(p - 1, e) = 1; e is prime, so it is enough that e does not divide p - 1.
fn is_usable(candidate: &Candidate) -> bool {
    remainder(candidate.limbs(), PUBLIC_EXPONENT) != 1
}

/// Miller-Rabin rounds for a prime of `bits` bits, FIPS 186-5 table B.1 (by the size of the modulus: 2048 bits
/// five rounds, from 3072 bits four).
const fn rounds(bits: usize) -> usize {
    if bits >= 1536 { 4 } else { 5 }
}
