//! Signatures: which Go verifies, and with which keys.
//!
//! In: an algorithm, bytes, a signature, a public key. Out: nothing, or the broken rule. For every algorithm but RSA-PSS
//! Go looks at the identifier alone, not at its parameters.
//!
//! What Go does and this does not, and refuses: signatures of keys on P-224, by RSA keys above 16384 bits, and RSA-PSS by
//! keys below 2048 or above 8192 bits.
//!
//! Source: Go `crypto/x509` `checkSignature`, `getSignatureAlgorithmFromAI`; `crypto/rsa` `checkPublicKeySize`.

use aws_lc_rs::{digest, signature};
use dashu_int::UBig;
use dashu_int::fast_div::ConstDivisor;

use super::der::{Element, Reader, SEQUENCE, signed};
use super::key::{Curve, PublicKey, bit_length};
use super::remembered;
use super::rule::{Broken, Rule};

/// A hash function that Go still takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::x509) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// How something was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::x509) enum SignatureAlgorithm {
    Rsa(Hash),
    RsaPss(Hash),
    Ecdsa(Hash),
    Ed25519,
    /// By SHA-1 or MD5.
    Insecure,
    Unknown,
}

/// The time of a verification grows with the square of the size.
const MOST_RSA_BITS: usize = 16_384;
const MGF1: &str = "1.2.840.113549.1.1.8";

impl SignatureAlgorithm {
    pub(super) fn of(oid: &str, parameters: Option<Element<'_>>) -> Self {
        match oid {
            "1.2.840.113549.1.1.11" => Self::Rsa(Hash::Sha256),
            "1.2.840.113549.1.1.12" => Self::Rsa(Hash::Sha384),
            "1.2.840.113549.1.1.13" => Self::Rsa(Hash::Sha512),
            "1.2.840.113549.1.1.10" => parameters.and_then(pss).map_or(Self::Unknown, Self::RsaPss),
            "1.2.840.10045.4.3.2" => Self::Ecdsa(Hash::Sha256),
            "1.2.840.10045.4.3.3" => Self::Ecdsa(Hash::Sha384),
            "1.2.840.10045.4.3.4" => Self::Ecdsa(Hash::Sha512),
            "1.3.101.112" if parameters.is_none() => Self::Ed25519,
            "1.2.840.113549.1.1.4"
            | "1.2.840.113549.1.1.5"
            | "1.3.14.3.2.29"
            | "1.2.840.10045.4.1"
            | "1.2.840.10040.4.3" => Self::Insecure,
            _ => Self::Unknown,
        }
    }
}

/// The hash function of RSA-PSS parameters: the same for the mask, and a salt as long as its output.
fn pss(parameters: Element<'_>) -> Option<Hash> {
    let mut reader = Reader::new(parameters.whole).read(SEQUENCE)?;
    let (hash_name, hash_parameters) = identifier(&mut reader.read(0xa0)?)?;
    let (mask_name, mask_parameters) = identifier(&mut reader.read(0xa1)?)?;
    let (mask_hash, mask_hash_parameters) = identifier(&mut Reader::new(mask_parameters?.whole))?;
    let salt = reader.read(0xa2)?.integer().and_then(signed)?;
    let trailer = match reader.optional(0xa3)? {
        Some(mut trailer) => trailer.integer().and_then(signed)?,
        None => 1,
    };
    let is_null =
        |parameters: Option<Element<'_>>| parameters.is_none_or(|parameters| parameters.whole == [0x05, 0x00]);
    let is_usual = mask_name == MGF1 && mask_hash == hash_name && trailer == 1;
    if !is_usual || !is_null(hash_parameters) || !is_null(mask_hash_parameters) {
        return None;
    }
    match (hash_name.as_str(), salt) {
        ("2.16.840.1.101.3.4.2.1", 32) => Some(Hash::Sha256),
        ("2.16.840.1.101.3.4.2.2", 48) => Some(Hash::Sha384),
        ("2.16.840.1.101.3.4.2.3", 64) => Some(Hash::Sha512),
        _ => None,
    }
}

fn identifier<'a>(reader: &mut Reader<'a>) -> Option<(String, Option<Element<'a>>)> {
    let mut algorithm = reader.read(SEQUENCE)?;
    let oid = algorithm.object_identifier()?;
    let parameters = if algorithm.is_empty() { None } else { Some(algorithm.any()?) };
    Some((oid, parameters))
}

fn refused(found: impl Into<String>) -> Broken {
    Broken::of(Rule::SIGNATURE, found)
}

/// Whether Go verifies signatures of this algorithm by this key at all.
pub(super) fn check_kinds(algorithm: SignatureAlgorithm, oid: &str, key: &PublicKey) -> Result<(), Broken> {
    let kind = key.kind();
    match (algorithm, key) {
        (SignatureAlgorithm::Insecure, _) => {
            Err(Broken::of(Rule::SIGNATURE_SHA1, format!("the signature's algorithm {oid} uses SHA-1 or MD5")))
        }
        (SignatureAlgorithm::Unknown, _) => {
            Err(refused(format!("the signature's algorithm {oid} is unknown, or has other parameters")))
        }
        (SignatureAlgorithm::Rsa(_) | SignatureAlgorithm::RsaPss(_), PublicKey::Rsa { modulus, exponent }) => {
            check_rsa(modulus, *exponent)
        }
        (SignatureAlgorithm::Ecdsa(_), PublicKey::Ecdsa { .. })
        | (SignatureAlgorithm::Ed25519, PublicKey::Ed25519 { .. }) => Ok(()),
        _ => Err(refused(format!("the signature's algorithm {oid} is not one of the CA's key, {kind}"))),
    }
}

fn check_rsa(modulus: &[u8], exponent: i64) -> Result<(), Broken> {
    let bits = bit_length(modulus);
    let is_odd = modulus.last().is_some_and(|byte| byte & 1 == 1);
    if bits < 1024 || !is_odd || exponent & 1 == 0 || !(2..=i64::from(i32::MAX)).contains(&exponent) {
        let found = format!("the CA's RSA key has {bits} bits and the exponent {exponent}, or an even modulus");
        return Err(Broken::of(Rule::RSA_SIZE, found));
    }
    Ok(())
}

/// Whether Go verifies any signature by this key.
pub(in crate::x509) fn check_signer(key: &PublicKey) -> Result<(), Broken> {
    match key {
        PublicKey::Rsa { modulus, exponent } => check_rsa(modulus, *exponent),
        PublicKey::Ecdsa { .. } | PublicKey::Ed25519 { .. } => Ok(()),
        PublicKey::Dsa | PublicKey::Unknown { .. } => {
            Err(refused(format!("a key of the kind {} signs nothing that Go verifies", key.kind())))
        }
    }
}

/// Verifies that `signature` is one of `message` by `key`.
pub(super) fn verify(
    algorithm: SignatureAlgorithm,
    oid: &str,
    message: &[u8],
    signature: &[u8],
    key: &PublicKey,
) -> Result<(), Broken> {
    check_kinds(algorithm, oid, key)?;
    let kinds = format!("{algorithm:?} by {}", key.kind());
    let parts = [kinds.as_bytes(), key.number(), &key.exponent().to_be_bytes(), message, signature];
    if remembered::is_right(&parts, || is_right(algorithm, message, signature, key)) {
        Ok(())
    } else {
        Err(refused("the signature is not that of the CA's key"))
    }
}

fn is_right(algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8], key: &PublicKey) -> bool {
    match (algorithm, key) {
        (SignatureAlgorithm::Rsa(hash), PublicKey::Rsa { modulus, exponent }) => {
            rsa_pkcs1(hash, message, signature, modulus, *exponent)
        }
        (SignatureAlgorithm::RsaPss(hash), PublicKey::Rsa { modulus, exponent }) => {
            let with = match hash {
                Hash::Sha256 => &signature::RSA_PSS_2048_8192_SHA256,
                Hash::Sha384 => &signature::RSA_PSS_2048_8192_SHA384,
                Hash::Sha512 => &signature::RSA_PSS_2048_8192_SHA512,
            };
            rsa_usual(with, message, signature, modulus, *exponent)
        }
        (SignatureAlgorithm::Ecdsa(hash), PublicKey::Ecdsa { curve, point }) => ecdsa(*curve, hash)
            .is_some_and(|with| signature::UnparsedPublicKey::new(with, point).verify(message, signature).is_ok()),
        (_, PublicKey::Ed25519 { key }) => {
            signature::UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature).is_ok()
        }
        _ => false,
    }
}

fn ecdsa(curve: Curve, hash: Hash) -> Option<&'static signature::EcdsaVerificationAlgorithm> {
    Some(match (curve, hash) {
        (Curve::P224, _) => return None,
        (Curve::P256, Hash::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Hash::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (Curve::P256, Hash::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
        (Curve::P384, Hash::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Hash::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (Curve::P384, Hash::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
        (Curve::P521, Hash::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
        (Curve::P521, Hash::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
        (Curve::P521, Hash::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
    })
}

fn rsa_usual(
    with: &'static signature::RsaParameters,
    message: &[u8],
    signature: &[u8],
    modulus: &[u8],
    exponent: i64,
) -> bool {
    let exponent = exponent.to_be_bytes();
    let start = exponent.iter().position(|byte| *byte != 0).unwrap_or_default();
    let key = signature::RsaPublicKeyComponents { n: modulus, e: exponent.get(start..).unwrap_or_default() };
    key.verify(with, message, signature).is_ok()
}

fn rsa_pkcs1(hash: Hash, message: &[u8], signature: &[u8], modulus: &[u8], exponent: i64) -> bool {
    if (2048..=8192).contains(&bit_length(modulus)) {
        let with = match hash {
            Hash::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Hash::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Hash::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        };
        return rsa_usual(with, message, signature, modulus, exponent);
    }
    rsa_of_any_size(hash, message, signature, modulus, exponent)
}

/// For the sizes that Go takes and the library does not. All of it is public, so that its time tells nothing; the crate `rsa` works in
/// constant time, which takes ten times as long for a key of 16,384 bits.
///
/// Source: RFC 8017 section 8.2.2.
fn rsa_of_any_size(hash: Hash, message: &[u8], signature: &[u8], modulus: &[u8], exponent: i64) -> bool {
    // What DigestInfo says before the digest (RFC 8017 section 9.2).
    let (algorithm, last, length) = match hash {
        Hash::Sha256 => (&digest::SHA256, 0x01, 32),
        Hash::Sha384 => (&digest::SHA384, 0x02, 48),
        Hash::Sha512 => (&digest::SHA512, 0x03, 64),
    };
    let hashed = digest::digest(algorithm, message);
    let mut information = vec![0x30, 0x11 + length, 0x30, 0x0d, 0x06, 0x09];
    information.extend([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last, 0x05, 0x00, 0x04, length]);
    information.extend(hashed.as_ref());
    let (bits, size) = (bit_length(modulus), bit_length(modulus).div_ceil(8));
    let Ok(exponent) = u64::try_from(exponent) else { return false };
    // At least eight bytes of padding, between 00 01 and 00.
    let Some(padding) = size.checked_sub(information.len() + 3).filter(|padding| *padding >= 8) else { return false };
    if bits > MOST_RSA_BITS || signature.len() != size {
        return false;
    }
    let mut expected = vec![0, 1];
    expected.resize(2 + padding, 0xff);
    expected.push(0);
    expected.extend(information);
    let (number, modulus) = (UBig::from_be_bytes(signature), UBig::from_be_bytes(modulus));
    number < modulus
        && ConstDivisor::new(modulus).reduce(number).pow(&UBig::from(exponent)).residue()
            == UBig::from_be_bytes(&expected)
}
