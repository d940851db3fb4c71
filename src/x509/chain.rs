//! Whether a certificate's chain ends at a trusted CA, as every client and server of a cluster asks it.
//!
//! In: a leaf, intermediates, the trusted certificates, now, a purpose. Out: which of them vouches, or a
//! [`ChainProblem`]. The verdict is that of Go's `crypto/x509`, rule by rule (see [`Rule`]): kubeadm and all components
//! verify with it. Every certificate of a `ca.crt` vouches; kubeadm signs with the first.
//!
//! Source: Go `crypto/x509` `Verify`; kubeadm `util/pkiutil` `VerifyCertChain` (an expired CA fails too).

use std::fmt;

use chrono::{DateTime, Utc};

use super::go::{Candidate, Failure, LeafSignature, Rule, Search, search};
use super::{Certificate, DistinguishedName, ExtendedKeyUsage};

/// Why a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainProblem {
    /// The rule that is broken.
    pub rule: Rule,
    /// The subject of the certificate that breaks it.
    pub subject: String,
    text: String,
    name: Option<String>,
}

impl ChainProblem {
    /// Whether it is about the moment: at another one the chain may hold.
    #[must_use]
    pub fn is_about_time(&self) -> bool {
        self.rule == Rule::EXPIRED
    }

    /// Whether it is about a name that a CA's constraints do not permit.
    #[must_use]
    pub fn is_about_names(&self) -> bool {
        self.rule == Rule::CONSTRAINED_NAME
    }

    /// That name with its kind, as `DNS:node`, where it is one that can be compared.
    #[must_use]
    pub fn forbidden_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it lies in one of `authorities`, so that all that they sign has the same fault.
    #[must_use]
    pub fn is_of_one_of(&self, authorities: &[Certificate]) -> bool {
        let is_of_the_leaf = matches!(self.rule, Rule::UNKNOWN_AUTHORITY | Rule::SIGNATURE);
        !is_of_the_leaf && authorities.iter().any(|authority| authority.subject().to_string() == self.subject)
    }
}

impl fmt::Display for ChainProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Verifies that `leaf` chains, perhaps through `intermediates`, to one of `authorities` at the moment `now`, for
/// `purpose`, or for any. The position of the one that it chains to.
///
/// # Errors
/// The [`ChainProblem`] that stands in the way.
pub fn verify_chain(
    leaf: &Certificate,
    intermediates: &[Certificate],
    authorities: &[Certificate],
    now: DateTime<Utc>,
    purpose: Option<&ExtendedKeyUsage>,
) -> Result<usize, ChainProblem> {
    verify(leaf, intermediates, authorities, now, purpose, LeafSignature::Made)
}

/// The same for a [draft](super::CertificateTemplate::draft), which has no signature yet.
///
/// # Errors
/// As [`verify_chain`].
pub fn verify_draft(
    draft: &Certificate,
    authorities: &[Certificate],
    now: DateTime<Utc>,
    purpose: Option<&ExtendedKeyUsage>,
) -> Result<usize, ChainProblem> {
    verify(draft, &[], authorities, now, purpose, LeafSignature::Promised)
}

fn verify(
    leaf: &Certificate,
    intermediates: &[Certificate],
    authorities: &[Certificate],
    now: DateTime<Utc>,
    purpose: Option<&ExtendedKeyUsage>,
    leaf_signature: LeafSignature,
) -> Result<usize, ChainProblem> {
    let candidate =
        |certificate| Candidate { facts: Certificate::facts(certificate), der: Certificate::as_der(certificate) };
    let intermediates: Vec<_> = intermediates.iter().map(candidate).collect();
    let roots: Vec<_> = authorities.iter().map(candidate).collect();
    search(&Search {
        leaf: candidate(leaf),
        leaf_signature,
        intermediates: &intermediates,
        roots: &roots,
        now,
        usage: purpose.map(ExtendedKeyUsage::oid),
    })
    .map_err(|failure| problem(leaf, authorities, &failure))
}

fn problem(leaf: &Certificate, authorities: &[Certificate], failure: &Failure) -> ChainProblem {
    let rule = failure.broken.rule;
    let subject = DistinguishedName::from_der(&failure.subject).map(|name| name.to_string()).unwrap_or_default();
    let text = match rule {
        Rule::UNKNOWN_AUTHORITY => {
            let expected: Vec<_> = authorities.iter().map(|authority| authority.subject().to_string()).collect();
            let expected = expected.join(" or ");
            format!("certificate signed by unknown authority: issuer {}, expected {expected}", leaf.issuer())
        }
        Rule::SIGNATURE => format!("the signature is not valid: {}", failure.broken),
        _ => format!("no client and no server accepts its chain: {subject}: {}", failure.broken),
    };
    ChainProblem { rule, subject, text, name: failure.broken.name.clone() }
}
