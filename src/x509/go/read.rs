//! A certificate as Go's `ParseCertificate` reads it.
//!
//! In: DER. Out: [`Facts`], all that verifying needs, or the broken rule. What Go passes over (bytes behind the
//! extensions, say) is passed over here.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::der::{Element, OCTET_STRING, Reader, SEQUENCE, SET, is_negative, is_zero, signed};
use super::extension::{Extension, ExtensionFacts};
use super::key::{PublicKey, read_public_key};
use super::rule::{Broken, Rule};
use super::signature::SignatureAlgorithm;
use super::text::read_text;
use super::time::read_time;

/// What a certificate says, as Go has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::x509) struct Facts {
    /// 1, 2 or 3.
    pub(in crate::x509) version: u8,
    /// Big-endian, without a leading zero.
    pub(in crate::x509) serial: Vec<u8>,
    /// The part that is signed.
    pub(in crate::x509) signed_part: Vec<u8>,
    /// The signature's algorithm.
    pub(in crate::x509) algorithm: SignatureAlgorithm,
    /// The dotted object identifier of that algorithm.
    pub(in crate::x509) algorithm_oid: String,
    /// The signature.
    pub(in crate::x509) signature: Vec<u8>,
    /// The issuer's name in DER.
    pub(in crate::x509) issuer: Vec<u8>,
    /// The subject's name in DER.
    pub(in crate::x509) subject: Vec<u8>,
    /// The first moment.
    pub(in crate::x509) not_before: DateTime<Utc>,
    /// The last moment.
    pub(in crate::x509) not_after: DateTime<Utc>,
    /// The `SubjectPublicKeyInfo` in DER.
    pub(in crate::x509) public_key_info: Vec<u8>,
    /// What it holds.
    pub(in crate::x509) public_key: PublicKey,
    /// What the extensions say.
    pub(in crate::x509) extensions: ExtensionFacts,
}

fn missing(what: &str) -> Broken {
    Broken::of(Rule::STRUCTURE, format!("the {what} is not where it must be, or is no DER"))
}

/// Reads one certificate, which must be all of `der`.
pub(in crate::x509) fn read(der: &[u8]) -> Result<Facts, Broken> {
    let mut all = Reader::new(der);
    let mut certificate =
        all.read(SEQUENCE).ok_or_else(|| Broken::of(Rule::DER, "it is not a DER sequence, or it is cut off"))?;
    let signed_part = certificate.element(SEQUENCE).ok_or_else(|| missing("signed part"))?;
    let mut body = Reader::new(signed_part.content);
    let version = version(&mut body)?;
    let serial = serial(&mut body)?;
    let algorithm = body.element(SEQUENCE).ok_or_else(|| missing("signature algorithm"))?;
    let outer = certificate.element(SEQUENCE).ok_or_else(|| missing("outer signature algorithm"))?;
    if algorithm.content != outer.content {
        return Err(Broken::of(
            Rule::ALGORITHM_MISMATCH,
            "the signature algorithms inside and outside are not the same",
        ));
    }
    let (algorithm_oid, parameters) = algorithm_identifier(algorithm.content)?;
    let issuer = name(&mut body, "issuer")?;
    let mut validity = body.read(SEQUENCE).ok_or_else(|| missing("validity"))?;
    let (not_before, not_after) = (read_time(&mut validity)?, read_time(&mut validity)?);
    let subject = name(&mut body, "subject")?;
    let info = body.element(SEQUENCE).ok_or_else(|| missing("public key"))?;
    let public_key = read_public_key(info.whole)?;
    let extensions = if version > 1 { extensions(&mut body, version)? } else { ExtensionFacts::default() };
    let signature =
        certificate.bits().ok_or_else(|| Broken::of(Rule::BIT_STRING, "the signature is no proper BIT STRING"))?;
    if !all.is_empty() {
        return Err(Broken::of(Rule::TRAILING, format!("{} bytes come behind it", all.remaining())));
    }
    Ok(Facts {
        version,
        serial,
        signed_part: signed_part.whole.to_vec(),
        algorithm: SignatureAlgorithm::of(&algorithm_oid, parameters),
        algorithm_oid,
        signature: signature.right_aligned(),
        issuer,
        subject,
        not_before,
        not_after,
        public_key_info: info.whole.to_vec(),
        public_key,
        extensions,
    })
}

fn version(body: &mut Reader<'_>) -> Result<u8, Broken> {
    let broken = || Broken::of(Rule::VERSION, "the version is no number from 1 to 3");
    let Some(mut explicit) = body.optional(0xa0).ok_or_else(broken)? else { return Ok(1) };
    let number = explicit.integer().and_then(signed).filter(|number| (0..=2).contains(number));
    let number = number.filter(|_| explicit.is_empty()).ok_or_else(broken)?;
    u8::try_from(number + 1).map_err(|_| broken())
}

fn serial(body: &mut Reader<'_>) -> Result<Vec<u8>, Broken> {
    let serial = body
        .integer()
        .ok_or_else(|| Broken::of(Rule::SERIAL, "the serial number is no INTEGER in its shortest form"))?;
    if is_negative(serial) {
        let shown = crate::digest::hex(serial);
        return Err(Broken::of(Rule::SERIAL_NEGATIVE, format!("the serial number is negative (bytes {shown})")));
    }
    Ok(if is_zero(serial) { Vec::new() } else { serial.strip_prefix(&[0]).unwrap_or(serial).to_vec() })
}

fn algorithm_identifier(content: &[u8]) -> Result<(String, Option<Element<'_>>), Broken> {
    let mut reader = Reader::new(content);
    let oid = reader
        .object_identifier()
        .ok_or_else(|| Broken::of(Rule::OID, "the signature algorithm is no object identifier"))?;
    let parameters =
        if reader.is_empty() { None } else { Some(reader.any().ok_or_else(|| missing("algorithm's parameter"))?) };
    Ok((oid, parameters))
}

fn name(body: &mut Reader<'_>, what: &str) -> Result<Vec<u8>, Broken> {
    let element = body.element(SEQUENCE).ok_or_else(|| missing(what))?;
    check_name(element.content).map_err(|broken| Broken { found: format!("{what}: {}", broken.found), ..broken })?;
    Ok(element.whole.to_vec())
}

/// What comes behind an attribute's value is passed over.
fn check_name(content: &[u8]) -> Result<(), Broken> {
    let broken = || Broken::of(Rule::NAME, "the name is not made of sets of attributes");
    let mut relative_names = Reader::new(content);
    while !relative_names.is_empty() {
        let mut set = relative_names.read(SET).ok_or_else(broken)?;
        while !set.is_empty() {
            let mut attribute = set.read(SEQUENCE).ok_or_else(broken)?;
            attribute
                .object_identifier()
                .ok_or_else(|| Broken::of(Rule::OID, "an attribute's type is no object identifier"))?;
            let value = attribute.any().ok_or_else(broken)?;
            read_text(value.tag, value.content)?;
        }
    }
    Ok(())
}

fn extensions(body: &mut Reader<'_>, version: u8) -> Result<ExtensionFacts, Broken> {
    for unique in [0x81, 0x82] {
        body.optional(unique).ok_or_else(|| missing("unique identifier"))?;
    }
    let broken = || Broken::of(Rule::EXTENSION, "the extensions are not a sequence of extensions");
    if version != 3 {
        return Ok(ExtensionFacts::default());
    }
    let Some(mut explicit) = body.optional(0xa3).ok_or_else(broken)? else { return Ok(ExtensionFacts::default()) };
    let mut list = explicit.read(SEQUENCE).ok_or_else(broken)?;
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    while !list.is_empty() {
        let mut extension = list.read(SEQUENCE).ok_or_else(broken)?;
        let oid = extension
            .object_identifier()
            .ok_or_else(|| Broken::of(Rule::OID, "an extension's type is no object identifier"))?;
        let critical = if extension.is_next(super::der::BOOLEAN) {
            extension.boolean().ok_or_else(|| {
                Broken::of(Rule::BOOLEAN, format!("the extension {oid} is critical by neither 00 nor FF"))
            })?
        } else {
            false
        };
        let value = extension.element(OCTET_STRING).ok_or_else(broken)?.content;
        if !seen.insert(oid.clone()) {
            return Err(Broken::of(Rule::EXTENSION_TWICE, format!("the extension {oid} comes twice")));
        }
        all.push(Extension { oid, critical, value });
    }
    ExtensionFacts::read(&all)
}
