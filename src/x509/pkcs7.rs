//! The certificates of a PKCS#7 bundle (`.p7b`): what CAs hand out, and `openssl crl2pkcs7` makes.
//!
//! In: the DER of a `SignedData`. Out: the DER of each certificate in it, in its order. No signature is looked at.
//!
//! Source: RFC 5652 sections 3, 5.1, 10.2.3.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};

use super::X509Error;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// The DER of every certificate.
///
/// # Errors
/// [`X509Error::Damaged`] when the bytes are no `SignedData`.
pub fn certificates(pkcs7: &[u8]) -> Result<Vec<Vec<u8>>, X509Error> {
    inner(pkcs7).map_err(|error| X509Error::Damaged { reason: format!("not a PKCS#7 bundle: {error}") })
}

fn inner(pkcs7: &[u8]) -> Result<Vec<Vec<u8>>, der::Error> {
    let info = AnyRef::from_der(pkcs7)?;
    let parts = elements(info.value())?;
    let (kind, content) = match parts.as_slice() {
        [kind, content] => (kind.decode_as::<ObjectIdentifier>()?, content),
        _ => return Err(Tag::Sequence.length_error().into()),
    };
    if kind != SIGNED_DATA {
        return Err(Tag::ObjectIdentifier.value_error().into());
    }
    let signed_data = AnyRef::from_der(content.value())?;
    let is_set_of_certificates =
        |part: &&AnyRef<'_>| part.tag() == Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    let parts = elements(signed_data.value())?;
    let Some(set) = parts.iter().find(is_set_of_certificates) else { return Ok(Vec::new()) };
    elements(set.value())?.iter().map(der::Encode::to_der).collect()
}

/// The elements that stand one behind the other.
fn elements(bytes: &[u8]) -> Result<Vec<AnyRef<'_>>, der::Error> {
    let mut reader = SliceReader::new(bytes)?;
    let mut all = Vec::new();
    while !reader.is_finished() {
        all.push(AnyRef::decode(&mut reader)?);
    }
    Ok(all)
}
