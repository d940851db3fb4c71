//! Signatures that were verified already: a report looks at the same certificates for one question after the other, and a CA's certificate
//! stands in many files.
//!
//! In: all that the answer depends on (key, message, signature), and how it is verified. Out: whether it is right. Only right ones are
//! remembered.

use std::sync::LazyLock;

use crate::remembered::{Remembered, question};

/// Those of some hundred nodes.
const MOST: usize = 8192;

static RIGHT: LazyLock<Remembered<()>> = LazyLock::new(|| Remembered::new(MOST));

/// Whether a signature is right that depends on all of `parts`; `verify` is asked where that is not known.
pub(super) fn is_right(parts: &[&[u8]], verify: impl FnOnce() -> bool) -> bool {
    let one = question(parts);
    if RIGHT.find(&one).is_some() {
        return true;
    }
    let is_right = verify();
    if is_right {
        RIGHT.keep(one, ());
    }
    is_right
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
}
