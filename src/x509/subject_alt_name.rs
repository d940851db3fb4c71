//! Subject alternative names, in the order in which kubeadm writes them.
//!
//! In: names from a configuration or a certificate. Out: [`SubjectAltNames`].
//!
//! Source: RFC 5280 section 4.2.1.6; kubeadm `util/pkiutil` `RemoveDuplicateAltNames`; client-go `util/cert`.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::text::{escape_into, is_unprintable};

/// One alternative name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectAltName {
    /// A DNS name, perhaps with a leading `*.`.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
    /// An RFC 822 mail address.
    Email(String),
    /// A URI.
    Uri(String),
    /// Any other form, as the hexadecimal DER of its `GeneralName`.
    Other(String),
}

impl fmt::Display for SubjectAltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{}", shown(name, ",")),
            Self::Ip(address) => write!(f, "IP:{address}"),
            Self::Email(address) => write!(f, "email:{}", shown(address, ",")),
            // Commas are common in URIs, spaces are not: a list is separated by both.
            Self::Uri(uri) => write!(f, "URI:{}", shown(uri, "")),
            Self::Other(der) => write!(f, "other:{der}"),
        }
    }
}

/// A name as it may be shown: in quotes, with escapes, where it could pass for something else (several names, the end of
/// a line) or would be obeyed by a terminal. Different names are shown differently.
fn shown<'n>(name: &'n str, separators: &str) -> Cow<'n, str> {
    let is_odd = |letter: char| {
        letter.is_whitespace() || matches!(letter, '"' | '\\') || separators.contains(letter) || is_unprintable(letter)
    };
    if !name.contains(is_odd) {
        return Cow::Borrowed(name);
    }
    let mut quoted = String::from("\"");
    for letter in name.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        escape_into(&mut quoted, letter);
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

/// Alternative names in the order of the certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectAltNames(Vec<SubjectAltName>);

impl SubjectAltNames {
    /// kubeadm's order: all DNS names sorted by bytes without duplicates, then the addresses in the order
    /// given without duplicates. An IPv4-mapped IPv6 address is the IPv4 address.
    ///
    /// # Examples
    /// ```
    /// use kubepki::x509::SubjectAltNames;
    /// let names = SubjectAltNames::sorted(["b", "a", "b"], ["10.0.0.5".parse()?, "::ffff:10.0.0.5".parse()?]);
    /// assert_eq!(names.to_string(), "DNS:a, DNS:b, IP:10.0.0.5");
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn sorted<S: Into<String>>(
        dns: impl IntoIterator<Item = S>,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        let mut dns: Vec<String> = dns.into_iter().map(Into::into).collect();
        dns.sort();
        dns.dedup();
        let mut names: Vec<_> = dns.into_iter().map(SubjectAltName::Dns).collect();
        for address in addresses {
            let name = SubjectAltName::Ip(address.to_canonical());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self(names)
    }

    /// Takes names over in the order given.
    #[must_use]
    pub fn in_order(names: Vec<SubjectAltName>) -> Self {
        Self(names)
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &SubjectAltName> {
        self.0.iter()
    }

    /// Whether there are none; then a certificate has no such extension.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The DNS names in order.
    pub fn dns_names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|name| match name {
            SubjectAltName::Dns(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The addresses in order.
    pub fn ip_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.0.iter().filter_map(|name| match name {
            SubjectAltName::Ip(address) => Some(*address),
            _ => None,
        })
    }

    /// The names of `wanted` that a TLS client would not find here: DNS names compare without regard to case,
    /// and a wildcard covers one leftmost label (RFC 9525 section 6.3), as Go's `VerifyHostname` has it.
    #[must_use]
    pub fn missing_from<'a>(&self, wanted: &'a Self) -> Vec<&'a SubjectAltName> {
        wanted.iter().filter(|name| !self.covers(name)).collect()
    }

    /// Whether `other` has the same names, in any order.
    #[must_use]
    pub fn has_same_names(&self, other: &Self) -> bool {
        self.iter().all(|name| other.0.contains(name)) && other.iter().all(|name| self.0.contains(name))
    }

    fn covers(&self, wanted: &SubjectAltName) -> bool {
        match wanted {
            SubjectAltName::Dns(wanted) => self.dns_names().any(|name| covers_dns(name, wanted)),
            // An IPv4 address is the same in its IPv6 form, as Go's `IP.Equal` has it.
            SubjectAltName::Ip(wanted) => self.ip_addresses().any(|one| one.to_canonical() == wanted.to_canonical()),
            other => self.0.contains(other),
        }
    }
}

fn covers_dns(pattern: &str, name: &str) -> bool {
    if pattern.eq_ignore_ascii_case(name) {
        return true;
    }
    match (pattern.strip_prefix("*."), name.split_once('.')) {
        (Some(pattern_rest), Some((label, name_rest))) => {
            !label.is_empty() && !name.starts_with('*') && pattern_rest.eq_ignore_ascii_case(name_rest)
        }
        _ => false,
    }
}

impl fmt::Display for SubjectAltNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_bytes_and_addresses_keep_their_order() {
        let names = SubjectAltNames::sorted(
            ["kubernetes", "*.apps", "b", "B"],
            ["10.1.1.1".parse().unwrap(), "::1".parse().unwrap(), "1.1.1.1".parse().unwrap(), "::1".parse().unwrap()],
        );
        assert_eq!(names.to_string(), "DNS:*.apps, DNS:B, DNS:b, DNS:kubernetes, IP:10.1.1.1, IP:::1, IP:1.1.1.1");
    }

    #[test]
    fn a_name_cannot_pass_for_two_nor_reach_a_terminal_and_honest_names_stay_as_they_are() {
        let shown = |name: &str| SubjectAltName::Dns(name.into()).to_string();
        for honest in ["a.example", "*.apps.example", "xn--bcher-kva.example", "bücher.example", "_tcp.例え.テスト"]
        {
            assert_eq!(shown(honest), format!("DNS:{honest}"));
        }
        assert_eq!(shown("evil\u{1b}[2J\nOK"), r#"DNS:"evil\x1b[2J\nOK""#);
        assert_eq!(shown("a, DNS:kubernetes"), r#"DNS:"a, DNS:kubernetes""#);
        assert_eq!(shown("gpj\u{202e}exe"), r#"DNS:"gpj\u{202e}exe""#);
        assert_ne!(shown(r"a\x1b"), shown("a\u{1b}"));
        assert_eq!(SubjectAltName::Uri("https://a/?x=1,2".into()).to_string(), "URI:https://a/?x=1,2");
        assert_eq!(SubjectAltName::Uri("https://a/, DNS:b".into()).to_string(), r#"URI:"https://a/, DNS:b""#);
    }

    #[test]
    fn an_ipv4_address_in_ipv6_form_is_the_same() {
        let has = SubjectAltNames::in_order(vec![SubjectAltName::Ip("::ffff:10.0.0.5".parse().unwrap())]);
        assert!(has.missing_from(&SubjectAltNames::sorted::<&str>([], ["10.0.0.5".parse().unwrap()])).is_empty());
    }

    #[test]
    fn a_wildcard_covers_one_label_and_no_other_wildcard_but_itself() {
        let has = SubjectAltNames::sorted(["*.apps.example", "Exact.Example"], []);
        let wants = |name: &str| has.missing_from(&SubjectAltNames::sorted([name], [])).is_empty();
        assert!(wants("a.apps.example"));
        assert!(wants("exact.example"));
        assert!(wants("*.apps.example"));
        assert!(!wants("a.b.apps.example"));
        assert!(!wants("apps.example"));
        assert!(!wants(".apps.example"));
        let narrow = SubjectAltNames::sorted(["a.example"], []);
        assert_eq!(narrow.missing_from(&SubjectAltNames::sorted(["*.example"], [])).len(), 1);
    }
}
