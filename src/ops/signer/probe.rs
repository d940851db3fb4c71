//! Whether signers sign now: each is asked for a certificate of ten minutes, for a key that nobody keeps.
//!
//! In: the signers, the CAs of this node, how the cluster is reached. Out: a [`SignerProbe`] of each. The certificates let nobody in:
//! their keys are gone, they are of no group but the nodes', and of a node that is not there. Requests are deleted in any case.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::{ShownSigner, SignerError, SignerProbe};
use crate::audit::SeenCertificate;
use crate::catalogue::{SYSTEM_NODE, SYSTEM_NODES};
use crate::error::{Category, Declared as _, Diagnostic as _, Error, Result};
use crate::inventory::Part;
use crate::key::{Algorithm, PrivateKey};
use crate::ops::keys::{Continue, Progress};
use crate::ops::signing::{Order, SigningError, obtain};
use crate::plan::SignerOrder;
use crate::policy::signer::{SHORTEST_VALIDITY, Signer};
use crate::request::{ClusterAccess, Signing};
use crate::text::file_name;
use crate::tree::Tree;
use crate::x509::{
    Certificate, CertificateTemplate, DistinguishedName, ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectAltNames,
    X509Error, read_certificates, verify_chain,
};

/// Who the certificates are for: nobody.
const NOBODY: &str = "kubepki-probe";

/// Every certificate of these files that can be read, with its file.
pub(super) fn authorities(tree: &Tree, files: impl Iterator<Item = PathBuf>) -> Vec<(PathBuf, Certificate)> {
    let mut all: Vec<(PathBuf, Certificate)> = Vec::new();
    for file in files {
        let Part::Present(certificates) = Part::read(tree, &file, read_certificates) else { continue };
        let is_new = |one: &Certificate| !all.iter().any(|(_, known)| known == one);
        let new: Vec<_> = certificates.into_iter().filter(is_new).collect();
        all.extend(new.into_iter().map(|one| (file.clone(), one)));
    }
    all
}

/// Asks each signer that the API takes requests for.
///
/// # Errors
/// The cluster cannot be asked; the wait was broken off. That a signer does not sign is an answer.
pub(super) fn ask(
    signers: &mut [ShownSigner],
    authorities: &[(PathBuf, Certificate)],
    signing: &Signing,
    (access, own): (&ClusterAccess, &[PathBuf]),
    now: DateTime<Utc>,
    tell: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<()> {
    let mut progress = |_: &Progress| if tell().is_break() { Continue::No } else { Continue::Yes };
    for shown in signers {
        let Ok(signer) = shown.signer.name.parse::<Signer>() else { continue };
        shown.probe = Some(match issued(signer, signing, (access, own), now, &mut progress) {
            Ok(None) => continue,
            Ok(Some(chain)) => judged(&shown.signer.name, &chain, authorities, now),
            Err(error) if is_answer(&error) => {
                SignerProbe { certificate: None, authority: None, problem: Some(error.into()) }
            }
            Err(error) => return Err(error),
        });
    }
    Ok(())
}

/// What a signer issues now, for a key that nobody keeps; none where it makes no such certificates.
///
/// # Errors
/// It does not sign ([`is_answer`]), or the cluster cannot be asked.
pub(in crate::ops) fn issued(
    signer: Signer,
    signing: &Signing,
    way: (&ClusterAccess, &[PathBuf]),
    now: DateTime<Utc>,
    progress: &mut dyn FnMut(&Progress) -> Continue,
) -> Result<Option<Vec<Certificate>>> {
    let template = template(&signer, now)?;
    let Ok(usages) = signer.usages(&template) else { return Ok(None) };
    let key = PrivateKey::generate(Algorithm::EcdsaP256)?;
    let terms = SignerOrder { signer, usages };
    let order = Order { name: NOBODY, terms: &terms, template: &template, key: &key, least: None };
    Ok(obtain(&[order], signing, way, progress)?.into_iter().next())
}

/// Whether an error says something of the signer, and not of the way to the cluster.
pub(in crate::ops) fn is_answer(error: &Error) -> bool {
    SigningError::declares(error.code()) || error.category() == Category::Finding
}

/// What the signer shall sign: the least that it does.
fn template(signer: &Signer, now: DateTime<Utc>) -> Result<CertificateTemplate, X509Error> {
    let node = format!("{SYSTEM_NODE}{NOBODY}");
    let (groups, name): (&[&str], &str) = match signer {
        Signer::KubeletClient | Signer::KubeletServing => (&[SYSTEM_NODES], &node),
        _ => (&[], NOBODY),
    };
    let (purpose, names) = match signer {
        Signer::KubeletServing => {
            (ExtendedKeyUsage::ServerAuth, vec![SubjectAltName::Dns(format!("{NOBODY}.invalid"))])
        }
        _ => (ExtendedKeyUsage::ClientAuth, Vec::new()),
    };
    Ok(CertificateTemplate {
        subject: DistinguishedName::new(groups, name)?,
        subject_alt_names: SubjectAltNames::in_order(names),
        key_usages: vec![KeyUsage::DigitalSignature],
        extended_key_usages: vec![purpose],
        is_ca: false,
        not_before: now,
        not_after: now + SHORTEST_VALIDITY,
        other_extensions: Vec::new(),
    })
}

/// Which CA of this node vouches for what was signed.
fn judged(
    name: &str,
    chain: &[Certificate],
    authorities: &[(PathBuf, Certificate)],
    now: DateTime<Utc>,
) -> SignerProbe {
    let Some((leaf, intermediates)) = chain.split_first() else {
        return SignerProbe { certificate: None, authority: None, problem: None };
    };
    let vouches = |one: &Certificate| verify_chain(leaf, intermediates, std::slice::from_ref(one), now, None).is_ok();
    let authority = authorities.iter().find(|(_, one)| vouches(one));
    // Where no CA is known here, nobody can say.
    let is_foreign = authority.is_none() && !authorities.is_empty();
    let foreign = || SignerError::UnknownAuthority { signer: name.to_owned(), issuer: leaf.issuer().to_string() };
    SignerProbe {
        certificate: Some(SeenCertificate::of(NOBODY, Path::new(name), leaf, now)),
        authority: authority.map(|(path, one)| SeenCertificate::of(&file_name(path), path, one, now)),
        problem: is_foreign.then(|| foreign().fault()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::signers::BUILT_IN;

    #[test]
    fn each_signer_but_the_legacy_one_is_asked_for_what_it_signs() {
        let now = DateTime::UNIX_EPOCH;
        let asked = BUILT_IN.iter().filter_map(|(name, _)| name.parse::<Signer>().ok()).map(|signer| {
            assert!(signer.is_built_in());
            signer.usages(&template(&signer, now).unwrap()).unwrap().join(", ")
        });
        let expected =
            ["digital signature, client auth", "digital signature, client auth", "digital signature, server auth"];
        assert_eq!(asked.collect::<Vec<_>>(), expected);
    }
}
