//! Signing one request that is given as text; the certificate is text again, and nothing is written.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::node::content_of;
use super::super::unless_critical;
use super::{known_node, open_key, policy, refusal};
use crate::audit::authority::judge_authority;
use crate::audit::certificate::Thresholds;
use crate::audit::chain::judge_signed;
use crate::audit::{Finding, SeenCertificate};
use crate::catalogue;
use crate::digest::sha256_hex;
use crate::error::Result;
use crate::inventory::{Found, Part};
use crate::plan::sign::ask_for_passphrase;
use crate::policy::{Answered, Asked, Refusal, Signer, answer};
use crate::request::{RequestError, SignTextRequest};
use crate::store::Store;
use crate::tree::{Observed, Tree};
use crate::x509::{Certificate, CertificateRequest, Issuer, SerialNumber, read_certificates};

/// A certificate that answers a request, and is nowhere but here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedText {
    /// Whether it is the one that was there, which still answers the request.
    pub is_kept: bool,
    /// Why it is kept, or signed.
    pub reason: String,
    /// The certificate in PEM; none where a dry run would sign it.
    pub certificate: Option<String>,
    /// Its serial number in hexadecimal, likewise.
    pub serial: Option<String>,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its issuer (RFC 4514).
    pub issuer: String,
    /// Its alternative names, as `DNS:localhost`.
    pub subject_alt_names: Vec<String>,
    /// The kind of its key, as `ECDSA-P256`.
    pub key: String,
    /// The SHA-256 of its public key in hexadecimal.
    pub public_key_sha256: String,
    /// Its key usages.
    pub key_usages: Vec<String>,
    /// Its extended key usages.
    pub extended_key_usages: Vec<String>,
    /// Its first moment.
    pub not_before: DateTime<Utc>,
    /// Its last moment.
    pub not_after: DateTime<Utc>,
    /// The certificate that was there.
    pub present: Option<SeenCertificate>,
}

/// Answers one request: with the certificate that is there, or with a new one, whose serial number is random. It writes nothing.
///
/// # Errors
/// [`PolicyError::Refused`](crate::policy::PolicyError::Refused) with every reason against it;
/// [`OperationError::Blocked`](crate::ops::OperationError::Blocked) when the CA may not sign; the request (`x509.*`), the configuration, the policy or a file
/// of the CA cannot be read; the name is unknown; nothing says where the CA is.
pub fn sign_text(wanted: &SignTextRequest, now: DateTime<Utc>) -> Result<SignedText> {
    let node = known_node(&wanted.node, wanted.role)?.node;
    let (policy, _) = policy(wanted.policy.as_deref(), wanted.node.rootfs.as_deref())?;
    let Some(issuer) = policy.issuer(&wanted.name) else {
        let known = catalogue::request_names().into_iter().chain(policy.own_names()).map(str::to_owned).collect();
        return Err(RequestError::UnknownName { name: wanted.name.clone(), nearest: None, known }.into());
    };
    let request = CertificateRequest::from_pem(wanted.csr.as_bytes())?;
    let renew_before = wanted.renew_before()?;
    let validity = wanted.validity.map(|validity| validity.from("--validity", now)).transpose()?;
    let pair = authority(wanted, &issuer)?;
    let mut findings = pair.findings(&issuer, now);
    let may_sign = !findings.iter().any(Finding::is_critical);
    // What cannot be read is no answer.
    let present = wanted.present.as_deref().and_then(|pem| read_certificates(pem.as_bytes()).ok()).unwrap_or_default();
    let seen = present.first().map(|one| SeenCertificate::of(&wanted.name, Path::new(""), one, now));

    let mut reason = "requested".to_owned();
    let template = match (policy.profile(&wanted.name, &node), pair.found.certificates.present()) {
        (Err((fault, evidence)), _) => {
            findings.push(fault.finding(&wanted.name, None, evidence));
            None
        }
        (Ok(profile), Some(bundle)) if may_sign => {
            let signer = Signer {
                policy: &policy,
                authorities: BTreeMap::from([(issuer, bundle.clone())]),
                validity,
                outlive_authority: *wanted.outlive_ca,
            };
            let asked = Asked { request: &request, profile: &profile, node: &node, subject: &wanted.name, path: None };
            let answer = answer(asked, &signer, now);
            if let (Some((certificate, intermediates)), Some(authority)) = (present.split_first(), bundle.first())
                && !matches!(answer, Err(Refusal::Request(_)))
            {
                let answered = Answered { certificate, intermediates, request: &request, profile: &profile, authority };
                match answered.fault(renew_before, now) {
                    None => return Ok(kept(certificate, seen)),
                    Some(fault) => reason = fault,
                }
            }
            answer.map_err(|refusal| findings.extend(refusal.findings())).ok().map(|draft| draft.template)
        }
        // The CA's own findings say why it cannot sign.
        (Ok(_), _) => None,
    };
    let (Some(template), Some(certificate), Part::Present(key)) =
        (template, pair.found.certificate().cloned(), pair.found.key.into_part())
    else {
        return Err(refusal(findings));
    };

    let issuer = Issuer::new(certificate, key)?;
    let drafted = SignedText {
        is_kept: false,
        reason,
        certificate: None,
        serial: None,
        subject: template.subject.to_string(),
        issuer: issuer.certificate().subject().to_string(),
        subject_alt_names: texts(template.subject_alt_names.iter()),
        key: request.key_kind().to_owned(),
        public_key_sha256: sha256_hex(request.public_key_info()),
        key_usages: texts(&template.key_usages),
        extended_key_usages: texts(&template.extended_key_usages),
        not_before: template.not_before,
        not_after: template.not_after,
        present: seen,
    };
    if wanted.dry_run {
        return Ok(drafted);
    }
    let signed = template.issue(&SerialNumber::random()?, request.public_key_info(), &issuer)?;
    let bundle = [issuer.certificate().clone()];
    unless_critical(judge_signed(&wanted.name, &pair.found.certificate_path, &signed, &bundle, now))?;
    log::info!("{}: sign: serial {}, nothing written", wanted.name, signed.serial());
    Ok(SignedText { certificate: Some(pem(&signed)), serial: Some(signed.serial().to_string()), ..drafted })
}

/// The certificate that is there, where it still answers the request.
fn kept(certificate: &Certificate, seen: Option<SeenCertificate>) -> SignedText {
    SignedText {
        is_kept: true,
        reason: "it still answers the request".to_owned(),
        certificate: Some(pem(certificate)),
        serial: Some(certificate.serial().to_string()),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        subject_alt_names: texts(certificate.subject_alt_names().iter()),
        key: certificate.key_kind().to_owned(),
        public_key_sha256: sha256_hex(certificate.public_key_info()),
        key_usages: texts(certificate.key_usages().unwrap_or_default()),
        extended_key_usages: texts(certificate.extended_key_usages().unwrap_or_default()),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        present: seen,
    }
}

/// The CA's files as they were found, its key opened.
struct Authority {
    found: Found,
    files: Tree,
}

impl Authority {
    fn findings(&self, issuer: &str, now: DateTime<Utc>) -> Vec<Finding> {
        let mut findings = judge_authority(issuer, &self.found, &self.files, Thresholds::NONE, now);
        ask_for_passphrase(&mut findings);
        findings
    }
}

fn authority(wanted: &SignTextRequest, issuer: &str) -> Result<Authority> {
    let (certificate, key) = wanted.authority(issuer)?;
    let store = Store::new(wanted.node.rootfs.dir())?;
    let mut files = store.read([&certificate]);
    match wanted.ca_key_content.of(issuer) {
        Some(content) => files.insert(key.clone(), Observed::File { content: content.clone(), mode: 0o600 }),
        None => files.add(store.read([&key])),
    }
    for path in [&certificate, &key] {
        content_of(&files, path)?;
    }
    open_key(&mut files, &key, wanted.ca_key_passphrase.of(issuer));
    Ok(Authority { found: Found::pair(&files, certificate, key), files })
}

fn pem(certificate: &Certificate) -> String {
    String::from_utf8_lossy(&certificate.to_pem()).into_owned()
}

fn texts<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}
