//! Whether a certificate's signature chain ends at a CA, as kubeadm asks it before it uses an existing file.
//!
//! In: a leaf, intermediates, a trusted CA, now. Out: nothing, or a [`ChainProblem`]. Path building and signatures
//! are rustls-webpki's; it does not look at a trust anchor's own validity and usages, so that is done here. Any
//! extended key usage passes: purposes are the catalogue's to judge.
//!
//! Source: RFC 5280 section 6; Go `crypto/x509` `Verify`, which takes a leaf of version 1; kubeadm `util/pkiutil`
//! `VerifyCertChain` (an expired CA fails too).

use chrono::{DateTime, Utc};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert};

use super::Certificate;
use super::signature::{SignatureProblem, verify};
use rustls_pki_types::{CertificateDer, UnixTime};

/// Why a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainProblem {
    /// The trusted certificate is not a CA's, or may not sign certificates.
    #[error("{ca} is not a certificate authority that may sign certificates")]
    NotAnAuthority {
        /// Its subject.
        ca: String,
    },
    /// The trusted CA's validity has not begun or is over.
    #[error("the CA {ca} is valid from {not_before} to {not_after} only")]
    AuthorityNotValid {
        /// Its subject.
        ca: String,
        /// The first moment.
        not_before: DateTime<Utc>,
        /// The last moment.
        not_after: DateTime<Utc>,
    },
    /// A certificate's validity is over.
    #[error("the certificate, or an intermediate, has expired")]
    Expired,
    /// A certificate's validity has not begun.
    #[error("the certificate, or an intermediate, is not yet valid")]
    NotYetValid,
    /// No path leads to the CA: another CA signed it, or an intermediate is missing.
    #[error("certificate signed by unknown authority: issuer {issuer}, expected {ca}")]
    UnknownAuthority {
        /// Who the leaf says signed it.
        issuer: String,
        /// The CA that was expected.
        ca: String,
    },
    /// The signature is false, or of a kind that is not accepted.
    #[error("the signature is not valid: {reason}")]
    Signature {
        /// The library's reason.
        reason: String,
    },
    /// Anything else that path validation refuses.
    #[error("the chain is not valid: {reason}")]
    Invalid {
        /// The library's reason.
        reason: String,
    },
}

/// Any purpose is accepted.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// Verifies that `leaf` chains, perhaps through `intermediates`, to `ca` at the moment `now`.
///
/// # Errors
/// The first [`ChainProblem`] found, the CA's own first.
pub fn verify_chain(
    leaf: &Certificate,
    intermediates: &[Certificate],
    ca: &Certificate,
    now: DateTime<Utc>,
) -> Result<(), ChainProblem> {
    let ca_name = || ca.subject().to_string();
    if !ca.may_sign_certificates() {
        return Err(ChainProblem::NotAnAuthority { ca: ca_name() });
    }
    if now < ca.not_before() || now > ca.not_after() {
        return Err(ChainProblem::AuthorityNotValid {
            ca: ca_name(),
            not_before: ca.not_before(),
            not_after: ca.not_after(),
        });
    }

    let invalid = |error: webpki::Error| ChainProblem::Invalid { reason: error.to_string() };
    let ca_der = CertificateDer::from(ca.as_der());
    let anchor = anchor_from_trusted_cert(&ca_der).map_err(invalid)?;
    let leaf_der = CertificateDer::from(leaf.as_der());
    let end_entity = match EndEntityCert::try_from(&leaf_der) {
        Err(webpki::Error::UnsupportedCertVersion) => return verify_old_version(leaf, ca, now),
        other => other.map_err(invalid)?,
    };
    let intermediates: Vec<_> = intermediates.iter().map(|one| CertificateDer::from(one.as_der())).collect();
    let seconds = u64::try_from(now.timestamp()).map_err(|_| ChainProblem::NotYetValid)?;
    end_entity
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &[anchor],
            &intermediates,
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
            AnyPurpose,
            None,
            None,
        )
        .map(|_| ())
        .map_err(|error| match error {
            webpki::Error::CertExpired { .. } => ChainProblem::Expired,
            webpki::Error::CertNotValidYet { .. } => ChainProblem::NotYetValid,
            webpki::Error::UnknownIssuer => {
                ChainProblem::UnknownAuthority { issuer: leaf.issuer().to_string(), ca: ca_name() }
            }
            webpki::Error::InvalidSignatureForPublicKey
            | webpki::Error::UnsupportedSignatureAlgorithmContext(_)
            | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                ChainProblem::Signature { reason: error.to_string() }
            }
            other => invalid(other),
        })
}

/// A leaf of X.509 version 1, which `openssl x509 -req` makes of a request without extensions. Go and OpenSSL take it,
/// rustls-webpki does not. It has no extensions that could restrict it; only a leaf directly below the CA is taken.
fn verify_old_version(leaf: &Certificate, ca: &Certificate, now: DateTime<Utc>) -> Result<(), ChainProblem> {
    if leaf.issuer() != ca.subject() {
        let (issuer, ca) = (leaf.issuer().to_string(), ca.subject().to_string());
        return Err(ChainProblem::UnknownAuthority { issuer, ca });
    }
    if now < leaf.not_before() {
        return Err(ChainProblem::NotYetValid);
    }
    if now > leaf.not_after() {
        return Err(ChainProblem::Expired);
    }
    verify(leaf.as_der(), ca.public_key_info()).map_err(|problem| ChainProblem::Signature {
        reason: match problem {
            SignatureProblem::Malformed(reason) => reason,
            SignatureProblem::NotAccepted => format!("{} is not accepted", leaf.signature_oid()),
            SignatureProblem::False => format!("{} has not signed it", ca.subject()),
        },
    })
}
