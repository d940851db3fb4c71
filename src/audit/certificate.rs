//! Judging one leaf certificate: validity, chain, names, purposes, subject.
//!
//! In: the certificate, what the catalogue expects of it, its CA's file, now. Out: findings.
//!
//! Source: kubeadm `phases/certs` `validateCertificateWithConfig`; RFC 5280 section 6.

use chrono::{DateTime, TimeDelta, Utc};

use super::chain::{self, Chain, Moment};
use super::files::judge_pair_files;
use super::identifier::{judge_identifiers, judge_key_usages};
use super::subject::{judge_subject, or_none};
use super::{Finding, FindingCode, Findings, Remedy, Severity};
use crate::inventory::{Expectation, Found};
use crate::tree::Tree;
use crate::x509::Certificate;

/// How soon an end of validity is worth a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// At most this much left is a warning.
    pub warning: TimeDelta,
    /// At most this much left is critical.
    pub critical: TimeDelta,
}

impl Thresholds {
    /// Only what has ended already is a finding.
    pub const NONE: Self = Self { warning: TimeDelta::zero(), critical: TimeDelta::zero() };
}

/// Judges a pair on disk: both files, and all that is judged of one certificate.
#[must_use]
pub fn judge_pair(
    name: &str,
    pair: &Found,
    tree: &Tree,
    expectation: &Expectation,
    bundle: &[Certificate],
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    judge_pair_files(pair, tree, &mut notes, true);
    notes.at(&pair.certificate_path);
    if let Some(certificate) = pair.certificate() {
        judge(&mut notes, certificate, pair.intermediates(), expectation, bundle, thresholds, now);
        judge_subject(&mut notes, certificate, expectation.subject.as_ref(), bundle.first(), true);
    }
    notes.into_vec()
}

/// Judges whether the two files of a pair can be used together at all; not what the certificate says.
#[must_use]
pub fn judge_files(name: &str, pair: &Found, tree: &Tree) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    judge_pair_files(pair, tree, &mut notes, true);
    notes.into_vec()
}

/// Judges one certificate, at the path that `notes` is at, against the certificates of its CA's file: any of them may
/// vouch for it. Without any, its issuer is not judged.
pub(super) fn judge(
    notes: &mut Findings,
    certificate: &Certificate,
    intermediates: &[Certificate],
    expectation: &Expectation,
    bundle: &[Certificate],
    thresholds: Thresholds,
    now: DateTime<Utc>,
) {
    let in_time = judge_validity(notes, certificate, thresholds, now);
    let chain = Chain { leaf: certificate, intermediates, is_draft: false };
    let moment = if in_time { Moment::Now(now) } else { Moment::WhenBothWereValid };
    let position = chain::judge(notes, &chain, bundle, moment, &expectation.extended_key_usages);
    if let Some(position) = position.filter(|position| *position > 0) {
        notes.add(
            FindingCode::AuthorityNotFirst,
            format!("it chains to certificate {} of its CA's file; kubeadm signs with the first", position + 1),
            Remedy::nothing("nothing, while the CA is being replaced"),
        );
    }
    if let Some(ca) = bundle.get(position.unwrap_or_default())
        && certificate.not_after() > ca.not_after()
    {
        notes.add(
            FindingCode::CertificateOutlivesAuthority,
            format!("it ends on {}, its CA already on {}", certificate.not_after(), ca.not_after()),
            "renew the CA before it expires: the certificate is useless from then on",
        );
    }
    if let Some(ca) = position.and_then(|position| bundle.get(position)).filter(|_| intermediates.is_empty()) {
        judge_identifiers(notes, certificate, ca);
    }
    judge_key_usages(notes, certificate);
    judge_content(notes, certificate, expectation);
}

/// Notes a validity that is over, nearly over, or not begun; `true` when `now` is within it.
pub(super) fn judge_validity(
    notes: &mut Findings,
    certificate: &Certificate,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> bool {
    let left = certificate.not_after() - now;
    let renew = "renew it";
    if now < certificate.not_before() {
        notes.add(
            FindingCode::CertificateNotYetValid,
            format!("it is valid from {} on only", certificate.not_before()),
            "check this machine's clock, and the clock of the machine that made it",
        );
        return false;
    }
    if left < TimeDelta::zero() {
        let evidence = format!("it expired on {}", certificate.not_after());
        notes.add(FindingCode::CertificateExpired, evidence, renew);
        return false;
    }
    if left <= thresholds.warning.max(thresholds.critical) && thresholds != Thresholds::NONE {
        let severity = if left <= thresholds.critical { Severity::Critical } else { Severity::Warning };
        let residual = super::expiration::residual_time(left.num_seconds());
        let evidence = format!("it expires on {}, in {residual}", certificate.not_after());
        notes.add_as(severity, FindingCode::CertificateExpiresSoon, evidence, renew);
    }
    true
}

fn judge_content(notes: &mut Findings, certificate: &Certificate, expectation: &Expectation) {
    let missing = certificate.subject_alt_names().missing_from(&expectation.subject_alt_names);
    if !missing.is_empty() {
        let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
        notes.add(
            FindingCode::CertificateMissingNames,
            format!(
                "it lacks {} (it has {})",
                missing.join(", "),
                or_none(&certificate.subject_alt_names().to_string())
            ),
            "have it signed with these names, or remove it and its key so that both are made again",
        );
    }
    let missing: Vec<_> = expectation
        .extended_key_usages
        .iter()
        .filter(|usage| !certificate.allows_purpose(usage))
        .map(ToString::to_string)
        .collect();
    if !missing.is_empty() {
        notes.add(
            FindingCode::CertificateMissingUsages,
            format!("its extended key usage lacks {}", missing.join(", ")),
            "have it signed with this usage, or remove it and its key so that both are made again",
        );
    }
}

/// Judges certificates of which nothing but validity and Go's acceptance is expected.
#[must_use]
pub fn judge_certificates(
    name: &str,
    path: &std::path::Path,
    certificates: &[Certificate],
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    for certificate in certificates {
        judge_validity(&mut notes, certificate, thresholds, now);
        chain::judge_alone(&mut notes, certificate);
        judge_key_usages(&mut notes, certificate);
    }
    notes.into_vec()
}

/// Judges the validity of one certificate.
#[must_use]
pub fn judge_validity_of(
    name: &str,
    path: &std::path::Path,
    certificate: &Certificate,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    judge_validity(&mut notes, certificate, thresholds, now);
    notes.into_vec()
}
