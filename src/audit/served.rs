//! Judging what a server presents to its clients.
//!
//! In: the chain, the name that clients use, the CA's file, the certificate on disk, now. Out: findings.

use chrono::{DateTime, Utc};

use super::certificate::{Thresholds, judge};
use super::{Finding, FindingCode, Findings};
use crate::inventory::Expectation;
use crate::x509::{Certificate, ExtendedKeyUsage, SubjectAltName, SubjectAltNames};

/// What is expected of a server.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// The name by which its clients know it.
    pub name: SubjectAltName,
    /// The certificates of its CA's file; without any, nobody's signature is judged.
    pub authorities: &'a [Certificate],
    /// The certificate that it should present.
    pub certificate: Option<&'a Certificate>,
}

/// Judges a chain as it was sent, the server's own certificate first.
#[must_use]
pub fn judge_served(
    server: &str,
    chain: &[Certificate],
    expected: &Expected<'_>,
    thresholds: Thresholds,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut notes = Findings::on(server);
    let Some((leaf, intermediates)) = chain.split_first() else { return Vec::new() };
    let expectation = Expectation {
        extended_key_usages: vec![ExtendedKeyUsage::ServerAuth],
        subject_alt_names: SubjectAltNames::in_order(vec![expected.name.clone()]),
        ..Expectation::default()
    };
    judge(&mut notes, leaf, intermediates, &expectation, expected.authorities, thresholds, now);
    if let Some(wanted) = expected.certificate.filter(|wanted| wanted.as_der() != leaf.as_der()) {
        notes.add(
            FindingCode::EndpointOtherCertificate,
            format!(
                "it presents serial {}, which ends on {}; the file has serial {}, which ends on {}",
                leaf.serial(),
                leaf.not_after(),
                wanted.serial(),
                wanted.not_after()
            ),
            "restart what serves it: `kubepki restart` on its node",
        );
    }
    notes.into_vec()
}
