//! Whether a certificate still answers its request.
//!
//! In: the certificate, the request with its [`Profile`], the CA, now. Out: why it does not, or nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::Profile;
use crate::catalogue::leaf_key_usages;
use crate::x509::{Certificate, CertificateRequest, ChainProblem, KeyUsage, Rule, verify_chain};

/// A certificate that was signed before, and what it is held against.
#[derive(Clone, Copy)]
pub struct Answered<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// What follows it in its file.
    pub intermediates: &'a [Certificate],
    /// The request.
    pub request: &'a CertificateRequest,
    /// What a new certificate would say besides.
    pub profile: &'a Profile,
    /// The CA that would sign it.
    pub authority: &'a Certificate,
}

impl Answered<'_> {
    /// Whether it is the request's own: for its key and its subject.
    #[must_use]
    pub fn is_its_own(self) -> bool {
        self.certificate.public_key_info() == self.request.public_key_info()
            && self.certificate.subject() == self.request.subject()
    }

    /// Why a new one has to be signed; `None` while it says what a new one would say, and does not end within `renew_before`.
    #[must_use]
    pub fn fault(self, renew_before: TimeDelta, now: DateTime<Utc>) -> Option<String> {
        let Self { certificate, intermediates, request, profile, authority } = self;
        let bundle = std::slice::from_ref(authority);
        // Whether a key that is not RSA has it depends on kubeadm's version alone, and nobody looks at it there.
        let is_looked_at =
            |usage: &&KeyUsage| **usage != KeyUsage::KeyEncipherment || request.key_kind().starts_with("RSA-");
        let wanted = leaf_key_usages(profile.version.as_ref(), request.key_kind());
        let has = certificate.key_usages().unwrap_or_default();
        if !self.is_its_own() {
            Some("the certificate is for another key or subject".to_owned())
        } else if !certificate.subject_alt_names().has_same_names(request.subject_alt_names()) {
            Some("the certificate has other names".to_owned())
        } else if !has.iter().filter(is_looked_at).eq(wanted.iter().filter(is_looked_at))
            || certificate.extended_key_usages() != Some(&profile.extended_key_usages)
        {
            Some("the certificate is for other usages".to_owned())
        } else if let Some(due) = due(certificate, renew_before, now) {
            Some(format!("the certificate {due}"))
        } else if verify_chain(certificate, intermediates, bundle, now, None).is_err() {
            Some("the certificate is not of this CA".to_owned())
        } else {
            None
        }
    }
}

/// Whether one of the CA's certificates vouches for it; without any, nobody's signature is judged. What else is wrong with a CA (its end)
/// is not asked.
#[must_use]
pub fn is_signed_by(
    authorities: &[Certificate],
    certificate: &Certificate,
    intermediates: &[Certificate],
    now: DateTime<Utc>,
) -> bool {
    let verified = verify_chain(certificate, intermediates, authorities, now, None);
    let is_foreign = |problem: &ChainProblem| matches!(problem.rule, Rule::UNKNOWN_AUTHORITY | Rule::SIGNATURE);
    authorities.is_empty() || !verified.is_err_and(|problem| is_foreign(&problem))
}

/// That a certificate has expired, or ends within `renew_before`, and when; `None` while it is valid for longer.
#[must_use]
pub fn due(certificate: &Certificate, renew_before: TimeDelta, now: DateTime<Utc>) -> Option<String> {
    let end = certificate.not_after();
    let verb = if end < now { "expired" } else { "ends" };
    (end - now <= renew_before || end < now).then(|| format!("{verb} on {}", end.format("%Y-%m-%d")))
}
