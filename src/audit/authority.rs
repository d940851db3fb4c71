//! Judging a CA that is there: may it sign, what may it sign for, is the key its own, is it still valid.
//!
//! In: the pair, now. Out: findings. A CA of any subject and key is welcome, if Go's `crypto/x509` takes it as one.

use chrono::{DateTime, Utc};

use super::certificate::{Thresholds, judge_validity};
use super::files::judge_pair_files;
use super::identifier::judge_own_identifiers;
use super::{Finding, FindingCode, Findings, Remedy, Severity, chain};
use crate::catalogue;
use crate::inventory::Found;
use crate::tree::Tree;
use crate::x509::{Certificate, ExtendedKeyUsage};

/// Judges a CA's two files. A key that is missing makes it an external CA, which is said and is no fault.
#[must_use]
pub fn judge_authority(
    name: &str,
    pair: &Found,
    tree: &Tree,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    judge_pair_files(pair, tree, &mut notes, false);
    notes.at(&pair.certificate_path);
    if let Some(certificate) = pair.certificate() {
        judge_signing(&mut notes, certificate);
        judge_own_identifiers(&mut notes, certificate);
        judge_validity(&mut notes, certificate, thresholds, now);
        if pair.is_external() {
            notes.add(
                FindingCode::AuthorityExternal,
                "its key is not on this node: external CA mode",
                Remedy::nothing("nothing; certificates of this CA are signed elsewhere"),
            );
        }
    }
    notes.into_vec()
}

/// Judges the certificate alone: whether any chain may end at it.
#[must_use]
pub fn judge_authority_certificate(name: &str, path: &std::path::Path, certificate: &Certificate) -> Vec<Finding> {
    let mut notes = Findings::on(name);
    notes.at(path);
    judge_signing(&mut notes, certificate);
    notes.into_vec()
}

/// Notes what keeps it from signing, or from signing all that a CA of this name signs.
fn judge_signing(notes: &mut Findings, certificate: &Certificate) {
    let subject = certificate.subject();
    let mut note = |severity, evidence: String, remedy: &str| {
        notes.add_as(severity, FindingCode::AuthorityNotAnAuthority, evidence, remedy);
    };
    if !certificate.may_sign_certificates() {
        note(
            Severity::Critical,
            format!("{subject} is not a certificate authority that may sign certificates"),
            "put a CA's certificate there: basicConstraints CA:TRUE and key usage keyCertSign",
        );
    } else if !certificate.is_ca() {
        note(
            Severity::Warning,
            format!(
                "{subject} is of X.509 version {}: chains may end at it, but kubeadm does not take it as a CA",
                certificate.version()
            ),
            "replace it by a CA of version 3 before kubeadm must sign: kubeadm join, kubeadm certs renew",
        );
    }
    if let Some(broken) = certificate.signing_key_fault() {
        note(
            Severity::Critical,
            format!("no client and no server accepts what {subject} signs: {broken}"),
            "replace the CA by one with an RSA key of 2048 bits or more, or an ECDSA key on P-256",
        );
    }
    let wanted = purposes(&notes.subject);
    let refused: Vec<_> = wanted.iter().filter(|purpose| !certificate.allows_purpose(purpose)).collect();
    if !refused.is_empty() {
        let is_all = refused.len() == wanted.len();
        let names: Vec<_> = refused.iter().map(ToString::to_string).collect();
        notes.add_as(
            if is_all { Severity::Critical } else { Severity::Warning },
            FindingCode::AuthorityUsages,
            format!(
                "its own extended key usages do not allow {}, so no peer accepts its certificates for that",
                names.join(" and ")
            ),
            "replace the CA by one without extended key usages, or with these among them",
        );
    }
    chain::judge_alone(notes, certificate);
}

/// What the certificates of this CA are used for; both, where the catalogue does not know it.
fn purposes(name: &str) -> Vec<ExtendedKeyUsage> {
    let all = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
    let Some(authority) = catalogue::authority(name) else { return all.to_vec() };
    let rows = catalogue::ROWS.iter().filter(|row| row.is_signed_by(authority));
    all.into_iter().filter(|purpose| rows.clone().any(|row| row.extended_key_usages.contains(purpose))).collect()
}
