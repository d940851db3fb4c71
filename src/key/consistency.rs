//! Whether the numbers of an RSA private key fit each other: n = pq, d the inverse of e, and the values of the Chinese
//! remainder theorem. The library asks the same whenever it loads a key, and takes ten times as long; of most keys that are
//! read, only the public half is wanted.
//!
//! In: a PKCS#1 document. Out: whether the library takes the key for certain; what this does not vouch for, the library judges. The time
//! depends on lengths alone, not on the numbers, and copies of them are wiped.
//!
//! Source: RFC 8017 section 3.2; aws-lc `RSA_check_key`.

use std::sync::LazyLock;

use pkcs1::{RsaPrivateKeyRef, UintRef};
use rsa::BoxedUint;
use zeroize::Zeroizing;

use crate::remembered::{Remembered, question};

type Number = Zeroizing<BoxedUint>;

/// The bytes of a modulus that the library takes: 2048 to 8192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// An exponent of at most 32 bits.
const EXPONENT_BYTES: usize = 4;

/// So many keys are not looked at again; of each, nothing but a digest is kept, which tells nothing of it.
const MOST_KNOWN: usize = 4096;

static CONSISTENT: LazyLock<Remembered<()>> = LazyLock::new(|| Remembered::new(MOST_KNOWN));

/// Whether all is well with a key of a usual form, whose document is `der`.
pub(super) fn is_known_consistent(key: &RsaPrivateKeyRef<'_>, der: &[u8]) -> bool {
    let question = question(&[der]);
    if CONSISTENT.find(&question).is_some() {
        return true;
    }
    let is_consistent = is_consistent(key);
    if is_consistent {
        CONSISTENT.keep(question, ());
    }
    is_consistent
}

fn is_consistent(key: &RsaPrivateKeyRef<'_>) -> bool {
    let modulus = key.modulus.as_bytes();
    let is_usual = key.other_prime_infos.is_none()
        && MODULUS_BYTES.contains(&modulus.len())
        && modulus.first().is_some_and(|first| first & 0x80 != 0)
        && key.public_exponent.as_bytes().len() <= EXPONENT_BYTES;
    is_usual && numbers_fit(key).unwrap_or_default()
}

fn numbers_fit(key: &RsaPrivateKeyRef<'_>) -> Option<bool> {
    let length = key.modulus.as_bytes().len();
    let all = [&key.private_exponent, &key.prime1, &key.prime2, &key.exponent1, &key.exponent2, &key.coefficient];
    if all.iter().any(|number| number.as_bytes().len() > length) {
        return Some(false);
    }
    let (modulus, exponent) = (number(&key.modulus)?, number(&key.public_exponent)?);
    let (private, inverse) = (number(&key.private_exponent)?, number(&key.coefficient)?);
    let (p, q) = (number(&key.prime1)?, number(&key.prime2)?);
    let is_odd = |number: &Number| number.as_words().first().is_some_and(|word| word & 1 == 1);
    let one = BoxedUint::one();
    let is_above_one = |number: &Number| is_odd(number) && **number != one;
    if !is_odd(&modulus) || ![&exponent, &p, &q].into_iter().all(is_above_one) {
        return Some(false);
    }
    if *private >= *modulus || *inverse >= *p {
        return Some(false);
    }
    let is_inverse = |prime: &Number, reduced: &UintRef<'_>| {
        let (reduced, below) = (number(reduced)?, one_less(prime));
        // d and its remainder have the same product with e, modulo p - 1.
        Some(*rest(&private, &below)? == *reduced && *rest(&product(&reduced, &exponent), &below)? == one)
    };
    Some(
        *product(&p, &q) == *modulus
            && is_inverse(&p, &key.exponent1)?
            && is_inverse(&q, &key.exponent2)?
            && *rest(&product(&inverse, &q), &p)? == one,
    )
}

fn number(number: &UintRef<'_>) -> Option<Number> {
    let bytes = number.as_bytes();
    let bits = u32::try_from(bytes.len().max(1).next_multiple_of(8) * 8).ok()?;
    BoxedUint::from_be_slice(bytes, bits).ok().map(Zeroizing::new)
}

/// An odd number less one.
fn one_less(odd: &Number) -> Number {
    let mut even = odd.clone();
    if let Some(word) = even.as_mut_words().first_mut() {
        *word &= !1;
    }
    even
}

fn product(one: &Number, other: &Number) -> Number {
    let words = one.as_words().iter().copied().chain(other.as_words().iter().map(|_| 0));
    let wide = Zeroizing::new(BoxedUint::from_words(words));
    Zeroizing::new(wide.wrapping_mul(&**other))
}

fn rest(number: &Number, divisor: &Number) -> Option<Number> {
    let divisor = Zeroizing::new(divisor.to_nz().into_option()?);
    let (quotient, rest) = number.div_rem(&*divisor);
    drop(Zeroizing::new(quotient));
    Some(Zeroizing::new(rest))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::RsaKeyPair;
    use der::{Decode as _, Encode as _};

    use super::*;
    use crate::key::{Algorithm, PrivateKey, pem};

    /// The verdict of this module, and of the library.
    fn verdicts(document: &[u8]) -> (bool, bool) {
        let quick = RsaPrivateKeyRef::from_der(document).is_ok_and(|key| is_consistent(&key));
        (quick, RsaKeyPair::from_der(document).is_ok())
    }

    fn document(algorithm: Algorithm) -> Vec<u8> {
        let text = PrivateKey::generate(algorithm).unwrap().to_pem();
        pem::blocks(text.expose()).next().unwrap().der.expose().to_vec()
    }

    #[test]
    fn a_sound_key_is_remembered_and_another_is_looked_at_each_time() {
        let sound = document(Algorithm::Rsa2048);
        let changed = with(&sound, 5, |bytes| bytes[3] ^= 1);
        for document in [&sound, &changed, &sound, &changed] {
            let key = RsaPrivateKeyRef::from_der(document).unwrap();
            assert_eq!(is_known_consistent(&key, document), is_consistent(&key));
            assert_eq!(CONSISTENT.find(&question(&[document])).is_some(), document == &sound);
        }
    }

    #[test]
    fn sound_keys_are_taken_without_the_library() {
        for algorithm in [Algorithm::Rsa2048, Algorithm::Rsa3072, Algorithm::Rsa4096] {
            assert_eq!(verdicts(&document(algorithm)), (true, true), "{algorithm:?}");
        }
    }

    /// A key with one of its numbers (n, e, d, p, q, dp, dq, qinv) changed.
    fn with(document: &[u8], place: usize, mut change: impl FnMut(&mut Vec<u8>)) -> Vec<u8> {
        let mut key = RsaPrivateKeyRef::from_der(document).unwrap();
        let field = match place {
            0 => &mut key.modulus,
            1 => &mut key.public_exponent,
            2 => &mut key.private_exponent,
            3 => &mut key.prime1,
            4 => &mut key.prime2,
            5 => &mut key.exponent1,
            6 => &mut key.exponent2,
            _ => &mut key.coefficient,
        };
        let mut bytes = field.as_bytes().to_vec();
        change(&mut bytes);
        *field = UintRef::new(&bytes).unwrap();
        key.to_der().unwrap()
    }

    #[test]
    fn a_key_with_any_other_number_is_left_to_the_library_which_refuses_it() {
        let sound = document(Algorithm::Rsa2048);
        assert_eq!(verdicts(&with(&sound, 0, |_| {})), (true, true));
        for place in 0..8 {
            let mut length = 0;
            with(&sound, place, |bytes| length = bytes.len());
            for byte in 0..length {
                let changed = with(&sound, place, |bytes| bytes[byte] ^= 1 << (byte % 8));
                assert_eq!(verdicts(&changed), (false, false), "number {place}, byte {byte}");
            }
            let longer = with(&sound, place, |bytes| bytes.insert(0, 1));
            assert_eq!(verdicts(&longer), (false, false), "number {place}, longer");
            for small in [0, 1, 2, 3] {
                let small = with(&sound, place, |bytes| *bytes = vec![small]);
                assert!(!verdicts(&small).0, "number {place}, {small:?}");
            }
        }
        let key = RsaPrivateKeyRef::from_der(&sound).unwrap();
        let swapped = RsaPrivateKeyRef { prime1: key.prime2, prime2: key.prime1, ..key };
        assert_eq!(verdicts(&swapped.to_der().unwrap()), (false, false));
    }

    #[test]
    fn what_is_no_key_of_this_length_is_left_to_the_library() {
        assert!(!verdicts(b"").0);
        let sound = document(Algorithm::Rsa2048);
        for length in [8, sound.len() / 2, sound.len() - 1] {
            assert!(!verdicts(&sound[..length]).0, "cut off after {length} bytes");
        }
    }
}
