//! DNS names as Kubernetes accepts them: subdomains.
//!
//! In: text. Out: whether it is such a name, or a sentence that says why not. Nothing is lower-cased here, and
//! nothing is looked up.
//!
//! Source: RFC 1123 as `k8s.io/apimachinery` `IsDNS1123Subdomain` reads it
//! (253 characters in all, no limit for a label).

/// The most characters of a name.
pub(super) const LONGEST: usize = 253;

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
