//! Public exponents that nobody should have, and those whose private exponent is small.
//!
//! In: the exponent and the modulus. Out: what is weak.
//!
//! Source: M. Wiener, Cryptanalysis of short RSA secret exponents (1990); Go `crypto/rsa` `checkPublicKeySize`.

use dashu_int::UBig;
use dashu_int::ops::{BitTest, SquareRoot};

use super::Weakness;

/// Go's `crypto/rsa` uses no larger exponent.
const LARGEST_EXPONENT: u64 = (1 << 31) - 1;
/// Smaller ones have broken protocols more than once, and no tool makes them today.
const SMALLEST_EXPONENT: u64 = 65537;

pub(super) fn weakness(bytes: &[u8], modulus: &UBig) -> Option<Weakness> {
    let value = (bytes.len() <= 8).then(|| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)));
    match value {
        Some(value) if value % 2 == 0 => Some(Weakness::broken(format!("the public exponent {value} is even"))),
        Some(1) => Some(Weakness::broken("the public exponent is 1, which encrypts and signs nothing")),
        Some(value) if (SMALLEST_EXPONENT..=LARGEST_EXPONENT).contains(&value) => None,
        Some(value) if value < SMALLEST_EXPONENT => {
            Some(Weakness::unwise(format!("the public exponent {value} is smaller than {SMALLEST_EXPONENT}")))
        }
        _ if has_small_private_exponent(&UBig::from_be_bytes(bytes), modulus) => {
            Some(Weakness::broken("its private exponent is small, and can be computed (Wiener)"))
        }
        _ => Some(Weakness::broken(format!(
            "the public exponent is larger than {LARGEST_EXPONENT}, and Go does not use it"
        ))),
    }
}

/// Whether one of the convergents of e/n is k/d with e·d = 1 + k·φ(n): then p + q = n + 1 - φ(n), and p and q are the
/// roots of a square equation. It finds every d below a third of the fourth root of n.
fn has_small_private_exponent(exponent: &UBig, modulus: &UBig) -> bool {
    if exponent >= modulus {
        return false;
    }
    let longest = modulus.bit_len() / 4 + 2;
    let (mut rest, mut divisor) = (exponent.clone(), modulus.clone());
    let (mut numerators, mut denominators) = ((UBig::ZERO, UBig::ONE), (UBig::ONE, UBig::ZERO));
    while !divisor.is_zero() && denominators.1.bit_len() <= longest {
        let quotient = &rest / &divisor;
        let next = &rest - &quotient * &divisor;
        (rest, divisor) = (divisor, next);
        numerators = (numerators.1.clone(), &quotient * &numerators.1 + &numerators.0);
        denominators = (denominators.1.clone(), &quotient * &denominators.1 + &denominators.0);
        if is_private_exponent(&denominators.1, &numerators.1, exponent, modulus) {
            return true;
        }
    }
    false
}

fn is_private_exponent(candidate: &UBig, multiple: &UBig, exponent: &UBig, modulus: &UBig) -> bool {
    if multiple.is_zero() {
        return false;
    }
    let product = exponent * candidate - UBig::ONE;
    let totient = &product / multiple;
    if &totient * multiple != product || totient >= *modulus {
        return false;
    }
    let sum = modulus + UBig::ONE - totient;
    let (square, four) = (&sum * &sum, modulus * UBig::from(4_u8));
    if square < four {
        return false;
    }
    let discriminant = square - four;
    let root = discriminant.sqrt();
    &root * &root == discriminant
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents() {
        let modulus = UBig::ONE << 2048;
        let weakness = |bytes: &[u8]| weakness(bytes, &modulus);
        for good in [&[1, 0, 1][..], &[0x7f, 0xff, 0xff, 0xff]] {
            assert_eq!(weakness(good), None);
        }
        for (bad, says, is_broken) in [
            (&[][..], "even", true),
            (&[1], "is 1", true),
            (&[3], "smaller", false),
            (&[17], "smaller", false),
            (&[1, 0, 2], "even", true),
            (&[0x80, 0, 0, 1], "larger", true),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 1], "larger", true),
        ] {
            let weakness = weakness(bad).unwrap();
            assert!(weakness.reason.contains(says), "{bad:?}: {weakness:?}");
            assert_eq!(weakness.is_broken, is_broken, "{bad:?}");
        }
    }

    /// p and q have 512 bits, and d has 240.
    #[test]
    fn a_small_private_exponent_is_found_and_a_large_one_is_not() {
        let number = |digits: &str| UBig::from_str_radix(digits, 16).unwrap();
        let modulus = number(
            "deea09d1f2963929e00a588f61450939ed31e5ca042e52232be947e5b5aadf606c85e7a09d2121426ee7d6430ccb2608a8c2991d8c5759ae777cb25724a86791916f83efa3530dcbc494ba230f31140b64e39389f2f1b06a67738b97a9e5d5ff7dac927a9ea1b5948a2763a73eeb6524c9e078cf54d326667789e29a69d9dcb1",
        );
        let exponent = number(
            "6c27d65837ca046f82eb4dc6ec865d5d1333317a2e3d11027f30889061cba9c26117fadee9a840076abd16f6af2958c305a42afaf303d0d691e88bac753cbeb83884153bac2194a66c98c4f61b6859abfc1d373281a80483931fca0ad52d963e1123dac63d998492b33c0d1cca0473072937964dac915ef2e78725538afe48d1",
        );
        let broken = weakness(&exponent.to_be_bytes(), &modulus).unwrap();
        assert!(broken.reason.contains("Wiener"), "{broken:?}");
        let other = weakness(&(exponent + UBig::from(2_u8)).to_be_bytes(), &modulus).unwrap();
        assert!(other.reason.contains("larger"), "{other:?}");
        for hostile in [UBig::ZERO, UBig::ONE, UBig::from(3_u8)] {
            assert!(!has_small_private_exponent(&(UBig::ONE << 80), &hostile));
        }
    }
}
