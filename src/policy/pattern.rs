//! Patterns of a policy file.
//!
//! In: text. Out: whether a value matches. `*` stands for any characters, in a DNS name for one or more within one part
//! between dots; a request for a wildcard (`*.apps.example`) matches the same text alone, never a pattern.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use crate::x509::SubjectAltName;

/// Text with `*` for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPattern(String);

impl TextPattern {
    /// A pattern; every text is one.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        glob(self.0.as_bytes(), text.as_bytes(), false)
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TextPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// A pattern of alternative names: `DNS:*.example`, `IP:192.0.2.0/24`, `URI:spiffe://*`, `email:*@example`; without a
/// kind an address, a network, or a DNS name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePattern {
    /// A DNS name.
    Dns(String),
    /// An address or a network.
    Network(IpNet),
    /// A mail address.
    Email(TextPattern),
    /// A URI.
    Uri(TextPattern),
}

impl NamePattern {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(network) = text.strip_prefix("IP:") {
            return network_of(network)
                .map(Self::Network)
                .ok_or(format!("{network:?} is neither an address nor a network"));
        }
        if let Some(pattern) = text.strip_prefix("email:") {
            return Ok(Self::Email(TextPattern::new(pattern)));
        }
        if let Some(pattern) = text.strip_prefix("URI:") {
            return Ok(Self::Uri(TextPattern::new(pattern)));
        }
        let name = text.strip_prefix("DNS:").unwrap_or(text);
        match network_of(name) {
            Some(network) if name == text => Ok(Self::Network(network)),
            _ if name.is_empty() || name.contains([' ', ':', '/']) => Err(format!("{text:?} is not a name pattern")),
            _ => Ok(Self::Dns(name.to_ascii_lowercase())),
        }
    }

    /// Whether `name` matches.
    #[must_use]
    pub fn matches(&self, name: &SubjectAltName) -> bool {
        match (self, name) {
            (Self::Dns(pattern), SubjectAltName::Dns(name)) => matches_dns(pattern, &name.to_ascii_lowercase()),
            (Self::Network(network), SubjectAltName::Ip(address)) => network.contains(address),
            (Self::Email(pattern), SubjectAltName::Email(name)) | (Self::Uri(pattern), SubjectAltName::Uri(name)) => {
                pattern.matches(name)
            }
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn network_of(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn matches_dns(pattern: &str, name: &str) -> bool {
    if name.contains('*') {
        return name == pattern && name.starts_with("*.") && name.matches('*').count() == 1;
    }
    let (patterns, labels): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), name.split('.').collect());
    patterns.len() == labels.len()
        && patterns.iter().zip(&labels).all(|(pattern, label)| glob(pattern.as_bytes(), label.as_bytes(), true))
}

/// `*` for any bytes, or for at least one.
fn glob(pattern: &[u8], text: &[u8], star_needs_one: bool) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                from += usize::from(star_needs_one);
                star = Some((at, from));
                at += 1;
            }
            Some(byte) if Some(byte) == text.get(from) => (at, from) = (at + 1, from + 1),
            _ => match star {
                // The last star takes one byte more.
                Some((position, taken)) => {
                    (at, from) = (position + 1, taken + 1);
                    star = Some((position, taken + 1));
                }
                None => return false,
            },
        }
    }
    let rest = pattern.get(at..).unwrap_or_default();
    rest.is_empty() || !star_needs_one && rest.iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(pattern: &str, name: &str) -> bool {
        NamePattern::parse(pattern).unwrap().matches(&SubjectAltName::Dns(name.into()))
    }

    #[test]
    fn a_star_in_a_dns_name_stays_within_its_part() {
        assert!(dns("*.example", "a.example"));
        assert!(dns("DNS:cp-*.example", "CP-1.example"));
        assert!(dns("*", "host"));
        assert!(!dns("*.example", "a.b.example"));
        assert!(!dns("*.example", ".example"));
        assert!(!dns("cp-*.example", "cp-.example"));
        assert!(!dns("*.example", "example"));
    }

    #[test]
    fn a_requested_wildcard_is_allowed_by_the_same_text_alone() {
        assert!(dns("*.apps.example", "*.apps.example"));
        assert!(!dns("*.example", "*.apps.example"));
        assert!(!dns("*.*.example", "*.apps.example"));
        assert!(!dns("*", "*"), "a pattern of one star is no wildcard certificate for everything");
    }

    #[test]
    fn networks_texts_and_kinds() {
        let matches = |pattern: &str, name| NamePattern::parse(pattern).unwrap().matches(&name);
        let address = |text: &str| SubjectAltName::Ip(text.parse().unwrap());
        assert!(matches("192.0.2.0/24", address("192.0.2.7")));
        assert!(matches("IP:fd00::1", address("fd00::1")));
        assert!(!matches("192.0.2.0/24", address("192.0.3.7")));
        assert!(matches("URI:spiffe://example/*", SubjectAltName::Uri("spiffe://example/ns/a".into())));
        assert!(!matches("email:*@example", SubjectAltName::Uri("a@example".into())));
        assert!(NamePattern::parse("IP:nothing").is_err() && NamePattern::parse("http://x").is_err());
        assert!(NamePattern::parse("").is_err());
    }

    #[test]
    fn text_patterns() {
        let matches = |pattern: &str, text: &str| TextPattern::new(pattern).matches(text);
        assert!(matches("system:node:*", "system:node:a.b"));
        assert!(matches("system:node:*", "system:node:"));
        assert!(matches("*a*b", "xxaab"));
        assert!(!matches("system:node:*", "system:masters"));
        assert!(!matches("a", "ab") && !matches("ab", "a") && matches("", ""));
    }
}
