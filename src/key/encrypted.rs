//! Private keys behind a passphrase: PKCS#8 with PBES2, as `openssl pkcs8 -topk8` writes it.
//!
//! In: PEM and a passphrase. Out: the DER of the key within. Whoever wrote the file chose how much work opening it is: more than
//! is usual is refused before any of it is done.
//!
//! Source: RFC 5958 section 3, RFC 8018 (PBES2, PBKDF2), RFC 7914 (scrypt).

use der::Decode as _;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::pkcs5::{EncryptionScheme, Error};

use super::KeyError;
use crate::secret::Secret;

/// Iterations of PBKDF2 at most, some seconds: eight times what OWASP recommends.
const MOST_ITERATIONS: u32 = 5_000_000;

/// Memory for scrypt at most, in bytes; openssl's own parameters take 16 MiB.
const MOST_MEMORY: u64 = 128 << 20;

/// Passes over that memory at most.
const MOST_PASSES: u64 = 16;

/// The PKCS#8 within `der`, an `ENCRYPTED PRIVATE KEY`.
///
/// # Errors
/// [`KeyError::Damaged`], [`KeyError::OtherEncryption`], [`KeyError::CostlyEncryption`], [`KeyError::WrongPassphrase`].
pub(super) fn opened(der: &[u8], passphrase: &Secret) -> Result<Secret, KeyError> {
    let encrypted = EncryptedPrivateKeyInfoRef::from_der(der)
        .map_err(|_| KeyError::OtherEncryption { what: "not as PKCS#8 and PBES2 have it" })?;
    let EncryptionScheme::Pbes2(parameters) = &encrypted.encryption_algorithm else {
        return Err(KeyError::OtherEncryption { what: "PKCS#5 version 1.5" });
    };
    refuse_costly(parameters)?;
    let mut text = encrypted.encrypted_data.as_bytes().to_vec();
    let length = match parameters.decrypt_in_place(passphrase.expose(), &mut text) {
        Ok(opened) => opened.len(),
        Err(Error::UnsupportedAlgorithm { .. }) => {
            return Err(KeyError::OtherEncryption { what: "an outdated cipher or hash" });
        }
        Err(_) => return Err(KeyError::WrongPassphrase),
    };
    let mut key = Secret::new(text);
    key.truncate(length);
    Ok(key)
}

fn refuse_costly(parameters: &Parameters) -> Result<(), KeyError> {
    let reason = match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) if pbkdf2.iteration_count > MOST_ITERATIONS => {
            format!("{} iterations of PBKDF2, more than {MOST_ITERATIONS}", pbkdf2.iteration_count)
        }
        Kdf::Scrypt(scrypt) => {
            let passes = u64::from(scrypt.parallelization);
            let memory = memory_of_scrypt(scrypt.cost_parameter, u64::from(scrypt.block_size), passes);
            if memory <= MOST_MEMORY && passes <= MOST_PASSES {
                return Ok(());
            }
            format!("scrypt over {} MiB, {passes} times", memory >> 20)
        }
        _ => return Ok(()),
    };
    Err(KeyError::CostlyEncryption { reason })
}

/// RFC 7914 section 6: V has N blocks and B has p, each of 128 * r bytes.
const fn memory_of_scrypt(cost: u64, block_size: u64, passes: u64) -> u64 {
    cost.saturating_add(passes).saturating_mul(block_size).saturating_mul(128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_scrypt_takes_is_counted() {
        assert!(memory_of_scrypt(16_384, 8, 1) < MOST_MEMORY);
        assert!(memory_of_scrypt(16_384, 127, 1) > MOST_MEMORY);
        // Few blocks, and each pass has one that is as large as the limit.
        assert!(memory_of_scrypt(2, 1 << 19, 16) > MOST_MEMORY);
        assert_eq!(memory_of_scrypt(u64::MAX, 8, 1), u64::MAX);
    }
}
