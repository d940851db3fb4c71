//! The kubeconfig of a user: a person or a program from outside the node.
//!
//! In: what is asked for, the wanted cluster, the CA as read, now. Out: [`UserPlan`], which says all but key, serial
//! number and token. It makes no key and signs nothing.
//!
//! Source: kubeadm `cmd/kubeconfig.go` (`newCmdUserKubeConfig`), `phases/kubeconfig` (`WriteKubeConfigWithClientCert`,
//! `WriteKubeConfigWithToken`). Unlike kubeadm, a token needs no CA key, and names and times that make no sense are
//! refused.

mod error;
mod present;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use error::UserError;
pub use present::{Reason, Terms, Unfit, unfit};

use super::SignerOrder;
use super::generate::OutliveAuthority;
use crate::audit::authority::judge_authority;
use crate::audit::certificate::Thresholds;
use crate::audit::chain::judge_draft;
use crate::audit::{Finding, FindingCode, Severity};
use crate::catalogue::{CLUSTER_ADMINS, CLUSTER_CA, Layout, MASTERS, ServerRule, leaf_key_usages};
use crate::config::{ClusterSpec, url_fault};
use crate::error::Result;
use crate::inventory::Found;
use crate::key::Algorithm;
use crate::kubeconfig::{Client, ClientConfig, Kubeconfig};
use crate::policy::signer::Signer;
use crate::tree::Tree;
use crate::x509::{Certificate, CertificateTemplate, DistinguishedName, ExtendedKeyUsage, SubjectAltNames};

/// kubeadm warns of certificates that are valid for longer.
const RECOMMENDED_VALIDITY: TimeDelta = TimeDelta::hours(8760);

/// What a user shows to the API server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A certificate of the cluster's CA.
    #[default]
    Certificate,
    /// A bearer token.
    Token,
}

impl Credential {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Token => "token",
        }
    }
}

/// Who the user is, and how it is let in.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The user's name: the certificate's common name.
    pub name: String,
    /// The groups: the certificate's organizations, in the caller's order.
    pub organizations: Vec<String>,
    /// What it shows.
    pub credential: Credential,
    /// How long its certificate is valid.
    pub validity: TimeDelta,
    /// The kind of its key; the configuration's without one.
    pub algorithm: Option<Algorithm>,
    /// The API server's URL; the configuration's without one.
    pub server: Option<String>,
    /// Whether the group `system:masters` is meant.
    pub allow_masters: bool,
    /// What to do with a certificate that would outlive its CA.
    pub outlive_authority: OutliveAuthority,
    /// The signer of the cluster that is asked; without one the CA on the node signs.
    pub signer: Option<Signer>,
}

/// All that a user's kubeconfig will say but for key, serial number and token.
#[derive(Clone, Debug, PartialEq)]
pub struct UserPlan {
    /// The user's name.
    pub user: String,
    /// The API server's URL.
    pub server: String,
    /// The cluster's name.
    pub cluster_name: String,
    /// The key and the certificate; `None` for a token.
    pub certificate: Option<(Algorithm, CertificateTemplate)>,
    /// Who is asked for the certificate in the cluster.
    pub order: Option<SignerOrder>,
    /// What it will trust: all certificates of `ca.crt`, PEM.
    pub trusted: Vec<u8>,
    /// What should be looked at; a critical one stands against making it.
    pub findings: Vec<Finding>,
}

/// Plans the kubeconfig; `tree` holds `ca.crt`, and `ca.key` unless the user shows a token.
///
/// # Errors
/// [`UserError`] for a wish that makes no sense or is refused. A CA that cannot be used is a critical finding.
pub fn user(wish: &Wish, spec: &ClusterSpec, layout: &Layout, tree: &Tree, now: DateTime<Utc>) -> Result<UserPlan> {
    refuse_names(wish)?;
    let server = server(wish, spec)?;
    let pair = Found::pair(tree, layout.certificate(CLUSTER_CA), layout.key(CLUSTER_CA));
    let mut findings = judge_authority(CLUSTER_CA, &pair, tree, Thresholds::NONE, now);
    findings.retain(|finding| finding.severity != Severity::Info);
    let mut plan = UserPlan {
        user: wish.name.clone(),
        server,
        cluster_name: spec.cluster_name.clone(),
        certificate: None,
        order: None,
        trusted: pair.certificates.present().into_iter().flatten().flat_map(Certificate::to_pem).collect(),
        findings,
    };
    if wish.credential == Credential::Certificate {
        if pair.is_external() && wish.signer.is_none() {
            return Err(UserError::ExternalAuthority { path: pair.key_path.display().to_string() }.into());
        }
        if let Some(ca) = pair.certificate() {
            let algorithm = wish.algorithm.unwrap_or(spec.algorithm);
            let mut template = template(wish, ca, now, &mut plan.findings)?;
            template.key_usages = leaf_key_usages(spec.version().as_ref(), algorithm.as_str());
            let bundle = pair.certificates.present().map(Vec::as_slice).unwrap_or_default();
            plan.findings.extend(judge_draft(&wish.name, &pair.certificate_path, &template, None, bundle, now));
            plan.order = wish.signer.as_ref().map(|signer| order(signer, &template)).transpose()?;
            plan.certificate = Some((algorithm, template));
        }
        note_privileges(wish, &mut plan.findings);
    }
    Ok(plan)
}

fn order(signer: &Signer, template: &CertificateTemplate) -> Result<SignerOrder> {
    let usages =
        signer.usages(template).map_err(|why| UserError::Signer { signer: signer.as_str().to_owned(), why })?;
    Ok(SignerOrder { signer: signer.clone(), usages })
}

impl UserPlan {
    /// The kubeconfig with what the user shows.
    #[must_use]
    pub fn kubeconfig(&self, client: Client) -> Kubeconfig {
        Kubeconfig::new(&ClientConfig {
            cluster_name: &self.cluster_name,
            server: &self.server,
            certificate_authority_pem: Some(&self.trusted),
            user: &self.user,
            client,
        })
    }
}

/// Why `token` cannot be sent to an API server; `None` when it can.
///
/// Source: RFC 6750 section 2.1, read as tolerantly as an HTTP header allows.
#[must_use]
pub fn token_fault(token: &[u8]) -> Option<&'static str> {
    if token.is_empty() {
        return Some("it is empty");
    }
    (!token.iter().all(u8::is_ascii_graphic))
        .then_some("it holds a blank, a line break or a character that is not ASCII")
}

fn refuse_names(wish: &Wish) -> Result<()> {
    let groups = wish.organizations.iter().filter(|_| wish.credential == Credential::Certificate);
    let names = std::iter::once(("user", &wish.name)).chain(groups.clone().map(|group| ("group", group)));
    for (what, name) in names {
        if let Some(fault) = name_fault(name) {
            return Err(UserError::BadName { what, name: name.clone(), fault }.into());
        }
    }
    for group in groups {
        if group == MASTERS && !wish.allow_masters {
            return Err(UserError::Masters { group: group.clone() }.into());
        }
    }
    Ok(())
}

fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.trim() != name {
        Some("it begins or ends with a blank")
    } else if name.chars().any(char::is_control) {
        Some("it holds a control character")
    } else {
        None
    }
}

fn server(wish: &Wish, spec: &ClusterSpec) -> Result<String> {
    match &wish.server {
        None => Ok(ServerRule::ControlPlane.url(spec)),
        Some(server) if url_fault(server, true).is_none() => Ok(server.clone()),
        Some(server) => Err(UserError::BadServer { server: server.clone() }.into()),
    }
}

/// What the certificate says but for its key usages; valid from the same moment on as its CA, as kubeadm has it.
fn template(
    wish: &Wish,
    ca: &Certificate,
    now: DateTime<Utc>,
    findings: &mut Vec<Finding>,
) -> Result<CertificateTemplate> {
    let wanted = now
        .checked_add_signed(wish.validity)
        .filter(|end| *end > now && end.year() <= 9999)
        .ok_or(UserError::BadValidity { seconds: wish.validity.num_seconds() })?;
    let authority_end = ca.not_after();
    let not_after = match wish.outlive_authority {
        OutliveAuthority::Refuse if wanted > authority_end && authority_end > now => {
            return Err(UserError::OutlivesAuthority { not_after: wanted, authority_end }.into());
        }
        OutliveAuthority::Clamp => wanted.min(authority_end),
        OutliveAuthority::Refuse | OutliveAuthority::Allow => wanted,
    };
    let mut note = |code, evidence, remedy: &str| findings.push(Finding::about(code, &wish.name, evidence, remedy));
    if not_after > authority_end {
        note(
            FindingCode::CertificateOutlivesAuthority,
            format!("it ends on {not_after}, its CA already on {authority_end}"),
            "renew the CA before it expires: the certificate is useless from then on",
        );
    }
    if not_after - now > RECOMMENDED_VALIDITY {
        note(
            FindingCode::UserLongValidity,
            format!("its certificate is valid until {not_after}, for more than a year, and cannot be revoked"),
            "make it short-lived and make it again: --validity 720h",
        );
    }
    Ok(CertificateTemplate {
        subject: DistinguishedName::new(&wish.organizations, &wish.name)?,
        subject_alt_names: SubjectAltNames::default(),
        key_usages: Vec::new(),
        extended_key_usages: vec![ExtendedKeyUsage::ClientAuth],
        is_ca: false,
        not_before: ca.not_before(),
        not_after,
        other_extensions: Vec::new(),
    })
}

/// Says which names give more power than they may seem to.
fn note_privileges(wish: &Wish, findings: &mut Vec<Finding>) {
    for group in wish.organizations.iter().filter(|group| *group == MASTERS || *group == CLUSTER_ADMINS) {
        findings.push(Finding::about(
            FindingCode::UserPrivileged,
            &wish.name,
            format!("the group {group} may do everything in the cluster"),
            "give the file to nobody who needs less, and keep its validity short",
        ));
    }
    let named = std::iter::once(("user", &wish.name)).chain(wish.organizations.iter().map(|group| ("group", group)));
    for (what, name) in named.filter(|(_, name)| name.starts_with("system:") && *name != MASTERS) {
        findings.push(Finding::about(
            FindingCode::UserReservedName,
            &wish.name,
            format!("the {what} {name} is one of Kubernetes' own, with its powers"),
            "use a name without the prefix system:, and bind it to a role",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_surely_mistakes_are_faults() {
        for good in ["jane", "system:node:cp1", "Jürgen Müller", "a@b.example", "kubeadm:cluster-admins"] {
            assert_eq!(name_fault(good), None, "{good}");
        }
        for bad in ["", " ", " b", "b ", "a\nb", "\u{7f}"] {
            assert!(name_fault(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_token_is_one_word() {
        for good in ["abcdef.0123456789abcdef", "eyJhbGciOi.J9-_~+/=="] {
            assert_eq!(token_fault(good.as_bytes()), None, "{good}");
        }
        for bad in ["", "a b", "a\n", "ä", "\u{7f}"] {
            assert!(token_fault(bad.as_bytes()).is_some(), "{bad:?}");
        }
    }
}
