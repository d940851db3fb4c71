//! Whether all of a request is understood: what is signed must say what was read, and nothing else.
//!
//! In: a request's DER. Out: every reason why another reader may see something else in it. The request is taken apart
//! into plain values and written again; each byte must be the same. So there is one encoding, nothing behind a value's
//! end, and nothing between. The reader of `request` is tolerant, so that a strange request can be shown.
//!
//! Source: RFC 2986 section 4, X.690 sections 10 and 11 (DER), RFC 5280 sections 4.1.2.4 and 4.2.

use std::collections::BTreeSet;

use der::asn1::{AnyRef, BitStringRef, Ia5StringRef, ObjectIdentifier, OctetString, PrintableStringRef, SetOfVec};
use der::{Decode, Encode, Sequence, Tag, Tagged as _, ValueOrd};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralNames;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage};

use super::EXTENSION_REQUEST;
use crate::text::is_unprintable;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// The curves, and the bytes of a coordinate.
const CURVES: [(ObjectIdentifier, usize); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), 32),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), 48),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), 66),
];

#[derive(Sequence)]
struct Request<'a> {
    info: Info<'a>,
    signature_algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

#[derive(Sequence)]
struct Info<'a> {
    version: AnyRef<'a>,
    subject: Vec<SetOfVec<NamePart<'a>>>,
    public_key: SubjectPublicKeyInfoRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    attributes: SetOfVec<Attribute<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Sequence, ValueOrd)]
struct NamePart<'a> {
    oid: ObjectIdentifier,
    value: AnyRef<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq, Sequence, ValueOrd)]
struct Attribute<'a> {
    oid: ObjectIdentifier,
    values: SetOfVec<AnyRef<'a>>,
}

/// RFC 8017 appendix A.1.1.
#[derive(Sequence)]
struct RsaKey<'a> {
    modulus: der::asn1::UintRef<'a>,
    exponent: der::asn1::UintRef<'a>,
}

/// Every reason why the request may be read otherwise than it was.
pub(super) fn misunderstandings(der: &[u8]) -> Vec<String> {
    let request = match Request::from_der(der) {
        Ok(request) => request,
        Err(error) => return vec![format!("it is not the DER of a request: {error}")],
    };
    let mut all = Vec::new();
    if request.to_der().ok().as_deref() != Some(der) {
        all.push("a part of it is not in the one encoding that DER has for it".to_owned());
    }
    let version = request.info.version;
    if version.tag() != Tag::Integer || version.value() != [0] {
        all.push("its version is not 0, the only one that there is".to_owned());
    }
    if request.signature.unused_bits() != 0 {
        all.push("its signature is not made of whole bytes".to_owned());
    }
    judge_subject(&request.info.subject, &mut all);
    all.extend(key_fault(&request.info.public_key).map(|fault| format!("its public key {fault}")));
    judge_attributes(request.info.attributes.iter(), &mut all);
    all
}

fn judge_subject(subject: &[SetOfVec<NamePart<'_>>], all: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for relative in subject {
        if relative.is_empty() {
            all.push("its subject has a part without an attribute".to_owned());
        }
        for part in relative.iter() {
            if let Some(fault) = text_fault(part) {
                all.push(format!("the attribute {} of its subject {fault}", part.oid));
            }
            if !seen.insert((part.oid, part.value.value().to_vec())) {
                all.push(format!("its subject says the same attribute {} twice", part.oid));
            } else if part.oid == COMMON_NAME && seen.iter().filter(|(oid, _)| *oid == COMMON_NAME).count() == 2 {
                all.push("its subject has several common names".to_owned());
            }
        }
    }
}

/// What is wrong with the text of a subject's attribute.
fn text_fault(part: &NamePart<'_>) -> Option<String> {
    let bytes = part.value.value();
    let text = match part.value.tag() {
        Tag::Utf8String => std::str::from_utf8(bytes).ok(),
        Tag::PrintableString => PrintableStringRef::new(bytes).ok().and_then(|_| std::str::from_utf8(bytes).ok()),
        Tag::Ia5String => Ia5StringRef::new(bytes).ok().and_then(|_| std::str::from_utf8(bytes).ok()),
        other => return Some(format!("is a {other}, which programs read differently")),
    };
    let Some(text) = text else { return Some("holds characters that its type does not have".to_owned()) };
    if text.is_empty() {
        return Some("is empty".to_owned());
    }
    text.chars().any(is_unprintable).then(|| "holds control characters, or such that are not seen".to_owned())
}

fn key_fault(key: &SubjectPublicKeyInfoRef<'_>) -> Option<String> {
    if key.subject_public_key.unused_bits() != 0 {
        return Some("is not made of whole bytes".to_owned());
    }
    let bytes = key.subject_public_key.raw_bytes();
    if key.algorithm.oid == RSA {
        let has_null = key.algorithm.parameters.is_some_and(|parameters| parameters == AnyRef::NULL);
        if !has_null {
            return Some("has other parameters than an RSA key's".to_owned());
        }
        let is_exact = RsaKey::from_der(bytes).and_then(|key| key.to_der()).is_ok_and(|der| der == bytes);
        return (!is_exact).then(|| "is more, or less, than a modulus and an exponent".to_owned());
    }
    if key.algorithm.oid == ELLIPTIC {
        let curve = key.algorithm.parameters.and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
        let Some(curve) = curve else { return Some("does not name its curve".to_owned()) };
        // A curve that Kubernetes does not use makes a weak key, which is said elsewhere.
        let (_, width) = CURVES.iter().find(|(oid, _)| *oid == curve)?;
        let is_point = bytes.first() == Some(&4) && bytes.len() == 1 + 2 * width;
        return (!is_point).then(|| "is not a point in full (uncompressed)".to_owned());
    }
    None
}

fn judge_attributes<'a>(attributes: impl Iterator<Item = &'a Attribute<'a>>, all: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for attribute in attributes {
        if !seen.insert(attribute.oid) {
            all.push(format!("it has the attribute {} twice", attribute.oid));
        }
        let mut values = attribute.values.iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            all.push(format!("its attribute {} has not exactly one value", attribute.oid));
            continue;
        };
        if attribute.oid == EXTENSION_REQUEST {
            all.extend(extensions_fault(value));
        }
    }
}

fn extensions_fault(value: &AnyRef<'_>) -> Option<String> {
    let der = value.to_der().ok()?;
    let extensions = match Vec::<Extension>::from_der(&der) {
        Ok(extensions) => extensions,
        Err(error) => return Some(format!("its extensions cannot be read: {error}")),
    };
    if extensions.to_der().ok().as_deref() != Some(&der) {
        return Some("its extensions are not in the one encoding that DER has for them".to_owned());
    }
    extensions.iter().find_map(|extension| {
        let value = extension.extn_value.as_bytes();
        let is_exact = match extension.extn_id.to_string().as_str() {
            "2.5.29.15" => is_exact::<KeyUsage>(value),
            "2.5.29.37" => is_exact::<ExtendedKeyUsage>(value) && has_no_twins(value),
            "2.5.29.19" => is_exact::<BasicConstraints>(value),
            "2.5.29.17" => is_exact::<GeneralNames>(value) && has_no_twins(value),
            "2.5.29.14" => is_exact::<OctetString>(value),
            "2.5.29.35" => is_exact::<AuthorityKeyIdentifier>(value),
            // Refused, or passed over, as a whole.
            _ => true,
        };
        (!is_exact)
            .then(|| format!("its extension {} holds more than was read, or says a thing twice", extension.extn_id))
    })
}

/// Whether `der` is one value of this type, as it would be written.
fn is_exact<T: for<'a> Decode<'a, Error = der::Error> + Encode>(der: &[u8]) -> bool {
    T::from_der(der).and_then(|value| value.to_der()).is_ok_and(|again| again == der)
}

/// Whether a list has something in it, and nothing twice.
fn has_no_twins(der: &[u8]) -> bool {
    let Ok(items) = Vec::<AnyRef<'_>>::from_der(der) else { return false };
    let different: BTreeSet<_> = items.iter().filter_map(|item| item.to_der().ok()).collect();
    !items.is_empty() && different.len() == items.len()
}
