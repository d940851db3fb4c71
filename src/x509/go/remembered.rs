//! Signatures that were verified already: a report looks at the same certificates for one question after the other, and a CA's certificate
//! stands in many files.
//!
//! In: a key, a message, its signature, and how it is verified. Out: whether it is right. Only right ones are remembered, by the SHA-256 of
//! all that they depend on, as many as a few nodes have and no longer than the thread lives.

use std::cell::RefCell;
use std::collections::HashSet;

use super::key::PublicKey;
use super::signature::SignatureAlgorithm;
use crate::digest::{Digest, Hasher};

/// Then all are forgotten.
const MOST: usize = 1024;

thread_local! {
    static RIGHT: RefCell<HashSet<Digest>> = RefCell::default();
}

/// Whether a signature is right; `verify` is asked where that is not known.
pub(super) fn is_right(
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
    key: &PublicKey,
    verify: impl FnOnce() -> bool,
) -> bool {
    let one = digest(algorithm, message, signature, key);
    if RIGHT.with_borrow(|right| right.contains(&one)) {
        return true;
    }
    let is_right = verify();
    if is_right {
        RIGHT.with_borrow_mut(|right| {
            if right.len() >= MOST {
                right.clear();
            }
            right.insert(one);
        });
    }
    is_right
}

fn digest(algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8], key: &PublicKey) -> Digest {
    let (exponent, number): (i64, &[u8]) = match key {
        PublicKey::Rsa { modulus, exponent } => (*exponent, modulus),
        PublicKey::Ecdsa { point, .. } => (0, point),
        PublicKey::Ed25519 { key } => (0, key),
        PublicKey::Dsa | PublicKey::Unknown { .. } => (0, &[]),
    };
    let mut hasher = Hasher::default();
    let kinds = format!("{algorithm:?} {} {exponent}", key.kind());
    for part in [kinds.as_bytes(), number, message, signature] {
        // Two lists of parts that are the same one behind the other are different ones.
        hasher.update(&part.len().to_be_bytes());
        hasher.update(part);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::signature::Hash;
    use super::*;

    const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::Rsa(Hash::Sha256);

    fn key(modulus: &[u8]) -> PublicKey {
        PublicKey::Rsa { modulus: modulus.to_vec(), exponent: 3 }
    }

    fn asked(algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8], key: &PublicKey, answer: bool) -> bool {
        let mut is_asked = false;
        let said = is_right(algorithm, message, signature, key, || {
            is_asked = true;
            answer
        });
        assert_eq!(said, answer || !is_asked);
        is_asked
    }

    #[test]
    fn a_right_signature_is_verified_once_and_a_wrong_one_each_time() {
        let own = key(b"key");
        assert!(asked(ALGORITHM, b"message", b"signature", &own, false));
        assert!(asked(ALGORITHM, b"message", b"signature", &own, true));
        assert!(!asked(ALGORITHM, b"message", b"signature", &own, false));
        for (message, signature, key) in [
            (&b"messages"[..], &b"ignature"[..], own.clone()),
            (b"message", b"signaturf", own.clone()),
            (b"massage", b"signature", own.clone()),
            (b"message", b"signature", key(b"keys")),
            (b"message", b"signature", PublicKey::Rsa { modulus: b"key".to_vec(), exponent: 5 }),
            (b"message", b"signature", PublicKey::Ed25519 { key: b"key".to_vec() }),
        ] {
            assert!(asked(ALGORITHM, message, signature, &key, false), "{key:?}");
        }
        assert!(asked(SignatureAlgorithm::RsaPss(Hash::Sha256), b"message", b"signature", &own, false));
        assert!(asked(SignatureAlgorithm::Rsa(Hash::Sha512), b"message", b"signature", &own, false));
    }

    #[test]
    fn no_more_are_remembered_than_the_limit() {
        let own = key(b"key");
        for number in 0..3 * MOST {
            asked(ALGORITHM, &number.to_be_bytes(), b"signature", &own, true);
        }
        assert!(RIGHT.with_borrow(HashSet::len) <= MOST);
    }
}
