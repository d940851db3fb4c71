//! The key under which kubeadm keeps a control plane's files in the cluster: 32 bytes, AES-256-GCM.
//!
//! In: the key as random bytes or hexadecimal text, and what is to be sealed or opened. Out: nonce (12 bytes),
//! ciphertext and tag (16 bytes) in one, or the plain bytes. No additional data. It knows nothing of what it seals, and
//! never shows the key in `Debug` or errors.
//!
//! Source: kubeadm `phases/copycerts` (`CreateCertificateKey`), `util/crypto` (`EncryptBytes`, `DecryptBytes`);
//! NIST SP 800-38D.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::digest::{hex, unhex};
use crate::entropy;
use crate::error::faults;
use crate::secret::Secret;

/// The length of the key in bytes.
pub const KEY_LENGTH: usize = 32;

/// What sealing adds: nonce and tag.
pub const OVERHEAD: usize = NONCE_LEN + 16;

faults! {
    /// Why a text is no certificate key, or why the library failed. The text is never repeated.
    #[derive(Clone, PartialEq, Eq)]
    pub enum CertificateKeyError {
        /// The key is not hexadecimal text. The message never repeats it.
        #[error("the certificate key is not hexadecimal text")]
        #[fault("certificate_key.not_hexadecimal", Usage,
            "give the 64 digits that kubepki certs certificate-key, kubepki bundle export or kubeadm printed")]
        NotHexadecimal,
        /// The key has not 32 bytes, which are 64 digits.
        #[error("the certificate key has {bytes} bytes, not {KEY_LENGTH}")]
        #[fault("certificate_key.wrong_length", Usage,
            "give the 64 digits that kubepki certs certificate-key, kubepki bundle export or kubeadm printed")]
        WrongLength {
            /// How many it has.
            bytes: usize,
        },
        /// The cryptographic library failed; try again, then report it.
        #[error("the cryptographic library failed to {operation}")]
        #[fault("certificate_key.library", Environment, "try again; if it happens again, report it")]
        Library {
            /// What was to be done.
            operation: &'static str,
        },
    }
}

/// Why sealed bytes could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// They are shorter than nonce and tag.
    TooShort,
    /// They were sealed with another key, or changed since: the two cannot be told apart.
    NotAuthentic,
}

/// A certificate key.
///
/// ```
/// use kubepki::certificate_key::CertificateKey;
/// let key = CertificateKey::random()?;
/// let sealed = key.seal(b"a file")?;
/// assert_eq!(key.open(&sealed).unwrap().expose(), b"a file");
/// # Ok::<(), kubepki::certificate_key::CertificateKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateKey(Secret);

impl CertificateKey {
    /// A new key from the system's entropy.
    ///
    /// # Errors
    /// [`CertificateKeyError::Library`].
    pub fn random() -> Result<Self, CertificateKeyError> {
        let mut bytes = Zeroizing::new(vec![0; KEY_LENGTH]);
        entropy::fill(&mut bytes).map_err(|_| CertificateKeyError::Library { operation: "make a certificate key" })?;
        Ok(Self(Secret::new(std::mem::take(&mut *bytes))))
    }

    /// The key that these digits are, in whatever case.
    ///
    /// # Errors
    /// [`CertificateKeyError::NotHexadecimal`], [`CertificateKeyError::WrongLength`].
    pub fn from_hex(digits: &Secret) -> Result<Self, CertificateKeyError> {
        let bytes = unhex(digits.expose()).map(Secret::new).ok_or(CertificateKeyError::NotHexadecimal)?;
        if bytes.len() == KEY_LENGTH {
            Ok(Self(bytes))
        } else {
            Err(CertificateKeyError::WrongLength { bytes: bytes.len() })
        }
    }

    /// The key as 64 lower-case digits. Each call is a place to review.
    #[must_use]
    pub fn to_hex(&self) -> Secret {
        Secret::new(hex(self.0.expose()).into_bytes())
    }

    /// Seals with a fresh random nonce.
    ///
    /// # Errors
    /// [`CertificateKeyError::Library`].
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, CertificateKeyError> {
        let failed = |_| CertificateKeyError::Library { operation: "encrypt" };
        let mut body = Zeroizing::new(Vec::with_capacity(plain.len().saturating_add(OVERHEAD)));
        body.extend_from_slice(plain);
        let nonce = self.cipher()?.seal_in_place_append_tag(Aad::empty(), &mut *body).map_err(failed)?;
        Ok([nonce.as_ref().as_slice(), body.as_slice()].concat())
    }

    /// Opens what was sealed with this key.
    ///
    /// # Errors
    /// [`Unopened`].
    pub fn open(&self, sealed: &[u8]) -> Result<Secret, Unopened> {
        if sealed.len() < OVERHEAD {
            return Err(Unopened::TooShort);
        }
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(Unopened::TooShort)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopened::TooShort)?;
        let mut buffer = Zeroizing::new(body.to_vec());
        let cipher = self.cipher().map_err(|_| Unopened::NotAuthentic)?;
        let plain = cipher.open_in_place(nonce, Aad::empty(), &mut buffer).map_err(|_| Unopened::NotAuthentic)?;
        Ok(Secret::new(plain.to_vec()))
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, CertificateKeyError> {
        RandomizedNonceKey::new(&AES_256_GCM, self.0.expose())
            .map_err(|_| CertificateKeyError::Library { operation: "use a certificate key" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> CertificateKey {
        CertificateKey::from_hex(&Secret::new(b"00".repeat(32))).unwrap()
    }

    /// NIST's test case 14 of the GCM specification: key and nonce zero, sixteen zero bytes.
    #[test]
    fn the_specifications_own_vector_opens() {
        let sealed = unhex(b"000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
        assert_eq!(key().open(&sealed.unwrap()).unwrap().expose(), [0; 16]);
    }

    #[test]
    fn each_sealing_has_a_nonce_of_its_own_and_adds_28_bytes() {
        let (one, other) = (key().seal(b"abc").unwrap(), key().seal(b"abc").unwrap());
        assert_ne!(one[..NONCE_LEN], other[..NONCE_LEN]);
        assert_eq!(one.len(), 3 + OVERHEAD);
        assert_eq!(key().seal(b"").unwrap().len(), OVERHEAD);
    }

    #[test]
    fn digits_are_told_apart_from_lengths() {
        let from = |digits: &str| CertificateKey::from_hex(&Secret::new(digits.as_bytes().to_vec()));
        assert_eq!(from(&"0g".repeat(32)), Err(CertificateKeyError::NotHexadecimal));
        assert_eq!(from(&"0".repeat(63)), Err(CertificateKeyError::NotHexadecimal));
        assert_eq!(from(&"00".repeat(31)), Err(CertificateKeyError::WrongLength { bytes: 31 }));
        assert_eq!(from(""), Err(CertificateKeyError::WrongLength { bytes: 0 }));
        let upper = from(&"AB".repeat(32)).unwrap();
        assert_eq!(upper.to_hex().expose(), "ab".repeat(32).as_bytes());
        assert_eq!(format!("{upper:?}"), "CertificateKey(Secret(32 bytes))");
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_nothing_else_does(
            plain in proptest::collection::vec(any::<u8>(), 0..300), position in any::<prop::sample::Index>(), bit in 0..8u32,
        ) {
            let key = CertificateKey::random().unwrap();
            let mut sealed = key.seal(&plain).unwrap();
            let opened = key.open(&sealed).unwrap();
            prop_assert_eq!(opened.expose(), &plain[..]);
            let other = CertificateKey::random().unwrap();
            prop_assert_eq!(other.open(&sealed), Err(Unopened::NotAuthentic));
            let position = position.index(sealed.len());
            sealed[position] ^= 1 << bit;
            prop_assert_eq!(key.open(&sealed), Err(Unopened::NotAuthentic));
            sealed.truncate(position);
            prop_assert!(key.open(&sealed).is_err());
        }

        #[test]
        fn no_bytes_panic(sealed in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(key().open(&sealed).is_err());
        }
    }
}
