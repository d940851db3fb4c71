//! The certificates of a file, put in the order of a chain.
//!
//! In: certificates in any order, as certificate authorities hand them out. Out: [`OrderedChain`]: the leaf, the CA
//! that signed it, that CA's own, and so on; the root at the end is dropped, since whoever verifies has it already.
//! Names and signatures decide. A CA that signed its own next key under the same name is an intermediate, no root.
//!
//! Source: RFC 8446 section 4.4.2 (each certificate directly certifies the one before it; the root may be left out).

use super::Certificate;

/// A leaf and the intermediates above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedChain {
    /// The leaf first, then up; at least one.
    pub certificates: Vec<Certificate>,
    /// What belongs to no chain of this leaf. A root that was dropped is not among them.
    pub left_out: Vec<Certificate>,
}

/// Puts `certificates` in order.
///
/// # Errors
/// The leaves, when there is more than one: nobody can say which of them is meant. None, when there is no
/// certificate at all.
pub fn order_chain(certificates: &[Certificate]) -> Result<OrderedChain, Vec<Certificate>> {
    let mut rest: Vec<Certificate> = Vec::with_capacity(certificates.len());
    for certificate in certificates {
        if !rest.contains(certificate) {
            rest.push(certificate.clone());
        }
    }
    let leaf = only_leaf(&rest)?;
    rest.retain(|one| *one != leaf);
    let mut chain = vec![leaf];
    while let Some(issuer) = chain.last().and_then(|last| issuer_of(last, &rest)) {
        rest.retain(|one| *one != issuer);
        if issuer.has_signed(&issuer) {
            break;
        }
        chain.push(issuer);
    }
    Ok(OrderedChain { certificates: chain, left_out: rest })
}

/// The one certificate that is no CA's; among CAs alone, the one that has signed none of the others.
fn only_leaf(all: &[Certificate]) -> Result<Certificate, Vec<Certificate>> {
    let mut leaves: Vec<_> = all.iter().filter(|one| !one.is_ca()).collect();
    if leaves.is_empty() {
        leaves = all.iter().filter(|one| !all.iter().any(|other| other != *one && is_issuer(one, other))).collect();
    }
    match leaves.as_slice() {
        [leaf] => Ok((*leaf).clone()),
        several => Err(several.iter().map(|one| (*one).clone()).collect()),
    }
}

fn issuer_of(certificate: &Certificate, others: &[Certificate]) -> Option<Certificate> {
    if certificate.has_signed(certificate) {
        return None;
    }
    // Key identifiers may be wrong: Go takes them for a hint, so the signature decides.
    let signer = others.iter().find(|other| other.has_signed(certificate));
    signer.or_else(|| others.iter().find(|other| is_issuer(other, certificate))).cloned()
}

/// Whether `authority` may have signed `certificate`: the name fits, and the key identifiers where both have one.
fn is_issuer(authority: &Certificate, certificate: &Certificate) -> bool {
    authority.subject() == certificate.issuer()
        && match (authority.subject_key_identifier(), certificate.authority_key_identifier()) {
            (Some(has), Some(wants)) => has == wants,
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::key::{Algorithm, PrivateKey};
    use crate::x509::{CertificateTemplate, DistinguishedName, Issuer, KeyUsage, SerialNumber, SubjectAltNames};

    fn template(name: &str, is_ca: bool) -> CertificateTemplate {
        CertificateTemplate {
            subject: DistinguishedName::new::<&str>(&[], name).unwrap(),
            subject_alt_names: SubjectAltNames::default(),
            key_usages: vec![if is_ca { KeyUsage::KeyCertSign } else { KeyUsage::DigitalSignature }],
            extended_key_usages: Vec::new(),
            is_ca,
            not_before: DateTime::UNIX_EPOCH,
            not_after: DateTime::UNIX_EPOCH + TimeDelta::days(1),
            other_extensions: Vec::new(),
        }
    }

    fn issuer(name: &str, by: Option<&Issuer>) -> Issuer {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let serial = SerialNumber::random().unwrap();
        let certificate = match by {
            Some(by) => template(name, true).issue(&serial, key.public_key_info(), by).unwrap(),
            None => template(name, true).self_sign(&serial, &key).unwrap(),
        };
        Issuer::new(certificate, key).unwrap()
    }

    fn leaf(name: &str, by: &Issuer) -> Certificate {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        template(name, false).issue(&SerialNumber::random().unwrap(), key.public_key_info(), by).unwrap()
    }

    #[test]
    fn any_order_becomes_leaf_first_and_the_root_goes() {
        let root = issuer("root", None);
        let upper = issuer("upper", Some(&root));
        let lower = issuer("lower", Some(&upper));
        let one = leaf("leaf", &lower);
        let all = [&one, lower.certificate(), upper.certificate(), root.certificate()];
        for order in [[3, 1, 0, 2], [2, 0, 3, 1], [0, 1, 2, 3], [1, 3, 2, 0]] {
            let shuffled: Vec<_> = order.iter().map(|at: &usize| all[*at].clone()).collect();
            let ordered = order_chain(&shuffled).unwrap();
            assert_eq!(ordered.certificates, [one.clone(), lower.certificate().clone(), upper.certificate().clone()]);
            assert_eq!(ordered.left_out, []);
        }
    }

    #[test]
    fn a_namesake_with_another_key_is_left_out() {
        let root = issuer("root", None);
        let lower = issuer("lower", Some(&root));
        let namesake = issuer("lower", Some(&root));
        let one = leaf("leaf", &lower);
        let given = [namesake.certificate().clone(), one.clone(), lower.certificate().clone()];
        let ordered = order_chain(&given).unwrap();
        assert_eq!(ordered.certificates, [one, lower.certificate().clone()]);
        assert_eq!(ordered.left_out, [namesake.certificate().clone()]);
    }

    /// A CA gives its name a new key: the certificate of the new key by the old one is an intermediate.
    #[test]
    fn a_self_issued_intermediate_stays() {
        let old = issuer("ca", None);
        let new = issuer("ca", Some(&old));
        let one = leaf("leaf", &new);
        let given = [old.certificate().clone(), new.certificate().clone(), one.clone()];
        let ordered = order_chain(&given).unwrap();
        assert_eq!(ordered.certificates, [one, new.certificate().clone()]);
        assert_eq!(ordered.left_out, []);
    }

    #[test]
    fn two_leaves_are_named_and_twice_the_same_is_one() {
        let root = issuer("root", None);
        let (one, other) = (leaf("one", &root), leaf("other", &root));
        assert_eq!(order_chain(&[one.clone(), other.clone()]).unwrap_err(), [one.clone(), other]);
        assert_eq!(order_chain(&[one.clone(), one.clone()]).unwrap().certificates, [one]);
        assert_eq!(order_chain(&[]).unwrap_err(), []);
    }

    #[test]
    fn a_self_signed_certificate_alone_stays() {
        let root = issuer("root", None);
        let ordered = order_chain(&[root.certificate().clone()]).unwrap();
        assert_eq!(ordered.certificates, [root.certificate().clone()]);
    }
}
