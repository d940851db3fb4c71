//! Whether a certificate that a signer handed out is the one that was asked for.
//!
//! In: what was asked for, the key, the certificate. Out: every difference. Whether its chain holds is judged by
//! [`crate::audit::chain`], as for every other certificate.

use std::collections::BTreeSet;

use crate::x509::{Certificate, CertificateTemplate, DistinguishedName, KeyUsage};

/// What is not as it was asked for; its end is the signer's to say.
#[must_use]
pub fn faults(wanted: &CertificateTemplate, public_key_info: &[u8], certificate: &Certificate) -> Vec<String> {
    let mut faults = Vec::new();
    let mut note = |is_wrong: bool, fault: String| {
        if is_wrong {
            faults.push(fault);
        }
    };
    note(certificate.public_key_info() != public_key_info, "it is for another key".to_owned());
    let (subject, asked) = (certificate.subject(), &wanted.subject);
    note(attributes(subject) != attributes(asked), format!("its subject is {subject}, not {asked}"));
    let names = certificate.subject_alt_names();
    note(!names.has_same_names(&wanted.subject_alt_names), {
        let list = |names: &crate::x509::SubjectAltNames| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
        };
        format!("its names are {}, not {}", list(names), list(&wanted.subject_alt_names))
    });
    let purposes: BTreeSet<_> = certificate.extended_key_usages().unwrap_or_default().iter().collect();
    note(purposes != wanted.extended_key_usages.iter().collect(), {
        let oids: Vec<_> = purposes.iter().map(|purpose| purpose.oid()).collect();
        format!("its purposes are {}", if oids.is_empty() { "none".to_owned() } else { oids.join(", ") })
    });
    // Only RSA keys encipher keys, and signers differ in whether they say so of others.
    let matters =
        |usage: &&KeyUsage| **usage != KeyUsage::KeyEncipherment || certificate.key_kind().starts_with("RSA-");
    let usages: BTreeSet<_> = certificate.key_usages().unwrap_or_default().iter().filter(matters).collect();
    let missing: Vec<_> = wanted
        .key_usages
        .iter()
        .filter(matters)
        .filter(|usage| !usages.contains(usage))
        .map(|usage| usage.as_str())
        .collect();
    note(!missing.is_empty(), format!("it lacks the usages {}", missing.join(", ")));
    note(certificate.is_ca(), "it is a CA's".to_owned());
    faults
}

/// A name's attributes, however they are grouped and ordered: signers write the name anew.
fn attributes(name: &DistinguishedName) -> Vec<(String, String)> {
    let mut all: Vec<_> = name.relative_names().into_iter().flatten().map(|one| (one.oid, one.value)).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};

    use super::*;
    use crate::key::{Algorithm, PrivateKey};
    use crate::x509::{ExtendedKeyUsage, SerialNumber, SubjectAltName, SubjectAltNames};

    fn wanted() -> CertificateTemplate {
        CertificateTemplate {
            subject: DistinguishedName::new(&["b", "a"], "jane").unwrap(),
            subject_alt_names: SubjectAltNames::default(),
            key_usages: vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment],
            extended_key_usages: vec![ExtendedKeyUsage::ClientAuth],
            is_ca: false,
            not_before: Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap(),
            not_after: Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).unwrap(),
            other_extensions: Vec::new(),
        }
    }

    #[test]
    fn a_certificate_that_is_not_what_was_asked_for_is_found_out() {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let other_key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let signed =
            |template: &CertificateTemplate| template.self_sign(&SerialNumber::random().unwrap(), &key).unwrap();
        let said =
            |template: &CertificateTemplate| faults(&wanted(), key.public_key_info(), &signed(template)).join("; ");

        // Groups may be written in another order, and a key that enciphers nothing need not say that it does.
        let reordered = DistinguishedName::new(&["a", "b"], "jane").unwrap();
        let fine = CertificateTemplate { subject: reordered, key_usages: vec![KeyUsage::DigitalSignature], ..wanted() };
        assert_eq!(said(&fine), "");
        assert_eq!(faults(&wanted(), other_key.public_key_info(), &signed(&fine)), ["it is for another key"]);
        let group = DistinguishedName::new(&["a", "b", "system:masters"], "jane").unwrap();
        let name = SubjectAltNames::in_order(vec![SubjectAltName::Dns("x".into())]);
        for (changed, fault) in [
            (CertificateTemplate { subject: group, ..wanted() }, "its subject is"),
            (CertificateTemplate { subject_alt_names: name, ..wanted() }, "its names are DNS:x, not none"),
            (CertificateTemplate { extended_key_usages: vec![], ..wanted() }, "its purposes are none"),
            (
                CertificateTemplate { key_usages: vec![KeyUsage::KeyAgreement], ..wanted() },
                "it lacks the usages digitalSignature",
            ),
            (CertificateTemplate { is_ca: true, ..wanted() }, "it is a CA's"),
        ] {
            assert!(said(&changed).starts_with(fault), "{} is not {fault}", said(&changed));
        }
    }
}
