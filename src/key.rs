//! Private keys: generation, PEM in the formats that kubeadm writes and reads, signing.
//!
//! In: an [`Algorithm`], or a PEM file's bytes. Out: [`PrivateKey`]. RSA keys are written as PKCS#1, elliptic
//! ones as SEC1 with the curve's OID and the public point, as client-go's `keyutil` does; PKCS#8 is read too,
//! and behind a passphrase where one is given.
//! It never touches a file, and never shows a key in `Debug` or in an error.
//!
//! Source: RFC 8017, RFC 5915, RFC 5958; client-go `util/keyutil` `ParsePrivateKeyPEM`.

mod algorithm;
mod consistency;
mod encrypted;
pub mod format;
pub mod pem;
mod prime;
mod public;
mod weakness;

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    UnparsedPublicKey,
};
use der::{Any, Decode, Encode, asn1::BitString, oid::ObjectIdentifier};
use pkcs1::{RsaPrivateKeyRef, RsaPublicKey};
use pkcs8::PrivateKeyInfoRef;
use sec1::{EcParameters, EcPrivateKey};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfo};

pub use algorithm::{Algorithm, algorithm_name};
pub use public::{holds_private_key, read_public_keys};
pub use weakness::{
    BlockedKey, Blocklist, BlocklistError, Effort, SharedFactor, Weakness, public_key_weakness, public_key_weaknesses,
    rsa_modulus, shared_factors, shared_factors_until,
};

use self::format::{Format, Wanted};
use self::prime::method::Method;
use crate::entropy;
use crate::error::{evidence, faults};
use crate::remedy::command;
use crate::secret::Secret;

const OID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const OID_SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const OID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const OID_EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

const RSA_LABEL: &str = "RSA PRIVATE KEY";
const EC_LABEL: &str = "EC PRIVATE KEY";
const PKCS8_LABEL: &str = "PRIVATE KEY";
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";

faults! {
    /// Why a key could not be made, read or used.
    pub enum KeyError {
        /// The algorithm is not one of kubeadm's five; the hint lists them. Names are case-sensitive.
        #[error("unknown key algorithm {name:?}")]
        #[fault("key.unknown_algorithm", Usage,
            format!("use one of {}", Algorithm::ALL.map(Algorithm::as_str).join(", ")))]
        UnknownAlgorithm {
            /// What was given.
            name: String,
        },
        /// The file holds no private key block; give a PEM file with an RSA, EC or PKCS#8 `PRIVATE KEY`.
        #[error("the data holds no private key in PEM form")]
        #[fault("key.none", Finding, "give a PEM file with an RSA, EC or PKCS#8 PRIVATE KEY block")]
        NoKey,
        /// The file holds something else than a private key in PEM: the message says what it is, the hint has the command
        /// that converts it.
        #[error("there is no private key in it; it is {}", format.description())]
        #[fault("key.other_format", Finding, |file: &Path| format.remedy(file, Wanted::PrivateKey),
            context = evidence!())]
        OtherFormat {
            /// What it is.
            format: Format,
        },
        /// The key is truncated or damaged; restore it from a backup.
        #[error("the private key is truncated or damaged")]
        #[fault("key.damaged", Finding, "restore the key from a backup; a key cannot be repaired")]
        Damaged,
        /// The key has a passphrase, and Kubernetes reads none: `openssl pkey -in KEY -out KEY.plain`.
        #[error("the private key is encrypted with a passphrase")]
        #[fault("key.encrypted" as ENCRYPTED, Finding, decrypted)]
        Encrypted,
        /// The passphrase is not that of the key.
        #[error("the passphrase does not open the private key")]
        #[fault("key.wrong_passphrase", Finding, "give the passphrase of this very key, without a line break behind it")]
        WrongPassphrase,
        /// The key is behind a passphrase in a form that is outdated: `openssl pkcs8 -topk8` writes one that is read.
        #[error("the private key is encrypted in a form that is not read: {what}")]
        #[fault("key.other_encryption", Finding, encrypted_anew)]
        OtherEncryption {
            /// The form.
            what: &'static str,
        },
        /// The file asks for more work than usual to try a passphrase, so that it would take minutes or all memory.
        #[error("trying a passphrase on the private key takes too much: {reason}")]
        #[fault("key.costly_encryption", Finding, encrypted_anew)]
        CostlyEncryption {
            /// How much.
            reason: String,
        },
        /// The key is neither RSA nor ECDSA; use one that Kubernetes can. A leaf's own Ed25519 key is a warning:
        /// Kubernetes uses it, kubeadm and kubepki cannot read it.
        #[error("the private key is of an unsupported kind ({kind}): neither in RSA nor ECDSA format")]
        #[fault("key.unsupported", Finding, "use an RSA (2048 to 8192 bits) or ECDSA (P-256, P-384, P-521) key")]
        Unsupported {
            /// The algorithm's name or OID.
            kind: String,
        },
        /// The numbers of the key do not fit together, or RSA has fewer than 2048 bits.
        #[error("the private key is not usable: {reason}")]
        #[fault("key.rejected", Finding,
            "check it with: openssl pkey -in KEY -noout -check; RSA keys need at least 2048 bits")]
        Rejected {
            /// The library's reason.
            reason: String,
        },
        /// The cryptographic library failed; try again, then report it.
        #[error("the cryptographic library failed to {operation}")]
        #[fault("key.library", Environment, "try again; if it happens again, report it with the key's algorithm")]
        Library {
            /// What was to be done.
            operation: &'static str,
        },
    }
}

/// The command that takes the passphrase from a key.
fn decrypted(file: &Path) -> String {
    let mut plain = file.as_os_str().to_owned();
    plain.push(".plain");
    let os = std::ffi::OsStr::new;
    let decrypt = [os("openssl"), os("pkey"), os("-in"), file.as_os_str(), os("-out"), &plain];
    format!("decrypt it, and use the result (Kubernetes reads unencrypted keys only): {}", command(decrypt))
}

/// The command that puts a key behind its passphrase as others do.
fn encrypted_anew(file: &Path) -> String {
    let mut anew = file.as_os_str().to_owned();
    anew.push(".p8");
    let os = std::ffi::OsStr::new;
    let words = ["openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in"].map(os);
    format!("encrypt it anew: {}", command(words.into_iter().chain([file.as_os_str(), os("-out"), &anew])))
}

/// How RSA keys are generated in this process: by the sieve of `docs/reference/key-generation.md`, or by the
/// cryptographic library, because of `KUBEPKI_KEYGEN=library`, the feature `library-keygen` or the processor.
///
/// # Examples
/// ```
/// let method = kubepki::key::generation_method();
/// assert!(method.starts_with("sieve") || method.starts_with("library"));
/// ```
#[must_use]
pub fn generation_method() -> &'static str {
    Method::current().describe()
}

enum Inner {
    /// The library's key is made when it is first used: of most keys only the public half is wanted.
    Rsa {
        pair: OnceLock<RsaKeyPair>,
        pkcs1: Secret,
        modulus_bytes: usize,
    },
    Ec {
        pair: EcdsaKeyPair,
        curve: &'static Curve,
        sec1: Secret,
    },
}

/// What belongs to one elliptic curve: RFC 5480 names and the hash that kubeadm signs with.
struct Curve {
    name: &'static str,
    oid: ObjectIdentifier,
    signature: ObjectIdentifier,
    signing: &'static EcdsaSigningAlgorithm,
}

static CURVES: [Curve; 3] = [
    Curve {
        name: "ECDSA-P256",
        oid: ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        signature: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
        signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
    },
    Curve {
        name: "ECDSA-P384",
        oid: ObjectIdentifier::new_unwrap("1.3.132.0.34"),
        signature: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"),
        signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
    },
    Curve {
        name: "ECDSA-P521",
        oid: ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        signature: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"),
        signing: &ECDSA_P521_SHA512_ASN1_SIGNING,
    },
];

/// An RSA or ECDSA private key, ready to sign.
pub struct PrivateKey {
    inner: Inner,
    public_key_info: Vec<u8>,
}

impl PrivateKey {
    /// Makes a new key with the system's entropy.
    ///
    /// # Errors
    /// [`KeyError::Library`] when the cryptographic library fails.
    ///
    /// # Examples
    /// ```
    /// use kubepki::key::{Algorithm, PrivateKey};
    /// let key = PrivateKey::generate(Algorithm::EcdsaP256)?;
    /// assert!(key.to_pem().expose().starts_with(b"-----BEGIN EC PRIVATE KEY-----\n"));
    /// # Ok::<(), kubepki::key::KeyError>(())
    /// ```
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Library { operation: "generate a key" };
        match algorithm {
            Algorithm::Rsa2048 => Self::generate_rsa(2048, KeySize::Rsa2048),
            Algorithm::Rsa3072 => Self::generate_rsa(3072, KeySize::Rsa3072),
            Algorithm::Rsa4096 => Self::generate_rsa(4096, KeySize::Rsa4096),
            Algorithm::EcdsaP256 => {
                Self::from_ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?, &CURVES[0])
            }
            Algorithm::EcdsaP384 => {
                Self::from_ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).map_err(failed)?, &CURVES[1])
            }
        }
    }

    fn generate_rsa(bits: usize, size: KeySize) -> Result<Self, KeyError> {
        match Method::current() {
            Method::Pairs => Self::generate_rsa_by_search(bits, true),
            Method::Single => Self::generate_rsa_by_search(bits, false),
            Method::Library => Self::generate_rsa_by_library(size),
        }
    }

    /// Our own primes; aws-lc checks the key when it loads it, and a signature must verify before anyone has it.
    fn generate_rsa_by_search(bits: usize, in_pairs: bool) -> Result<Self, KeyError> {
        const MESSAGE: &[u8] = b"kubepki pairwise consistency";
        let key = Self::from_pkcs1(prime::generate(bits, in_pairs)?.expose())?;
        let Inner::Rsa { pair, pkcs1, .. } = &key.inner else {
            return Err(KeyError::Library { operation: "generate a key" });
        };
        let pair = loaded(pair, pkcs1)?;
        let signature = key.sign(MESSAGE)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
            .verify(MESSAGE, &signature)
            .map_err(|_| KeyError::Library { operation: "generate a key" })?;
        Ok(key)
    }

    fn generate_rsa_by_library(size: KeySize) -> Result<Self, KeyError> {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        let failed = KeyError::Library { operation: "generate a key" };
        let Ok(pair) = RsaKeyPair::generate(size) else { return Err(failed) };
        let Ok(pkcs8) = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair) else { return Err(failed) };
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// The public half of a private key that Kubernetes uses, and kubeadm and kubepki cannot read: Ed25519.
    #[must_use]
    pub fn ed25519_public_key_info(pem_text: &[u8]) -> Option<Vec<u8>> {
        let block = pem::blocks(pem_text).find(|block| block.label == PKCS8_LABEL && !block.has_headers)?;
        let oid = PrivateKeyInfoRef::try_from(block.der.expose()).ok()?.algorithm.oid;
        if oid != OID_ED25519 {
            return None;
        }
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(block.der.expose()).ok()?;
        encode_public_key_info(AlgorithmIdentifierOwned { oid, parameters: None }, pair.public_key().as_ref()).ok()
    }

    /// Reads the first private key of a PEM file: `RSA PRIVATE KEY`, `EC PRIVATE KEY` or `PRIVATE KEY`
    /// (PKCS#8), other blocks such as `EC PARAMETERS` passed over.
    ///
    /// # Errors
    /// [`KeyError::Encrypted`], [`KeyError::Unsupported`] (Ed25519, DSA), [`KeyError::Damaged`],
    /// [`KeyError::Rejected`] or [`KeyError::NoKey`], when that is all the file holds.
    pub fn from_pem(pem_text: &[u8]) -> Result<Self, KeyError> {
        let mut first_problem = None;
        for block in pem::blocks(pem_text) {
            let outcome = match block.label {
                ENCRYPTED_LABEL => Err(KeyError::Encrypted),
                RSA_LABEL | EC_LABEL | PKCS8_LABEL if block.has_headers => Err(KeyError::Encrypted),
                RSA_LABEL => Self::from_pkcs1(block.der.expose()),
                EC_LABEL => Self::from_sec1(block.der.expose()),
                PKCS8_LABEL => Self::from_pkcs8(block.der.expose()),
                "DSA PRIVATE KEY" | "OPENSSH PRIVATE KEY" => {
                    Err(KeyError::Unsupported { kind: block.label.to_owned() })
                }
                _ => continue,
            };
            match outcome {
                Ok(key) => return Ok(key),
                Err(problem) => {
                    first_problem.get_or_insert(problem);
                }
            }
        }
        Err(first_problem.unwrap_or_else(|| match Format::of(pem_text, Wanted::PrivateKey) {
            Some(format) if !pem::has_broken_block(pem_text) || format == Format::ByteOrderMark => {
                KeyError::OtherFormat { format }
            }
            _ if pem::has_broken_block(pem_text) => KeyError::Damaged,
            _ => KeyError::NoKey,
        }))
    }

    /// Reads the first private key of a PEM file, which a passphrase opens where it is encrypted (`ENCRYPTED PRIVATE KEY`,
    /// PKCS#8).
    ///
    /// # Errors
    /// As [`Self::from_pem`]; [`KeyError::WrongPassphrase`], [`KeyError::OtherEncryption`] (`Proc-Type: 4,ENCRYPTED` too),
    /// [`KeyError::CostlyEncryption`].
    pub fn from_pem_behind(pem_text: &[u8], passphrase: &Secret) -> Result<Self, KeyError> {
        match Self::from_pem(pem_text) {
            Err(KeyError::Encrypted) => {}
            other => return other,
        }
        match pem::blocks(pem_text).find(|block| block.label == ENCRYPTED_LABEL) {
            Some(block) => Self::from_pkcs8(encrypted::opened(block.der.expose(), passphrase)?.expose()),
            None => Err(KeyError::OtherEncryption { what: "openssl's own of old (Proc-Type: 4,ENCRYPTED)" }),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let key = RsaPrivateKeyRef::from_der(der).map_err(|_| KeyError::Damaged)?;
        let (pair, pkcs1) = (OnceLock::new(), Secret::new(der.to_vec()));
        if !consistency::is_known_consistent(&key, der) {
            loaded(&pair, &pkcs1)?;
        }
        let public_key = RsaPublicKey { modulus: key.modulus, public_exponent: key.public_exponent };
        let public_key = public_key.to_der().map_err(|_| KeyError::Damaged)?;
        let algorithm = AlgorithmIdentifierOwned { oid: OID_RSA, parameters: Some(Any::null()) };
        let public_key_info = encode_public_key_info(algorithm, &public_key)?;
        let modulus_bytes = key.modulus.as_bytes().len();
        Ok(Self { inner: Inner::Rsa { pair, pkcs1, modulus_bytes }, public_key_info })
    }

    fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        let parsed = EcPrivateKey::from_der(der).map_err(|_| KeyError::Damaged)?;
        let oid = parsed
            .parameters
            .and_then(EcParameters::named_curve)
            .ok_or_else(|| KeyError::Unsupported { kind: "EC key without a named curve".into() })?;
        Self::from_ec_der(oid, der)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let parsed = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::Damaged)?;
        match parsed.algorithm.oid {
            OID_RSA => Self::from_pkcs1(parsed.private_key.as_bytes()),
            OID_EC_PUBLIC_KEY => {
                let oid = parsed.algorithm.parameters_oid().map_err(|_| KeyError::Damaged)?;
                Self::from_ec_der(oid, der)
            }
            other => Err(KeyError::Unsupported { kind: kind_of(other) }),
        }
    }

    fn from_ec_der(oid: ObjectIdentifier, der: &[u8]) -> Result<Self, KeyError> {
        let curve = CURVES
            .iter()
            .find(|curve| curve.oid == oid)
            .ok_or_else(|| KeyError::Unsupported { kind: format!("curve {oid}") })?;
        let pair =
            EcdsaKeyPair::from_private_key_der(curve.signing, der).map_err(|reason| rejected(&reason.to_string()))?;
        Self::from_ec(pair, curve)
    }

    fn from_ec(pair: EcdsaKeyPair, curve: &'static Curve) -> Result<Self, KeyError> {
        let algorithm = AlgorithmIdentifierOwned { oid: OID_EC_PUBLIC_KEY, parameters: Some(Any::from(curve.oid)) };
        let public_key_info = encode_public_key_info(algorithm, pair.public_key().as_ref())?;
        let sec1 = encode_sec1(&pair, curve)?;
        Ok(Self { inner: Inner::Ec { pair, curve, sec1 }, public_key_info })
    }

    /// The private key as kubeadm writes it: `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC1).
    ///
    /// This is the only way in which a key leaves.
    #[must_use]
    pub fn to_pem(&self) -> Secret {
        match &self.inner {
            Inner::Rsa { pkcs1, .. } => pem::encode(RSA_LABEL, pkcs1.expose()),
            Inner::Ec { sec1, .. } => pem::encode(EC_LABEL, sec1.expose()),
        }
    }

    /// The public key as `SubjectPublicKeyInfo` DER (RFC 5280 section 4.1.2.7).
    #[must_use]
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// The public key as a `PUBLIC KEY` PEM block, as in `sa.pub`.
    #[must_use]
    pub fn public_key_pem(&self) -> Vec<u8> {
        pem::encode("PUBLIC KEY", &self.public_key_info).expose().to_vec()
    }

    /// The kind of key as kubeadm writes it: `RSA-2048`, `ECDSA-P256`.
    #[must_use]
    pub fn kind(&self) -> String {
        match &self.inner {
            Inner::Rsa { modulus_bytes, .. } => format!("RSA-{}", modulus_bytes.saturating_mul(8)),
            Inner::Ec { curve, .. } => curve.name.to_owned(),
        }
    }

    /// The `AlgorithmIdentifier` of this key's signatures: sha256WithRSAEncryption for every RSA key, and
    /// ECDSA with SHA-256, SHA-384 or SHA-512 for P-256, P-384 and P-521.
    #[must_use]
    pub fn signature_algorithm(&self) -> AlgorithmIdentifierOwned {
        match &self.inner {
            Inner::Rsa { .. } => AlgorithmIdentifierOwned { oid: OID_SHA256_WITH_RSA, parameters: Some(Any::null()) },
            Inner::Ec { curve, .. } => AlgorithmIdentifierOwned { oid: curve.signature, parameters: None },
        }
    }

    /// Signs `message` with [`Self::signature_algorithm`].
    ///
    /// # Errors
    /// [`KeyError::Library`] when the cryptographic library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::Library { operation: "sign" };
        let random = entropy::for_signatures();
        match &self.inner {
            Inner::Rsa { pair, pkcs1, .. } => {
                let pair = loaded(pair, pkcs1)?;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Inner::Ec { pair, .. } => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.kind())
    }
}

/// The key as the library has it, which looks at all of its numbers.
fn loaded<'k>(pair: &'k OnceLock<RsaKeyPair>, pkcs1: &Secret) -> Result<&'k RsaKeyPair, KeyError> {
    if let Some(pair) = pair.get() {
        return Ok(pair);
    }
    let made = RsaKeyPair::from_der(pkcs1.expose()).map_err(|reason| rejected(&reason.to_string()))?;
    Ok(pair.get_or_init(|| made))
}

fn encode_sec1(pair: &EcdsaKeyPair, curve: &Curve) -> Result<Secret, KeyError> {
    let failed = KeyError::Library { operation: "encode a key" };
    let Ok(scalar) = pair.private_key().as_be_bytes() else { return Err(failed) };
    let document = EcPrivateKey {
        private_key: scalar.as_ref(),
        parameters: Some(EcParameters::NamedCurve(curve.oid)),
        public_key: Some(pair.public_key().as_ref()),
    };
    document.to_der().map(Secret::new).map_err(|_| failed)
}

fn encode_public_key_info(algorithm: AlgorithmIdentifierOwned, public_key: &[u8]) -> Result<Vec<u8>, KeyError> {
    BitString::from_bytes(public_key)
        .and_then(|subject_public_key| SubjectPublicKeyInfo { algorithm, subject_public_key }.to_der())
        .map_err(|_| KeyError::Library { operation: "encode a public key" })
}

fn kind_of(oid: ObjectIdentifier) -> String {
    algorithm_name(&oid.to_string()).to_owned()
}

/// What the library says in one word, in words for people.
fn rejected(reason: &str) -> KeyError {
    let reason = match reason {
        "InconsistentComponents" => "its numbers do not fit each other",
        "InvalidEncoding" => "it is not encoded as its format demands",
        "TooSmall" => "it is too short",
        "TooLarge" => "it is too long",
        "WrongAlgorithm" => "it is a key for another algorithm",
        _ => "the cryptographic library does not accept it",
    };
    KeyError::Rejected { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnostic;

    fn golden(path: &str) -> Vec<u8> {
        #[allow(clippy::disallowed_methods)]
        std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(path)).unwrap()
    }

    #[test]
    fn keys_that_kubeadm_wrote_are_written_back_byte_for_byte() {
        for path in
            ["minimal/kubernetes/pki/ca.key", "ecdsa-p256/kubernetes/pki/ca.key", "ecdsa-p256/kubernetes/pki/sa.key"]
        {
            let text = golden(path);
            assert_eq!(PrivateKey::from_pem(&text).unwrap().to_pem().expose(), text, "{path}");
        }
    }

    #[test]
    fn the_public_key_equals_the_one_that_kubeadm_wrote() {
        for case in ["minimal", "ecdsa-p256"] {
            let key = PrivateKey::from_pem(&golden(&format!("{case}/kubernetes/pki/sa.key"))).unwrap();
            assert_eq!(key.public_key_pem(), golden(&format!("{case}/kubernetes/pki/sa.pub")), "{case}");
        }
    }

    #[test]
    fn every_algorithm_makes_a_key_that_reads_back_as_itself() {
        for algorithm in Algorithm::ALL {
            let key = PrivateKey::generate(algorithm).unwrap();
            assert_eq!(key.kind(), algorithm.as_str());
            let again = PrivateKey::from_pem(key.to_pem().expose()).unwrap();
            assert_eq!(again.public_key_info(), key.public_key_info());
            assert_eq!(again.to_pem(), key.to_pem());
        }
    }

    #[test]
    fn unusable_keys_are_told_apart() {
        let code = |text: &[u8]| PrivateKey::from_pem(text).unwrap_err().code();
        assert_eq!(code(b""), "key.none");
        assert_eq!(code(b"-----BEGIN EC PRIVATE KEY-----\naGk="), "key.damaged");
        assert_eq!(code(b"-----BEGIN EC PRIVATE KEY-----\naGk=\n-----END EC PRIVATE KEY-----\n"), "key.damaged");
        assert_eq!(
            code(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\naGk=\n-----END ENCRYPTED PRIVATE KEY-----\n"),
            "key.encrypted"
        );
        let ed25519 = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let problem = PrivateKey::from_pem(ed25519).unwrap_err();
        assert_eq!(problem.code(), "key.unsupported");
        assert!(problem.to_string().contains("Ed25519"), "{problem}");
        let parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        let mut text = parameters.to_vec();
        text.extend(golden("ecdsa-p256/kubernetes/pki/ca.key"));
        assert_eq!(PrivateKey::from_pem(&text).unwrap().kind(), "ECDSA-P256");
    }

    #[test]
    fn debug_shows_the_kind_alone() {
        let key = PrivateKey::generate(Algorithm::EcdsaP384).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(ECDSA-P384)");
    }
}
