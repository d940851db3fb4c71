//! Certificates that were seen, as text.
//!
//! In: certificates, and files of them. Out: what people look for first: the name, the end, the subject, the names; in one
//! word how each is (`States`).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::cell::{minute, path};
use super::moment::span;
use crate::audit::{Finding, FindingCode, SeenCertificate, Severity};
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

/// How a certificate is: what its end says, or else the worst finding about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    ExpiresSoon { is_critical: bool },
    NotYetValid,
    Expired,
    Warning,
    Critical,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ExpiresSoon { .. } => "expires soon",
            Self::NotYetValid => "not yet valid",
            Self::Expired => "expired",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// How bad it is: nothing, a warning, or worse.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning | Self::ExpiresSoon { is_critical: false } => 1,
            Self::ExpiresSoon { is_critical: true } | Self::NotYetValid | Self::Expired | Self::Critical => 2,
        }
    }
}

/// The findings about each name, so that the state of each certificate is looked up.
pub(super) struct States<'f> {
    now: DateTime<Utc>,
    of: BTreeMap<&'f str, Vec<&'f Finding>>,
}

impl<'f> States<'f> {
    /// By what was found at a moment.
    pub(super) fn of(findings: &'f [Finding], now: DateTime<Utc>) -> Self {
        let mut of: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for finding in findings {
            of.entry(finding.subject.as_str()).or_default().push(finding);
        }
        Self { now, of }
    }

    /// What was found about a certificate, or its key's file.
    pub(super) fn about(&self, seen: &SeenCertificate) -> &[&'f Finding] {
        self.of.get(seen.name.as_str()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn state(&self, seen: &SeenCertificate) -> State {
        let about = self.about(seen);
        let is_end = |finding: &&&Finding| finding.code == FindingCode::CertificateExpiresSoon;
        let ends_soon = about.iter().find(is_end);
        match about.iter().filter(|finding| !is_end(finding)).map(|finding| finding.severity).max() {
            _ if seen.is_expired() => State::Expired,
            _ if seen.not_before > self.now => State::NotYetValid,
            // Its end stands beside it in any case; that it is useless now does not.
            Some(Severity::Critical) if ends_soon.is_some() => State::Critical,
            _ if ends_soon.is_some() => {
                State::ExpiresSoon { is_critical: ends_soon.is_some_and(|one| one.is_critical()) }
            }
            Some(Severity::Critical) => State::Critical,
            Some(Severity::Warning) => State::Warning,
            Some(Severity::Info) | None => State::Ok,
        }
    }
}

const DAY: i64 = 86_400;

/// What is left, or how long ago it ended, in the largest unit.
pub(super) fn left(seconds: i64) -> String {
    if seconds >= 2 * DAY {
        return format!("{}d", seconds / DAY);
    }
    if seconds >= 0 {
        return format!("{}h{}m", seconds / 3600, seconds % 3600 / 60);
    }
    format!("expired {} ago", span(TimeDelta::try_seconds(seconds.saturating_neg()).unwrap_or(TimeDelta::MAX)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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

    fn seen() -> SeenCertificate {
        SeenCertificate {
            name: "apiserver".into(),
            path: "/pki/x".into(),
            subject: "CN=x".into(),
            issuer: "CN=ca".into(),
            serial: "1".into(),
            not_before: DateTime::UNIX_EPOCH,
            not_after: DateTime::UNIX_EPOCH + TimeDelta::days(9),
            residual_seconds: 9 * DAY,
            key: "RSA-2048".into(),
            subject_alt_names: Vec::new(),
            is_ca: false,
            public_key_sha256: String::new(),
            key_usages: Vec::new(),
            extended_key_usages: Vec::new(),
        }
    }

    #[test]
    fn what_is_worse_than_an_end_that_is_near_is_the_state() {
        let about = |code, severity| Finding::about(code, "apiserver", "odd", "look").as_bad_as(severity);
        let ends = about(FindingCode::CertificateExpiresSoon, Severity::Warning);
        let ends_now = about(FindingCode::CertificateExpiresSoon, Severity::Critical);
        let broken = about(FindingCode::KeyMismatch, Severity::Critical);
        let odd = about(FindingCode::KeyWeak, Severity::Warning);
        for (findings, word) in [
            (vec![ends.clone()], "expires soon"),
            (vec![ends.clone(), odd.clone()], "expires soon"),
            (vec![ends_now, odd], "expires soon"),
            (vec![ends.clone(), broken.clone()], "critical"),
            (vec![broken, ends], "critical"),
        ] {
            let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
            assert_eq!(States::of(&findings, now).state(&seen()).word(), word, "{findings:?}");
        }
    }

    #[test]
    fn what_is_left_is_said_in_a_unit_that_people_use() {
        for (seconds, said) in [
            (200 * DAY + 5, "200d"),
            (2 * DAY, "2d"),
            (2 * DAY - 1, "47h59m"),
            (0, "0h0m"),
            (-1, "expired 1 second ago"),
            (-119, "expired 1 minute ago"),
            (-7200, "expired 2 hours ago"),
            (-3 * DAY - 4, "expired 3 days ago"),
        ] {
            assert_eq!(left(seconds), said);
        }
    }
}
