//! The names of an extension: mail addresses, DNS names, URIs and addresses.

use std::net::IpAddr;

use super::der::{Reader, SEQUENCE};
use super::domain::is_valid_domain;
use super::rule::{Broken, Rule};
use super::url;

/// A subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::x509) enum GeneralName {
    Email(String),
    Dns(String),
    /// The text, and the host that Go finds in it.
    Uri(String, Vec<u8>),
    Ip(IpAddr),
    /// Any other form, the whole element.
    Other(Vec<u8>),
}

/// Reads the value of the subject alternative names.
pub(super) fn alternative_names(value: &[u8]) -> Result<Vec<GeneralName>, Broken> {
    let broken = || Broken::of(Rule::ALTERNATIVE_NAMES, "the alternative names are not a sequence of names");
    let mut reader = Reader::new(value).read(SEQUENCE).ok_or_else(broken)?;
    let mut names = Vec::new();
    while !reader.is_empty() {
        let name = reader.any().ok_or_else(broken)?;
        names.push(match name.tag {
            0x81 => GeneralName::Email(ascii(name.content, "mail address")?),
            0x82 => GeneralName::Dns(ascii(name.content, "DNS name")?),
            0x86 => uri(name.content)?,
            0x87 => GeneralName::Ip(address(name.content)?),
            _ => GeneralName::Other(name.whole.to_vec()),
        });
    }
    Ok(names)
}

pub(super) fn ascii(content: &[u8], what: &str) -> Result<String, Broken> {
    if content.is_ascii() {
        Ok(content.iter().map(|byte| char::from(*byte)).collect())
    } else {
        Err(Broken::of(Rule::NAME_ASCII, format!("the {what} {:?} is not ASCII", content.escape_ascii().to_string())))
    }
}

fn uri(content: &[u8]) -> Result<GeneralName, Broken> {
    let text = ascii(content, "URI")?;
    match url::host(&text).filter(|host| is_valid_domain(host, false)) {
        Some(host) => Ok(GeneralName::Uri(text, host)),
        None => Err(Broken::of(Rule::URI, format!("the URI {:?} cannot be read", text.escape_default().to_string()))),
    }
}

fn address(content: &[u8]) -> Result<IpAddr, Broken> {
    let four = <[u8; 4]>::try_from(content).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(content).map(IpAddr::from))
        .map_err(|_| Broken::of(Rule::ADDRESS_LENGTH, format!("an IP address has {} bytes", content.len())))
}
