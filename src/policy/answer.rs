//! Answering one signing request: what its certificate will say, or every reason against it.
//!
//! In: the request with its [`Profile`], what the signer has and wants, now. Out: a [`Draft`] or a [`Refusal`]. It reads
//! nothing and signs nothing. Subject and names are the request's, everything else is its profile's.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::judge::judge;
use super::{KnownNode, OutliveAuthority, Policy, Profile};
use crate::audit::chain::judge_draft;
use crate::audit::{Finding, FindingCode, RequestFault, Severity};
use crate::catalogue::leaf_key_usages;
use crate::x509::{BACKDATE, Certificate, CertificateRequest, CertificateTemplate};

/// How long certificates are valid by default: kubeadm's 8760 hours.
const DEFAULT_VALIDITY: TimeDelta = TimeDelta::hours(8760);

/// A request, and what it is held against.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The request.
    pub request: &'a CertificateRequest,
    /// What its certificate may say.
    pub profile: &'a Profile,
    /// What is known of its node.
    pub node: &'a KnownNode,
    /// What findings call it.
    pub subject: &'a str,
    /// Its file, if it is in one.
    pub path: Option<&'a Path>,
}

/// The side that signs.
pub struct Signer<'a> {
    /// What is signed.
    pub policy: &'a Policy,
    /// The CAs that can sign, each with its whole file: the first certificate is the one that signs.
    pub authorities: BTreeMap<String, Vec<Certificate>>,
    /// How long certificates are valid; the configuration's or kubeadm's time otherwise, or less by the policy.
    pub validity: Option<TimeDelta>,
    /// What to do with a certificate that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
}

/// A certificate that may be signed.
#[derive(Debug)]
pub struct Draft {
    /// All that it will say but for its serial number.
    pub template: CertificateTemplate,
    /// What should be looked at; none is critical.
    pub findings: Vec<Finding>,
}

/// Why a request is not answered.
#[derive(Debug)]
pub enum Refusal {
    /// It asks for what is not its own, perhaps for too long besides.
    Request(Vec<Finding>),
    /// Only its end cannot be as it was asked for.
    Validity(Vec<Finding>),
    /// No client and no server would accept the certificate.
    Worthless(Vec<Finding>),
}

impl Refusal {
    /// Every reason.
    #[must_use]
    pub fn findings(self) -> Vec<Finding> {
        match self {
            Self::Request(findings) | Self::Validity(findings) | Self::Worthless(findings) => findings,
        }
    }
}

/// What the certificate that answers a request will say.
///
/// # Errors
/// [`Refusal`] with every reason of its kind.
pub fn answer(asked: Asked<'_>, signer: &Signer<'_>, now: DateTime<Utc>) -> Result<Draft, Refusal> {
    let Asked { request, profile, subject, path, .. } = asked;
    let bundle = signer.authorities.get(&profile.issuer).map(Vec::as_slice).unwrap_or_default();
    let mut findings = judge(request, profile, signer.policy, subject, path);
    let is_key = |one: &Certificate| one.public_key_info() == request.public_key_info();
    if signer.authorities.values().filter_map(|bundle| bundle.first()).any(is_key) {
        findings.push(RequestFault::ReusedKey.finding(subject, path, "its key is that of a CA"));
    }
    let is_right = findings.is_empty();
    let not_after = end(asked, signer, bundle.first(), now, &mut findings);
    if !findings.is_empty() {
        return Err(if is_right { Refusal::Validity(findings) } else { Refusal::Request(findings) });
    }
    let template = CertificateTemplate {
        subject: request.subject().clone(),
        subject_alt_names: request.subject_alt_names().clone(),
        key_usages: leaf_key_usages(profile.version.as_ref(), request.key_kind()),
        extended_key_usages: profile.extended_key_usages.clone(),
        is_ca: false,
        other_extensions: Vec::new(),
        not_before: now - BACKDATE,
        not_after,
    };
    let place = path.unwrap_or(Path::new(""));
    let mut findings = judge_draft(subject, place, &template, Some(request.public_key_info()), bundle, now);
    for finding in findings.iter_mut().filter(|_| path.is_none()) {
        finding.path = None;
    }
    if findings.iter().any(Finding::is_critical) {
        return Err(Refusal::Worthless(findings));
    }
    Ok(Draft { template, findings })
}

/// The certificate's end.
fn end(
    asked: Asked<'_>,
    signer: &Signer<'_>,
    authority: Option<&Certificate>,
    now: DateTime<Utc>,
    findings: &mut Vec<Finding>,
) -> DateTime<Utc> {
    let Asked { profile, subject, path, .. } = asked;
    let mut refuse = |evidence: String| findings.push(RequestFault::Validity.finding(subject, path, evidence));
    let usual = asked.node.spec.as_ref().map_or(DEFAULT_VALIDITY, |spec| spec.certificate_validity);
    let validity = match (signer.validity, profile.max_validity) {
        (Some(validity), Some(longest)) if validity > longest => {
            refuse(format!(
                "a validity of {} hours is requested, and the policy allows at most {} hours",
                validity.num_hours(),
                longest.num_hours()
            ));
            validity
        }
        (Some(validity), _) => {
            if validity <= TimeDelta::zero() {
                refuse(format!("a validity of {} seconds is requested", validity.num_seconds()));
            }
            validity
        }
        (None, longest) => longest.map_or(usual, |longest| longest.min(usual)),
    };
    let wanted = now + validity;
    let authority_end = authority.map_or(wanted, Certificate::not_after);
    signer.outlive_authority.end(wanted, authority_end).unwrap_or_else(|| {
        let evidence = format!("it would be valid until {wanted}, its CA only until {authority_end}");
        let remedy = "ask for less (--days, --validity), or choose: --outlive-ca clamp or --outlive-ca allow";
        let finding = Finding::about(FindingCode::CertificateOutlivesAuthority, subject, evidence, remedy);
        findings.push(Finding { path: path.map(Path::to_owned), ..finding.as_bad_as(Severity::Critical) });
        wanted
    })
}
