//! Bytes that must not be seen: private keys, tokens, certificate keys.
//!
//! In: bytes. Out: [`Secret`], which is wiped when dropped, compares in constant time and never shows its
//! content in `Debug`. It has no `Display` and no `Serialize`, on purpose.

use std::fmt;

/// Bytes that are wiped, with a redacted `Debug`.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes over; the caller keeps no copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Each call is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Keeps the first bytes, and wipes the others.
    pub fn truncate(&mut self, length: usize) {
        if let Some(rest) = self.0.get_mut(length..) {
            rest.fill(0);
            zeroize::optimization_barrier(rest);
        }
        self.0.truncate(length);
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Text that is wiped as a [`Secret`] is: at once, where `Zeroizing` wipes byte by byte. For the inside of readers; it is no [`Secret`],
/// as it shows itself to whoever has it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct WipedText(String);

impl WipedText {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::ops::Deref for WipedText {
    type Target = String;

    fn deref(&self) -> &String {
        &self.0
    }
}

impl std::ops::DerefMut for WipedText {
    fn deref_mut(&mut self) -> &mut String {
        &mut self.0
    }
}

impl Drop for WipedText {
    fn drop(&mut self) {
        wipe(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

/// All that was allocated, at once: `Zeroizing` does it byte by byte, which was a twentieth of an audit's time.
pub(crate) fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.resize(bytes.capacity(), 0);
    zeroize::optimization_barrier(bytes.as_slice());
    bytes.clear();
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wiped_keeps_its_place_and_none_of_its_bytes() {
        let mut bytes = Vec::with_capacity(100);
        bytes.extend_from_slice(b"hunter2");
        let (place, capacity) = (bytes.as_ptr(), bytes.capacity());
        wipe(&mut bytes);
        bytes.resize(capacity, 1);
        assert_eq!((bytes.as_ptr(), bytes.capacity()), (place, capacity));
        let mut secret = Secret::new(b"hunter2 and more".to_vec());
        secret.truncate(7);
        assert_eq!(secret.expose(), b"hunter2");
    }

    #[test]
    fn debug_shows_no_content() {
        let secret = Secret::new(b"hunter2".to_vec());
        assert_eq!(format!("{secret:?}"), "Secret(7 bytes)");
        assert_eq!(secret, Secret::new(b"hunter2".to_vec()));
        assert_ne!(secret, Secret::new(b"hunter3".to_vec()));
    }
}
