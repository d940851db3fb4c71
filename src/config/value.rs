//! Single values that several parts of a configuration share: paths, SANs, URLs, tokens, extra arguments.
//!
//! In: [`View`]s. Out: the value, and a problem if it is bad; then the value is a stand-in that nobody sees, as
//! one error refuses the whole file.
//!
//! Source: kubeadm `apis/kubeadm/validation/validation.go`.

use super::network::san;
use super::problem::{Code, Place, Problems, quoted};
use super::view::View;

/// An absolute path, or `default` when absent.
pub(super) fn absolute_path(view: &View<'_>, default: &str, problems: &mut Problems) -> String {
    let path = view.text().unwrap_or(default);
    if !path.is_empty() && !path.starts_with('/') {
        problems.add(
            Code::Path,
            view.place(),
            format!("{} is not an absolute path", quoted(path)),
            "write the whole path, beginning with /",
        );
    }
    path.to_owned()
}

/// A list of subject alternative names in the file's order; addresses in their canonical form.
pub(super) fn sans(view: &View<'_>, lower_case: bool, problems: &mut Problems) -> Vec<String> {
    let mut names = Vec::new();
    for item in view.items() {
        if item.is_unusable() {
            continue;
        }
        let written = item.text().unwrap_or_default();
        let name = if lower_case { written.to_lowercase() } else { written.to_owned() };
        match san(name) {
            Ok(name) => names.push(name),
            Err(fault) => {
                let message = format!("{} is neither an IP address nor a DNS name", quoted(written));
                problems.add(Code::San, item.place(), message, fault);
            }
        }
    }
    names
}

/// Why `url` is no URL of a server; `None` when it is one.
pub(crate) fn url_fault(url: &str, require_https: bool) -> Option<&'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Some("write the URL with its scheme, as https://10.0.0.1:2379");
    };
    let scheme_is_good = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if !scheme_is_good || rest.is_empty() || rest.starts_with(['/', ':']) || url.contains(char::is_whitespace) {
        return Some("write the URL as https://10.0.0.1:2379");
    }
    (require_https && !scheme.eq_ignore_ascii_case("https"))
        .then_some("use https: TLS files are given, and they mean nothing to plain http")
}

/// A bootstrap token. Its text is never repeated.
pub(super) fn token(view: &View<'_>, problems: &mut Problems) {
    let Some(token) = view.text() else {
        return;
    };
    let part = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if !token.split_once('.').is_some_and(|(id, secret)| part(id, 6) && part(secret, 16)) {
        problems.add(
            Code::Token,
            view.place(),
            "this is not a bootstrap token",
            "a token is six and sixteen lower-case letters or digits with a dot between: `kubeadm token generate` makes one",
        );
    }
}

/// A key for the upload of certificates. Its text is never repeated.
pub(super) fn certificate_key(view: &View<'_>, problems: &mut Problems) {
    const HEX_DIGITS: usize = 64;
    let Some(key) = view.text() else {
        return;
    };
    let message = if !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "the certificate key is not hexadecimal".to_owned()
    } else if key.len() != HEX_DIGITS {
        format!("the certificate key has {} hexadecimal digits, not {HEX_DIGITS}", key.len())
    } else {
        return;
    };
    problems.add(Code::CertificateKey, view.place(), message, "make one with `kubeadm certs certificate-key`");
}

/// Extra arguments: a mapping in v1beta3, a list of name and value in v1beta4.
pub(super) fn check_arguments(view: &View<'_>, problems: &mut Problems) {
    for item in view.items() {
        let name = item.field("name");
        if name.text().is_none() && !name.is_unusable() && !item.is_unusable() {
            problems.add(Code::Value, item.place(), "the argument has no name", "add name: with the flag's name");
        }
    }
}

/// The last value of the extra argument `name`, and its place.
pub(super) fn argument<'a>(view: &View<'a>, name: &str) -> Option<(&'a str, Place)> {
    let listed = view.items().into_iter().rfind(|item| item.field("name").text() == Some(name));
    let value = match listed {
        Some(item) => item.field("value"),
        None => view.field(name),
    };
    Some((value.text()?, value.place().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_scheme_and_a_host() {
        for good in ["https://10.0.0.1:2379", "http://etcd.example.test:2379", "HTTPS://[2001:db8::1]:2379/"] {
            assert_eq!(url_fault(good, false), None, "{good}");
        }
        for bad in ["", "10.0.0.1:2379", "https://", "https:///x", "https://:2379", "1x://h", "://h", "https://a b"] {
            assert!(url_fault(bad, false).is_some(), "{bad}");
        }
        assert!(url_fault("http://10.0.0.1:2379", true).is_some());
        assert_eq!(url_fault("HTTPS://10.0.0.1:2379", true), None);
    }
}
