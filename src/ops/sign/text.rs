//! Signing one request that is given as text; the certificate is text again, and nothing is written.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::node::content_of;
use super::super::unless_critical;
use super::{known_node, policy, refusal};
use crate::audit::Finding;
use crate::audit::authority::judge_authority;
use crate::audit::certificate::Thresholds;
use crate::audit::chain::judge_signed;
use crate::catalogue;
use crate::error::Result;
use crate::inventory::{Found, Part};
use crate::policy::{Asked, Signer, answer};
use crate::request::{RequestError, SignTextRequest};
use crate::store::Store;
use crate::x509::{CertificateRequest, Issuer, SerialNumber};

/// A certificate that was signed, and is nowhere but here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedText {
    /// The certificate in PEM.
    pub certificate: String,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its issuer (RFC 4514).
    pub issuer: String,
    /// Its alternative names, as `DNS:localhost`.
    pub subject_alt_names: Vec<String>,
    /// Its first moment.
    pub not_before: DateTime<Utc>,
    /// Its last moment.
    pub not_after: DateTime<Utc>,
}

/// Signs one request, with a random serial number, and writes nothing.
///
/// # Errors
/// [`PolicyError::Refused`](crate::policy::PolicyError::Refused) with every reason against it;
/// [`OperationError::Blocked`](crate::ops::OperationError::Blocked) when the CA may not sign; the request (`x509.*`), the configuration, the policy or a file
/// of the CA cannot be read; the name is unknown.
pub fn sign_text(wanted: &SignTextRequest, now: DateTime<Utc>) -> Result<SignedText> {
    let node = known_node(&wanted.node, wanted.role)?.node;
    let (policy, _) = policy(wanted.policy.as_deref(), wanted.node.rootfs.as_deref())?;
    let Some(issuer) = policy.issuer(&wanted.name) else {
        let known = catalogue::request_names().into_iter().chain(policy.own_names()).map(str::to_owned).collect();
        return Err(RequestError::UnknownName { name: wanted.name.clone(), nearest: None, known }.into());
    };
    let request = CertificateRequest::from_pem(wanted.csr.as_bytes())?;
    let files = Store::new(wanted.node.rootfs.dir())?.read([&wanted.ca_cert, &wanted.ca_key]);
    for path in [&wanted.ca_cert, &wanted.ca_key] {
        content_of(&files, path)?;
    }
    let validity = wanted.validity.map(|validity| validity.from("--validity", now)).transpose()?;

    let pair = Found::pair(&files, wanted.ca_cert.clone(), wanted.ca_key.clone());
    let mut findings = judge_authority(&issuer, &pair, &files, Thresholds::NONE, now);
    let may_sign = !findings.iter().any(Finding::is_critical);
    let template = match (policy.profile(&wanted.name, &node), pair.certificates.present()) {
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
            let answer = answer(asked, &signer, now).map_err(|refusal| findings.extend(refusal.findings()));
            answer.ok().map(|draft| draft.template)
        }
        // The CA's own findings say why it cannot sign.
        (Ok(_), _) => None,
    };
    let (Some(template), Some(certificate), Part::Present(key)) =
        (template, pair.certificate().cloned(), pair.key.into_part())
    else {
        return Err(refusal(findings));
    };

    let issuer = Issuer::new(certificate, key)?;
    let signed = template.issue(&SerialNumber::random()?, request.public_key_info(), &issuer)?;
    let bundle = [issuer.certificate().clone()];
    unless_critical(judge_signed(&wanted.name, &wanted.ca_cert, &signed, &bundle, now))?;
    log::info!("{}: sign: serial {}, nothing written", wanted.name, signed.serial());
    Ok(SignedText {
        certificate: String::from_utf8_lossy(&signed.to_pem()).into_owned(),
        serial: signed.serial().to_string(),
        subject: signed.subject().to_string(),
        issuer: signed.issuer().to_string(),
        subject_alt_names: signed.subject_alt_names().iter().map(ToString::to_string).collect(),
        not_before: signed.not_before(),
        not_after: signed.not_after(),
    })
}
