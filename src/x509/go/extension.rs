//! What the extensions of a certificate say, and which critical ones Go does not know.
//!
//! In: identifiers and values. Out: [`ExtensionFacts`], or the broken rule.
//!
//! Source: RFC 5280 section 4.2.

use super::constraint::NameConstraints;
use super::der::{BOOLEAN, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, signed};
use super::general_name::{GeneralName, alternative_names};
use super::rule::{Broken, Rule};

/// An extension as it stands in the certificate.
pub(super) struct Extension<'a> {
    pub(super) oid: String,
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

/// Policies of issuers, and what their subjects call them.
type PolicyMappings = Vec<(Vec<u8>, Vec<u8>)>;

/// What the extensions say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::x509) struct ExtensionFacts {
    /// The bits of the key usage, the first one lowest; `None` without the extension.
    pub(in crate::x509) key_usage: Option<u16>,
    /// Whether it is a CA, and its path length; `None` without the extension.
    pub(in crate::x509) basic_constraints: Option<(bool, Option<u64>)>,
    /// The alternative names, and the extension's value; `None` without the extension.
    pub(in crate::x509) alternative_names: Option<(Vec<GeneralName>, Vec<u8>)>,
    /// The purposes, dotted; `None` without the extension.
    pub(in crate::x509) extended_key_usages: Option<Vec<String>>,
    pub(in crate::x509) subject_key_identifier: Option<Vec<u8>>,
    pub(in crate::x509) authority_key_identifier: Option<Vec<u8>>,
    pub(in crate::x509) name_constraints: Option<NameConstraints>,
    /// Policies, their mappings (issuer's, subject's) and constraints.
    pub(in crate::x509) policies: Vec<Vec<u8>>,
    pub(in crate::x509) policy_mappings: PolicyMappings,
    pub(in crate::x509) require_explicit_policy: Option<i64>,
    pub(in crate::x509) inhibit_policy_mapping: Option<i64>,
    pub(in crate::x509) inhibit_any_policy: Option<i64>,
    /// Critical ones that Go does not know.
    pub(in crate::x509) unknown_critical: Vec<String>,
    /// All that no field above but the policies' tells: identifier, whether it is critical, value.
    pub(in crate::x509) others: Vec<(String, bool, Vec<u8>)>,
}

impl ExtensionFacts {
    pub(super) fn read(extensions: &[Extension<'_>]) -> Result<Self, Broken> {
        let mut facts = Self::default();
        for extension in extensions {
            let is_known = facts.take(extension)?;
            if extension.critical && !is_known {
                facts.unknown_critical.push(extension.oid.clone());
            }
        }
        Ok(facts)
    }

    /// Reads one of them; `false` when it says something that Go does not know.
    fn take(&mut self, extension: &Extension<'_>) -> Result<bool, Broken> {
        let value = extension.value;
        let mut is_known = true;
        match extension.oid.as_str() {
            "2.5.29.15" => self.key_usage = Some(key_usage(value)?),
            "2.5.29.19" => self.basic_constraints = Some(basic_constraints(value)?),
            "2.5.29.17" => {
                let names = alternative_names(value)?;
                is_known = names.iter().any(|name| !matches!(name, GeneralName::Other(_)));
                self.alternative_names = Some((names, value.to_vec()));
            }
            "2.5.29.37" => self.extended_key_usages = Some(usages(value)?),
            "2.5.29.14" => self.subject_key_identifier = Some(subject_key_identifier(extension)?),
            "2.5.29.35" => self.authority_key_identifier = authority_key_identifier(extension)?,
            _ => {
                is_known = self.take_other(extension)?;
                self.others.push((extension.oid.clone(), extension.critical, value.to_vec()));
            }
        }
        Ok(is_known)
    }

    fn take_other(&mut self, extension: &Extension<'_>) -> Result<bool, Broken> {
        let value = extension.value;
        match extension.oid.as_str() {
            "2.5.29.30" => {
                let (constraints, is_known) = NameConstraints::read(value)?;
                self.name_constraints = Some(constraints);
                return Ok(is_known);
            }
            "2.5.29.31" => distribution_points(value)?,
            "2.5.29.32" => self.policies = policies(value)?,
            "2.5.29.33" => self.policy_mappings = policy_mappings(value)?,
            "2.5.29.36" => self.take_policy_constraints(value)?,
            "2.5.29.54" => self.inhibit_any_policy = Some(number(value)?),
            "1.3.6.1.5.5.7.1.1" => authority_access(extension)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_policy_constraints(&mut self, value: &[u8]) -> Result<(), Broken> {
        let broken = || Broken::of(Rule::POLICIES, "the policy constraints are not a sequence of numbers");
        let mut reader = Reader::new(value).read(SEQUENCE).ok_or_else(broken)?;
        for (tag, place) in [(0x80, &mut self.require_explicit_policy), (0x81, &mut self.inhibit_policy_mapping)] {
            if reader.is_next(tag) {
                *place = Some(reader.integer_tagged(tag).and_then(signed).ok_or_else(broken)?);
            }
        }
        Ok(())
    }
}

fn key_usage(value: &[u8]) -> Result<u16, Broken> {
    let bits =
        Reader::new(value).bits().ok_or_else(|| Broken::of(Rule::KEY_USAGE, "the key usage is no BIT STRING"))?;
    Ok((0..9).filter(|bit| bits.is_set(*bit)).fold(0, |all, bit| all | 1 << bit))
}

fn basic_constraints(value: &[u8]) -> Result<(bool, Option<u64>), Broken> {
    let broken = || Broken::of(Rule::BASIC_CONSTRAINTS, "the basic constraints are not a BOOLEAN and a path length");
    let mut reader = Reader::new(value).read(SEQUENCE).ok_or_else(broken)?;
    let is_ca = if reader.is_next(BOOLEAN) { reader.boolean().ok_or_else(broken)? } else { false };
    if !reader.is_next(INTEGER) {
        return Ok((is_ca, None));
    }
    let length = reader.integer().and_then(signed).and_then(|length| u64::try_from(length).ok());
    Ok((is_ca, Some(length.ok_or_else(broken)?)))
}

fn usages(value: &[u8]) -> Result<Vec<String>, Broken> {
    let broken = || Broken::of(Rule::USAGES, "the extended key usages are not a sequence of object identifiers");
    let mut reader = Reader::new(value).read(SEQUENCE).ok_or_else(broken)?;
    let mut usages = Vec::new();
    while !reader.is_empty() {
        usages.push(reader.object_identifier().ok_or_else(broken)?);
    }
    Ok(usages)
}

fn critical(what: &str) -> Broken {
    Broken::of(Rule::KEY_IDENTIFIER_CRITICAL, format!("the {what} key identifier is critical"))
}

fn subject_key_identifier(extension: &Extension<'_>) -> Result<Vec<u8>, Broken> {
    if extension.critical {
        return Err(critical("subject"));
    }
    let identifier = Reader::new(extension.value).element(OCTET_STRING);
    let identifier =
        identifier.ok_or_else(|| Broken::of(Rule::KEY_IDENTIFIER, "the subject key identifier is no OCTET STRING"))?;
    Ok(identifier.content.to_vec())
}

fn authority_key_identifier(extension: &Extension<'_>) -> Result<Option<Vec<u8>>, Broken> {
    if extension.critical {
        return Err(critical("authority"));
    }
    let broken = || Broken::of(Rule::KEY_IDENTIFIER, "the authority key identifier is not its sequence");
    let mut reader = Reader::new(extension.value).read(SEQUENCE).ok_or_else(broken)?;
    if !reader.is_next(0x80) {
        return Ok(None);
    }
    Ok(Some(reader.element(0x80).ok_or_else(broken)?.content.to_vec()))
}

fn distribution_points(value: &[u8]) -> Result<(), Broken> {
    let broken = || Broken::of(Rule::DISTRIBUTION_POINTS, "the CRL distribution points are not what they must be");
    let mut points = Reader::new(value).read(SEQUENCE).ok_or_else(broken)?;
    while !points.is_empty() {
        let mut point = points.read(SEQUENCE).ok_or_else(broken)?;
        let Some(mut name) = point.optional(0xa0).ok_or_else(broken)? else { continue };
        let mut full = name.read(0xa0).ok_or_else(broken)?;
        while full.is_next(0x86) {
            full.element(0x86).ok_or_else(broken)?;
        }
    }
    Ok(())
}

fn policies(value: &[u8]) -> Result<Vec<Vec<u8>>, Broken> {
    let broken = || Broken::of(Rule::POLICIES, "the certificate policies are not different object identifiers");
    let mut reader = Reader::new(value).read(SEQUENCE).ok_or_else(broken)?;
    let mut policies: Vec<Vec<u8>> = Vec::new();
    while !reader.is_empty() {
        let oid = reader.read(SEQUENCE).and_then(|mut policy| policy.element(OBJECT_IDENTIFIER)).ok_or_else(broken)?;
        let oid = oid.content.to_vec();
        if !is_identifier(&oid) || policies.contains(&oid) {
            return Err(broken());
        }
        policies.push(oid);
    }
    Ok(policies)
}

/// Components of any size, each in its shortest form.
fn is_identifier(bytes: &[u8]) -> bool {
    let mut is_first = true;
    for byte in bytes {
        if is_first && *byte == 0x80 {
            return false;
        }
        is_first = byte & 0x80 == 0;
    }
    is_first && !bytes.is_empty()
}

fn policy_mappings(value: &[u8]) -> Result<PolicyMappings, Broken> {
    let broken = || Broken::of(Rule::POLICIES, "the policy mappings are not pairs of object identifiers");
    let mut reader = Reader::new(value).read(SEQUENCE).ok_or_else(broken)?;
    let mut mappings = Vec::new();
    while !reader.is_empty() {
        let mut pair = reader.read(SEQUENCE).ok_or_else(broken)?;
        let issuers = pair.element(OBJECT_IDENTIFIER).ok_or_else(broken)?.content.to_vec();
        let subjects = pair.element(OBJECT_IDENTIFIER).ok_or_else(broken)?.content.to_vec();
        mappings.push((issuers, subjects));
    }
    Ok(mappings)
}

fn number(value: &[u8]) -> Result<i64, Broken> {
    let number = Reader::new(value).integer().and_then(signed);
    number.ok_or_else(|| Broken::of(Rule::POLICIES, "inhibitAnyPolicy is no number"))
}

fn authority_access(extension: &Extension<'_>) -> Result<(), Broken> {
    if extension.critical {
        return Err(Broken::of(Rule::AUTHORITY_ACCESS_CRITICAL, "the authority information access is critical"));
    }
    let broken = || Broken::of(Rule::AUTHORITY_ACCESS, "the authority information access is not methods and places");
    let mut reader = Reader::new(extension.value).read(SEQUENCE).ok_or_else(broken)?;
    while !reader.is_empty() {
        let mut description = reader.read(SEQUENCE).ok_or_else(broken)?;
        description.object_identifier().ok_or_else(broken)?;
        if description.is_next(0x86) {
            description.element(0x86).ok_or_else(broken)?;
        }
    }
    Ok(())
}
