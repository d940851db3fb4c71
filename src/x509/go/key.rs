//! Public keys as Go reads them: RSA, ECDSA on four curves, Ed25519, DSA; any other kind is kept unread.
//!
//! In: a `SubjectPublicKeyInfo`. Out: [`PublicKey`], or the broken rule. No secret is in here, so nothing need run in
//! constant time.
//!
//! Source: RFC 3279, RFC 5480, RFC 8410; FIPS 186-4 appendix D.1.2 (the curves).

use super::der::{Bits, Element, Reader, SEQUENCE, is_negative, is_zero, signed};
use super::rule::{Broken, Rule};
use crate::key::algorithm_name;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::x509) enum PublicKey {
    /// Modulus and exponent.
    Rsa { modulus: Vec<u8>, exponent: i64 },
    /// A curve, and `0x04` with both coordinates.
    Ecdsa { curve: Curve, point: Vec<u8> },
    /// 32 bytes.
    Ed25519 { key: Vec<u8> },
    /// Read, and good for nothing.
    Dsa,
    /// Of an algorithm that Go does not know.
    Unknown { algorithm: String },
}

/// The curves that Go knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::x509) enum Curve {
    P224,
    P256,
    P384,
    P521,
}

impl PublicKey {
    /// The modulus, or the point; nothing of a key of which no signature is verified.
    pub(super) fn number(&self) -> &[u8] {
        match self {
            Self::Rsa { modulus: number, .. } | Self::Ecdsa { point: number, .. } | Self::Ed25519 { key: number } => {
                number
            }
            Self::Dsa | Self::Unknown { .. } => &[],
        }
    }

    /// An RSA key's exponent; 0 of another kind.
    pub(super) fn exponent(&self) -> i64 {
        if let Self::Rsa { exponent, .. } = self { *exponent } else { 0 }
    }

    /// `RSA-2048`, `ECDSA-P256`, `ML-DSA-65`, or the object identifier of a kind of key that has no name here.
    pub(in crate::x509) fn kind(&self) -> String {
        match self {
            Self::Rsa { modulus, .. } => format!("RSA-{}", bit_length(modulus)),
            Self::Ecdsa { curve: Curve::P224, .. } => "ECDSA-P224".to_owned(),
            Self::Ecdsa { curve: Curve::P256, .. } => "ECDSA-P256".to_owned(),
            Self::Ecdsa { curve: Curve::P384, .. } => "ECDSA-P384".to_owned(),
            Self::Ecdsa { curve: Curve::P521, .. } => "ECDSA-P521".to_owned(),
            Self::Ed25519 { .. } => "Ed25519".to_owned(),
            Self::Dsa => "DSA".to_owned(),
            Self::Unknown { algorithm } => algorithm_name(algorithm).to_owned(),
        }
    }
}

pub(super) fn bit_length(number: &[u8]) -> usize {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let rest = number.get(start..).unwrap_or_default();
    let leading = rest.first().map_or(0, |byte| byte.leading_zeros());
    (rest.len() * 8).saturating_sub(usize::try_from(leading).unwrap_or_default())
}

/// Reads a `SubjectPublicKeyInfo`.
pub(super) fn read_public_key(info: &[u8]) -> Result<PublicKey, Broken> {
    let structure = || Broken::of(Rule::STRUCTURE, "the public key has not its structure");
    let mut info = Reader::new(info).read(SEQUENCE).ok_or_else(structure)?;
    let mut algorithm = info.read(SEQUENCE).ok_or_else(structure)?;
    let oid = algorithm
        .object_identifier()
        .ok_or_else(|| Broken::of(Rule::OID, "the key's algorithm is no object identifier"))?;
    let parameters = if algorithm.is_empty() { None } else { Some(algorithm.any().ok_or_else(structure)?) };
    let bits = info.bits().ok_or_else(|| Broken::of(Rule::BIT_STRING, "the public key is no proper BIT STRING"))?;
    match oid.as_str() {
        "1.2.840.113549.1.1.1" => rsa(parameters, bits),
        "1.2.840.10045.2.1" => ecdsa(parameters, bits),
        "1.3.101.112" => ed25519(parameters, bits),
        "1.2.840.10040.4.1" => dsa(parameters, bits),
        _ => Ok(PublicKey::Unknown { algorithm: oid }),
    }
}

fn bad(found: &str) -> Broken {
    Broken::of(Rule::PUBLIC_KEY, found)
}

fn rsa(parameters: Option<Element<'_>>, bits: Bits<'_>) -> Result<PublicKey, Broken> {
    if parameters.is_none_or(|parameters| parameters.whole != [0x05, 0x00]) {
        return Err(Broken::of(Rule::RSA_PARAMETERS, "the RSA key's algorithm has no NULL parameters"));
    }
    let data = bits.right_aligned();
    let broken = || bad("the RSA key is not a modulus and an exponent");
    let mut key = Reader::new(&data).read(SEQUENCE).ok_or_else(broken)?;
    let modulus = key.integer().ok_or_else(broken)?;
    let exponent = key.integer().and_then(signed).ok_or_else(broken)?;
    if is_negative(modulus) || is_zero(modulus) || exponent <= 0 {
        return Err(bad("the RSA key's modulus or exponent is not positive"));
    }
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus).to_vec();
    Ok(PublicKey::Rsa { modulus, exponent })
}

fn ecdsa(parameters: Option<Element<'_>>, bits: Bits<'_>) -> Result<PublicKey, Broken> {
    let named = parameters.and_then(|parameters| Reader::new(parameters.whole).object_identifier());
    let curve = match named.as_deref() {
        Some("1.3.132.0.33") => Curve::P224,
        Some("1.2.840.10045.3.1.7") => Curve::P256,
        Some("1.3.132.0.34") => Curve::P384,
        Some("1.3.132.0.35") => Curve::P521,
        Some(other) => return Err(Broken::of(Rule::CURVE, format!("the key is on the curve {other}"))),
        None => return Err(Broken::of(Rule::CURVE, "the key's curve is not named by an object identifier")),
    };
    let point = bits.right_aligned();
    if curve.has(&point) {
        Ok(PublicKey::Ecdsa { curve, point })
    } else {
        Err(Broken::of(Rule::POINT, "the key is no uncompressed point of its curve"))
    }
}

fn ed25519(parameters: Option<Element<'_>>, bits: Bits<'_>) -> Result<PublicKey, Broken> {
    let key = bits.right_aligned();
    if parameters.is_some() || key.len() != 32 {
        return Err(bad("the Ed25519 key has parameters, or has not 32 bytes"));
    }
    Ok(PublicKey::Ed25519 { key })
}

fn dsa(parameters: Option<Element<'_>>, bits: Bits<'_>) -> Result<PublicKey, Broken> {
    let data = bits.right_aligned();
    let positive = |reader: &mut Reader<'_>| {
        reader.integer().filter(|number| !is_negative(number) && !is_zero(number)).map(|_| ())
    };
    let read = || {
        positive(&mut Reader::new(&data))?;
        let mut parameters = Reader::new(parameters?.whole).read(SEQUENCE)?;
        (0..3).try_for_each(|_| positive(&mut parameters))
    };
    read().map(|()| PublicKey::Dsa).ok_or_else(|| bad("the DSA key is not made of positive numbers"))
}

/// A number below a curve's prime: 64-bit limbs, the lowest first.
type Number = [u64; 9];

impl Curve {
    fn field(self) -> (usize, &'static str, &'static str) {
        match self {
            Self::P224 => (
                28,
                "ffffffffffffffffffffffffffffffff000000000000000000000001",
                "b4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4",
            ),
            Self::P256 => (
                32,
                "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
                "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
            ),
            Self::P384 => (
                48,
                "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
                "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
            ),
            Self::P521 => (
                66,
                "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
            ),
        }
    }

    /// Whether `point` is `0x04` and two coordinates with y^2 = x^3 - 3x + b.
    fn has(self, point: &[u8]) -> bool {
        let (length, prime, constant) = self.field();
        let Some((4, coordinates)) = point.split_first() else { return false };
        let Some((x, y)) = coordinates.split_at_checked(length).filter(|(_, y)| y.len() == length) else {
            return false;
        };
        let digits = |text: &str| number(&crate::digest::unhex(text.as_bytes()).unwrap_or_default());
        let (prime, constant) = (digits(prime), digits(constant));
        let (x, y) = (number(x), number(y));
        if !is_less(&x, &prime) || !is_less(&y, &prime) {
            return false;
        }
        let limbs = length.div_ceil(8);
        let times = |one: &Number, other: &Number| multiply(one, other, &prime, limbs);
        let plus = |one: &Number, other: &Number| add(one, other, &prime);
        let three_x = plus(&plus(&x, &x), &x);
        plus(&times(&y, &y), &three_x) == plus(&times(&times(&x, &x), &x), &constant)
    }
}

fn number(bytes: &[u8]) -> Number {
    let mut number = [0; 9];
    for (limb, chunk) in number.iter_mut().zip(bytes.rchunks(8)) {
        *limb = chunk.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    }
    number
}

fn is_less(one: &Number, other: &Number) -> bool {
    one.iter().rev().lt(other.iter().rev())
}

/// Both are below `prime`, and so is the sum.
fn add(one: &Number, other: &Number, prime: &Number) -> Number {
    let mut sum = [0; 9];
    let mut carry = false;
    for ((limb, one), other) in sum.iter_mut().zip(one).zip(other) {
        let (half, first) = one.overflowing_add(*other);
        let (whole, second) = half.overflowing_add(u64::from(carry));
        (*limb, carry) = (whole, first || second);
    }
    if is_less(&sum, prime) {
        return sum;
    }
    let mut borrow = false;
    for (limb, prime) in sum.iter_mut().zip(prime) {
        let (half, first) = limb.overflowing_sub(*prime);
        let (whole, second) = half.overflowing_sub(u64::from(borrow));
        (*limb, borrow) = (whole, first || second);
    }
    sum
}

/// By doubling and adding, from the highest bit on.
fn multiply(one: &Number, other: &Number, prime: &Number, limbs: usize) -> Number {
    let mut product = [0; 9];
    for limb in other.iter().take(limbs).rev() {
        for bit in (0..64).rev() {
            product = add(&product, &product, prime);
            if limb >> bit & 1 == 1 {
                product = add(&product, one, prime);
            }
        }
    }
    product
}
