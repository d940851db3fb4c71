//! Judging a certificate that was signed elsewhere, before it is put into its place.
//!
//! In: the chain, what the catalogue and the request expect, the CA's file, now. Out: findings, all of them. Beyond
//! what [`judge_pair`](super::certificate::judge_pair) sees: a leaf that is a CA, a key usage that TLS cannot work
//! with, a validity that begins before the CA's, and a CA that is not the first of its file.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::certificate::{Thresholds, judge};
use super::subject::{judge_lost_groups, judge_subject};
use super::{Finding, FindingCode, Findings, Severity};
use crate::inventory::Expectation;
use crate::x509::{Certificate, KeyUsage, verify_chain};

/// Clocks differ, and kubeadm begins each validity five minutes early.
const TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// Judges `chain`, the leaf first, against the certificates of its CA's file; without any, its issuer is not judged.
#[must_use]
pub fn judge_incoming(
    name: &str,
    path: &Path,
    chain: &[Certificate],
    expectation: &Expectation,
    bundle: &[Certificate],
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    let Some((leaf, intermediates)) = chain.split_first() else { return Vec::new() };
    if leaf.is_ca() {
        notes.add(
            FindingCode::CertificateIsAnAuthority,
            "it is a CA's certificate (basicConstraints CA:TRUE): who has its key could sign for the whole cluster",
            "have it signed as a leaf: basicConstraints CA:FALSE",
        );
    }
    let position = signer(leaf, intermediates, bundle, now);
    let authority = bundle.get(position).map(std::slice::from_ref).unwrap_or_default();
    judge(&mut notes, leaf, intermediates, expectation, authority, Thresholds::NONE, now);
    judge_subject(&mut notes, leaf, expectation.subject.as_ref(), bundle.get(position), false);
    if let Some(ca) = bundle.get(position) {
        judge_authority_of(&mut notes, leaf, ca, position);
    }
    if leaf.key_usages().is_some_and(|usages| !usages.contains(&KeyUsage::DigitalSignature)) {
        notes.add_as(
            Severity::Warning,
            FindingCode::CertificateMissingUsages,
            "its key usage lacks digitalSignature; Kubernetes does not look at it, other TLS programs refuse it",
            "have it signed with key usage digitalSignature, keyEncipherment",
        );
    }
    notes.into_vec()
}

/// Judges a certificate against the one whose place it takes.
#[must_use]
pub fn judge_successor(name: &str, path: &Path, new: &Certificate, old: &Certificate) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    if new.not_after() < old.not_after() {
        notes.add(
            FindingCode::CertificateEndsEarlier,
            format!("it ends on {}, the one in its place on {}", new.not_after(), old.not_after()),
            "make sure that it is not an old one",
        );
    }
    judge_lost_groups(&mut notes, new, old);
    notes.into_vec()
}

/// The position in `bundle` of the CA that `leaf` chains to; the first when it chains to none.
#[must_use]
pub fn signer(leaf: &Certificate, intermediates: &[Certificate], bundle: &[Certificate], now: DateTime<Utc>) -> usize {
    let verifies = |ca: &Certificate| verify_chain(leaf, intermediates, std::slice::from_ref(ca), now, None).is_ok();
    // Out of its time nothing verifies: then the name says which CA is meant.
    let is_named = |ca: &Certificate| {
        leaf.issuer() == ca.subject()
            && (leaf.authority_key_identifier().is_none()
                || leaf.authority_key_identifier() == ca.subject_key_identifier())
    };
    bundle.iter().position(verifies).or_else(|| bundle.iter().position(is_named)).unwrap_or_default()
}

fn judge_authority_of(notes: &mut Findings, leaf: &Certificate, ca: &Certificate, position: usize) {
    if leaf.not_before() + TOLERANCE < ca.not_before() {
        notes.add(
            FindingCode::CertificatePrecedesAuthority,
            format!("it is valid from {} on, its CA only from {} on", leaf.not_before(), ca.not_before()),
            "make sure that this is the CA that is meant: a leaf is signed after its CA was made",
        );
    }
    if position > 0 {
        notes.add_as(
            Severity::Warning,
            FindingCode::CertificateUntrusted,
            format!("it chains to certificate {} of its CA's file; kubeadm looks at the first alone", position + 1),
            "put the CA that signs first in the file once all certificates are its own",
        );
    }
}
