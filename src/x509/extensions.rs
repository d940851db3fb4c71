//! Reading what certificates and requests have in common: extensions, and the kind of a key.
//!
//! In: what Go's rules (a certificate) or x509-parser (a request) made of them. Out: [`Extensions`], plain values. It keeps what it does not know by its object
//! identifier, and never judges.
//!
//! Source: RFC 5280 sections 4.1.2.7 and 4.2.

use std::net::IpAddr;

use der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralNames;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, SubjectPublicKeyInfo, X509Extension};
use x509_parser::public_key::PublicKey;

use super::go::{self, ExtensionFacts};
use super::{ExtendedKeyUsage, KeyUsage, OtherExtension, SubjectAltName, SubjectAltNames};
use crate::key::algorithm_name;

/// What the extensions of a certificate say, or those that a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) key_usages: Option<Vec<KeyUsage>>,
    pub(super) extended_key_usages: Option<Vec<ExtendedKeyUsage>>,
    pub(super) is_ca: bool,
    pub(super) subject_key_identifier: Option<Vec<u8>>,
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) subject_alt_names: SubjectAltNames,
    /// All others, in order.
    pub(super) others: Vec<OtherExtension>,
}

impl Extensions {
    /// Takes over what a certificate's say.
    pub(super) fn of(facts: &ExtensionFacts) -> Self {
        let usages = |bits: u16| KeyUsage::ALL.into_iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1);
        let name = |name: &go::GeneralName| match name {
            go::GeneralName::Dns(name) => SubjectAltName::Dns(name.clone()),
            go::GeneralName::Email(address) => SubjectAltName::Email(address.clone()),
            go::GeneralName::Uri(uri, _) => SubjectAltName::Uri(uri.clone()),
            go::GeneralName::Ip(address) => SubjectAltName::Ip(*address),
            go::GeneralName::Other(der) => SubjectAltName::Other(crate::digest::hex(der)),
        };
        let names = facts.alternative_names.iter().flat_map(|(names, _)| names).map(name).collect();
        let purposes = facts.extended_key_usages.as_ref();
        Self {
            key_usages: facts.key_usage.map(|bits| usages(bits).map(|(_, usage)| usage).collect()),
            extended_key_usages: purposes.map(|all| all.iter().cloned().map(ExtendedKeyUsage::from).collect()),
            is_ca: facts.basic_constraints.is_some_and(|(is_ca, _)| is_ca),
            subject_key_identifier: facts.subject_key_identifier.clone(),
            authority_key_identifier: facts.authority_key_identifier.clone(),
            subject_alt_names: SubjectAltNames::in_order(names),
            others: facts
                .others
                .iter()
                .map(|(oid, critical, value)| OtherExtension {
                    oid: oid.clone(),
                    critical: *critical,
                    value: crate::digest::hex(value),
                })
                .collect(),
        }
    }

    /// Takes over what each of them says.
    ///
    /// # Errors
    /// Why one of them cannot be read.
    pub(super) fn read(extensions: &[X509Extension<'_>]) -> Result<Self, String> {
        let mut all = Self::default();
        for extension in extensions {
            all.take(extension)?;
        }
        Ok(all)
    }

    fn take(&mut self, extension: &X509Extension<'_>) -> Result<(), String> {
        match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) => {
                let present = KeyUsage::ALL.iter().enumerate().filter(|(bit, _)| usage.flags >> bit & 1 == 1);
                self.key_usages = Some(present.map(|(_, usage)| *usage).collect());
            }
            ParsedExtension::ExtendedKeyUsage(_) => {
                self.extended_key_usages = Some(extended_key_usages(extension.value)?);
            }
            ParsedExtension::BasicConstraints(constraints) => self.is_ca = constraints.ca,
            ParsedExtension::SubjectKeyIdentifier(identifier) => {
                self.subject_key_identifier = Some(identifier.0.to_vec());
            }
            ParsedExtension::AuthorityKeyIdentifier(identifier) => {
                self.authority_key_identifier = identifier.key_identifier.as_ref().map(|key| key.0.to_vec());
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                let names = names.general_names.iter().enumerate();
                let names = names.map(|(position, name)| alternative_name(name, position, extension.value));
                self.subject_alt_names = SubjectAltNames::in_order(names.collect());
            }
            ParsedExtension::ParseError { .. } => {
                return Err(format!("the extension {} cannot be read", extension.oid.to_id_string()));
            }
            _ => self.others.push(OtherExtension {
                oid: extension.oid.to_id_string(),
                critical: extension.critical,
                value: crate::digest::hex(extension.value),
            }),
        }
        Ok(())
    }
}

/// Reads one value that is the whole of `der`.
///
/// # Errors
/// Why it cannot be read, or what is behind it.
pub(super) fn read_whole<'a, T>(der: &'a [u8]) -> Result<T, String>
where
    T: FromDer<'a, x509_parser::error::X509Error>,
{
    match T::from_der(der) {
        Ok(([], value)) => Ok(value),
        Ok((rest, _)) => Err(format!("{} behind its end", crate::text::counted(rest.len(), "byte"))),
        Err(x509_parser::nom::Err::Incomplete(_)) => Err("the DER is cut off".to_owned()),
        Err(x509_parser::nom::Err::Error(error) | x509_parser::nom::Err::Failure(error)) => Err(words(&error)),
    }
}

/// What the reader says, in words for people.
fn words(error: &x509_parser::error::X509Error) -> String {
    use x509_parser::error::X509Error;
    match error {
        X509Error::NomError(_) | X509Error::Der(_) | X509Error::Generic => "its DER is damaged or cut off".to_owned(),
        other => other.to_string(),
    }
}

/// The purposes in the order of the extension, which x509-parser does not tell.
fn extended_key_usages(value: &[u8]) -> Result<Vec<ExtendedKeyUsage>, String> {
    let usages = x509_cert::ext::pkix::ExtendedKeyUsage::from_der(value)
        .map_err(|_| "the extended key usage cannot be read".to_owned())?;
    Ok(usages.0.iter().map(|oid| ExtendedKeyUsage::from(oid.to_string())).collect())
}

/// The name at `position` of the extension's `value`; forms that are not text are kept as their DER.
fn alternative_name(name: &GeneralName<'_>, position: usize, value: &[u8]) -> SubjectAltName {
    match name {
        GeneralName::DNSName(name) => SubjectAltName::Dns((*name).to_owned()),
        GeneralName::RFC822Name(address) => SubjectAltName::Email((*address).to_owned()),
        GeneralName::URI(uri) => SubjectAltName::Uri((*uri).to_owned()),
        GeneralName::IPAddress(octets) => {
            ip_address(octets).map_or_else(|| raw_name(position, value), SubjectAltName::Ip)
        }
        _ => raw_name(position, value),
    }
}

fn raw_name(position: usize, value: &[u8]) -> SubjectAltName {
    let names = GeneralNames::from_der(value).unwrap_or_default();
    let der = names.get(position).and_then(|name| name.to_der().ok()).unwrap_or_default();
    SubjectAltName::Other(crate::digest::hex(&der))
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

/// `RSA-2048`, `ECDSA-P256`, or the object identifier of another kind of key.
pub(super) fn key_kind(info: &SubjectPublicKeyInfo<'_>) -> String {
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA-{}", key.key_size()),
        Ok(PublicKey::EC(_)) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
            match curve.map(|oid| oid.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => "ECDSA-P256".into(),
                Some("1.3.132.0.34") => "ECDSA-P384".into(),
                Some("1.3.132.0.35") => "ECDSA-P521".into(),
                Some("1.3.132.0.33") => "ECDSA-P224".into(),
                other => format!("ECDSA-{}", other.unwrap_or("unknown")),
            }
        }
        _ => algorithm_name(&info.algorithm.algorithm.to_id_string()).to_owned(),
    }
}
