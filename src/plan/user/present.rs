//! Whether the kubeconfig that a user has will do.
//!
//! In: the kubeconfig that is there, with the files that it names; the [`UserPlan`] of the one that is wanted; now. Out: why it
//! is not kept, and what can be shown of it. A reason never holds a key or a token.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::UserPlan;
use crate::audit::Finding;
use crate::audit::certificate::Thresholds;
use crate::audit::kubeconfig::{ExpectedKubeconfig, judge_kubeconfig};
use crate::catalogue::beside;
use crate::inventory::{Client, Expectation};
use crate::kubeconfig::{Current, KubeconfigError};
use crate::plan::words::words;
use crate::secret::Secret;
use crate::text::duration;
use crate::tree::Tree;
use crate::x509::{Certificate, CertificateTemplate, read_certificates};

words! {
    /// What stands against keeping a kubeconfig.
    Unfit {
        /// There is none.
        Missing = "missing",
        /// It is to be made again, whatever is there.
        Forced = "forced",
        /// Clients cannot use it.
        Unusable = "unusable",
        /// It names another API server.
        OtherServer = "other_server",
        /// It trusts other CAs.
        OtherAuthority = "other_authority",
        /// Its token is another.
        OtherToken = "other_token",
        /// It shows something else besides, or instead.
        OtherCredential = "other_credential",
        /// It has no client certificate that can be read.
        NoCertificate = "no_certificate",
        /// Its certificate is another user's, or names other groups.
        OtherUser = "other_user",
        /// Its certificate ends soon.
        EndsSoon = "ends_soon",
        /// Others than its owner can read its key or token.
        ReadableByOthers = "readable_by_others",
    }
}

/// Why a kubeconfig is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// In one word.
    pub word: Unfit,
    /// In one sentence.
    pub text: String,
}

impl Reason {
    /// A reason that needs no evidence.
    #[must_use]
    pub fn of(word: Unfit) -> Self {
        let text = match word {
            Unfit::Missing => "missing",
            Unfit::Forced => "forced",
            Unfit::Unusable => "clients cannot use it",
            Unfit::OtherServer => "it is for another server",
            Unfit::OtherAuthority => "it trusts another CA",
            Unfit::OtherToken => "it has another token",
            Unfit::OtherCredential => "its user shows something else, or more than one thing",
            Unfit::NoCertificate => "it has no client certificate that can be read",
            Unfit::OtherUser => "it is for another user or other groups",
            Unfit::EndsSoon => "it ends soon",
            Unfit::ReadableByOthers => "others than its owner can read it",
        };
        Self { word, text: text.to_owned() }
    }
}

/// What is asked for beside the plan.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The token that it must have.
    pub token: Option<&'a Secret>,
    /// Its certificate must not end within this time.
    pub renew_before: TimeDelta,
    /// The moment.
    pub now: DateTime<Utc>,
}

/// Why the kubeconfig at `path` is not kept; `None` when it is. `tree` has it, and the files that it names.
#[must_use]
pub fn unfit(
    client: Result<&Client, &KubeconfigError>,
    path: &Path,
    tree: &Tree,
    plan: &UserPlan,
    terms: &Terms<'_>,
) -> Option<Reason> {
    let unusable = |error: &KubeconfigError| Reason { word: Unfit::Unusable, text: error.to_string() };
    let client = match client {
        Ok(client) => client,
        Err(error) => return Some(unusable(error)),
    };
    let current = match client.document.current() {
        Ok(current) => current,
        Err(error) => return Some(unusable(&error)),
    };
    let reason = of_cluster(&current, path, tree, plan).or_else(|| match (&plan.certificate, terms.token) {
        (Some((_, template)), _) => of_certificate(client, &current, template, terms),
        (None, token) => of_token(&current, token),
    });
    if let Some(word) = reason {
        let text = match word {
            Unfit::EndsSoon => {
                let within = u64::try_from(terms.renew_before.num_seconds()).unwrap_or_default();
                format!("it ends within {}", duration(within))
            }
            word => return Some(Reason::of(word)),
        };
        return Some(Reason { word, text });
    }
    // What a check would find critical: another key, a certificate that has ended or that another CA signed.
    let trusted = read_certificates(&plan.trusted).unwrap_or_default();
    let usages = plan.certificate.as_ref().map(|(_, template)| template.extended_key_usages.as_slice());
    let client_expectation = Expectation::usages(usages.unwrap_or_default());
    let expected = ExpectedKubeconfig { client: client_expectation, server: None, trusted: &trusted };
    let findings = judge_kubeconfig(&plan.user, path, Some(Ok(client)), tree, &expected, Thresholds::NONE, terms.now);
    let fault = findings.into_iter().find(Finding::is_critical)?;
    Some(Reason { word: Unfit::Unusable, text: fault.evidence })
}

fn of_cluster(current: &Current<'_>, path: &Path, tree: &Tree, plan: &UserPlan) -> Option<Unfit> {
    if current.server != Some(plan.server.as_str()) {
        return Some(Unfit::OtherServer);
    }
    let trusted = match (&current.certificate_authority_data, current.certificate_authority) {
        (Some(data), _) => Some(data.as_slice()),
        (None, named) => named.and_then(|named| tree.content(&beside(path, named))),
    };
    let ders = |pem: &[u8]| -> Option<Vec<Vec<u8>>> {
        Some(read_certificates(pem).ok()?.iter().map(|one: &Certificate| one.as_der().to_vec()).collect())
    };
    (trusted.and_then(ders) != ders(&plan.trusted)).then_some(Unfit::OtherAuthority)
}

fn of_token(current: &Current<'_>, token: Option<&Secret>) -> Option<Unfit> {
    let shows_certificate = current.client_certificate_data.is_some() || current.client_certificate.is_some();
    if current.token.as_ref() == token {
        (shows_certificate || !current.other_credentials.is_empty()).then_some(Unfit::OtherCredential)
    } else {
        Some(Unfit::OtherToken)
    }
}

fn of_certificate(
    client: &Client,
    current: &Current<'_>,
    wanted: &CertificateTemplate,
    terms: &Terms<'_>,
) -> Option<Unfit> {
    let Some(certificate) = client.certified().and_then(|found| found.certificate()) else {
        return Some(Unfit::NoCertificate);
    };
    if current.token.is_some() || !current.other_credentials.is_empty() {
        return Some(Unfit::OtherCredential);
    }
    let sorted = |mut groups: Vec<String>| {
        groups.sort_unstable();
        groups.dedup();
        groups
    };
    let is_same = certificate.subject().common_name() == wanted.subject.common_name()
        && sorted(certificate.subject().organizations()) == sorted(wanted.subject.organizations());
    if !is_same {
        return Some(Unfit::OtherUser);
    }
    // Beside a CA that ends soon a new certificate ends no later, and making it at every run helps nobody.
    let ends_soon = certificate.not_after() - terms.now <= terms.renew_before;
    (ends_soon && certificate.not_after() < wanted.not_after).then_some(Unfit::EndsSoon)
}
