//! DNS names as Kubernetes accepts them: subdomains, wildcards, subject alternative names.
//!
//! In: text. Out: whether it is such a name, or a sentence that says why not. Nothing is lower-cased here, and
//! nothing is looked up.
//!
//! Source: RFC 1123 as `k8s.io/apimachinery` `IsDNS1123Subdomain` and `IsWildcardDNS1123Subdomain` read it
//! (253 characters in all, no limit for a label).

use super::network::parse_address;

const LONGEST: usize = 253;

/// Why `name` is not a lower-case RFC 1123 subdomain; `None` when it is one.
pub(super) fn subdomain_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("the name is empty");
    }
    if name.len() > LONGEST {
        return Some("the name is longer than 253 characters");
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some("a DNS name is written in lower case");
    }
    if name.contains('_') {
        return Some("a DNS name has no underscore; use a hyphen");
    }
    if name.contains("..") || name.starts_with('.') || name.ends_with('.') {
        return Some("a part between two dots is empty");
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')) {
        return Some("a DNS name has only lower-case letters, digits, hyphens and dots");
    }
    if name.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
        return Some("each part between dots begins and ends with a letter or digit");
    }
    None
}

/// Why `name` can be no subject alternative name; `None` when it is an address, a DNS name, or a DNS name with
/// `*.` before it.
pub(super) fn san_fault(name: &str) -> Option<&'static str> {
    if parse_address(name).is_some() {
        return None;
    }
    if name.contains('*') {
        return match name.strip_prefix("*.") {
            Some(rest) if name.len() <= LONGEST && subdomain_fault(rest).is_none() => None,
            _ => Some("a wildcard is a single *. before a whole DNS name, as *.apps.example.com"),
        };
    }
    if name.contains("://") {
        return Some("a certificate names hosts: leave out the scheme and the path");
    }
    if name.contains(',') {
        return Some("write each name as an item of its own");
    }
    subdomain_fault(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_kubernetes_does() {
        for good in
            ["abc", "*.abc", "*.apps.example.test", "1.2.3", "259.2.3.4", "a-b.c", "10.0.0.5", "::1", "192.168.007.010"]
        {
            assert_eq!(san_fault(good), None, "{good}");
        }
        assert_eq!(san_fault(&"a".repeat(253)), None);
        let bad = [
            "",
            "*",
            "**.abc",
            "a.*.bc",
            "a*.bc",
            "*.",
            "*.A",
            "1.2.3.L",
            "invalid,commas,in,DNS",
            "https://a.b",
            "a_b",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a.",
            "ä.de",
            "a b",
            "a:6443",
            "[::1]",
        ];
        for bad in bad {
            assert!(san_fault(bad).is_some(), "{bad}");
        }
        assert!(san_fault(&"a".repeat(254)).is_some());
        assert!(subdomain_fault("*.abc").is_some());
    }
}
