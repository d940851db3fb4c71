//! Certificates that were seen, as text.
//!
//! In: certificates, and files of them. Out: what people look for first: the name, the end, the subject, the names.

use super::cell::{minute, path};
use crate::audit::SeenCertificate;
use crate::ops::certificates::CertificateFile;
use crate::text::printable;

/// One, in two lines; a third has its alternative names.
#[must_use]
pub fn text(seen: &SeenCertificate) -> String {
    let mut lines = vec![
        format!("{}: {}, until {}", seen.name, seen.key, minute(Some(seen.not_after))),
        format!("  subject: {}", seen.subject),
    ];
    if !seen.subject_alt_names.is_empty() {
        lines.push(format!("  names: {}", seen.subject_alt_names.join(", ")));
    }
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

/// The file's certificates, or why it cannot be used.
#[must_use]
pub fn file(file: &CertificateFile) -> String {
    let place = printable(&path(&file.path)).into_owned();
    match &file.problem {
        Some(problem) => format!("{place}: {}", printable(&problem.message)),
        None => std::iter::once(place).chain(file.certificates.iter().map(text)).collect::<Vec<_>>().join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_certificate_says_what_people_look_for_first() {
        let seen = SeenCertificate {
            name: "odd\nname".into(),
            path: "/pki/x".into(),
            subject: "CN=x".into(),
            issuer: "CN=ca".into(),
            serial: "1".into(),
            not_before: DateTime::UNIX_EPOCH,
            not_after: DateTime::UNIX_EPOCH,
            residual_seconds: 0,
            key: "RSA-2048".into(),
            subject_alt_names: vec!["DNS:a".into(), "DNS:b".into()],
            is_ca: false,
            public_key_sha256: String::new(),
            key_usages: Vec::new(),
            extended_key_usages: Vec::new(),
        };
        let said = "odd\\nname: RSA-2048, until 1970-01-01 00:00 UTC\n  subject: CN=x\n  names: DNS:a, DNS:b";
        assert_eq!(text(&seen), said);
        let path = Path::new("/pki//x").to_owned();
        assert_eq!(file(&CertificateFile { path, certificates: vec![seen], problem: None }), format!("/pki/x\n{said}"));
    }
}
