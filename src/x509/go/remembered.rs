//! Signatures that were verified already: a report looks at the same certificates for one question after the other, and a CA's certificate
//! stands in many files.
//!
//! In: all that the answer depends on (key, message, signature), and how it is verified. Out: whether it is right. Only right ones are
//! remembered, by a SHA-256, as many as a few nodes have and no longer than the thread lives.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::digest::{Digest, Hasher};

/// Then all are forgotten.
const MOST: usize = 1024;

thread_local! {
    static RIGHT: RefCell<HashSet<Digest>> = RefCell::default();
}

/// Whether a signature is right that depends on all of `parts`; `verify` is asked where that is not known.
pub(super) fn is_right(parts: &[&[u8]], verify: impl FnOnce() -> bool) -> bool {
    let one = digest(parts);
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

fn digest(parts: &[&[u8]]) -> Digest {
    let mut hasher = Hasher::default();
    for part in parts {
        // Two lists of parts that are the same one behind the other are different ones.
        hasher.update(&part.len().to_be_bytes());
        hasher.update(part);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_asked(parts: &[&[u8]], answer: bool) -> bool {
        let mut is_asked = false;
        let said = is_right(parts, || {
            is_asked = true;
            answer
        });
        assert_eq!(said, answer || !is_asked);
        is_asked
    }

    #[test]
    fn a_right_signature_is_verified_once_and_a_wrong_one_each_time() {
        let parts: [&[u8]; 3] = [b"key", b"message", b"signature"];
        assert!(is_asked(&parts, false));
        assert!(is_asked(&parts, true));
        assert!(!is_asked(&parts, false));
        for (place, other) in [(0, &b"keys"[..]), (1, b"massage"), (2, b"signaturf"), (2, b"")] {
            let mut changed = parts;
            changed[place] = other;
            assert!(is_asked(&changed, false), "{place}");
        }
        assert!(is_asked(&[b"key", b"messages", b"ignature"], false));
    }

    #[test]
    fn no_more_are_remembered_than_the_limit() {
        for number in 0..3 * MOST {
            is_asked(&[&number.to_be_bytes()], true);
        }
        assert!(RIGHT.with_borrow(HashSet::len) <= MOST);
    }
}
