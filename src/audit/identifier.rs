//! Judging key identifiers and key usages: what Go passes over, and others do not.
//!
//! In: a certificate, the CA that vouches for it. Out: findings.
//!
//! Source: RFC 5280 sections 4.2.1.1 to 4.2.1.3, RFC 8446 section 4.4.2.2, RFC 8813; OpenSSL `crypto/x509/v3_purp.c`
//! (`ossl_x509_likely_issued`, `X509_V_ERR_AKID_SKID_MISMATCH`) and `X509_V_FLAG_X509_STRICT`, which Python sets from 3.13 on.

use super::{FindingCode, Findings, Remedy, Severity};
use crate::digest::hex;
use crate::x509::{Certificate, KeyUsage};

/// Notes a certificate that names another key than that of the CA which has signed it.
pub(super) fn judge_identifiers(notes: &mut Findings, certificate: &Certificate, ca: &Certificate) {
    if let (Some(named), Some(own)) = (certificate.authority_key_identifier(), ca.subject_key_identifier())
        && named != own
    {
        notes.add(
            FindingCode::CertificateKeyIdentifier,
            format!(
                "it names {} as the key of its CA, and its CA says {} of its own: Go does not mind, but OpenSSL (curl, \
                 Python) does not find its CA",
                shown(named),
                shown(own)
            ),
            "have it issued again by this CA as it is now",
        );
    }
}

/// Notes a CA that has signed itself and names another key as its signer's.
pub(super) fn judge_own_identifiers(notes: &mut Findings, ca: &Certificate) {
    if ca.issuer() == ca.subject() && ca.has_signed(ca) {
        judge_identifiers(notes, ca, ca);
    }
}

/// Notes key usages that keep a leaf from being used, or that its key cannot have.
pub(super) fn judge_key_usages(notes: &mut Findings, certificate: &Certificate) {
    let usages = certificate.key_usages().unwrap_or_default();
    if usages.is_empty() || certificate.is_ca() {
        return;
    }
    let has = |usage: KeyUsage| usages.contains(&usage);
    if !has(KeyUsage::DigitalSignature) {
        notes.add(
            FindingCode::CertificateKeyUsages,
            format!(
                "its key usage is {}, without digitalSignature: Go does not mind, but TLS 1.3 asks for it, and other \
                 programs may refuse it",
                shown_usages(usages)
            ),
            "have it issued again with digitalSignature",
        );
    }
    if has(KeyUsage::KeyCertSign) {
        notes.add(
            FindingCode::CertificateKeyUsages,
            "it has the key usage keyCertSign but is not a CA: Go accepts that, Python 3.13 and later do not",
            "have it issued again without keyCertSign",
        );
    }
}

/// Notes a key that is not RSA and may encipher, which the cluster's version of kubeadm no longer writes.
pub(super) fn note_encipherment(notes: &mut Findings, kind: &str) {
    notes.add_as(
        Severity::Info,
        FindingCode::CertificateKeyUsages,
        format!("its key usage has keyEncipherment, which a key of the kind {kind} cannot do"),
        Remedy::nothing("nothing: no program minds; its next renewal from kubeadm 1.38 on leaves it out"),
    );
}

fn shown(identifier: &[u8]) -> String {
    let text = hex(identifier);
    // What stands there may have any length.
    text.get(..64).map_or_else(|| text.clone(), |start| format!("{start}…"))
}

fn shown_usages(usages: &[KeyUsage]) -> String {
    usages.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
