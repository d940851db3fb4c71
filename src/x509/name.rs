//! Distinguished names: built as Go's `crypto/x509/pkix` builds them, read as anybody wrote them.
//!
//! In: organizations and a common name, or the DER of a `Name`. Out: [`DistinguishedName`], which is its DER:
//! an issuer is copied bit by bit, never re-encoded, since a re-encoded name breaks the chain.
//!
//! Source: RFC 5280 section 4.1.2.4; Go `crypto/x509/pkix` `Name.ToRDNSequence` and `encoding/asn1` (string types).

use std::fmt;

use der::asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Decode, Encode, Header, Tag};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::X509Error;
use super::go::{Reader, SEQUENCE, SET, read_text};
use crate::digest::{hex, unhex};
use crate::text::is_unprintable;

const OID_COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const OID_ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// An X.501 name as DER; equal when the DER is equal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DistinguishedName {
    der: Vec<u8>,
}

impl DistinguishedName {
    /// The name that kubeadm makes: all organizations in one multi-valued RDN (a SET, sorted as DER asks,
    /// duplicates kept), then the common name; empty parts are left out.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when a text is too long for DER.
    ///
    /// # Examples
    /// ```
    /// use kubepki::x509::DistinguishedName;
    /// let name = DistinguishedName::new(&["system:masters"], "kubernetes-super-admin")?;
    /// assert_eq!(name.to_string(), "CN=kubernetes-super-admin,O=system:masters");
    /// # Ok::<(), kubepki::x509::X509Error>(())
    /// ```
    pub fn new<S: AsRef<str>>(organizations: &[S], common_name: &str) -> Result<Self, X509Error> {
        let mut content = Vec::new();
        if !organizations.is_empty() {
            let values: Vec<_> = organizations.iter().map(|value| (OID_ORGANIZATION, value.as_ref())).collect();
            content.extend(relative_name(&values)?);
        }
        if !common_name.is_empty() {
            content.extend(relative_name(&[(OID_COMMON_NAME, common_name)])?);
        }
        Ok(Self { der: wrap(Tag::Sequence, &content)? })
    }

    /// Takes a name over as it is.
    ///
    /// # Errors
    /// [`X509Error::Encoding`] when the bytes are not a DER `SEQUENCE`.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        der::asn1::AnyRef::from_der(der)
            .ok()
            .filter(|any| any.header().tag() == Tag::Sequence)
            .ok_or(X509Error::Encoding { what: "name" })?;
        Ok(Self { der: der.to_vec() })
    }

    /// The DER of the `Name`.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Whether the name has no part at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.der == [0x30, 0x00]
    }

    /// The first common name, if there is one.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        self.values(OID_COMMON_NAME).into_iter().next()
    }

    /// All organizations, in the order of the DER.
    #[must_use]
    pub fn organizations(&self) -> Vec<String> {
        self.values(OID_ORGANIZATION)
    }

    fn values(&self, oid: ObjectIdentifier) -> Vec<String> {
        let oid = oid.to_string();
        self.relative_names().into_iter().flatten().filter(|part| part.oid == oid).map(|part| part.value).collect()
    }

    /// The relative names in order, each a list of its attributes; empty when the name cannot be read.
    #[must_use]
    pub fn relative_names(&self) -> Vec<Vec<NameAttribute>> {
        read_relative_names(&self.der).unwrap_or_default()
    }
}

/// Texts are read as Go reads them.
fn read_relative_names(der: &[u8]) -> Option<Vec<Vec<NameAttribute>>> {
    let mut sets = Reader::new(der).read(SEQUENCE)?;
    let mut names = Vec::new();
    while !sets.is_empty() {
        let mut set = sets.read(SET)?;
        let mut attributes = Vec::new();
        while !set.is_empty() {
            let mut attribute = set.read(SEQUENCE)?;
            let oid = attribute.object_identifier()?;
            let value = attribute.any()?;
            let text = read_text(value.tag, value.content);
            let value = text.unwrap_or_else(|_| format!("#{}", hex(value.content)));
            attributes.push(NameAttribute { oid, value });
        }
        names.push(attributes);
    }
    Some(names)
}

/// One attribute of a relative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAttribute {
    /// The dotted object identifier of its type.
    pub oid: String,
    /// Its text; `#` and hexadecimal digits when it is not a string that can be read.
    pub value: String,
}

impl NameAttribute {
    /// The short name of RFC 4514 section 3 (`CN`, `O`), or the object identifier.
    #[must_use]
    pub fn short_name(&self) -> &str {
        match self.oid.as_str() {
            "2.5.4.3" => "CN",
            "2.5.4.5" => "serialNumber",
            "2.5.4.6" => "C",
            "2.5.4.7" => "L",
            "2.5.4.8" => "ST",
            "2.5.4.9" => "STREET",
            "2.5.4.10" => "O",
            "2.5.4.11" => "OU",
            "2.5.4.17" => "postalCode",
            "0.9.2342.19200300.100.1.25" => "DC",
            "0.9.2342.19200300.100.1.1" => "UID",
            "1.2.840.113549.1.9.1" => "emailAddress",
            other => other,
        }
    }
}

/// RFC 4514: the relative names in reverse order, `+` between the attributes of one.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.relative_names();
        if names.is_empty() && !self.is_empty() {
            return write!(f, "#{}", hex(&self.der));
        }
        for (position, relative) in names.iter().rev().enumerate() {
            for (index, attribute) in relative.iter().enumerate() {
                match (position, index) {
                    (0, 0) => {}
                    (_, 0) => f.write_str(",")?,
                    _ => f.write_str("+")?,
                }
                write!(f, "{}=", attribute.short_name())?;
                write_escaped(f, &attribute.value)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({self})")
    }
}

/// RFC 4514 section 2.4; what may not be shown as it is becomes `\hh`.
fn write_escaped(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    let last = value.chars().count().saturating_sub(1);
    for (position, character) in value.chars().enumerate() {
        let at_edge =
            (position == 0 && (character == ' ' || character == '#')) || (position == last && character == ' ');
        if is_unprintable(character) {
            let mut buffer = [0; 4];
            for byte in character.encode_utf8(&mut buffer).bytes() {
                write!(f, "\\{byte:02X}")?;
            }
        } else if at_edge || "\"+,;<>\\".contains(character) {
            write!(f, "\\{character}")?;
        } else {
            write!(f, "{character}")?;
        }
    }
    Ok(())
}

/// Serialised for readers (`text`) and for machines (`der`, hexadecimal). Read back from `der`, and refused when `text`
/// says something else.
#[derive(Serialize, Deserialize)]
struct Serialized {
    text: String,
    der: String,
}

impl Serialize for DistinguishedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialized { text: self.to_string(), der: hex(&self.der) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DistinguishedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let serialized = Serialized::deserialize(deserializer)?;
        let name = unhex(serialized.der.as_bytes())
            .and_then(|der| Self::from_der(&der).ok())
            .ok_or_else(|| serde::de::Error::custom("not a DER name"))?;
        // The text is what people have seen.
        let text = name.to_string();
        if text != serialized.text {
            let reason = format!("the text of a name is {:?}, and its DER says {text:?}", serialized.text);
            return Err(serde::de::Error::custom(reason));
        }
        Ok(name)
    }
}

/// `SET OF AttributeTypeAndValue`, elements sorted by their DER as X.690 section 11.6 asks.
fn relative_name(values: &[(ObjectIdentifier, &str)]) -> Result<Vec<u8>, X509Error> {
    let mut elements = Vec::with_capacity(values.len());
    for (oid, text) in values {
        let mut content = oid.to_der().map_err(failed)?;
        content.extend(string(text)?);
        elements.push(wrap(Tag::Sequence, &content)?);
    }
    elements.sort();
    wrap(Tag::Set, &elements.concat())
}

/// `PrintableString` where it can hold the text (Go leaves `*` and `&` to `UTF8String`), else `UTF8String`.
fn string(text: &str) -> Result<Vec<u8>, X509Error> {
    let printable = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte));
    if printable {
        PrintableStringRef::new(text).and_then(|value| value.to_der()).map_err(failed)
    } else {
        Utf8StringRef::new(text).and_then(|value| value.to_der()).map_err(failed)
    }
}

fn wrap(tag: Tag, content: &[u8]) -> Result<Vec<u8>, X509Error> {
    let length = der::Length::try_from(content.len()).map_err(failed)?;
    let mut der = Header::new(tag, length).to_der().map_err(failed)?;
    der.extend_from_slice(content);
    Ok(der)
}

fn failed(_: der::Error) -> X509Error {
    X509Error::Encoding { what: "name" }
}
